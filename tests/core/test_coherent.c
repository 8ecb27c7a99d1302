/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ace and platinum against runs worked out by hand from their rules (Bolosky et al., SOSP 1989: move limit 4; Cox and
 * Fowler, SOSP 1989: t1 10 ms, t2 1 s).
 */
#include <criterion/criterion.h>

#include "tests/core/policy_rig.h"

enum { MS = 1000000 };

static void begin(const char *policy, uint64_t frames)
{
    fixture_shape(&policy_rig_shape, 4, 4, frames);
    policy_rig_begin(policy, 4, NULL);
}

static void miss(node_t node, bool write)
{
    fixture_misses(&policy_rig, node, 0, write, 1);
}

static const char *const both[] = {"ace", "platinum"};

Test(coherent, pages_are_copied_where_they_are_read)
{
    for (unsigned i = 0; i < 2; i++) {
        begin(both[i], FRAMES_UNBOUNDED);
        miss(0, false);
        policy_rig_is_on(0, 0x1);
        miss(2, false);
        policy_rig_is_on(0, 0x5);
        miss(3, false);
        policy_rig_is_on(0, 0xd);
        cr_expect_eq(policy_rig.engine->stats.moves, 0);
        policy_rig_end();
    }
}

Test(coherent, pages_move_where_they_are_written)
{
    for (unsigned i = 0; i < 2; i++) {
        begin(both[i], FRAMES_UNBOUNDED);
        miss(0, true);
        miss(2, true);
        policy_rig_is_on(0, 0x4);
        cr_expect_eq(policy_rig.engine->stats.copies, 0);
        policy_rig_end();
    }
}

/* The engine keeps the writer's copy, else the home; then the page still has to come to the writer. */
Test(coherent, a_write_to_a_replicated_page_leaves_it_with_the_writer)
{
    for (unsigned i = 0; i < 2; i++) {
        begin(both[i], FRAMES_UNBOUNDED);
        miss(0, false);
        miss(1, false);
        miss(3, true);
        policy_rig_is_on(0, 0x8);
        policy_rig_end();
    }
}

Test(coherent, a_full_node_gets_nothing)
{
    for (unsigned i = 0; i < 2; i++) {
        begin(both[i], 1);
        miss(0, false);
        fixture_misses(&policy_rig, 1, 1, false, 1);
        miss(1, false);
        miss(1, true);
        policy_rig_is_on(0, 0x1);
        cr_expect_eq(policy_rig.engine->stats.refused[REFUSED_MEMORY], 0);
        policy_rig_end();
    }
}

Test(coherent, a_page_is_ordered_about_once_in_a_delivery)
{
    fixture_shape(&policy_rig_shape, 4, 4, FRAMES_UNBOUNDED);
    struct engine_config config = fixture_config(policy_find("ace"), &policy_rig_shape, 4);
    cr_assert_eq(fixture_begin(&policy_rig, &config, POLICY_RIG_CAPS), 0);
    miss(0, false);
    fixture_misses(&policy_rig, 1, 0, false, 12);
    policy_rig_is_on(0, 0x3);
    cr_expect_eq(policy_rig.engine->stats.refused[REFUSED_BUSY], 0);
    policy_rig_end();
}

Test(ace, pinned_after_four_moves_for_good)
{
    begin("ace", FRAMES_UNBOUNDED);
    miss(0, true);
    for (unsigned i = 0; i < 4; i++) {
        policy_rig.now += 1000 * MS;
        miss((node_t)(1 + i % 2), true);
        policy_rig_is_on(0, nodeset_of((node_t)(1 + i % 2)));
    }
    for (unsigned i = 0; i < 20; i++) {
        policy_rig.now += 1000 * MS;
        miss(3, i % 2);
        policy_rig_is_on(0, 0x4);
    }
    cr_expect_eq(policy_rig.engine->stats.moves, 4);
    policy_rig_end();
}

/* One node writes, another reads: each write takes the reader's copy away, the writer's own stays. */
Test(ace, a_collapse_counts_as_a_move)
{
    begin("ace", FRAMES_UNBOUNDED);
    miss(0, true);
    for (unsigned i = 0; i < 4; i++) {
        miss(1, false);
        policy_rig_is_on(0, 0x3);
        miss(0, true);
        policy_rig_is_on(0, 0x1);
    }
    miss(1, false);
    policy_rig_is_on(0, 0x1);
    cr_expect_eq(policy_rig.engine->stats.copies, 4);
    policy_rig_end();
}

Test(platinum, a_second_invalidation_within_10_ms_freezes_until_the_daemon_comes)
{
    begin("platinum", FRAMES_UNBOUNDED);
    policy_rig.now = 100 * MS;
    miss(0, true);
    miss(1, true);
    policy_rig_is_on(0, 0x2);
    policy_rig.now += 10 * MS - 1;
    miss(2, true);
    policy_rig_is_on(0, 0x2);
    policy_rig.now = 1000 * MS - 1;
    miss(3, false);
    miss(2, true);
    policy_rig_is_on(0, 0x2);
    policy_rig.now = 1000 * MS;
    miss(3, false);
    policy_rig_is_on(0, 0xa);
    policy_rig_end();
}

Test(platinum, invalidations_10_ms_apart_do_not_freeze)
{
    begin("platinum", FRAMES_UNBOUNDED);
    miss(0, true);
    for (unsigned i = 0; i < 50; i++) {
        policy_rig.now += 10 * MS;
        miss((node_t)(1 + i % 3), true);
        policy_rig_is_on(0, nodeset_of((node_t)(1 + i % 3)));
    }
    cr_expect_eq(policy_rig.engine->stats.moves, 50);
    policy_rig_end();
}

Test(platinum, a_freed_page_starts_from_nothing)
{
    begin("platinum", FRAMES_UNBOUNDED);
    miss(0, true);
    miss(1, true);
    miss(2, true);
    policy_rig_is_on(0, 0x2);
    cr_assert_eq(engine_free(policy_rig.engine, 0, policy_rig.now), 0);
    miss(0, true);
    miss(3, true);
    policy_rig_is_on(0, 0x8);
    policy_rig_end();
}
