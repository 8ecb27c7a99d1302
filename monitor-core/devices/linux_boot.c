/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/devices/linux_boot.h"

#include "monitor-core/devices/power.h"
#include "monitor-core/space.h"

/* Where things lie below 640 KiB. */
enum { GDT = 0x1000, PARAMS = 0x2000, COMMAND_LINE = 0x3000, PML4 = 0x4000, PDPT = 0x5000, DIRECTORIES = 0x6000 };
enum { PAGE = 4096, LOW_END = 0xa0000, HIGH_START = 0x100000, GIB_SHIFT = 30, MAPPED_GIB = 4 };

/* Offsets in the image's setup header, which are those in boot_params as well. */
enum {
    SETUP_SECTS = 0x1f1,
    VIDEO_MODE = 0x1fa,
    BOOT_FLAG = 0x1fe,
    HEADER_LENGTH = 0x201,
    HEADER = 0x202,
    VERSION = 0x206,
    LOADER = 0x210,
    LOAD_FLAGS = 0x211,
    RAMDISK = 0x218,
    RAMDISK_SIZE = 0x21c,
    COMMAND_LINE_AT = 0x228,
    INITRD_MAX = 0x22c,
    XLOAD_FLAGS = 0x236,
    COMMAND_LINE_MAX = 0x238,
    SETUP_DATA = 0x250,
    PREFERRED = 0x258,
    INIT_SIZE = 0x260,
    HEADER_NEEDED = 0x264, /* all of the above */
    HEADER_MAX = 0x290     /* what follows in boot_params is not the header's */
};

/* Of boot_params alone. */
enum { RSDP = 0x070, MAP_COUNT = 0x1e8, MAP = 0x2d0, MAP_ENTRY = 20 };
enum { MAP_RAM = 1, MAP_ACPI = 3 };

enum { LOADER_OTHER = 0xff, LOADED_HIGH = 1, XLF_KERNEL_64 = 1, VIDEO_NORMAL = 0xffff, ENTRY_64 = 0x200, SECTOR = 512 };
enum { VERSION_NEEDED = 0x020c };

/* What the header says, checked. */
struct image {
    uint64_t payload, size; /* protected-mode part: offset in the file, bytes */
    uint64_t address, need; /* where it goes, and the bytes it uses there until it runs */
    uint64_t initrd_limit;
    uint32_t command_line_max;
};

static uint64_t get(const unsigned char *p, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static void put(unsigned char *p, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        p[i] = (unsigned char)(value >> (8 * i));
}

static int refuse(const char **why, int err, const char *text)
{
    *why = text;
    return err;
}

static int read_header(const struct linux_boot *b, struct image *i, const char **why)
{
    const unsigned char *k = b->kernel;
    if (!k || b->kernel_size < HEADER_NEEDED || get(k + BOOT_FLAG, 2) != 0xaa55 || get(k + HEADER, 4) != 0x53726448)
        return refuse(why, ERR_INVAL, "not a Linux bzImage");
    if (get(k + VERSION, 2) < VERSION_NEEDED)
        return refuse(why, ERR_INVAL, "the kernel's boot protocol is older than 2.12");
    if (!(k[LOAD_FLAGS] & LOADED_HIGH) || !(get(k + XLOAD_FLAGS, 2) & XLF_KERNEL_64))
        return refuse(why, ERR_INVAL, "the kernel has no 64-bit entry point");
    i->payload = ((uint64_t)(k[SETUP_SECTS] ? k[SETUP_SECTS] : 4) + 1) * SECTOR;
    if (i->payload >= b->kernel_size || b->kernel_size - i->payload <= ENTRY_64)
        return refuse(why, ERR_INVAL, "the kernel's file is cut off");
    i->size = b->kernel_size - i->payload;
    i->address = get(k + PREFERRED, 8);
    i->need = get(k + INIT_SIZE, 4);
    if (i->need < i->size)
        i->need = i->size;
    i->initrd_limit = get(k + INITRD_MAX, 4) + 1;
    i->command_line_max = (uint32_t)get(k + COMMAND_LINE_MAX, 4);
    return 0;
}

/* End of the memory below the hole. */
static uint64_t low_memory(uint64_t memory)
{
    return memory < SPACE_HOLE ? memory : SPACE_HOLE;
}

static int place_kernel(const struct linux_boot *b, const struct image *i, const char **why)
{
    uint64_t end = low_memory(b->memory);
    if (i->address < HIGH_START || i->address % PAGE)
        return refuse(why, ERR_INVAL, "the kernel wants to be where no kernel can be");
    if (i->address >= end || i->need > end - i->address)
        return refuse(why, ERR_NOMEM, "the kernel does not fit into the VM's memory; give it more");
    return 0;
}

/* As high as it may be: what the kernel unpacks grows upwards from its own end. */
static int place_initrd(const struct linux_boot *b, const struct image *i, uint64_t *at, const char **why)
{
    uint64_t end = low_memory(b->memory);
    *at = 0;
    if (!b->initrd || b->initrd_size == 0)
        return 0;
    if (i->initrd_limit < end)
        end = i->initrd_limit;
    if (b->initrd_size <= end)
        *at = (end - b->initrd_size) & ~(uint64_t)(PAGE - 1);
    if (*at < i->address + i->need)
        return refuse(why, ERR_NOMEM, "the initrd does not fit into the VM's memory beside the kernel; give it more");
    return 0;
}

static size_t length(const char *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

static int write_command_line(const struct linux_boot *b, const struct image *i, const struct device_host *host,
                              const char **why)
{
    size_t n = length(b->command_line);
    if (n >= PAGE || n > i->command_line_max)
        return refuse(why, ERR_INVAL, "the command line is longer than the kernel takes");
    return host->write(host->context, COMMAND_LINE, b->command_line, n + 1);
}

/* The first 4 GiB one to one in pages of 2 MiB. */
static int write_page_tables(const struct device_host *host)
{
    enum { PRESENT_WRITE = 3, LARGE = 0x80, ENTRIES = 512, LARGE_SHIFT = 21 };
    unsigned char table[PAGE] = {0};
    put(table, 8, PDPT | PRESENT_WRITE);
    int err = host->write(host->context, PML4, table, PAGE);
    for (unsigned g = 0; g < MAPPED_GIB; g++)
        put(table + 8 * g, 8, (DIRECTORIES + g * PAGE) | PRESENT_WRITE);
    err = err ? err : host->write(host->context, PDPT, table, PAGE);
    for (unsigned g = 0; g < MAPPED_GIB; g++) {
        for (unsigned e = 0; e < ENTRIES; e++)
            put(table + 8 * e, 8, (uint64_t)g << GIB_SHIFT | (uint64_t)e << LARGE_SHIFT | LARGE | PRESENT_WRITE);
        err = err ? err : host->write(host->context, DIRECTORIES + g * PAGE, table, PAGE);
    }
    return err;
}

/* Flat segments at the selectors that the protocol names: code at 0x10, data at 0x18. */
static int write_gdt(const struct device_host *host)
{
    unsigned char gdt[32] = {0};
    put(gdt + 16, 8, UINT64_C(0x00af9b000000ffff));
    put(gdt + 24, 8, UINT64_C(0x00cf93000000ffff));
    return host->write(host->context, GDT, gdt, sizeof gdt);
}

/* Where a BIOS begins after a reset. With hardware-reduced ACPI and no EFI, Linux restarts by jumping there in real
 * mode; so there is just enough of one to reach the reset register: mov dx, port; mov al, value; out dx, al; hlt; jmp
 * back. */
static int write_reset_vector(const struct device_host *host)
{
    enum { RESET_VECTOR = 0xffff0, PORT = POWER_BASE + POWER_RESET };
    static const unsigned char code[] = {0xba, PORT & 0xff, PORT >> 8, 0xb0, POWER_RESET_VALUE, 0xee, 0xf4, 0xeb, 0xfd};
    return host->write(host->context, RESET_VECTOR, code, sizeof code);
}

static void add_range(unsigned char *params, uint64_t start, uint64_t size, uint32_t type)
{
    unsigned char *entry = params + MAP + MAP_ENTRY * params[MAP_COUNT];
    if (size == 0)
        return;
    put(entry, 8, start);
    put(entry + 8, 8, size);
    put(entry + 16, 4, type);
    params[MAP_COUNT]++;
}

static void write_map(const struct linux_boot *b, unsigned char *params)
{
    uint64_t low = low_memory(b->memory);
    add_range(params, 0, LOW_END, MAP_RAM);
    add_range(params, b->rsdp, b->rsdp_size, MAP_ACPI);
    add_range(params, HIGH_START, low - HIGH_START, MAP_RAM);
    add_range(params, SPACE_HIGH, b->memory - low, MAP_RAM);
}

static int write_params(const struct linux_boot *b, const struct device_host *host, uint64_t initrd)
{
    unsigned char params[PAGE] = {0};
    size_t end = HEADER + (size_t)b->kernel[HEADER_LENGTH];
    if (end < HEADER_NEEDED)
        end = HEADER_NEEDED;
    if (end > HEADER_MAX)
        end = HEADER_MAX;
    if (end > b->kernel_size)
        end = b->kernel_size;
    __builtin_memcpy(params + SETUP_SECTS, b->kernel + SETUP_SECTS, end - SETUP_SECTS);
    put(params + VIDEO_MODE, 2, VIDEO_NORMAL);
    params[LOADER] = LOADER_OTHER;
    params[LOAD_FLAGS] = LOADED_HIGH;
    put(params + RAMDISK, 4, initrd);
    put(params + RAMDISK_SIZE, 4, initrd ? b->initrd_size : 0);
    put(params + COMMAND_LINE_AT, 4, COMMAND_LINE);
    put(params + SETUP_DATA, 8, 0);
    put(params + RSDP, 8, b->rsdp);
    write_map(b, params);
    return host->write(host->context, PARAMS, params, PAGE);
}

static int write_images(const struct linux_boot *b, const struct image *i, const struct device_host *host,
                        uint64_t initrd)
{
    int err = host->write(host->context, i->address, b->kernel + i->payload, (size_t)i->size);
    if (!err && initrd)
        err = host->write(host->context, initrd, b->initrd, b->initrd_size);
    return err;
}

int linux_boot_load(const struct linux_boot *b, const struct device_host *host, struct linux_entry *entry,
                    const char **why)
{
    struct image i;
    uint64_t initrd;
    int err = read_header(b, &i, why);
    if (!err)
        err = place_kernel(b, &i, why);
    if (!err)
        err = place_initrd(b, &i, &initrd, why);
    if (err)
        return err;
    *why = "the VM's memory cannot be written";
    err = write_command_line(b, &i, host, why);
    if (!err)
        err = write_images(b, &i, host, initrd);
    if (!err)
        err = write_page_tables(host);
    if (!err)
        err = write_gdt(host);
    if (!err)
        err = write_reset_vector(host);
    if (!err)
        err = write_params(b, host, initrd);
    if (err)
        return err;
    *why = "";
    *entry = (struct linux_entry){.rip = i.address + ENTRY_64, .rsi = PARAMS, .cr3 = PML4, .gdt = GDT};
    return 0;
}
