/* SPDX-License-Identifier: BSD-2-Clause
 *
 * multiclock and thermostat against runs worked out by hand from their papers' rules, as policy/multiclock.c and
 * policy/thermostat.c recollect them.
 */
#include <criterion/criterion.h>

#include "tests/core/tier_run.h"

enum { SECOND = 1000000000, MS = 1000000 };

/* One access per interval: inactive referenced, active, active referenced, promote list, and up in the fifth. */
Test(multiclock, five_intervals_lead_up)
{
    tier_run_begin("multiclock", 1, 4, NULL);
    tier_run_place(0, 2);
    tier_run_free(0);
    for (int interval = 0; interval < 5; interval++) {
        tier_run_is(1, TIER_SLOW);
        tier_run_reads(1, 3);
        tier_run_tick(SECOND);
    }
    tier_run_is(1, TIER_FAST);
    policy_rig_end();
}

/* An interval without an access takes the reference away. After two accessed ones the page is active, unreferenced: it
 * falls back to inactive, and five more are needed. */
Test(multiclock, an_idle_interval_leads_back)
{
    tier_run_begin("multiclock", 1, 4, NULL);
    tier_run_place(0, 2);
    tier_run_free(0);
    for (int interval = 0; interval < 8; interval++) {
        tier_run_is(1, TIER_SLOW);
        if (interval != 2)
            tier_run_reads(1, 1);
        tier_run_tick(SECOND);
    }
    tier_run_is(1, TIER_FAST);
    policy_rig_end();
}

/* Of 10 frames none is free; below 1 free begins demotion, to 3 free: from the old end, but not the page that was
 * accessed. */
Test(multiclock, unreferenced_pages_go_down_from_the_old_end)
{
    tier_run_begin("multiclock", 10, 16, (struct policy_rig_param[]){{"low", 100}, {"high", 300}, {0}});
    tier_run_place(0, 12);
    tier_run_reads(1, 1);
    tier_run_tick(SECOND);
    cr_assert_eq(tier_run_moves(), 3);
    for (page_t page = 0; page < 10; page++)
        tier_run_is(page, page == 1 || page > 3 ? TIER_FAST : TIER_SLOW);
    policy_rig_end();
}

/* A tick looks at no more than `scan` pages of a list: with 1, five pages in turn are each seen in every fifth. The bit
 * stays until it is looked at: page 5, accessed once, is referenced after the first look, not after the second. */
Test(multiclock, bits_stay_until_they_are_looked_at)
{
    tier_run_begin("multiclock", 1, 8, (struct policy_rig_param[]){{"scan", 1}, {0}});
    tier_run_place(0, 6);
    tier_run_free(0);
    for (int interval = 0; interval < 5; interval++) {
        tier_run_reads(5, 1);
        tier_run_tick(SECOND);
    }
    cr_assert_eq(tier_run_moves(), 0, "one look at each of pages 1 to 5");
    for (int interval = 0; interval < 5; interval++) {
        tier_run_reads(5, 1);
        tier_run_tick(SECOND);
    }
    cr_assert_eq(tier_run_moves(), 0, "the second look: active");
    for (int interval = 0; interval < 3; interval++) {
        tier_run_reads(5, 1);
        tier_run_tick(SECOND);
    }
    tier_run_is(5, TIER_FAST);
    policy_rig_end();
}

/* Of the fast list and the slow one, `scan` pages each at most. */
Test(multiclock, looks_at_few_pages)
{
    tier_run_begin("multiclock", 10, 30, (struct policy_rig_param[]){{"scan", 8}, {0}});
    tier_run_place(0, 15);
    tier_run_tick(SECOND);
    cr_expect_eq(policy_rig.config.policy->looked(policy_rig.state), 8 + 5);
    policy_rig_end();
}

/* Groups of four pages, all of them sampled and watched; a round of three phases of 1 ms. */
static void begin(uint64_t frames, uint32_t npages, uint64_t poison)
{
    const struct policy_rig_param param[] = {{"group_bytes", 16384}, {"sample", 100}, {"poison", poison},
                                             {"round_ns", 3 * MS},   {"tick_ns", MS}, {0}};
    tier_run_begin("thermostat", frames, npages, param);
    tier_run_place(0, npages);
}

/* `n` accesses to each page of the group. */
static void reads(uint32_t group, uint32_t n)
{
    for (page_t page = 4 * group; page < 4 * group + 4; page++)
        tier_run_reads(page, n);
}

/* 3 % of 1 s / 1 us: 30000 accesses per second, 30 in the phase. In ascending order 0 + 20 fit, 0 + 20 + 40 do not. */
Test(thermostat, the_coldest_groups_within_the_budget_go_down)
{
    begin(12, 12, 4);
    tier_run_tick(MS);
    reads(0, 1);
    reads(1, 1);
    tier_run_tick(MS);
    cr_assert_eq(policy_rig.engine->stats.watches, 8);
    reads(0, 10);
    reads(1, 5);
    tier_run_tick(MS);
    cr_assert_eq(policy_rig.engine->stats.hints, 60);
    for (page_t page = 0; page < 12; page++)
        tier_run_is(page, page < 4 ? TIER_FAST : TIER_SLOW);
    policy_rig_end();
}

/* Two of four accessed pages are watched, and 16 accesses to them stand for 32, over the budget of 30; 14 for 28. */
Test(thermostat, watched_pages_stand_for_all_accessed_ones)
{
    for (uint32_t each = 7; each <= 8; each++) {
        begin(4, 4, 2);
        tier_run_tick(MS);
        reads(0, 1);
        tier_run_tick(MS);
        cr_assert_eq(policy_rig.engine->stats.watches, 2);
        reads(0, each);
        tier_run_tick(MS);
        cr_assert_eq(policy_rig.engine->stats.hints, 2 * each);
        tier_run_is(0, each == 7 ? TIER_SLOW : TIER_FAST);
        policy_rig_end();
    }
}

/* Two groups of the slow tier, with 20 and 24 accesses over the budget of 30: the hotter comes up, into the room that
 * the idle group 0 leaves; the other alone is within the budget. */
Test(thermostat, the_hottest_slow_group_comes_up)
{
    begin(4, 12, 4);
    tier_run_tick(MS);
    reads(1, 1);
    reads(2, 1);
    tier_run_tick(MS);
    reads(1, 5);
    reads(2, 6);
    tier_run_tick(MS);
    tier_run_tick(MS / 2);
    for (page_t page = 0; page < 12; page++)
        tier_run_is(page, page < 8 ? TIER_SLOW : TIER_FAST);
    policy_rig_end();
}

/* Without a way to watch every page would look cold. */
Test(thermostat, does_nothing_where_it_cannot_watch)
{
    const struct policy_rig_param param[] = {
        {"group_bytes", 16384}, {"sample", 100}, {"round_ns", 3 * MS}, {"tick_ns", MS}, {0}};
    fixture_shape(&policy_rig_shape, 2, 2, 12);
    fixture_tiers(&policy_rig_shape, 1, FRAMES_UNBOUNDED);
    policy_rig_begin_on("thermostat", 12, param, 0);
    tier_run_place(0, 12);
    for (int phase = 0; phase < 9; phase++) {
        reads(0, 1);
        tier_run_tick(MS);
    }
    cr_assert_eq(tier_run_moves(), 0);
    policy_rig_end();
}
