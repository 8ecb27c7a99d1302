/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Kernels put into memory, read back as the boot protocol says (Documentation/arch/x86/boot.rst, zero-page.rst).
 */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "monitor-core/launch/linux_boot.h"
#include "tests/monitor/config/image.h"
#include "tests/monitor/devices/fake.h"

enum { MIB = 1 << 20 };
#define GIB UINT64_C(0x40000000)

static unsigned char image[IMAGE_SIZE], initrd[5000];
static struct fake fake;
static struct linux_boot boot;
static struct linux_entry entry;
static const char *why;

static void setup(void)
{
    image_make(image);
    for (unsigned i = 0; i < sizeof initrd; i++)
        initrd[i] = (unsigned char)(i * 11 + 5);
    fake_init(&fake, 64 * MIB);
    boot = (struct linux_boot){image,    initrd,  sizeof image, sizeof initrd, "console=ttyS0 quiet",
                               64 * MIB, 0xe0000, 0x4000};
}

static void teardown(void)
{
    fake_free(&fake);
}

TestSuite(linux_boot, .init = setup, .fini = teardown);

/* Into memory that is zeroed, as a VM's is. */
static bool load(void)
{
    if (fake.writes)
        memset(fake.ram, 0, fake.size);
    fake.writes = 0;
    why = linux_boot_load(&boot, &fake.host, &entry);
    return !why;
}

static uint64_t params(unsigned at, unsigned size)
{
    return fake_get(fake.ram + entry.rsi + at, size);
}

/* Where a virtual address leads by the tables at cr3, as the CPU walks them. */
static uint64_t translate(uint64_t address)
{
    uint64_t table = entry.cr3, e = 0;
    for (unsigned shift = 39; shift >= 30; shift -= 9) {
        e = fake_get(fake.ram + table + 8 * (address >> shift & 511), 8);
        cr_assert_eq(e & 3, 3, "present and writable at %#lx", address);
        cr_assert_eq(e >> 7 & 1, shift == 30, "large at the last level only");
        table = e & 0x000ffffffffff000;
    }
    return table + (address & 0x3fffffff);
}

Test(linux_boot, kernel_is_where_it_wants_to_be)
{
    cr_assert(load(), "%s", why);
    cr_assert_eq(entry.rip, 0x1000200);
    cr_assert_arr_eq(fake.ram + 0x1000000, image + 512 * 3, 2048);
    cr_assert_eq(fake.ram[0x1000000 + 2048], 0);
}

Test(linux_boot, params)
{
    cr_assert(load(), "%s", why);
    cr_assert_eq(params(0x1f1, 1), 2);
    cr_assert_eq(params(0x1ef, 1), 0, "the sentinel");
    cr_assert_eq(params(0x1fa, 2), 0xffff);
    cr_assert_eq(params(0x1fe, 2), 0xaa55);
    cr_assert_eq(params(0x202, 4), 0x53726448);
    cr_assert_eq(params(0x206, 2), 0x020f);
    cr_assert_eq(params(0x210, 1), 0xff);
    cr_assert_eq(params(0x211, 1), 0x01);
    cr_assert_eq(params(0x214, 4), 0x100000, "copied");
    cr_assert_eq(params(0x250, 8), 0);
    cr_assert_eq(params(0x258, 8), 0x1000000);
    cr_assert_eq(params(0x264, 4), 0xabcd, "the last field of this header");
    cr_assert_eq(params(0x268, 4), 0, "nothing of what follows it");
    cr_assert_eq(params(0x000, 4), 0, "no screen");
    cr_assert_eq(params(0x070, 8), 0xe0000, "RSDP");
    cr_assert_eq(params(0x0c0, 8), 0, "initrd below 4 GiB");
    cr_assert_eq(params(0x0c8, 4), 0);
    cr_assert_str_eq((char *)fake.ram + params(0x228, 4), "console=ttyS0 quiet");
}

Test(linux_boot, initrd_is_as_high_as_it_may)
{
    cr_assert(load(), "%s", why);
    cr_assert_eq(params(0x218, 4), 64 * MIB - 8192, "5000 bytes take two pages");
    cr_assert_eq(params(0x21c, 4), 5000);
    cr_assert_arr_eq(fake.ram + 64 * MIB - 8192, initrd, 5000);
    fake_put(image + 0x22c, 4, 0x2ffffff);
    cr_assert(load(), "%s", why);
    cr_assert_eq(params(0x218, 4), 48 * MIB - 8192);
    boot.initrd_size = 0;
    cr_assert(load(), "%s", why);
    cr_assert_eq(params(0x218, 8), 0);
    boot.initrd = NULL;
    boot.initrd_size = 7;
    cr_assert(load(), "%s", why);
    cr_assert_eq(params(0x218, 8), 0);
}

Test(linux_boot, page_tables_map_4_gib_one_to_one)
{
    cr_assert(load(), "%s", why);
    for (uint64_t a = 0; a < 4 * GIB; a += 2 * MIB)
        cr_assert_eq(translate(a + 0x1234), a + 0x1234);
    cr_assert_eq(fake_get(fake.ram + entry.cr3 + 8, 8), 0);
}

Test(linux_boot, segments)
{
    cr_assert(load(), "%s", why);
    cr_assert_eq(fake_get(fake.ram + entry.gdt, 8), 0);
    uint64_t code = fake_get(fake.ram + entry.gdt + 0x10, 8), data = fake_get(fake.ram + entry.gdt + 0x18, 8);
    /* present, ring 0, code/data; executable and readable; long; writable */
    cr_assert_eq(code >> 40 & 0xfe, 0x9a);
    cr_assert_eq(code >> 53 & 3, 1, "L and not D");
    cr_assert_eq(data >> 40 & 0xfe, 0x92);
    cr_assert_eq(data & 0x000f00000000ffff, 0x000f00000000ffff);
    cr_assert_eq(data >> 55 & 1, 1, "limit in pages");
}

/* mov $0x602, %dx; mov $0x42, %al; out %al, %dx; then hlt for ever, at f000:fff0 */
Test(linux_boot, the_reset_vector_resets)
{
    cr_assert(load(), "%s", why);
    cr_assert_arr_eq(fake.ram + 0xffff0, "\xba\x02\x06\xb0\x42\xee\xf4\xeb\xfd", 9);
}

struct range {
    uint64_t start, size;
    uint32_t type;
};

static void same_map(const struct range *want, unsigned n)
{
    cr_assert_eq(params(0x1e8, 1), n);
    for (unsigned i = 0; i < n; i++) {
        cr_assert_eq(params(0x2d0 + 20 * i, 8), want[i].start);
        cr_assert_eq(params(0x2d8 + 20 * i, 8), want[i].size);
        cr_assert_eq(params(0x2e0 + 20 * i, 4), want[i].type);
    }
}

Test(linux_boot, memory_map)
{
    static const struct range small[] = {{0, 0xa0000, 1}, {0xe0000, 0x4000, 3}, {0x100000, 63 * MIB, 1}};
    cr_assert(load(), "%s", why);
    same_map(small, 3);
}

/* The hole from 3 to 4 GiB: the rest of the memory follows. Only the low end of it exists in this test. */
Test(linux_boot, memory_map_with_the_hole)
{
    static const struct range large[] = {
        {0, 0xa0000, 1}, {0xe0000, 0x4000, 3}, {0x100000, 3 * GIB - MIB, 1}, {4 * GIB, 2 * GIB, 1}};
    boot.memory = 5 * GIB;
    boot.initrd = NULL;
    cr_assert(load(), "%s", why);
    same_map(large, 4);
    boot.memory = 3 * GIB;
    cr_assert(load(), "%s", why);
    same_map(large, 3);
    boot.initrd = initrd;
    fake_put(image + 0x22c, 4, 0xffffffff);
    cr_assert(!load(), "just below the hole, where this test has no memory");
    fake_put(image + 0x22c, 4, 0x3ffffff);
    cr_assert(load());
}

Test(linux_boot, memory_is_used_up_to_the_last_page)
{
    /* kernel 16..17 MiB, initrd two pages */
    boot.memory = 17 * MIB + 8192;
    cr_assert(load(), "%s", why);
    cr_assert_eq(params(0x218, 4), 17 * MIB);
    boot.memory -= 4096;
    cr_assert(!load());
    cr_assert(strstr(why, "initrd"));
    boot.initrd = NULL;
    boot.memory = 17 * MIB;
    cr_assert(load(), "%s", why);
    boot.memory--;
    cr_assert(!load());
    cr_assert(strstr(why, "kernel"));
    boot.memory = 0;
    cr_assert(!load());
}

Test(linux_boot, initrd_larger_than_everything)
{
    boot.initrd_size = SIZE_MAX;
    cr_assert(!load());
    boot.initrd_size = 64 * MIB;
    cr_assert(!load());
    cr_assert_eq(fake.writes, 0, "nothing is written before all is known to fit");
}

Test(linux_boot, command_line_length)
{
    char text[300];
    memset(text, 'x', sizeof text);
    text[255] = 0;
    boot.command_line = text;
    cr_assert(load(), "%s", why);
    text[255] = 'x';
    text[256] = 0;
    cr_assert(!load());
    cr_assert(strstr(why, "command line"));
    fake_put(image + 0x238, 4, UINT32_MAX);
    static char longer[4097];
    memset(longer, 'x', 4096);
    boot.command_line = longer;
    cr_assert(!load(), "it has a page");
    longer[4095] = 0;
    cr_assert(load());
}

/* Each lie by itself. */
Test(linux_boot, headers_that_lie)
{
    static const struct {
        unsigned at, size;
        uint64_t value;
        bool good;
    } lies[] = {
        {0x1fe, 2, 0x55aa, false},
        {0x202, 4, 0x48647253, false},
        {0x206, 2, 0x020b, false},
        {0x206, 2, 0x020c, true},
        {0x206, 2, 0xffff, true},
        {0x211, 1, 0x80, false},     /* a zImage */
        {0x236, 2, 0x00fe, false},   /* no 64-bit entry */
        {0x1f1, 1, 255, false},      /* setup beyond the file */
        {0x1f1, 1, 6, false},        /* ends with the file */
        {0x1f1, 1, 5, false},        /* no byte at the entry point */
        {0x1f1, 1, 0, true},         /* means 4: 1024 bytes remain */
        {0x258, 8, 0, false},        /* on the tables */
        {0x258, 8, 0xff000, false},  /* below 1 MiB */
        {0x258, 8, 0x100001, false}, /* not on a page */
        {0x258, 8, 0x100000, true},
        {0x258, 8, 0x4000000, false}, /* at the end of memory */
        {0x258, 8, 0x3ffffffffff000, false},
        {0x258, 8, 0xfffffffffffff000, false},
        {0x260, 4, 0xffffffff, false},
        {0x260, 4, 0, true},  /* the file's own size counts */
        {0x22c, 4, 0, false}, /* no initrd anywhere */
        {0x22c, 4, 0xfff, false},
        {0x22c, 4, 0x1100fff, false}, /* only one page after the kernel */
        {0x22c, 4, 0x1101fff, true},
        {0x238, 4, 3, false},   /* command line of 3 */
        {0x201, 1, 0xff, true}, /* header far beyond its room in boot_params */
        {0x201, 1, 0, true},
    };
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        image_make(image);
        fake_put(image + lies[i].at, lies[i].size, lies[i].value);
        cr_assert_eq(load(), lies[i].good, "lie %u: %s", i, why);
    }
}

/* What counts for the room is the larger of the file and what the header asks for. */
Test(linux_boot, no_less_room_than_the_file_takes)
{
    boot.initrd = NULL;
    fake_put(image + 0x260, 4, 0);
    boot.memory = 16 * MIB + 2048;
    cr_assert(load(), "%s", why);
    boot.memory--;
    cr_assert(!load());
}

Test(linux_boot, no_setup_sectors_means_four)
{
    image[0x1f1] = 0;
    cr_assert(load(), "%s", why);
    cr_assert_arr_eq(fake.ram + 0x1000000, image + 512 * 5, 1024);
    cr_assert_eq(fake.ram[0x1000000 + 1024], 0);
}

/* Copying the header must not reach the map. */
Test(linux_boot, a_long_header_stays_in_its_room)
{
    image[0x201] = 0xff;
    cr_assert(load());
    cr_assert_eq(params(0x28f, 1), 0xee);
    cr_assert_eq(params(0x290, 1), 0);
    cr_assert_eq(params(0x2d0, 8), 0);
    cr_assert_eq(params(0x2d8, 8), 0xa0000);
}

Test(linux_boot, files_cut_off_anywhere)
{
    for (size_t n = 0; n < IMAGE_SIZE; n += n < 512 * 3 + 0x210 ? 1 : 97) {
        unsigned char *exact = malloc(n ? n : 1);
        memcpy(exact, image, n);
        boot.kernel = exact;
        boot.kernel_size = n;
        cr_assert_eq(load(), n > 512 * 3 + 0x200, "%zu bytes", n);
        free(exact);
    }
    boot.kernel = NULL;
    cr_assert(!load());
}

Test(linux_boot, memory_that_cannot_be_written)
{
    fake.size = 0x2000;
    cr_assert(!load());
    cr_assert(strstr(why, "written"));
}

/* The distribution's own kernels, where a build has fetched them. */
static void load_file(const char *path)
{
    static unsigned char file[32 * MIB];
    FILE *f = fopen(path, "rb");
    cr_assert(f, "%s", path);
    boot.kernel = file;
    boot.kernel_size = fread(file, 1, sizeof file, f);
    fclose(f);
    fake_free(&fake);
    boot.memory = 128 * MIB;
    fake_init(&fake, boot.memory);
    cr_assert(load(), "%s: %s", path, why);
    cr_assert_eq(entry.rip, 0x1000200, "%s", path);
    cr_assert_eq(memcmp(fake.ram + 0x1000000, file + (file[0x1f1] + 1) * 512, MIB), 0, "%s", path);
    boot.memory = 16 * MIB;
    cr_assert(!load(), "%s", path);
}

Test(linux_boot, real_kernels)
{
    glob_t found = {0};
    if (glob("build*/guests/vmlinuz*", 0, NULL, &found) != 0)
        cr_skip_test("no kernels in build/guests");
    for (size_t i = 0; i < found.gl_pathc; i++)
        load_file(found.gl_pathv[i]);
    globfree(&found);
}
