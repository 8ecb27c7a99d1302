/* SPDX-License-Identifier: BSD-2-Clause
 *
 * thrift against vectors worked out by hand. Nodes 100 ns from themselves, 201 ns from their neighbours; page_ns 3700,
 * sync_ns 2400: a price is 3700 + 2400 / 8 = 4000 ns, and purchases wait for the tick, since two shootdowns cost more
 * than a page. A remote read from the neighbour pays 101 ns of rent: 103.4 4096ths of the price, counted as 103. So 40
 * reads pay 4120 and buy; 39 pay 4017 and do not. The first touch of node 0 is a vote for it, of 105 (node 3, the
 * farthest, is 203 ns away): two reads of node 1 take it back.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/core/fixture.h"

enum { PRICE, PATIENCE, STEADY, SPREAD, WATCHING, TICK, SEED };

static struct fixture_shape shape;
static struct fixture_run run;
static struct costs costs;

/* 1000 % of a price of steady reading is more than a counter holds (10 x 4096 is below 65535, 100 x is not): with it,
 * reads are kept from tossing coins until the test lets them. */
static void begin(uint64_t steady, uint64_t frames, bool tiers)
{
    const struct policy_class *class = policy_find("thrift");
    fixture_shape(&shape, 4, 4, frames);
    if (tiers)
        fixture_tiers(&shape, 3, FRAMES_UNBOUNDED);
    costs = (struct costs){.page_ns = 3700, .sync_ns = 2400};
    shape.topology.costs = &costs;
    struct engine_config config = fixture_config(class, &shape, 64);
    config.batch = 1;
    config.param[PRICE] = 100;
    config.param[STEADY] = steady;
    cr_assert_eq(fixture_begin(&run, &config, MACHINE_REPLICAS), 0);
}

static void end(void)
{
    cr_expect_eq(run.check.breaches, 0, "%s", run.check.first);
    cr_expect(fixture_guarded(&run));
    fixture_end(&run);
}

static void tick(void)
{
    run.now += 1000000;
    fixture_window(&run);
    engine_tick(run.engine, run.now);
}

static node_t home(page_t page)
{
    return view_home(&run.engine->view, page);
}

static nodeset_t copies(page_t page)
{
    return view_copies(&run.engine->view, page);
}

Test(thrift, a_price_of_rent_buys_a_move)
{
    begin(1000, FRAMES_UNBOUNDED, false);
    fixture_misses(&run, 0, 0, true, 1);
    fixture_misses(&run, 1, 0, true, 2 + 39);
    tick();
    cr_assert_eq(home(0), 0, "39 x 103 = 4017 of 4096");
    fixture_misses(&run, 1, 0, true, 1);
    cr_assert_eq(home(0), 0, "nothing happens before the tick");
    tick();
    cr_assert_eq(home(0), 1, "40 x 103 = 4120");
    cr_expect_eq(copies(0), nodeset_of(1));
    end();
}

Test(thrift, others_rent_counts_against_the_lead)
{
    begin(1000, FRAMES_UNBOUNDED, false);
    fixture_misses(&run, 0, 0, true, 1);
    fixture_misses(&run, 1, 0, true, 2 + 30);
    fixture_misses(&run, 2, 0, true, 10); /* 202 - 100 = 102 ns: 104 each, 1040 in all: 3090 - 1040 = 2050 left */
    fixture_misses(&run, 1, 0, true, 19); /* + 1957 = 4007 */
    tick();
    cr_assert_eq(home(0), 0);
    fixture_misses(&run, 1, 0, true, 1);
    tick();
    cr_assert_eq(home(0), 1, "4110");
    end();
}

Test(thrift, a_second_move_is_twice_as_dear)
{
    begin(1000, FRAMES_UNBOUNDED, false);
    fixture_misses(&run, 0, 0, true, 1);
    fixture_misses(&run, 1, 0, true, 2 + 40);
    tick();
    cr_assert_eq(home(0), 1);
    fixture_misses(&run, 0, 0, true, 79); /* 8137 of 8192 */
    tick();
    cr_assert_eq(home(0), 1);
    fixture_misses(&run, 0, 0, true, 1);
    tick();
    cr_assert_eq(home(0), 0, "8240");
    end();
}

Test(thrift, pages_read_by_all_are_copied_written_ones_are_not)
{
    begin(100, FRAMES_UNBOUNDED, false);
    for (page_t page = 0; page < 2; page++)
        fixture_misses(&run, 0, page, true, 1);
    for (int i = 0; i < 400; i++) {
        fixture_misses(&run, (node_t)(1 + i % 3), 0, false, 1);
        fixture_misses(&run, (node_t)(1 + i % 3), 1, false, 1);
        if (i % 30 == 29) /* 30 reads pay less than a price */
            fixture_misses(&run, 0, 1, true, 1);
        if (i % 50 == 49)
            tick();
    }
    cr_expect_eq(copies(0), 15, "steady: a copy for each");
    cr_expect_eq(copies(1), 1, "never steady");
    cr_expect_eq(run.engine->stats.moves, 0);
    end();
}

/* Reads of nodes 1 and 2 in turn until a copy is made, then `local` more of the node that has it, then a write. */
static uint64_t reads_until_copied(uint32_t local)
{
    uint64_t reads = 0;
    for (; copies(0) == 1 && reads < 100000; reads += 2) {
        fixture_misses(&run, 1, 0, false, 1);
        fixture_misses(&run, 2, 0, false, 1);
        tick();
    }
    fixture_misses(&run, copies(0) & 2 ? 1 : 2, 0, false, local);
    fixture_misses(&run, 0, 0, true, 1);
    cr_assert_eq(copies(0), 1);
    return reads;
}

/* Fit from half a price on: 2048 at 103 to 104 each, so 20 reads; after each failure twice as many. */
Test(thrift, copies_that_do_not_last_get_dearer)
{
    begin(50, FRAMES_UNBOUNDED, false);
    fixture_misses(&run, 0, 0, true, 1);
    for (int round = 0; round < 4; round++) {
        uint64_t reads = reads_until_copied(0);
        cr_expect_geq(reads, (uint64_t)20 << round, "round %d: %lu", round, reads);
    }
    end();
}

/* 50 local reads save 50 x 103 = 5150, more than a price. Seven times in a row: 2048 >> 7 = 16, less than one read
 * pays, and 103 << 7 = 13184 always wins the toss. */
Test(thrift, copies_that_paid_are_made_on_credit)
{
    begin(50, FRAMES_UNBOUNDED, false);
    fixture_misses(&run, 0, 0, true, 1);
    for (int round = 0; round < 7; round++)
        reads_until_copied(50);
    cr_expect_eq(reads_until_copied(50), 2, "the first reads");
    end();
}

Test(thrift, nothing_waits_where_shootdowns_are_cheap)
{
    const struct policy_class *class = policy_find("thrift");
    fixture_shape(&shape, 4, 4, FRAMES_UNBOUNDED);
    costs = (struct costs){.page_ns = 3800, .sync_ns = 1600}; /* a price of 4000 again */
    shape.topology.costs = &costs;
    struct engine_config config = fixture_config(class, &shape, 64);
    config.batch = 1;
    config.param[PRICE] = 100;
    cr_assert_eq(fixture_begin(&run, &config, MACHINE_REPLICAS), 0);
    fixture_misses(&run, 0, 0, true, 1);
    fixture_misses(&run, 1, 0, true, 2 + 39);
    cr_expect_eq(home(0), 0);
    fixture_misses(&run, 1, 0, true, 1);
    cr_expect_eq(home(0), 1);
    end();
}

Test(thrift, a_full_fast_node_gives_up_cold_pages)
{
    begin(1000, 8, true);
    for (page_t page = 0; page < 8; page++) /* fills node 0; node 1, node 2 as well */
        for (node_t node = 0; node < 3; node++)
            fixture_misses(&run, node, page + 8u * node, true, page == 0 ? 4 : 1);
    fixture_misses(&run, 0, 30, true, 1);
    cr_assert_eq(home(30), 3, "no fast frame is left");
    for (int i = 0; i < 40; i++) {
        fixture_misses(&run, 0, 30, true, 10);
        fixture_misses(&run, 0, 0, true, 1);
        tick();
    }
    cr_expect_eq(home(30), 0, "hot, so it came up");
    cr_expect_eq(home(0), 0, "hot, so it stayed");
    uint32_t down = 0;
    for (page_t page = 0; page < 8; page++)
        down += home(page) == 3;
    cr_expect_geq(down, 1);
    cr_expect_eq(run.engine->stats.fallbacks, 1);
    end();
}

/* Nodes 1 and 2 read a page of node 0, at five times the idle latency. */
static void crowd(int windows)
{
    for (int i = 0; i < windows; i++) {
        fixture_misses(&run, 1, 0, true, 10);
        fixture_misses(&run, 2, 0, true, 10);
        run.now += 1000000;
        fixture_window(&run);
        if (home(0) == 0)
            run.latency_ps[0] = 1000000;
        engine_tick(run.engine, run.now);
    }
}

Test(thrift, places_elsewhere_when_others_crowd_a_node)
{
    begin(1000, FRAMES_UNBOUNDED, false);
    costs.page_ns = 1000000000; /* nothing is bought */
    fixture_end(&run);
    struct engine_config config = fixture_config(policy_find("thrift"), &shape, 64);
    config.batch = 1;
    cr_assert_eq(fixture_begin(&run, &config, MACHINE_REPLICAS), 0);
    fixture_misses(&run, 0, 0, true, 1);
    crowd(1);
    fixture_misses(&run, 0, 20, true, 1);
    cr_expect_eq(home(20), 0, "(3 x 16 + 79) / 4 = 32 sixteenths: less than 300 %%");
    crowd(20);
    fixture_misses(&run, 0, 21, true, 1);
    cr_expect_neq(home(21), 0);
    fixture_misses(&run, 3, 22, true, 1);
    cr_expect_eq(home(22), 3, "not crowded: first touch");
    end();
}

/* Two nodes write in turn, 10 misses each: neither leads by a price. */
Test(thrift, pages_leave_a_crowded_node)
{
    begin(1000, FRAMES_UNBOUNDED, false);
    fixture_misses(&run, 0, 0, true, 1);
    for (int i = 0; i < 20; i++) {
        fixture_misses(&run, 1, 0, true, 10);
        fixture_misses(&run, 2, 0, true, 10);
        tick();
    }
    cr_expect_eq(home(0), 0, "no load: it stays");
    crowd(20);
    cr_expect_neq(home(0), 0);
    end();
}

/* 1000 remote misses a window, 101 ns each: 101 us could be saved, 10 % of it is 10 us; a sample costs 1 us: 1000 / 64
 * samples cost 15.6 us, 1000 / 128 7.8 us. */
Test(thrift, watches_for_a_tenth_of_what_it_could_save)
{
    begin(1000, FRAMES_UNBOUNDED, false);
    costs.sample_ns = 1000;
    costs.page_ns = 1000000000; /* nothing is bought */
    fixture_end(&run);
    struct engine_config config = fixture_config(policy_find("thrift"), &shape, 64);
    config.batch = 1;
    cr_assert_eq(fixture_begin(&run, &config, MACHINE_REPLICAS), 0);
    fixture_misses(&run, 0, 0, true, 1);
    for (int i = 0; i < 100; i++) {
        fixture_misses(&run, 1, 0, true, 1000);
        tick();
    }
    cr_expect_eq(run.engine->view.sampling, 128, "%u", run.engine->view.sampling);
    for (int i = 0; i < 200; i++) {
        fixture_misses(&run, 0, 0, true, 1000);
        tick();
    }
    cr_expect_eq(run.engine->view.sampling, 32768, "all local: nothing to save (%u)", run.engine->view.sampling);
    end();
}
