/* SPDX-License-Identifier: BSD-2-Clause
 *
 * DAMON's score, feedback and regions, and damon_migrate, against vectors worked out by hand from Linux 6.16
 * mm/damon/{core,ops-common}.c and samples/damon/mtier.c.
 */
#include <criterion/criterion.h>

#include "policy/damon_region.h"
#include "tests/core/tier_run.h"

enum { SAMPLE = 1000000 };

/* 10 of 20 accesses, 40 s, weights 100 and 100: f = 50, age 6 bits -> (6 + 32) * 100 / 64 = 59, hot = 54, x 99 / 100 =
 * 53; cold = 99 - 53 = 46. The age counts by powers of two: 32 to 63 s are alike. Without accesses it speaks for cold.
 */
Test(damon, score)
{
    cr_expect_eq(damon_region_score(10, 20, 40, 100, 100), 53);
    cr_expect_eq(DAMON_SCORE_MAX - damon_region_score(10, 20, 40, 100, 100), 46);
    cr_expect_eq(damon_region_score(10, 20, 32, 100, 100), 53);
    cr_expect_eq(damon_region_score(10, 20, 63, 100, 100), 53);
    cr_expect_eq(damon_region_score(10, 20, 64, 100, 100), 54);
    cr_expect_eq(damon_region_score(0, 20, 40, 100, 100), 19, "(0 + 40) / 2 x 99 / 100");
    cr_expect_eq(damon_region_score(20, 20, UINT64_MAX, 100, 100), 99);
    cr_expect_eq(damon_region_score(0, 20, UINT64_MAX, 0, 1), 0);
    cr_expect_eq(damon_region_score(20, 20, 0, 1, 0), 99);
}

/* input x (1 + (10000 - score) / 10000), never below 10000. */
Test(damon, feedback)
{
    cr_expect_eq(damon_region_feedback(10000, 0), 20000);
    cr_expect_eq(damon_region_feedback(10000, 8024), 11976);
    cr_expect_eq(damon_region_feedback(1000000, 10000), 1000000);
    cr_expect_eq(damon_region_feedback(1000000, 15000), 500000);
    cr_expect_eq(damon_region_feedback(12000, 15000), 10000);
    cr_expect_eq(damon_region_feedback(1000000, 20000), 10000);
    cr_expect_eq(damon_region_feedback(UINT64_MAX, 0), UINT64_MAX);
}

static struct damon_regions *regions(uint32_t npages, uint32_t least, uint32_t most, uint64_t seed)
{
    struct damon_regions *d = calloc(1, damon_region_size(npages, most));
    damon_region_init(d, npages, least, most, 20, seed);
    return d;
}

static void covers_all(const struct damon_regions *d, uint32_t npages)
{
    cr_assert_eq(d->r[0].start, 0);
    for (uint32_t i = 0; i < d->n; i++) {
        cr_assert_lt(d->r[i].start, d->r[i].end);
        cr_assert_geq(d->r[i].sampled, d->r[i].start);
        cr_assert_lt(d->r[i].sampled, d->r[i].end);
        cr_assert_eq(d->r[i].end, i + 1 < d->n ? d->r[i + 1].start : npages);
    }
}

/* Whatever the accesses, regions cover all pages once and stay within their number. */
Test(damon, regions_cover_all_pages)
{
    static const struct {
        uint32_t npages, least, most;
    } sizes[] = {{1000, 10, 100}, {1000, 3, 3}, {7, 10, 100}, {1, 1, 3}, {100000, 100, 1000}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct damon_regions *d = regions(sizes[i].npages, sizes[i].least, sizes[i].most, i);
        uint64_t random = i;
        for (int round = 0; round < 200; round++) {
            for (uint32_t r = 0; r < d->n; r++)
                d->r[r].accesses = fixture_below(&random, 21);
            damon_region_cut(d, fixture_below(&random, d->n), fixture_below(&random, sizes[i].npages));
            covers_all(d, sizes[i].npages);
            damon_region_aggregate(d);
            covers_all(d, sizes[i].npages);
            cr_assert_leq(d->n, d->capacity);
        }
        free(d);
    }
}

/* Merging: three regions of 20, 19 and 10 accesses, a tenth of the most being 2: the first two become one of mean 19
 * (by size, rounded down), which is then split. No region may be larger than 300 / 1 pages. */
Test(damon, neighbours_alike_are_merged)
{
    struct damon_regions *d = regions(300, 1, 3, 1);
    d->n = 3;
    for (uint32_t i = 0; i < 3; i++)
        d->r[i] = (struct damon_region){.start = 100 * i, .end = 100 * i + 100, .age = 7 * (i == 0)};
    d->r[0].accesses = d->r[0].aggregated = 20;
    d->r[1].accesses = 19;
    d->r[1].aggregated = 19;
    d->r[2].accesses = 10;
    damon_region_aggregate(d);
    cr_assert_eq(d->n, 2, "of three at most, two are not split");
    cr_expect_eq(d->r[0].end, 200);
    cr_expect_eq(d->r[0].aggregated, 19);
    cr_expect_eq(d->r[0].accesses, 0, "a new aggregation");
    cr_expect_eq(d->r[0].age, 4, "the mean of 8 and 1");
    cr_expect_eq(d->r[1].age, 0, "10 after 0: changed");
    free(d);
}

/* One region of 1000 pages, at most 100: split in 2, and in 3 once the number has not changed. The pieces are tenths.
 */
Test(damon, regions_are_split_at_random)
{
    struct damon_regions *d = regions(1000, 1, 100, 5), *other = regions(1000, 1, 100, 6);
    damon_region_aggregate(d);
    cr_assert_eq(d->n, 2);
    cr_expect_eq(d->r[0].end % 100, 0);
    damon_region_aggregate(d);
    cr_assert_eq(d->n, 3, "one region, as at the split before");
    bool same = true;
    for (int i = 0; i < 5; i++) {
        damon_region_aggregate(other);
        damon_region_aggregate(d);
        same &= d->r[0].end == other->r[0].end;
    }
    cr_expect(!same, "the seed decides");
    free(d);
    free(other);
}

/* Regions of one page each, two samples per aggregation, a pass after each. */
static void begin(uint64_t frames, uint32_t npages, uint64_t cold_age, uint64_t quota_pages)
{
    const struct policy_rig_param param[] = {{"tick_ns", SAMPLE},
                                             {"aggregation_ns", 2 * SAMPLE},
                                             {"apply_ns", SAMPLE},
                                             {"min_regions", npages},
                                             {"max_regions", npages},
                                             {"quota_bytes", quota_pages * 4096},
                                             {"quota_ns", 2 * SAMPLE},
                                             {"cold_age_ns", cold_age},
                                             {"used_bp", 0},
                                             {"free_bp", 0},
                                             {"young", 0},
                                             {0}};
    tier_run_begin("damon_migrate", frames, npages, param);
}

static void aggregation(void)
{
    tier_run_tick(SAMPLE);
    tier_run_tick(SAMPLE);
}

Test(damon, hot_pages_come_up_in_place_of_cold_ones)
{
    begin(1, 3, 0, 100);
    tier_run_place(0, 3);
    for (int i = 0; i < 4; i++) {
        tier_run_reads(2, 1);
        tier_run_tick(SAMPLE);
    }
    tier_run_is(0, TIER_SLOW);
    tier_run_is(1, TIER_SLOW);
    tier_run_is(2, TIER_FAST);
    policy_rig_end();
}

/* Cold for three aggregations, page 0 goes down: its age begins again, so that back in the fast tier it has three more.
 */
Test(damon, an_action_sets_the_age_to_zero)
{
    begin(1, 3, 6 * SAMPLE, 100);
    tier_run_place(0, 1);
    for (int round = 0; round < 2; round++) {
        aggregation();
        aggregation();
        tier_run_is(0, TIER_FAST);
        aggregation();
        tier_run_is(0, TIER_SLOW);
        tier_run_free(0);
        tier_run_place(0, 1);
    }
    policy_rig_end();
}

/* A quota of one page per aggregation: page 3, accessed in both samples, before page 2, accessed in one. */
Test(damon, the_quota_goes_to_the_highest_score)
{
    begin(2, 4, POLICY_NS_MAX, 1);
    tier_run_place(0, 4);
    tier_run_free(0);
    tier_run_free(1);
    for (int i = 0; i < 2; i++) {
        tier_run_reads(3, 2);
        if (i == 0)
            tier_run_reads(2, 4);
        tier_run_tick(SAMPLE);
    }
    cr_assert_eq(tier_run_moves(), 1);
    tier_run_is(3, TIER_FAST);
    tier_run_reads(2, 1);
    aggregation();
    tier_run_is(2, TIER_FAST);
    policy_rig_end();
}

/* Nothing is free of 1000 frames: the goal of 0.5 % is missed by all, and the demotion's quota doubles from a byte each
 * second: 4096 bytes in the 12th. At 5 free it is met. */
Test(damon, demotion_follows_its_goal)
{
    const struct policy_rig_param param[] = {{"tick_ns", 100000000}, {"used_bp", 0}, {0}};
    tier_run_begin("damon_migrate", 1000, 1000, param);
    tier_run_place(0, 1000);
    for (int tick = 0; tick < 110; tick++)
        tier_run_tick(100000000);
    cr_assert_eq(tier_run_moves(), 0);
    for (int tick = 0; tick < 40; tick++)
        tier_run_tick(100000000);
    uint64_t moved = tier_run_moves();
    cr_assert_geq(moved, 5);
    for (int tick = 0; tick < 100; tick++)
        tier_run_tick(100000000);
    cr_expect_leq(tier_run_moves(), 2 * moved, "the quota shrinks again");
    policy_rig_end();
}

/* Two looks at accessed bits per region and sample, however many pages there are. */
Test(damon, looks_at_few_pages)
{
    begin(1000, 1000, 0, 100);
    tier_run_tick(SAMPLE);
    cr_expect_eq(policy_rig.config.policy->looked(policy_rig.state), 2000, "regions of one page");
    policy_rig_end();
    tier_run_begin("damon_migrate", 1000, 1000, NULL);
    for (int i = 0; i < 3; i++)
        tier_run_tick(SAMPLE);
    cr_expect_eq(policy_rig.config.policy->looked(policy_rig.state), 60, "ten regions, three samples");
    cr_expect_eq(policy_rig.config.policy->looked(policy_rig.state), 0, "told once");
    policy_rig_end();
}

static uint64_t digest(uint64_t seed)
{
    const struct policy_rig_param param[] = {{"tick_ns", 1000},  {"aggregation_ns", 3000}, {"apply_ns", 1000},
                                             {"quota_ns", 1000}, {"used_bp", 0},           {"free_bp", 0},
                                             {"min_regions", 3}, {"max_regions", 100},     {"quota_bytes", 8192},
                                             {"young", 0},       {"seed", seed},           {0}};
    tier_run_begin("damon_migrate", 20, 100, param);
    fixture_workload(&policy_rig, 4, 20000, false, false);
    uint64_t digest = engine_digest(policy_rig.engine);
    cr_assert_gt(tier_run_moves(), 0);
    policy_rig_end();
    return digest;
}

/* What is random comes from the seed alone. */
Test(damon, the_seed_decides)
{
    cr_expect_eq(digest(1), digest(1));
    cr_expect_neq(digest(1), digest(2));
}
