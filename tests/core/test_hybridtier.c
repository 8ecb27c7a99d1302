/* SPDX-License-Identifier: BSD-2-Clause
 *
 * hybridtier, its sketches and its trend against vectors worked out by hand from the artifact's tiering_runtime.
 */
#include <criterion/criterion.h>

#include "policy/sketch.h"
#include "policy/trend.h"
#include "tests/core/tier_run.h"

enum { TICK = 10000000, PAGES = 128, FRAMES = 80, TICKS_PER_ROUND = 6 };

static uint64_t words[128];
static struct sketch sketch;

Test(sketch, counts_to_15_and_ages_by_half)
{
    sketch_init(&sketch, sketch_words(1000), 40);
    cr_assert_eq(sketch.words, 64, "1000 counters, 16 per word, a power of two");
    for (uint32_t i = 1; i <= 20; i++)
        cr_assert_eq(sketch_add(&sketch, words, sketch_hash(7)), i < 15 ? i : 15);
    cr_assert_eq(sketch_count(&sketch, words, sketch_hash(7)), 15);
    cr_assert_eq(sketch_pages(&sketch, 15), 1);
    for (uint32_t i = 0; i < 19; i++)
        sketch_add(&sketch, words, sketch_hash(1000));
    cr_assert_eq(sketch_pages(&sketch, 15), 2);
    cr_assert_eq(sketch_add(&sketch, words, sketch_hash(1000)), 7, "the 40th ages, and 15 / 2 = 7");
    cr_assert_eq(sketch_count(&sketch, words, sketch_hash(7)), 7);
    cr_assert_eq(sketch.added, 20);
    cr_assert_eq(sketch_pages(&sketch, 8), 0);
    cr_assert_eq(sketch_pages(&sketch, 7), 2);
    sketch_take(&sketch, words, sketch_hash(7));
    cr_assert_eq(sketch_count(&sketch, words, sketch_hash(7)), 6);
}

/* Never below the true count; and far less than 1 in 100 of pages that were never added have one. */
Test(sketch, errs_upwards_and_seldom)
{
    uint32_t room = sketch_words(400 * 2043 / 100), wrong = 0;
    uint64_t *big = calloc(room, sizeof *big);
    sketch_init(&sketch, room, 1000000);
    for (page_t page = 0; page < 400; page++)
        for (uint32_t i = 0; i <= page % 10; i++)
            sketch_add(&sketch, big, sketch_hash(page));
    for (page_t page = 0; page < 400; page++)
        cr_assert_geq(sketch_count(&sketch, big, sketch_hash(page)), page % 10 + 1);
    for (page_t page = 1000; page < 11000; page++)
        wrong += sketch_count(&sketch, big, sketch_hash(page)) > 0;
    cr_expect_lt(wrong, 100);
    free(big);
}

Test(trend, slope_of_a_line)
{
    struct trend t = {0};
    for (int64_t y = 9; y > 4; y--)
        trend_push(&t, y);
    cr_expect_eq(trend_slope(&t), -1 * TREND_SCALE);
    cr_expect_eq(t.n, 5);
    trend_push(&t, 5);
    trend_push(&t, 5);
    /* 7 6 5 5 5: the least squares give -0.5 */
    cr_expect_eq(trend_slope(&t), -25);
    cr_expect_eq(t.n, 6);
}

static void begin(uint64_t batch, uint64_t momentum, uint64_t window)
{
    const struct policy_rig_param param[] = {
        {"batch", batch}, {"momentum", momentum}, {"momentum_window", window}, {"point_ns", 1000000000}, {0}};
    tier_run_begin("hybridtier", FRAMES, PAGES, param);
    tier_run_place(0, 100);
}

/* All stages of a round, each of which takes a tick. */
static void round_of_ticks(void)
{
    for (int i = 0; i < TICKS_PER_ROUND; i++)
        tier_run_tick(TICK);
}

/* Frequency 5, at the end of a batch. */
Test(hybridtier, five_samples_take_a_page_up_when_the_batch_ends)
{
    begin(10, 15, 1000000);
    tier_run_free(0);
    tier_run_free(1);
    tier_run_reads(90, 5);
    tier_run_reads(91, 4);
    round_of_ticks();
    tier_run_is(90, TIER_SLOW);
    tier_run_reads(2, 1);
    round_of_ticks();
    tier_run_is(90, TIER_FAST);
    tier_run_is(91, TIER_SLOW);
    tier_run_reads(91, 1);
    tier_run_reads(2, 9);
    round_of_ticks();
    tier_run_is(91, TIER_FAST);
    policy_rig_end();
}

/* Page 90 has momentum 3 while its frequency is below 5; page 91 as many samples, but the 8th of all has halved its two
 * before its third, and the 12th halves again (ageing leaves half of what was added). */
Test(hybridtier, three_samples_in_a_short_time_as_well)
{
    begin(20, 3, 8);
    tier_run_free(0);
    tier_run_free(1);
    tier_run_reads(91, 2);
    tier_run_reads(2, 4);
    tier_run_reads(3, 2);
    tier_run_reads(90, 3);
    tier_run_reads(91, 1);
    for (page_t page = 5; page < 13; page++)
        tier_run_reads(page, 1);
    round_of_ticks();
    tier_run_is(91, TIER_SLOW);
    tier_run_is(90, TIER_FAST);
    policy_rig_end();
}

/* 80 frames: at most 1 free (1.25 %) begins demotion, up to 4 free (5 %). Page 0 has frequency 10 and momentum 0: a
 * second chance. Page 2 has momentum: stays. By address, 1, 3, 4, 5 go. */
static void demote_to_5_percent(uint32_t free)
{
    begin(40, 15, 10);
    for (page_t page = FRAMES - free; page < FRAMES; page++)
        tier_run_free(page);
    tier_run_reads(0, 10);
    for (page_t page = 85; page < 95; page++)
        tier_run_reads(page, 2);
    for (page_t page = 95; page < 100; page++)
        tier_run_reads(page, 1);
    tier_run_reads(2, 4);
    tier_run_reads(99, 1);
    round_of_ticks();
}

Test(hybridtier, cold_pages_go_down_by_address)
{
    demote_to_5_percent(0);
    cr_assert_eq(tier_run_moves(), 4);
    for (page_t page = 0; page < 8; page++)
        tier_run_is(page, page == 0 || page == 2 || page > 5 ? TIER_FAST : TIER_SLOW);
    policy_rig_end();
    demote_to_5_percent(1);
    cr_assert_eq(tier_run_moves(), 3);
    policy_rig_end();
    demote_to_5_percent(2);
    cr_assert_eq(tier_run_moves(), 0);
    policy_rig_end();
}

/* More than 60 s later page 0 has had no sample more: it goes, and three more from where the last scan ended. */
Test(hybridtier, a_second_chance_lasts_60_s)
{
    for (uint64_t seconds = 59; seconds <= 61; seconds += 2) {
        demote_to_5_percent(0);
        tier_run_place(100, 4);
        policy_rig.now += seconds * 1000000000;
        for (page_t page = 85; page < 95; page++)
            tier_run_reads(page, 4);
        round_of_ticks();
        cr_assert_eq(tier_run_moves(), 8);
        tier_run_is(0, seconds < 60 ? TIER_FAST : TIER_SLOW);
        tier_run_is(8, TIER_SLOW);
        tier_run_is(9, seconds < 60 ? TIER_SLOW : TIER_FAST);
        policy_rig_end();
    }
}

/* Misses of a point: so many in a hundred to a fast page. */
static void point(uint32_t fast)
{
    tier_run_reads(6, fast);
    tier_run_reads(90, 100 - fast);
    tier_run_tick(1000000000);
}

/* Every fast page is in use, so two scans in a row find nothing: sampling stops. It begins again when the share of the
 * fast tier falls by 0.02 per point over five points, of which the first is not looked at. */
Test(hybridtier, sampling_stops_and_begins_again)
{
    begin(800, 15, 1000000);
    for (int batch = 0; batch < 2; batch++) {
        cr_assert_eq(policy_rig.engine->view.sampling, 1);
        for (page_t page = 0; page < FRAMES; page++)
            tier_run_reads(page, 10);
        round_of_ticks();
    }
    cr_assert_eq(policy_rig.engine->view.sampling, 32768);
    tier_run_tick(UINT64_C(121) * 1000000000);
    for (uint32_t i = 0; i < 6; i++) {
        cr_assert_eq(policy_rig.engine->view.sampling, 32768, "point %u", i);
        point(90 - 2 * i);
    }
    cr_assert_eq(policy_rig.engine->view.sampling, 1);
    policy_rig_end();
}

/* Single samples of `n` fast pages from `first` on. */
static void others(page_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        tier_run_reads(first + i, 1);
}

/* Few promotions and few hot pages: the threshold falls to 4, then 3, at which page 90's third sample takes it up.
 * After that it can fall no more: sampling stops. */
Test(hybridtier, a_plateau_lowers_the_threshold_to_3)
{
    const struct policy_rig_param param[] = {{"batch", 10}, {"momentum", 15}, {"after", 0}, {"plateau", 1}, {0}};
    tier_run_begin("hybridtier", FRAMES, PAGES, param);
    tier_run_place(0, 100);
    for (page_t page = 0; page < 8; page++)
        tier_run_free(page);
    tier_run_reads(90, 2);
    others(10, 8);
    round_of_ticks();
    others(20, 10);
    round_of_ticks();
    tier_run_is(90, TIER_SLOW);
    cr_assert_eq(policy_rig.engine->view.sampling, 1);
    tier_run_reads(90, 1);
    others(30, 9);
    round_of_ticks();
    tier_run_is(90, TIER_FAST);
    cr_assert_eq(policy_rig.engine->view.sampling, 32768);
    policy_rig_end();
}
