/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/launch/linux_boot.h"

#include "monitor-core/devices/power.h"
#include "monitor-core/space.h"

/* Where things lie below 640 KiB. */
enum { GDT = 0x1000, PARAMS = 0x2000, COMMAND_LINE = 0x3000, PML4 = 0x4000, PDPT = 0x5000, RESET_VECTOR = 0xffff0 };
enum { PAGE = 4096, LOW_END = 0xa0000, HIGH_START = 0x100000 };

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

/* The first 4 GiB one to one, in pages of 1 GiB: every CPU with nested paging has them. */
enum { PRESENT_WRITE = 3, GIB_PAGE = 0x80 | PRESENT_WRITE };
static const uint64_t pml4[] = {PDPT | PRESENT_WRITE};
static const uint64_t pdpt[] = {GIB_PAGE, 0x40000000 | GIB_PAGE, 0x80000000 | GIB_PAGE, 0xc0000000 | GIB_PAGE};

/* Flat segments at the selectors that the protocol names: code at 0x10, data at 0x18. */
static const uint64_t gdt[] = {0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff};

/* Where a BIOS begins after a reset. With hardware-reduced ACPI and no EFI, Linux restarts by jumping there in real
 * mode; so there is just enough of one to reach the reset register: mov dx, port; mov al, value; out dx, al; hlt; jmp
 * back. */
enum { PORT = POWER_BASE + POWER_RESET };
static const unsigned char bios[] = {0xba, PORT & 0xff, PORT >> 8, 0xb0, POWER_RESET_VALUE, 0xee, 0xf4, 0xeb, 0xfd};

/* Where the parts of the kernel's file and the initrd go. */
struct layout {
    uint64_t payload, size; /* protected-mode part: offset in the file, bytes */
    uint64_t address, end;  /* where it goes, and the end of what it uses there until it runs */
    uint64_t low;           /* end of the memory below the hole */
    uint64_t initrd;        /* 0: none */
    size_t command_line;    /* its length */
};

static uint64_t get(const unsigned char *p, unsigned size)
{
    uint64_t value = 0;
    __builtin_memcpy(&value, p, size);
    return value;
}

static void put(unsigned char *p, unsigned size, uint64_t value)
{
    __builtin_memcpy(p, &value, size);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static const char *place_kernel(const struct linux_boot *b, struct layout *l)
{
    const unsigned char *k = b->kernel;
    if (!k || b->kernel_size < HEADER_NEEDED || get(k + BOOT_FLAG, 2) != 0xaa55 || get(k + HEADER, 4) != 0x53726448)
        return "not a Linux bzImage";
    if (get(k + VERSION, 2) < VERSION_NEEDED)
        return "the kernel's boot protocol is older than 2.12";
    if (!(k[LOAD_FLAGS] & LOADED_HIGH) || !(k[XLOAD_FLAGS] & XLF_KERNEL_64))
        return "the kernel has no 64-bit entry point";
    l->payload = ((uint64_t)(k[SETUP_SECTS] ? k[SETUP_SECTS] : 4) + 1) * SECTOR;
    if (b->kernel_size <= l->payload + ENTRY_64)
        return "the kernel's file is cut off";
    l->size = b->kernel_size - l->payload;
    l->address = get(k + PREFERRED, 8);
    if (l->address < HIGH_START || l->address % PAGE)
        return "the kernel wants to be where no kernel can be";
    uint64_t init = get(k + INIT_SIZE, 4), need = init > l->size ? init : l->size;
    l->low = least(b->memory, SPACE_HOLE);
    l->end = l->address + need;
    if (l->address >= l->low || need > l->low - l->address)
        return "the kernel does not fit into the VM's memory; give it more";
    return NULL;
}

/* As high as it may be: what the kernel unpacks grows upwards from its own end. */
static const char *place_rest(const struct linux_boot *b, struct layout *l)
{
    uint64_t end = least(l->low, get(b->kernel + INITRD_MAX, 4) + 1);
    l->initrd = l->command_line = 0;
    if (b->initrd && b->initrd_size) {
        l->initrd = b->initrd_size <= end ? (end - b->initrd_size) & ~(uint64_t)(PAGE - 1) : 0;
        if (l->initrd < l->end)
            return "the initrd does not fit into the VM's memory beside the kernel; give it more";
    }
    while (b->command_line[l->command_line])
        l->command_line++;
    if (l->command_line >= PAGE || l->command_line > get(b->kernel + COMMAND_LINE_MAX, 4))
        return "the command line is longer than the kernel takes";
    return NULL;
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

/* The file's header with what the loader has to say. */
static void fill_params(const struct linux_boot *b, const struct layout *l, unsigned char *params)
{
    size_t end = HEADER + (size_t)b->kernel[HEADER_LENGTH];
    if (end < HEADER_NEEDED)
        end = HEADER_NEEDED;
    end = least(end, least(HEADER_MAX, b->kernel_size));
    __builtin_memcpy(params + SETUP_SECTS, b->kernel + SETUP_SECTS, end - SETUP_SECTS);
    put(params + VIDEO_MODE, 2, VIDEO_NORMAL);
    params[LOADER] = LOADER_OTHER;
    params[LOAD_FLAGS] = LOADED_HIGH;
    put(params + RAMDISK, 4, l->initrd);
    put(params + RAMDISK_SIZE, 4, l->initrd ? b->initrd_size : 0);
    put(params + COMMAND_LINE_AT, 4, COMMAND_LINE);
    put(params + SETUP_DATA, 8, 0);
    put(params + RSDP, 8, b->rsdp);
    add_range(params, 0, LOW_END, MAP_RAM);
    add_range(params, b->rsdp, b->rsdp_size, MAP_ACPI);
    add_range(params, HIGH_START, l->low - HIGH_START, MAP_RAM);
    add_range(params, SPACE_HIGH, b->memory - l->low, MAP_RAM);
}

const char *linux_boot_load(const struct linux_boot *b, const struct device_host *host, struct linux_entry *entry)
{
    unsigned char params[PAGE] = {0};
    struct layout l;
    const char *why = place_kernel(b, &l);
    why = why ? why : place_rest(b, &l);
    if (why)
        return why;
    fill_params(b, &l, params);
    const struct {
        uint64_t gpa;
        const void *bytes;
        size_t size;
    } parts[] = {{GDT, gdt, sizeof gdt},
                 {PARAMS, params, sizeof params},
                 {COMMAND_LINE, b->command_line, l.command_line},
                 {PML4, pml4, sizeof pml4},
                 {PDPT, pdpt, sizeof pdpt},
                 {RESET_VECTOR, bios, sizeof bios},
                 {l.address, b->kernel + l.payload, l.size},
                 {l.initrd, b->initrd, l.initrd ? b->initrd_size : 0}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].size && host->write(host->context, parts[i].gpa, parts[i].bytes, parts[i].size))
            return "the VM's memory cannot be written";
    *entry = (struct linux_entry){.rip = l.address + ENTRY_64, .rsi = PARAMS, .cr3 = PML4, .gdt = GDT};
    return NULL;
}
