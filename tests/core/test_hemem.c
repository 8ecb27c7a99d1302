/* SPDX-License-Identifier: BSD-2-Clause
 *
 * hemem against vectors worked out by hand from its code at 5e7c68f and 57fb561 and Colloid's fork of it (hot at 8
 * reads or 8 writes, cooling above 18; 4, 4, 10; 8, 4, 18).
 */
#include <criterion/criterion.h>

#include "tests/core/tier_run.h"

enum { TICK = 10000000 };

static void begin(uint64_t config, uint64_t fast_frames)
{
    tier_run_begin("hemem", fast_frames, 8, (struct policy_rig_param[]){{"config", config}, {0}});
}

/* 8/8/18: hot on the 8th load. */
Test(hemem, a_page_is_hot_on_its_8th_read)
{
    begin(1, 1);
    tier_run_place(0, 2);
    tier_run_is(1, TIER_SLOW);
    tier_run_reads(1, 7);
    tier_run_tick(TICK);
    cr_assert_eq(tier_run_moves(), 0);
    tier_run_reads(1, 1);
    tier_run_tick(TICK);
    tier_run_is(0, TIER_SLOW);
    tier_run_tick(TICK);
    tier_run_is(1, TIER_FAST);
    policy_rig_end();
}

static void hot_after(uint64_t config, uint32_t reads, uint32_t writes)
{
    begin(config, 1);
    tier_run_place(0, 3);
    tier_run_reads(1, reads - 1);
    tier_run_writes(2, writes - 1);
    tier_run_tick(TICK);
    cr_assert_eq(tier_run_moves(), 0, "configuration %lu", (unsigned long)config);
    tier_run_writes(2, 1);
    tier_run_tick(TICK);
    tier_run_tick(TICK);
    tier_run_is(2, TIER_FAST);
    tier_run_reads(1, 1);
    tier_run_free(2);
    tier_run_tick(TICK);
    tier_run_is(1, TIER_FAST);
    policy_rig_end();
}

/* The same name, three configurations: hot at (reads, writes) 8/8, 4/4, 8/4. */
Test(hemem, three_published_configurations)
{
    hot_after(1, 8, 8);
    hot_after(2, 4, 4);
    hot_after(3, 8, 4);
}

/* The 19th sample of one kind begins a cooling; the next sample of any page halves that page once. The shift comes
 * after the increment: 6 reads, then (6 + 1) / 2 = 3, then 5 more make 8. (The other way round: 6 / 2 + 1 = 4, hot one
 * read earlier.) */
Test(hemem, cooling_halves_once_and_after_the_increment)
{
    begin(1, 1);
    tier_run_place(0, 3);
    tier_run_reads(1, 6);
    tier_run_reads(2, 19);
    tier_run_free(2);
    tier_run_reads(1, 1 + 4);
    tier_run_tick(TICK);
    cr_assert_eq(tier_run_moves(), 0);
    tier_run_reads(1, 1);
    tier_run_tick(TICK);
    tier_run_tick(TICK);
    tier_run_is(1, TIER_FAST);
    policy_rig_end();
}

/* One counter alone begins a cooling: 18 reads and 18 writes of a page do not. */
Test(hemem, cooling_takes_more_than_18_of_one_kind)
{
    begin(1, 1);
    tier_run_place(0, 3);
    tier_run_reads(2, 18);
    tier_run_writes(2, 18);
    tier_run_free(2);
    tier_run_reads(1, 8);
    tier_run_tick(TICK);
    tier_run_tick(TICK);
    tier_run_is(1, TIER_FAST);
    policy_rig_end();
}

/* The counter of the sample is shifted, not the page's others: 7 writes, a cooling, a read, one write more: hot. */
Test(hemem, cooling_leaves_the_other_counters)
{
    begin(1, 1);
    tier_run_place(0, 3);
    tier_run_writes(1, 7);
    tier_run_reads(2, 19);
    tier_run_free(2);
    tier_run_reads(1, 1);
    tier_run_tick(TICK);
    cr_assert_eq(tier_run_moves(), 0);
    tier_run_writes(1, 1);
    tier_run_tick(TICK);
    tier_run_tick(TICK);
    tier_run_is(1, TIER_FAST);
    policy_rig_end();
}

/* Lists are first in, first out: the hotter of two hot pages waits, the less cold of two cold pages goes. */
Test(hemem, lists_are_not_sorted)
{
    begin(1, 2);
    tier_run_place(0, 4);
    tier_run_reads(0, 7);
    tier_run_reads(3, 8);
    tier_run_reads(2, 12);
    tier_run_writes(1, 8);
    tier_run_tick(TICK);
    tier_run_tick(TICK);
    tier_run_is(0, TIER_SLOW);
    tier_run_is(3, TIER_FAST);
    tier_run_is(2, TIER_SLOW);
    policy_rig_end();
}

/* After a cooling the sweep finds the fast page 0 and the slow page 1 cold (8 / 2 = 4), page 2 not (19 / 2 = 9).
 * Configuration 1 has no sweep: all of the fast tier stays hot, and nothing moves. */
Test(hemem, the_sweep_finds_what_has_cooled)
{
    for (uint64_t config = 1; config <= 3; config += 2) {
        begin(config, 1);
        tier_run_place(0, 3);
        tier_run_reads(0, 8);
        tier_run_reads(1, 8);
        tier_run_reads(2, 19);
        for (int i = 0; i < 4; i++)
            tier_run_tick(TICK);
        tier_run_is(0, config == 1 ? TIER_FAST : TIER_SLOW);
        tier_run_is(1, TIER_SLOW);
        tier_run_is(2, config == 1 ? TIER_SLOW : TIER_FAST);
        policy_rig_end();
    }
}

Test(hemem, its_own_sampling_period)
{
    tier_run_begin("hemem", 1, 8, (struct policy_rig_param[]){{"period", 4096}, {0}});
    tier_run_tick(TICK);
    cr_assert_eq(policy_rig.engine->view.sampling, 4096);
    policy_rig_end();
}
