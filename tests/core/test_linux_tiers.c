/* SPDX-License-Identifier: BSD-2-Clause
 *
 * nbt, tpp and pghot against what their kernels do, worked out by hand: Linux 6.3 kernel/sched/fair.c
 * (should_numa_migrate_memory, numa_promotion_adjust_threshold, numa_promotion_rate_limit), the patch of TPP, and
 * linux-mm mm/pghot-default.c. Node 0 has CPUs and is fast, node 1 is slow memory. Pages are put on a node by a first
 * touch "of" that node, and fault by engine_access. Batch 1.
 */
#include <criterion/criterion.h>

#include "tests/core/fixture.h"

#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
enum { NPAGES = 2000, MIB = 1 << 20 };

/* As in the classes' tables. */
enum { TICK, DELAY, MIN, MAX, FLOOR, SIZE, MARK, IDLE, HOT, ADJUST, RATE, RATE_WINDOW, TIME_BITS, DEMOTE };
enum { TPP_SCALE = 8, PGHOT_PRECISE = 1, PGHOT_THRESHOLD = 2, PGHOT_DEMOTE = 6 };

static struct fixture_shape shape;
static struct fixture_run run;

/* The class with a fast node of so many frames; scans are `period` apart, the first at once. */
static struct engine_config configure(const char *class, uint64_t fast, uint32_t page_size, uint64_t period)
{
    fixture_shape(&shape, 2, 2, fast);
    fixture_tiers(&shape, 1, FRAMES_UNBOUNDED);
    shape.topology.page_size = page_size;
    struct engine_config config = fixture_config(policy_find(class), &shape, NPAGES);
    config.batch = 1;
    if (period) {
        config.param[DELAY] = config.param[MARK] = 0;
        config.param[MIN] = config.param[MAX] = config.param[FLOOR] = period;
    }
    return config;
}

static void begin(const struct engine_config *config)
{
    cr_assert_eq(fixture_begin(&run, config, MACHINE_WATCH), 0);
}

static void end(void)
{
    machine_check_compare(&run.check, run.engine);
    cr_expect_eq(run.check.breaches, 0, "%s", run.check.first);
    cr_expect(fixture_guarded(&run));
    fixture_end(&run);
}

static node_t home(page_t page)
{
    return view_home(&run.engine->view, page);
}

static void touch(page_t from, uint32_t n, node_t node)
{
    for (page_t page = from; page < from + n; page++)
        cr_assert_eq(engine_access(run.engine, page, node, 0, false, run.now), 0);
}

static void tick_at(uint64_t now)
{
    run.now = now;
    fixture_window(&run);
    observe_harvest(&run.observe);
    engine_tick(run.engine, now);
}

/* A hint fault by node 0, at so many ns after the last tick. Was the page promoted? */
static bool fault(page_t page, uint64_t after)
{
    cr_assert(view_place(&run.engine->view, page)->flags & PLACE_WATCHED, "page %u is not watched", page);
    cr_assert_eq(engine_access(run.engine, page, 0, 0, false, run.now + after), 0);
    engine_flush(run.engine);
    return home(page) == 0;
}

/* --- nbt --- */

/* In scan k, at k x 61 s, three fresh slow pages: one fault lets the threshold be adjusted, then one page faults just
 * below the threshold expected, and one at it. */
static void threshold_is(unsigned k, uint64_t ms)
{
    page_t page = k * 3;
    touch(page, 3, 1);
    tick_at(k * 61 * SECOND);
    fault(page, MS);
    cr_assert(fault(page + 1, (ms - 1) * MS), "%llu ms, minute %u", (unsigned long long)ms - 1, k);
    cr_assert_not(fault(page + 2, ms * MS), "%llu ms, minute %u", (unsigned long long)ms, k);
}

/* Vector: limit default, few candidates -> 1000, 1125, ..., 2000 at one step per 60 s. */
Test(nbt, the_shipped_limit_lets_the_threshold_drift_to_two_seconds)
{
    struct engine_config config = configure("nbt", 1000, 4096, 61 * SECOND);
    begin(&config);
    for (unsigned k = 1; k <= 10; k++)
        threshold_is(k, k < 8 ? 1000 + 125 * k : 2000);
    end();
}

Test(nbt, the_default_holds_for_the_first_minute)
{
    struct engine_config config = configure("nbt", 1000, 4096, 10 * SECOND);
    begin(&config);
    touch(0, 3, 1);
    tick_at(10 * SECOND);
    cr_assert(fault(0, 999 * MS));
    cr_assert_not(fault(1, 1000 * MS));
    end();
}

/* Vector: candidates > 1.1 ref each period -> 1000, 875, ..., 125. Pages of 1 MiB, 20 MB/s, adjusted every 6 s: ref
 * 120; 141 candidates in a scan. The limit of 2 pages in 100 ms lets the first two go: the others count all the same.
 */
Test(nbt, too_many_candidates_lower_the_threshold_though_they_do_not_move)
{
    enum { BURST = 140, FRESH = BURST + 2 };
    struct engine_config config = configure("nbt", 1000, MIB, 6100 * MS);
    config.param[ADJUST] = 6 * SECOND;
    config.param[SIZE] = UINT64_C(1) << 40;
    config.param[RATE] = 20;
    config.param[RATE_WINDOW] = 100 * MS;
    begin(&config);
    for (unsigned k = 0; k < 10; k++) {
        uint64_t ms = k < 7 ? 1000 - 125 * k : 125;
        page_t page = k * FRESH;
        touch(page, FRESH, 1);
        tick_at((3000 + k * 6100) * MS);
        for (page_t i = 0; i < BURST; i++)
            cr_assert_eq(fault(page + i, MS), i < 2, "candidate %u of scan %u", i, k);
        cr_assert(fault(page + BURST, (ms - 1) * MS), "%llu ms, scan %u", (unsigned long long)ms - 1, k);
        cr_assert_not(fault(page + BURST + 1, ms * MS), "%llu ms, scan %u", (unsigned long long)ms, k);
    }
    cr_assert_eq(run.engine->stats.refused[REFUSED_MEMORY], 0);
    end();
}

/* Pages of 1 MiB: 1024 are 1 GB. 1200 frames: min 12 (1 %), gap 3, promo 21; more than 1045 free are enough. */
Test(nbt, with_enough_free_any_page_goes_and_the_threshold_is_the_default_again)
{
    struct engine_config config = configure("nbt", 1200, MIB, 61 * SECOND);
    begin(&config);
    touch(100, 200, 0);
    threshold_is(1, 1125);
    threshold_is(2, 1250);
    for (page_t page = 100; page < 150; page++)
        cr_assert_eq(engine_free(run.engine, page, run.now), 0);
    touch(20, 2, 1);
    tick_at(3 * 61 * SECOND);
    cr_assert(fault(20, 60 * SECOND), "1048 free, then 1047");
    touch(100, 50, 0);
    cr_assert_not(fault(21, 60 * SECOND), "997 free: 60 s is no hot page");
    touch(22, 2, 1);
    tick_at(4 * 61 * SECOND);
    cr_assert(fault(22, 1124 * MS), "adjusted once since: 1125 again, not 1375");
    cr_assert_not(fault(23, 1125 * MS));
    end();
}

Test(nbt, only_the_slow_tier_is_scanned)
{
    struct engine_config config = configure("nbt", 1000, 4096, SECOND);
    begin(&config);
    touch(0, 10, 0);
    touch(10, 5, 1);
    tick_at(SECOND);
    cr_assert_eq(run.engine->stats.watches, 5);
    for (page_t page = 0; page < 10; page++)
        cr_assert_not(view_place(&run.engine->view, page)->flags & PLACE_WATCHED);
    end();
}

/* 12 bits of ms: a fault 4096 ms after the mark looks like one at once. */
Test(nbt, the_time_of_the_mark_wraps)
{
    struct engine_config config = configure("nbt", 1000, 4096, 20 * SECOND);
    config.param[TIME_BITS] = 12;
    begin(&config);
    touch(0, 3, 1);
    tick_at(20 * SECOND);
    cr_assert_not(fault(0, 4095 * MS));
    cr_assert(fault(1, 4096 * MS));
    end();
}

/* 200 frames: min 2, gap 1: low 3, high 4, promo 5. */
Test(nbt, a_promotion_without_room_wakes_the_demotion)
{
    struct engine_config config = configure("nbt", 200, 4096, SECOND);
    begin(&config);
    touch(0, 197, 0);
    touch(500, 3, 1);
    tick_at(SECOND);
    cr_assert_eq(run.engine->stats.moves, 0, "3 free: nobody asked for more");
    cr_assert_not(fault(500, MS), "no more than high");
    tick_at(SECOND + 20 * MS);
    cr_assert_eq(run.engine->stats.moves, 3, "until more than promo is free: 6");
    cr_assert_eq(home(0), 1, "neither accessed nor active");
    cr_assert(fault(501, 2 * MS));
    tick_at(SECOND + 40 * MS);
    cr_assert_eq(run.engine->stats.moves, 4, "5 free, and nobody waits: no more demotion");
    end();
}

Test(nbt, without_demotion_a_full_fast_tier_stays)
{
    struct engine_config config = configure("nbt", 200, 4096, SECOND);
    config.param[DEMOTE] = 0;
    begin(&config);
    touch(0, 197, 0);
    touch(500, 3, 1);
    tick_at(SECOND);
    fault(500, MS);
    tick_at(SECOND + 20 * MS);
    cr_assert_eq(run.engine->stats.moves, 0);
    end();
}

/* --- tpp --- */

/* Vector: 3 faults on an inactive slow page: referenced, active, promoted. */
Test(tpp, the_third_fault_promotes)
{
    struct engine_config config = configure("tpp", 1000, 4096, SECOND);
    begin(&config);
    touch(0, 1, 1);
    for (unsigned k = 1; k <= 2; k++) {
        tick_at(k * SECOND);
        cr_assert_not(fault(0, MS), "fault %u", k);
    }
    tick_at(3 * SECOND);
    cr_assert(fault(0, 900 * MS), "however late");
    end();
}

/* 1000 frames: min 10 (1 %), gap 2, low 12, high 14; the demotion mark is 2 x 14, above 2 % (20). */
Test(tpp, demotion_keeps_more_free_than_allocation_asks_for)
{
    struct engine_config config = configure("tpp", 1000, 4096, 100 * SECOND);
    begin(&config);
    touch(0, 1100, 0);
    cr_assert_eq(run.engine->free[0], 12, "first touch stops at low");
    cr_assert_eq(home(987), 0);
    cr_assert_eq(home(988), 1);
    tick_at(20 * MS);
    cr_assert_eq(run.engine->free[0], 28);
    cr_assert_eq(run.engine->stats.moves, 16);
    tick_at(40 * MS);
    cr_assert_eq(run.engine->stats.moves, 16);
    end();
}

/* 1500 frames, a tenth of them: 150, above twice the high watermark (21). */
Test(tpp, the_mark_is_a_share_of_the_node)
{
    struct engine_config config = configure("tpp", 1500, 4096, 100 * SECOND);
    config.param[TPP_SCALE] = 1000;
    begin(&config);
    touch(0, 1400, 0);
    tick_at(20 * MS);
    cr_assert_eq(run.engine->free[0], 150);
    end();
}

/* 100 frames: low 2, high 3, mark 6. Pages seen twice by the hand are active and outlast those not used. */
Test(tpp, what_is_used_is_not_demoted)
{
    struct engine_config config = configure("tpp", 100, 4096, 100 * SECOND);
    begin(&config);
    touch(0, 98, 0);
    for (page_t page = 0; page < 98; page++)
        if (page % 10)
            fixture_misses(&run, 0, page, false, 1);
    tick_at(20 * MS);
    cr_assert_eq(run.engine->free[0], 6);
    for (page_t page = 0; page < 98; page++)
        cr_assert_eq(home(page), page % 10 == 0 && page < 40, "page %u", page);
    end();
}

/* An active page needs two rounds without use: the first makes it inactive. */
Test(tpp, the_hand_gives_active_pages_a_second_chance)
{
    struct engine_config config = configure("tpp", 100, 4096, 100 * SECOND);
    begin(&config);
    touch(0, 98, 0);
    uint64_t now = 0;
    for (unsigned round = 0; round < 2; round++) {
        for (page_t page = 0; page < 98; page++)
            fixture_misses(&run, 0, page, false, 1);
        tick_at(now += 20 * MS);
        cr_assert_eq(run.engine->stats.moves, 0, "all used: referenced, then active");
    }
    /* NPAGES looks a round: first 98 active pages become inactive, in the next round 4 of them go. */
    tick_at(now += 20 * MS);
    cr_assert_eq(run.engine->stats.moves, 0);
    tick_at(now + 20 * MS);
    cr_assert_eq(run.engine->stats.moves, 4);
    end();
}

/* --- pghot --- */

static void see(uint64_t at, page_t page)
{
    run.now = at;
    fixture_misses(&run, 0, page, false, 1);
    engine_flush(run.engine);
}

static void begin_pghot(unsigned precise)
{
    struct engine_config config = configure("pghot", 1000, 4096, 0);
    config.param[PGHOT_PRECISE] = precise;
    begin(&config);
    touch(0, 100, 1);
}

static uint64_t promoted_at_tick(uint64_t now)
{
    uint64_t before = run.engine->stats.moves;
    tick_at(now);
    return run.engine->stats.moves - before;
}

/* Vectors: accesses at 0 s and 2 s: ready at the second; at 0 s and 3.5 s: the window has expired. */
Test(pghot, twice_within_three_seconds)
{
    begin_pghot(0);
    see(0, 1);
    see(0, 2);
    cr_assert_eq(promoted_at_tick(SECOND), 0);
    see(2 * SECOND, 1);
    cr_assert_eq(promoted_at_tick(2100 * MS), 1);
    cr_assert_eq(home(1), 0);
    see(3500 * MS, 2);
    cr_assert_eq(promoted_at_tick(3600 * MS), 0);
    see(3700 * MS, 2);
    cr_assert_eq(promoted_at_tick(3800 * MS), 1, "frequency 1 again, then 2");
    end();
}

/* Taking clears the record, even where the move then finds no room: 10 frames, high 2. */
Test(pghot, the_record_is_cleared_when_it_is_taken)
{
    struct engine_config config = configure("pghot", 10, 4096, 0);
    config.param[PGHOT_DEMOTE] = 0;
    begin(&config);
    touch(50, 8, 0);
    touch(0, 10, 1);
    see(0, 1);
    see(MS, 1);
    cr_assert_eq(promoted_at_tick(100 * MS), 0, "2 free");
    cr_assert_eq(engine_free(run.engine, 50, run.now), 0);
    cr_assert_eq(engine_free(run.engine, 51, run.now), 0);
    cr_assert_eq(promoted_at_tick(200 * MS), 0, "room now, but nothing is ready");
    see(300 * MS, 1);
    cr_assert_eq(promoted_at_tick(400 * MS), 0, "from one on again");
    see(450 * MS, 1);
    cr_assert_eq(promoted_at_tick(500 * MS), 1);
    end();
}

/* 5 bits of 128 ms: 4.096 s after its last access a page looks as if just used. */
Test(pghot, time_wraps_after_four_seconds)
{
    begin_pghot(0);
    see(0, 1);
    see(4096 * MS, 1);
    cr_assert_eq(promoted_at_tick(4200 * MS), 1);
    see(5 * SECOND, 2);
    see(5 * SECOND + 2 * 4096 * MS, 2);
    cr_assert_eq(promoted_at_tick(14 * SECOND), 1);
    end();
}

Test(pghot, the_threshold_can_be_three)
{
    struct engine_config config = configure("pghot", 1000, 4096, 0);
    config.param[PGHOT_THRESHOLD] = 3;
    begin(&config);
    touch(0, 10, 1);
    see(0, 1);
    see(1, 1);
    cr_assert_eq(promoted_at_tick(100 * MS), 0);
    see(200 * MS, 1);
    cr_assert_eq(promoted_at_tick(300 * MS), 1);
    end();
}

/* Two fast nodes and a slow one: the byte knows no node, the precise record that of the last access. */
Test(pghot, where_pages_go)
{
    for (unsigned precise = 0; precise < 2; precise++) {
        fixture_shape(&shape, 3, 3, FRAMES_UNBOUNDED);
        fixture_tiers(&shape, 2, FRAMES_UNBOUNDED);
        struct engine_config config = fixture_config(policy_find("pghot"), &shape, NPAGES);
        config.batch = 1;
        config.param[PGHOT_PRECISE] = precise;
        begin(&config);
        touch(0, 1, 2);
        fixture_misses(&run, 0, 0, false, 1);
        fixture_misses(&run, 1, 0, false, 1);
        engine_flush(run.engine);
        cr_assert_eq(promoted_at_tick(100 * MS), 1);
        cr_assert_eq(home(0), precise);
        end();
    }
}

/* Precise: 5 s and 14 bits of ms. */
Test(pghot, the_precise_record)
{
    begin_pghot(1);
    see(0, 1);
    see(4500 * MS, 1);
    cr_assert_eq(promoted_at_tick(4600 * MS), 1);
    see(5 * SECOND, 2);
    see(10001 * MS, 2);
    cr_assert_eq(promoted_at_tick(10100 * MS), 0);
    see(11 * SECOND, 3);
    see(11 * SECOND + 16384 * MS, 3);
    cr_assert_eq(promoted_at_tick(28 * SECOND), 1, "wraps after 16.4 s");
    end();
}

Test(pghot, pages_of_the_fast_tier_are_not_recorded)
{
    begin_pghot(0);
    touch(500, 1, 0);
    see(0, 500);
    see(1, 500);
    cr_assert_eq(promoted_at_tick(100 * MS), 0);
    cr_assert_eq(run.engine->stats.refused[REFUSED_THERE], 0, "no order at all");
    end();
}

/* --- one tier --- */

Test(tiering, one_tier_leaves_these_classes_nothing_to_do)
{
    static const char *const classes[] = {"nbt", "tpp", "pghot"};
    for (unsigned i = 0; i < 3; i++) {
        fixture_shape(&shape, 4, 8, FRAMES_UNBOUNDED);
        struct engine_config config = fixture_config(policy_find(classes[i]), &shape, 40);
        cr_assert_eq(fixture_begin(&run, &config, MACHINE_WATCH), 0);
        fixture_workload(&run, 3, 2000, true, false);
        cr_assert_eq(run.engine->stats.moves + run.engine->stats.watches, 0, "%s", classes[i]);
        end();
    }
}
