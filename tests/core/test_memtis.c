/* SPDX-License-Identifier: BSD-2-Clause
 *
 * memtis against vectors worked out by hand from its kernel's htmm files at 032e051; and what every tiering class does
 * on a machine of one tier.
 */
#include <criterion/criterion.h>

#include "policy/memtis_rule.h"
#include "tests/core/tier_run.h"

enum { TICK = 500000000 };

/* Accesses 0, 1, 2, 3, 511, 512 fall in bins 0, 1, 1, 2, 9, 9: the first sample of a base page (512) in bin 9, that of
 * a huge page (1) in bin 1. */
Test(memtis, bins)
{
    static const uint32_t counts[] = {0, 1, 2, 3, 511, 512, 65535, UINT32_MAX};
    static const unsigned expected[] = {0, 1, 1, 2, 9, 9, 15, 15};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        cr_expect_eq(memtis_bin(counts[i]), expected[i], "%u", counts[i]);
    cr_expect_eq(memtis_bin(MEMTIS_UNIT), 9);
}

/* In MiB, rounded. */
static uint64_t mark(uint64_t tier_mib, uint64_t percent, uint64_t most_mib)
{
    return (memtis_watermark(tier_mib << 20, percent, 50 << 20, most_mib << 20) + (1 << 19)) >> 20;
}

/* A fast tier of 10 GB: 307 MB and 205 MB. */
Test(memtis, watermarks)
{
    cr_expect_eq(mark(10240, 3, 1500), 307);
    cr_expect_eq(mark(10240, 2, 1000), 205);
    cr_expect_eq(mark(102400, 3, 1500), 1500);
    cr_expect_eq(mark(102400, 2, 1000), 1000);
    cr_expect_eq(mark(1000, 3, 1500), 50);
    cr_expect_eq(mark(100, 3, 1500), 3, "no floor on a small tier");
}

Test(memtis, the_threshold_is_the_lowest_bin_that_fits)
{
    uint64_t histogram[MEMTIS_BINS] = {[2] = 100, [9] = 30, [12] = 10}, sum;
    cr_expect_eq(memtis_threshold(histogram, 40, &sum), 3);
    cr_expect_eq(sum, 40);
    cr_expect_eq(memtis_threshold(histogram, 39, &sum), 10);
    cr_expect_eq(sum, 10);
    cr_expect_eq(memtis_threshold(histogram, 140, &sum), 1, "never below 1");
    cr_expect_eq(sum, 140);
    histogram[15] = 1000;
    cr_expect_eq(memtis_threshold(histogram, 999, &sum), 15, "never above 15");
}

static void begin(uint64_t fast_frames, uint32_t npages, uint64_t adapt, uint64_t cool)
{
    const struct policy_rig_param param[] = {{"adapt_samples", adapt}, {"cool_samples", cool}, {0}};
    tier_run_begin("memtis", fast_frames, npages, param);
}

/* A new page is taken for hot: as soon as there is room it goes up, without one sample. */
Test(memtis, new_pages_start_hot)
{
    begin(2, 8, 1000, 1000000);
    tier_run_place(0, 4);
    tier_run_tick(TICK);
    cr_assert_eq(tier_run_moves(), 0);
    tier_run_free(0);
    tier_run_tick(TICK);
    cr_assert_eq(tier_run_moves(), 1);
    tier_run_is(2, TIER_FAST);
    policy_rig_end();
}

/* Three hot pages in three frames set the threshold to 3. When two of them are gone, all would fit, but it does not
 * fall: pages 3 and 4 (bin 2) stay. At the cooling it falls by one, to 2; new pages are passed over by it, so that they
 * are in bin 2 still and go up. */
Test(memtis, the_threshold_falls_at_a_cooling_only_and_by_one)
{
    begin(3, 8, 9, 36);
    tier_run_place(0, 5);
    for (page_t page = 0; page < 3; page++)
        tier_run_reads(page, 3);
    tier_run_free(0);
    tier_run_reads(1, 9);
    tier_run_free(1);
    tier_run_reads(2, 9);
    tier_run_tick(TICK);
    cr_assert_eq(tier_run_moves(), 0);
    tier_run_reads(2, 9);
    tier_run_tick(TICK);
    cr_assert_eq(tier_run_moves(), 2);
    tier_run_is(3, TIER_FAST);
    tier_run_is(4, TIER_FAST);
    policy_rig_end();
}

/* The hot set changes places with what was there first. */
Test(memtis, hot_pages_come_up_in_exchange)
{
    begin(4, 12, 100, 1000000);
    tier_run_place(0, 12);
    for (page_t page = 8; page < 12; page++)
        tier_run_reads(page, 25);
    tier_run_tick(TICK);
    cr_assert_eq(tier_run_moves(), 4);
    tier_run_tick(TICK);
    cr_assert_eq(tier_run_moves(), 8);
    for (page_t page = 0; page < 12; page++)
        tier_run_is(page, page < 8 ? TIER_SLOW : TIER_FAST);
    policy_rig_end();
}

/* 30 samples of 1 us in 1 ms are the quota of 30 permil; from 25 to 35 nothing changes, and 256 is the least period. */
Test(memtis, the_period_follows_the_quota)
{
    tier_run_begin("memtis", 1, 4, (struct policy_rig_param[]){{"quota_ns", 1000000}, {0}});
    policy_rig.engine->view.sampling = 512;
    tier_run_place(0, 1);
    tier_run_tick(1000000);
    static const struct {
        uint32_t samples, period;
    } steps[] = {{36, 1024}, {35, 1024}, {25, 1024}, {24, 512}, {0, 256}, {0, 256}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        tier_run_reads(0, steps[i].samples * policy_rig.engine->view.sampling);
        tier_run_tick(1000000);
        cr_expect_eq(policy_rig.engine->view.sampling, steps[i].period, "step %zu: %u", i,
                     policy_rig.engine->view.sampling);
    }
    policy_rig_end();
}

Test(tiers, one_tier_leaves_all_where_it_is)
{
    static const char *const names[] = {"hemem", "memtis", "hybridtier", "damon_migrate", "multiclock", "thermostat"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fixture_shape(&policy_rig_shape, 4, 8, 12);
        policy_rig_begin(names[i], 40, NULL);
        fixture_workload(&policy_rig, 3, 3000, true, false);
        const struct engine_stats *s = &policy_rig.engine->stats;
        cr_expect_eq(s->moves + s->copies + s->watches + s->samplings, 0, "%s", names[i]);
        for (int reason = 0; reason < REFUSED_REASONS; reason++)
            cr_expect_eq(s->refused[reason], 0, "%s", names[i]);
        policy_rig_end();
    }
}
