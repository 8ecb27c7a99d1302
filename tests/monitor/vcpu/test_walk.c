/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Guest page tables in an array of 16 pages, walked.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "monitor-core/x86/walk.h"

enum { PAGES = 16 };
static uint64_t memory[PAGES * 512];

#define PG UINT64_C(0x80000000)
#define WP UINT64_C(0x10000)
#define SMEP UINT64_C(0x100000)
#define SMAP UINT64_C(0x200000)
#define LMA UINT64_C(0x400)
#define NXE UINT64_C(0x800)
#define AC UINT64_C(0x40000)
#define NX (UINT64_C(1) << 63)
enum { P = 1, W = 2, U = 4, A = 0x20, LARGE = 0x80 };

static int read_entry(void *context, uint64_t gpa, uint64_t *entry)
{
    (void)context;
    if (gpa % 8 || gpa / 8 >= PAGES * 512)
        return ERR_INVAL;
    *entry = memory[gpa / 8];
    return 0;
}

static struct walk_mode mode(void)
{
    return (struct walk_mode){.cr0 = PG | WP, .cr3 = 0x1018, .efer = LMA | NXE, .read = read_entry};
}

static void put(unsigned page, unsigned index, uint64_t entry)
{
    memory[page * 512 + index] = entry;
}

/* Linear 0xffff_8123_4567_89ab: indexes 258, 141, 43, 120 (0x123456789ab with bit 47: 0x8123_4567_89ab). */
#define LINEAR UINT64_C(0xffff8123456789ab)

static void map(uint64_t leaf)
{
    memset(memory, 0, sizeof memory);
    put(1, 258, 0x2000 | P | W | U);
    put(2, 141, 0x3000 | P | W | U);
    put(3, 43, 0x4000 | P | W | U);
    put(4, 120, leaf);
}

static int go(const struct walk_mode *m, unsigned access, uint64_t *gpa, uint32_t *code)
{
    *gpa = *code = 0;
    return walk(m, LINEAR, access, gpa, code);
}

Test(walk, four_levels)
{
    struct walk_mode m = mode();
    uint64_t gpa;
    uint32_t code;
    map(UINT64_C(0x000dcba987654000) | P | W | U | A | NX);
    cr_assert_eq(go(&m, 0, &gpa, &code), 0);
    cr_expect_eq(gpa, UINT64_C(0x000dcba9876549ab));
}

Test(walk, large_pages)
{
    struct walk_mode m = mode();
    uint64_t gpa;
    uint32_t code;
    map(0);
    put(3, 43, UINT64_C(0x80001000) | P | W | LARGE); /* bit 12 is PAT */
    cr_assert_eq(go(&m, 0, &gpa, &code), 0);
    cr_expect_eq(gpa, 0x80000000 + 0x789ab); /* 21 bits of 0x456789ab */
    put(2, 141, UINT64_C(0x140000000) | P | W | LARGE);
    cr_assert_eq(go(&m, 0, &gpa, &code), 0);
    cr_expect_eq(gpa, UINT64_C(0x140000000) + 0x056789ab); /* 30 bits of 0x1_2345_6789ab */
}

Test(walk, faults)
{
    struct walk_mode m = mode();
    uint64_t gpa;
    uint32_t code;
    map(0);
    cr_expect_eq(go(&m, WALK_WRITE | WALK_USER, &gpa, &code), ERR_NOENT);
    cr_expect_eq(code, 6);
    map(0x5000 | P | U);
    cr_expect_eq(go(&m, WALK_WRITE, &gpa, &code), ERR_NOENT);
    cr_expect_eq(code, 3);
    m.cr0 = PG; /* without WP a supervisor may */
    cr_expect_eq(go(&m, WALK_WRITE, &gpa, &code), 0);
    cr_expect_eq(go(&m, WALK_WRITE | WALK_USER, &gpa, &code), ERR_NOENT);
    cr_expect_eq(code, 7);
    map(0x5000 | P | W);
    cr_expect_eq(go(&m, WALK_USER, &gpa, &code), ERR_NOENT);
    cr_expect_eq(code, 5);
    map(0x5000 | P | W | U);
    put(2, 141, 0x3000 | P | U); /* one level without W is enough */
    m.cr0 = PG | WP;
    cr_expect_eq(go(&m, WALK_WRITE, &gpa, &code), ERR_NOENT);
    cr_expect_eq(code, 3);
}

Test(walk, fetches)
{
    struct walk_mode m = mode();
    uint64_t gpa;
    uint32_t code;
    map(0x5000 | P | U | NX);
    cr_expect_eq(go(&m, WALK_FETCH | WALK_USER, &gpa, &code), ERR_NOENT);
    cr_expect_eq(code, 0x15);
    m.efer = LMA; /* without NXE: no such bit, and none in the code */
    cr_expect_eq(go(&m, WALK_FETCH | WALK_USER, &gpa, &code), 0);
    map(0x5000 | P | U);
    m.cr4 = SMEP;
    cr_expect_eq(go(&m, WALK_FETCH, &gpa, &code), ERR_NOENT);
    cr_expect_eq(code, 0x11);
    cr_expect_eq(go(&m, WALK_FETCH | WALK_USER, &gpa, &code), 0);
}

Test(walk, smap)
{
    struct walk_mode m = mode();
    uint64_t gpa;
    uint32_t code;
    map(0x5000 | P | W | U);
    m.cr4 = SMAP;
    cr_expect_eq(go(&m, 0, &gpa, &code), ERR_NOENT);
    cr_expect_eq(code, 1);
    m.rflags = AC;
    cr_expect_eq(go(&m, 0, &gpa, &code), 0);
    m.rflags = 0;
    cr_expect_eq(go(&m, WALK_USER, &gpa, &code), 0);
    cr_expect_eq(go(&m, WALK_FETCH, &gpa, &code), 0);
}

Test(walk, other_modes)
{
    struct walk_mode m = mode();
    uint64_t gpa;
    uint32_t code;
    map(0x5000 | P);
    m.cr0 = 0;
    cr_assert_eq(walk(&m, 0x123456, 0, &gpa, &code), 0);
    cr_expect_eq(gpa, 0x123456);
    m.cr0 = PG;
    m.efer = 0;
    cr_expect_eq(go(&m, 0, &gpa, &code), ERR_NOSUP); /* PAE and 32-bit */
    m.efer = LMA;
    m.cr4 = 0x1000;
    cr_expect_eq(go(&m, 0, &gpa, &code), ERR_NOSUP); /* five levels */
}

Test(walk, hostile)
{
    struct walk_mode m = mode();
    uint64_t gpa;
    uint32_t code = 0;
    map(0x5000 | P);
    cr_expect_eq(walk(&m, UINT64_C(0x0000800000000000), WALK_USER, &gpa, &code), ERR_NOENT);
    cr_expect_eq(code, 4);
    put(2, 141, UINT64_C(0x7fffffffff000) | P | W | U);
    cr_expect_eq(go(&m, 0, &gpa, &code), ERR_INVAL); /* tables outside memory */
    m.cr3 = UINT64_MAX;
    cr_expect_eq(go(&m, 0, &gpa, &code), ERR_INVAL);
    m.cr3 = 0x1000;
    put(1, 258, 0x1000 | P | W | U | LARGE); /* the top level knows no large pages; it points at itself */
    put(1, 141, 0x1000 | P | W | U);
    put(1, 43, 0x1000 | P | W | U);
    put(1, 120, 0x6000 | P | W | U);
    cr_assert_eq(go(&m, 0, &gpa, &code), 0);
    cr_expect_eq(gpa, 0x69ab);
}
