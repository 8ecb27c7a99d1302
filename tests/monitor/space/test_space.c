/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Slots and shared pages against a plain table; nested tables against addresses worked out by hand.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "monitor-core/space.h"
#include "monitor-core/x86/nested.h"
#include "tests/core/fixture.h"

Test(space, slots_leave_out_the_hole)
{
    struct space s;
    uint32_t pages[4] = {786432 + 10, 0, 5, 786432};
    uint32_t slots = 786442 + 5 + 786432;
    void *memory = malloc(space_size(slots, 0));
    space_init(&s, 4, pages, 0, memory);
    cr_assert_eq(space_slot(&s, 0, 0), 0);
    cr_assert_eq(space_slot(&s, 0, 0xfff), 0);
    cr_assert_eq(space_slot(&s, 0, UINT64_C(0xbffff123)), 786431);
    cr_assert_eq(space_slot(&s, 0, UINT64_C(0xc0000000)), SPACE_NONE);
    cr_assert_eq(space_slot(&s, 0, UINT64_C(0xffffffff)), SPACE_NONE);
    cr_assert_eq(space_slot(&s, 0, UINT64_C(0x100000000)), 786432);
    cr_assert_eq(space_slot(&s, 0, UINT64_C(0x100009fff)), 786441);
    cr_assert_eq(space_slot(&s, 0, UINT64_C(0x10000a000)), SPACE_NONE);
    cr_assert_eq(space_slot(&s, 0, UINT64_MAX), SPACE_NONE);
    cr_assert_eq(space_slot(&s, 1, 0), SPACE_NONE);
    cr_assert_eq(space_slot(&s, 2, 0x4fff), 786446);
    cr_assert_eq(space_slot(&s, 2, 0x5000), SPACE_NONE);
    cr_assert_eq(space_slot(&s, 3, UINT64_C(0x100000000)), SPACE_NONE);
    cr_assert_eq(space_slot(&s, 4, 0), SPACE_NONE);
    cr_assert_eq(space_gpa(&s, 786441), UINT64_C(0x100009000));
    cr_assert_eq(space_gpa(&s, 786431), UINT64_C(0xbffff000));
    cr_assert_eq(space_gpa(&s, 786442), 0);
    cr_assert_eq(space_vm(&s, 786441), 0);
    cr_assert_eq(space_vm(&s, 786442), 2);
    cr_assert_eq(space_vm(&s, 786447), 3);
    free(memory);
}

enum { SLOTS = 40, SHARED = 12 };

static void compare(const struct space *s, const page_t *shows, const bool *taken)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < SHARED; i++) {
        page_t page = SLOTS + i;
        uint32_t users = 0, walked = 0;
        used += taken[i];
        for (uint32_t slot = 0; slot < SLOTS; slot++)
            users += shows[slot] == page;
        if (!taken[i])
            continue;
        for (uint32_t slot = space_first(s, page); slot != SPACE_NONE; slot = space_after(s, page, slot), walked++)
            cr_assert_eq(shows[slot], page);
        cr_assert(walked == users && (s->users[i] & ~SPACE_HELD) == users);
    }
    cr_assert_eq(s->shared_used, used);
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        cr_assert_eq(space_page(s, slot), shows[slot]);
        cr_assert_eq(space_first(s, slot), shows[slot] == slot ? slot : SPACE_NONE);
    }
}

Test(space, shared_pages_as_a_plain_table_has_them)
{
    struct space s;
    uint32_t pages[2] = {30, 10};
    void *memory = malloc(space_size(SLOTS, SHARED));
    page_t shows[SLOTS];
    bool taken[SHARED] = {false};
    uint64_t seed = 3;
    space_init(&s, 2, pages, SHARED, memory);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        shows[slot] = slot;
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t slot = fixture_below(&seed, SLOTS), which = fixture_below(&seed, SHARED),
                 what = fixture_below(&seed, 5);
        if (what == 0) {
            page_t page = space_shared_take(&s);
            cr_assert_eq(page == PAGE_NONE, s.shared_used == SHARED && (page == PAGE_NONE));
            if (page != PAGE_NONE) {
                cr_assert(!taken[page - SLOTS]);
                taken[page - SLOTS] = true;
            }
        } else if (what == 1 && taken[which] && !(s.users[which] & ~SPACE_HELD)) {
            space_shared_give(&s, SLOTS + which);
            taken[which] = false;
        } else if (what <= 3 && taken[which] && shows[slot] == slot && (s.users[which] & ~SPACE_HELD) < SPACE_USERS) {
            space_show(&s, slot, SLOTS + which);
            shows[slot] = SLOTS + which;
        } else if (what == 4 && shows[slot] != slot) {
            space_hide(&s, slot);
            shows[slot] = slot;
        }
        compare(&s, shows, taken);
    }
    free(memory);
}

Test(nested, tables_as_the_hardware_walks_them)
{
    uint64_t gpa = UINT64_C(0x123456789000), *ram = aligned_alloc(4096, 8 * 4096), *entry = NULL;
    struct memory m = {.base = (unsigned char *)ram};
    memset(ram, 0, 8 * 4096);
    cr_assert_null(nested_entry(&m, 0, gpa, 3), "no root");
    /* 0x123456789000: entries 0x24, 0xd1, 0xb3 and leaf 0x189, in tables 1, 3, 5, 7. */
    const uint64_t at[4] = {0x200 + 0x24, 3 * 0x200 + 0xd1, 5 * 0x200 + 0xb3, 7 * 0x200 + 0x189};
    for (unsigned level = NESTED_LEVELS; level-- > 0;) {
        entry = nested_entry(&m, 0x1000, gpa + 0xfff, level);
        cr_assert_eq((const void *)entry, (const void *)&ram[at[3 - level]]);
        if (!level)
            break;
        cr_assert_null(nested_entry(&m, 0x1000, gpa, level - 1));
        *entry = nested_leaf((9 - 2 * level) * 0x1000, true);
    }
    cr_assert(ram[at[0]] == 0x3007 && ram[at[1]] == 0x5007 && ram[at[2]] == 0x7007);
    cr_assert_eq(nested_entry(&m, 0x1000, gpa + 0x1000, 0), entry + 1);
    cr_assert_null(nested_entry(&m, 0x1000, gpa + 0x200000, 0));
    cr_assert_null(nested_entry(&m, 0x1000, UINT64_C(1) << 48, 3));
    cr_assert_eq(nested_leaf(0x5000, false), 0x5005);
    free(ram);
}

/* Gives the frames from 2 on, `left` of them. */
struct giver {
    uint64_t next;
    unsigned left;
    node_t node;
};

static uint64_t give(void *context, node_t node)
{
    struct giver *g = context;
    g->node = node;
    return g->left ? (g->left--, g->next++ * 4096) : 0;
}

Test(nested, what_is_missing_is_made)
{
    uint64_t gpa = UINT64_C(0x123456789000), *ram = aligned_alloc(4096, 8 * 4096);
    struct memory m = {.base = (unsigned char *)ram};
    struct giver g = {.next = 2, .left = 2};
    memset(ram, 0, 8 * 4096);
    cr_assert_null(nested_make(&m, 0, gpa, 0, give, &g, 5), "no root");
    cr_assert_null(nested_make(&m, 0x1000, gpa, 0, give, &g, 5), "one table short");
    cr_assert(ram[0x200 + 0x24] == 0x2007 && ram[2 * 0x200 + 0xd1] == 0x3007 && ram[3 * 0x200 + 0xb3] == 0);
    cr_assert_eq(g.node, 5);
    g.left = 1;
    cr_assert_eq((const void *)nested_make(&m, 0x1000, gpa, 0, give, &g, 5), (const void *)&ram[4 * 0x200 + 0x189]);
    cr_assert_eq(ram[3 * 0x200 + 0xb3], 0x4007);
    cr_assert_eq(ram[4 * 0x200 + 0x189], 0, "the leaf is the caller's");
    cr_assert_eq((const void *)nested_make(&m, 0x1000, gpa, 0, give, &g, 5), (const void *)&ram[4 * 0x200 + 0x189]);
    free(ram);
}

Test(nested, enough_tables_are_kept)
{
    /* 1 GiB: 512 tables of leaves, one each above. */
    cr_assert(nested_tables(UINT64_C(1) << 30) >= 515 && nested_tables(UINT64_C(1) << 30) <= 520);
    cr_assert(nested_tables(4096) >= 4 && nested_tables(4096) <= 4);
    /* 2 MiB and a page over: two tables of leaves. */
    cr_assert(nested_tables((2 << 20) + 4096) >= 5);
}
