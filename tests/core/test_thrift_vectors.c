/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Conformance vectors of thrift, worked out by hand from the rule that the head of policy/thrift.c states. How a line
 * is read: tests/core/script.h. Nodes are 100 ns from themselves, 201 to 203 ns from others, a slow tier 400 ns.
 *
 * With the costs AT_TICK or AT_ONCE and a price of 100 % a place costs 4000 ns. A miss of node 1 on node 0 then pays
 * 101 ns: 103 of 4096 units; of a node on a slow page 300 ns: 307; a local miss of node 0 is worth 103 ns: 105.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/core/script.h"

/* clang-format off */
#define AT_TICK .costs = {0, 3700, 2400} /* two shootdowns cost more than a page */
#define AT_ONCE .costs = {0, 3800, 1600}
#define FREE .costs = {0, 100, 0} /* with 1 % a price of 1 ns: every miss pays as much as counts */
/* clang-format on */

Test(thrift_vectors, moves_get_dearer)
{
    script_run_all((const struct script[]){
        {"thrift:price=100", 4, AT_TICK, .words = "w0.0 w1.0*41 t1ms 0=0x1 w1.0 0=0x1 t2ms 0=0x2 0!1"},
        {"thrift:price=100", 4, AT_ONCE, .words = "w0.0 w1.0*41 0=0x1 w1.0 0=0x2 0!1"},
        /* 8192, 16384 and 32768 units; 65536 are more than a lead can be. */
        {"thrift:price=100", 4, AT_ONCE,
         .words = "p0.0 w1.0*40 0=0x2 w0.0*79 0=0x2 w0.0 0=0x1 w1.0*159 0=0x1 w1.0 0=0x2 w0.0*318 0=0x2 w0.0 0=0x1 "
                  "w1.0*2000 0=0x1 moves=4"},
        {0},
    });
}

/* Node 1 leads at home by 65535, which is as much as counts, after 637 misses of 103, not after 636. Forgiven, half of
 * the lead is left: 318.1 misses of node 0. */
Test(thrift_vectors, sixteen_prices_at_home_forgive_a_move)
{
    script_run_all((const struct script[]){
        {"thrift:price=100", 4, AT_ONCE, .words = "p0.0 w1.0*40 0=0x2 w1.0*636 w0.0*636 w0.0*79 0=0x2 w0.0 0=0x1"},
        {"thrift:price=100", 4, AT_ONCE, .words = "p0.0 w1.0*40 0=0x2 w1.0*637 w0.0*319 w0.0*39 0=0x2 w0.0 0=0x1"},
        {"thrift:price=100", 4, AT_ONCE, .words = "p0.0 w0.0*700 w1.0*637 w1.0*39 0=0x1 w1.0 0=0x2"},
        {0},
    });
}

/* What other nodes pay counts against the lead with `patience` percent: 10 x 52 of 104 (node 2). */
Test(thrift_vectors, patience_is_a_share_of_the_rent_of_others)
{
    script_run_all((const struct script[]){
        {"thrift:price=100,patience=50", 4, AT_ONCE, .words = "p0.0 w1.0*10 w2.0*10 w1.0*34 0=0x1 w1.0 0=0x2"},
        {"thrift:price=100,patience=0", 4, AT_ONCE, .words = "p0.0 w1.0*10 w2.0*300 w1.0*29 0=0x1 w1.0 0=0x2"},
        {"thrift:price=100,patience=200", 4, AT_ONCE, .words = "p0.0 w1.0*30 w2.0*10 w1.0*29 0=0x1 w1.0 0=0x2"},
        {0},
    });
}

/* A tick gives 256 orders; a page freed before it is no one's. */
Test(thrift_vectors, what_waits_for_a_tick)
{
    script_run_all((const struct script[]){
        {"thrift:price=100", 4, .npages = 300, AT_TICK,
         .words = "p0.0-259 w1.0-259*40 t1ms moves=256 w1.256-259 t2ms moves=260 refused=0"},
        {"thrift:price=100", 4, AT_TICK, .words = "p0.0 w1.0*40 f0 t1ms 0=0 refused=0"},
        {"thrift:price=100", 4, AT_TICK, .words = "p0.0 w1.0*40 f0 p1.0 t1ms 0=0x2 moves=0 refused=0"},
        {0},
    });
}

/* Each miss pays 32 prices. A copy that is written before it is read has not paid: the price of the next is twice as
 * high; 65535 units of steady reading are 4095 of a price of 16, 2047 of one of 32, 1023 of one of 64. */
Test(thrift_vectors, copies_that_did_not_pay)
{
    script_run_all((const struct script[]){
        {"thrift:price=1,steady=100", 4, FREE,
         .words = "r0.0 r1.0 0=0x3 0!2 w0.0 r1.0 0=0x3 w0.0 r1.0 0=0x3 w0.0 r1.0 0=0x3 w0.0 r1.0 0=0x1"},
        {"thrift:price=1,steady=50", 4, FREE,
         .words = "r0.0 r1.0 0=0x3 w0.0 r1.0 0=0x3 w0.0 r1.0 0=0x3 w0.0 r1.0 0=0x3 w0.0 r1.0 0=0x3 w0.0 r1.0 0=0x1"},
        /* One that paid between. */
        {"thrift:price=1,steady=100", 4, FREE,
         .words = "r0.0 r1.0 0=0x3 w0.0 r1.0 0=0x3 w0.0 r1.0 0=0x3 r1.0 w0.0 r1.0 0=0x3 w0.0 r1.0 0=0x3 w0.0 r1.0 "
                  "0=0x3 w0.0 r1.0 0=0x1"},
        /* Ten prices, 40960 units, are 7 reads of 6464 at a price of 64 ns. A write begins the steady reading again,
           where there is no copy too. */
        {"thrift:price=1,steady=1000", 4, .costs = {0, 6300, 800},
         .words = "p0.0 w0.0*10 r1.0*6 0=0x1 w0.0*10 r1.0*6 0=0x1 w0.0*10 r1.0*7 0=0x3"},
        {0},
    });
}

/* A remote miss on node 0 at twice the latency: 32 sixteenths, smoothed 20. 201 x 20 / 16 - 100 = 151 ns: 154 units a
 * miss, besides the 103 of the first. What local misses alone suffer is not the remote ones'. */
Test(thrift_vectors, rent_is_that_of_the_loaded_machine)
{
    script_run_all((const struct script[]){
        {"thrift:price=100", 4, AT_TICK, .words = "p0.0 w1.0 t1ms/402 w1.0*25 t2ms 0=0x1"},
        {"thrift:price=100", 4, AT_TICK, .words = "p0.0 w1.0 t1ms/402 w1.0*26 t2ms 0=0x2"},
        {"thrift:price=100", 4, AT_TICK, .words = "p0.0-1 w0.1 t1ms/402 w1.0*39 t2ms 0=0x1"},
        {"thrift:price=100", 4, AT_TICK, .words = "p0.0-1 w0.1 t1ms/402 w1.0*40 t2ms 0=0x2"},
        /* A hundred times the latency is as much as counts: (48 + 1600) / 4 = 412 sixteenths, 5075 ns, at a price of
         * 400 us 51 units. */
        {"thrift:price=10000,spread=100000", 4, AT_TICK, .words = "p0.0 w1.0 t1ms/1000000 w1.0*80 t2ms 0=0x1"},
        {"thrift:price=10000,spread=100000", 4, AT_TICK, .words = "p0.0 w1.0 t1ms/1000000 w1.0*81 t2ms 0=0x2"},
        {0},
    });
}

/* 412 sixteenths of latency on node 0, served mostly to others: pages touched there go to the others in turn, but to
 * none of another tier, without room, or with more than half of the crowding (214 sixteenths; 10160 ns are 808,
 * smoothed 214; 10210 are 812, smoothed 215). */
Test(thrift_vectors, first_touch_avoids_what_others_crowd)
{
    script_run_all((const struct script[]){
        {"thrift", 4, AT_TICK, .words = "p0.0 w1.0*3 t1ms/20100 p0.1-4 1=0x2 2=0x4 3=0x8 4=0x2"},
        {"thrift", 4, 2, AT_TICK, .words = "p0.0 w1.0*3 t1ms/20100 p0.1-3 1=0x2 2=0x2 3=0x2"},
        {"thrift", 4, .frames = 2, AT_TICK, .words = "p0.0 p1.8-9 w1.0*3 t1ms/20100 p0.1 1=0x4"},
        {"thrift", 4, AT_TICK, .words = "p0.0 p1.5 w1.0*3 w0.5*3 t1ms/20100/10160 p0.1 1=0x2"},
        {"thrift", 4, AT_TICK, .words = "p0.0 p1.5 w1.0*3 w0.5*3 t1ms/20100/10210 p0.1 1=0x4"},
        {"thrift", 2, AT_TICK, .words = "p0.0 p1.5 w1.0*3 w0.5*3 t1ms/20100/20100 p0.1 1=0x1"},
        /* Its own CPUs have as many misses or more. */
        {"thrift", 4, AT_TICK, .words = "p0.0 w0.0*3 w1.0*3 t1ms/20100 p0.1 1=0x1"},
        {"thrift", 4, AT_TICK, .words = "p0.0 w0.0*4 w1.0*3 t1ms/20100 p0.1 1=0x1"},
        {"thrift", 4, AT_TICK, .words = "p0.0 w0.0*3 w1.0*4 t1ms/20100 p0.1 1=0x2"},
        {"thrift:spread=2575", 4, AT_TICK, .words = "p0.0 w1.0*3 t1ms/20100 p0.1 1=0x2"},
        {"thrift:spread=2582", 4, AT_TICK, .words = "p0.0 w1.0*3 t1ms/20100 p0.1 1=0x1"},
        {0},
    });
}

/* Node 0's own 60 misses lead by 6300, less 103 and, at 412 sixteenths, 5196: no one's page. The way to an idle node
 * saves 201 x 396 / 16 = 4974 ns, more than a price: to the user's own node where that is idle, else to another. */
Test(thrift_vectors, pages_of_no_one_leave_a_crowded_node)
{
    script_run_all((const struct script[]){
        {"thrift:price=100", 4, AT_TICK, .words = "p0.0 w0.0*60 w1.0 t1ms/1000 w1.0 t2ms 0=0x2 0!3"},
        {"thrift:price=100", 4, AT_TICK, .words = "p0.0 w0.0*60 w3.0 t1ms/1000 w3.0 t2ms 0=0x8 0!3"},
        {"thrift:price=100,spread=2582", 4, AT_TICK, .words = "p0.0 w0.0*60 w1.0 t1ms/1000 w1.0 t2ms 0=0x1"},
        {"thrift:price=100", 4, AT_TICK, .words = "p0.0 p1.5 w0.0*60 w1.0 w0.5*3 t1ms/1000/20100 w1.0 t2ms 0=0x4 0!3"},
        {"thrift:price=100", 2, AT_TICK, .words = "p0.0 p1.5 w0.0*60 w1.0 w0.5*3 t1ms/1000/20100 w1.0 t2ms 0=0x1"},
        {0},
    });
}

/* Pages 0 to 3 fill the fast node, page 4 is on the slow one. 14 misses of 307 units are a price: the first cold page
 * after the hand, page 1, goes down, and page 4 comes up with its next miss. */
Test(thrift_vectors, full_nodes_give_up_what_is_cold)
{
    script_run_all((const struct script[]){
        {"thrift:price=100", 2, 1, 4, AT_TICK, .words = "p0.0-4 w0.4*13 t1ms moves=0"},
        {"thrift:price=100", 2, 1, 4, AT_TICK,
         .words = "p0.0-4 w0.4*14 t1ms 1=0x2 1!4 4=0x2 moves=1 w0.4 t2ms 4=0x1 4!1 moves=2"},
        {"thrift:price=100", 2, 1, 4, AT_TICK, .words = "p0.0-4 w0.1-3 w0.4*14 t1ms 0=0x2 0!4 moves=1"},
        /* None is cold: the bar rises to one miss; page 1 had four, of which the 21 seen have left two. */
        {"thrift:price=100", 2, 1, 4, AT_TICK,
         .words = "p0.0-4 w0.0-3 w0.1*3 w0.4*14 t1ms moves=0 w0.4 t2ms 2=0x2 moves=1"},
        /* 16 misses halve the heat of one page, page 1; 15 do not. */
        {"thrift:price=100", 2, 1, 4, AT_TICK, .words = "p0.0-4 w0.0-3 w0.4*12 t1ms w0.4*2 t2ms 1=0x2 moves=1"},
        {"thrift:price=100", 2, 1, 4, AT_TICK, .words = "p0.0-4 w0.0-3 w0.4*11 t1ms w0.4*3 t2ms moves=0"},
        /* Found at once, the bar falls again: pages 0, 1 and 3 have been used, and page 5 has to wait. */
        {"thrift:price=100", 2, 1, 4, AT_TICK,
         .words = "p0.0-4 w0.0-3 w0.1*3 w0.4*14 t1ms w0.4 t2ms 2=0x2 w0.4 t3ms 4=0x1 p0.5 w0.5*14 t4ms moves=2"},
        /* Two pages have earned a place each. What 16 misses bought is spent: page 2 stays warm. 31 leave 15, to which
         * one more comes. */
        {"thrift:price=100", 2, 1, 4, AT_TICK,
         .words = "p0.0-5 w0.0-3 w0.4*6 w0.5*6 t1ms t2ms t3ms w0.4*8 w0.5*8 t4ms 1=0x2 moves=1"},
        {"thrift:price=100", 2, 1, 4, AT_TICK,
         .words = "p0.0-5 w0.0-3 w0.4*12 w0.5*13 w0.0*2 t1ms w0.0 t2ms w0.4*2 w0.5 t3ms 1=0x2 2=0x2 moves=2"},
        {"thrift:price=100", 2, 1, 4, AT_TICK,
         .words = "p0.0-5 w0.0-3 w0.4*12 w0.5*13 w0.0*2 t1ms t2ms w0.4*2 w0.5 t3ms 1=0x2 2=0x1 moves=1"},
        /* At most 32 a tick; to the nearest node that has room, or nowhere. */
        {"thrift:price=100", 2, 1, 40, 128, AT_TICK, .words = "p0.0-79 w0.40-79*14 t1ms moves=32"},
        {"thrift:price=100", 3, 1, 4, AT_TICK, .words = "p0.0-4 w0.4*14 t1ms 1=0x2"},
        {"thrift:price=100", 3, 1, 4, .slow_frames = 1, AT_TICK, .words = "p0.0-4 w0.4*14 t1ms 1=0x4"},
        {"thrift:price=100", 2, 1, 4, .slow_frames = 1, AT_TICK, .words = "p0.0-4 w0.4*14 t1ms moves=0 refused=0"},
        {0},
    });
}

/* Each miss could save 101 ns, and a look at one costs 1 us. Nothing is bought at such a price. */
Test(thrift_vectors, observing_takes_a_share_of_what_can_be_saved)
{
    static const char *const windows =
        "p0.0 w1.0*1000 t1ms w1.0*1000 t2ms w1.0*1000 t3ms w1.0*1000 t4ms moves=0 sampling!5 ";
    static const struct {
        const char *policy, *end;
    } share[] = {
        {"thrift:watching=1000", "sampling=1"}, /* 1010 ns a miss */
        {"thrift:watching=100", "sampling=16"}, /* 1000 / 101 = 9.9 */
        {"thrift:watching=50", "sampling=32"},  /* 19.8 */
        {"thrift", "sampling=128"},             /* 99 */
        {"thrift:watching=1", "sampling=1024"}, /* 990 */
    };
    for (unsigned i = 0; i < sizeof share / sizeof *share; i++) {
        char words[256];
        snprintf(words, sizeof words, "%s%s", i ? windows : "p0.0 w1.0*1000 t1ms t2ms t3ms t4ms ", share[i].end);
        script_run(&(const struct script){share[i].policy, 4, .costs = {1000, 1000000000, 0}, .words = words});
    }
    script_run_all((const struct script[]){
        {"thrift", 4, .costs = {0, 1000000000, 0}, .words = "p0.0 w1.0*999 t1ms t2ms t3ms t4ms sampling=1 refused=0"},
        {"thrift", 4, .words = "p0.0 t1ms t2ms t3ms t4ms sampling=1 refused=0"},
        {0},
    });
}

/* --- what takes chance or repetition --- */

static struct costs costs;

static void begin(uint64_t page_ns, uint64_t sync_ns, uint64_t price, uint64_t steady, uint64_t seed)
{
    const struct policy_rig_param param[] = {{"price", price}, {"steady", steady}, {"seed", seed}, {0}};
    fixture_shape(&policy_rig_shape, 4, 4, FRAMES_UNBOUNDED);
    costs = (struct costs){.page_ns = page_ns, .sync_ns = sync_ns};
    policy_rig_shape.topology.costs = &costs;
    policy_rig_begin("thrift", 4000, param);
    cr_assert_eq(engine_access(policy_rig.engine, 0, 0, 0, false, 0), 0);
}

static void reads(node_t node, uint32_t n)
{
    fixture_misses(&policy_rig, node, 0, false, n);
    engine_flush(policy_rig.engine);
}

/* One read each of 4000 pages by node 1; `fell`: which were copied. */
static void toss(uint64_t price_ns, uint64_t seed, nodeset_t *fell)
{
    begin(100 * price_ns, 0, 1, 0, seed);
    for (page_t page = 1; page < 4000; page++)
        cr_assert_eq(engine_access(policy_rig.engine, page, 0, 0, false, 0), 0);
    for (page_t page = 0; page < 4000; page++)
        fixture_misses(&policy_rig, 1, page, false, 1);
    for (page_t page = 0; page < 4000; page++)
        fell[page] = view_copies(&policy_rig.engine->view, page) == 3;
    policy_rig_end();
}

static unsigned differing(const nodeset_t *a, const nodeset_t *b, unsigned n)
{
    unsigned differ = 0;
    for (unsigned i = 0; i < n; i++)
        differ += a[i] != b[i];
    return differ;
}

/* 101 ns at a price of 202, 808 and 3232 ns: 2000, 500 and 125 of 4000, give or take five deviations. At 1 in 2 each
 * toss is like the one before it as often as not, or those before, and as another seed's. */
Test(thrift_vectors, the_coin_falls_as_rent_to_price)
{
    static nodeset_t fell[4000], again[4000], none[4000];
    toss(3232, 1, fell);
    cr_expect_leq(abs((int)differing(fell, none, 4000) - 125), 55);
    toss(808, 1, fell);
    cr_expect_leq(abs((int)differing(fell, none, 4000) - 500), 105);
    toss(202, 1, fell);
    cr_expect_leq(abs((int)differing(fell, none, 4000) - 2000), 158);
    for (unsigned lag = 1; lag < 9; lag++)
        cr_expect_leq(abs((int)differing(fell, fell + lag, 3990) - 1995), 158, "lag %u", lag);
    toss(202, 1, again);
    cr_expect_eq(differing(fell, again, 4000), 0);
    toss(202, 2, again);
    cr_expect_leq(abs((int)differing(fell, again, 4000) - 2000), 158);
}

/* Reads of nodes 0 and 1 in turn until node 1 has a copy, how many it took; `local` more of it, and a write. */
static unsigned copy_and_write(uint32_t local)
{
    unsigned n = 0;
    while (view_copies(&policy_rig.engine->view, 0) == 1 && n < 100000) {
        reads(0, 1);
        reads(1, 1);
        n++;
    }
    reads(1, local);
    fixture_misses(&policy_rig, 0, 0, true, 1);
    engine_flush(policy_rig.engine);
    return n;
}

/* Ten prices are 40960 units. With a price 64 times as low, a read of 103 counts 6592: seven are enough; 128 times,
 * 13184: four, and never fewer. A copy has paid with 40 reads, 4120 units, not with 39. */
Test(thrift_vectors, copies_that_paid_are_up_to_128_times_as_cheap)
{
    begin(3800, 1600, 100, 1000, 1);
    for (int round = 0; round < 6; round++)
        copy_and_write(50);
    cr_expect_eq(copy_and_write(40), 7);
    for (int round = 0; round < 5; round++)
        cr_expect_eq(copy_and_write(40), 4, "round %d", round);
    cr_expect_eq(copy_and_write(39), 4);
    cr_expect_eq(copy_and_write(40), 7);
    cr_expect_eq(copy_and_write(40), 4);
    policy_rig_end();
}

/* Every read pays 32 prices, 131072 units, and steady reading counts to 65535: of a price 128 times as high 511 units,
 * 12 % of 4096 are 491, 20 % 819. The coin of 1024 in 4096 falls at the fourth read, in the mean: 57 copies take 228,
 * give or take five deviations of 26. */
Test(thrift_vectors, copies_that_did_not_pay_are_up_to_128_times_as_dear)
{
    unsigned n = 0;
    begin(100, 0, 1, 12, 1);
    for (int round = 0; round < 64; round++)
        n += copy_and_write(0) * (round >= 7);
    cr_expect_geq(n, 98, "%u", n);
    cr_expect_leq(n, 358, "%u", n);
    policy_rig_end();
    begin(100, 0, 1, 20, 1);
    for (int round = 0; round < 7; round++)
        copy_and_write(0);
    for (int i = 0; i < 200; i++) {
        reads(0, 1);
        reads(1, 1);
    }
    cr_expect_eq(policy_rig.engine->stats.copies, 7);
    policy_rig_end();
}

/* Page 40 has earned the place of one page, however often it misses until the tick. A page that is freed takes its wish
 * along; earned again, it is ordered once. */
Test(thrift_vectors, one_wish_a_tick)
{
    script_run_all((const struct script[]){
        {"thrift:price=100", 2, 1, 40, 64, AT_TICK, .words = "p0.0-40 w0.40*60 t1ms moves=1"},
        {"thrift:price=100", 2, 1, 40, 64, AT_ONCE, .words = "p0.0-40 w0.40*60 t1ms moves=1"},
        {"thrift:price=100", 4, AT_TICK, .words = "p0.0 w1.0*40 f0 p0.0 w1.0*40 t1ms 0=0x2 refused=0"},
        {0},
    });
}
