/* SPDX-License-Identifier: BSD-2-Clause
 *
 * carrefour against runs worked out by hand from its rule (carrefour-runtime e48bfda, carrefour-module 5d6fa8d; the
 * header of policy/carrefour.c has the rule). Epochs of 1 ms; every miss is sampled unless a test says otherwise.
 */
#include <criterion/criterion.h>

#include "tests/core/carrefour_run.h"

/* Conformance, "a = [3,1,0,0], writes 0, 499 candidates": nothing; with 500 all replicate. Then the latch is set. */
Test(carrefour, replication_waits_for_500_candidates_once)
{
    const struct policy_rig_param param[] = {CARREFOUR_PLAIN, {0}};
    carrefour_run_begin(500, param);
    for (page_t page = 0; page < 499; page++) {
        carrefour_run_misses(0, page, false, 3);
        carrefour_run_misses(1, page, false, 1);
    }
    carrefour_run_epoch();
    cr_assert_eq(policy_rig.engine->stats.copies + policy_rig.engine->stats.moves, 0);
    for (page_t page = 0; page < 500; page++) {
        carrefour_run_misses(0, page, false, 3);
        carrefour_run_misses(1, page, false, 1);
    }
    carrefour_run_epoch();
    cr_assert_eq(policy_rig.engine->stats.copies, 500);
    cr_assert_eq(policy_rig.engine->stats.moves, 0);
    policy_rig_is_on(0, 0x3);
    policy_rig_is_on(499, 0x3);
    carrefour_run_misses(0, 7, false, 3);
    carrefour_run_misses(2, 7, false, 1);
    carrefour_run_epoch();
    policy_rig_is_on(7, 0x7);
    policy_rig_end();
}

/* Page 0 is node 2's, page 1 node 0's. */
Test(carrefour, copies_go_to_every_node_that_was_sampled)
{
    const struct policy_rig_param param[] = {CARREFOUR_PLAIN, {"latch", 1}, {0}};
    carrefour_run_begin(2, param);
    carrefour_run_misses(2, 0, false, 1);
    carrefour_run_misses(0, 0, false, 1);
    carrefour_run_misses(0, 1, false, 1);
    carrefour_run_misses(3, 1, false, 1);
    carrefour_run_misses(1, 1, false, 1);
    carrefour_run_epoch();
    policy_rig_is_on(0, 0x5);
    policy_rig_is_on(1, 0xb);
    policy_rig_end();
}

Test(carrefour, a_sampled_write_keeps_a_page_from_being_copied)
{
    const struct policy_rig_param param[] = {
        CARREFOUR_PLAIN, CARREFOUR_NO_INTERLEAVING, {"latch", 1}, {"read", 50}, {0}};
    carrefour_run_begin(2, param);
    carrefour_run_misses(0, 0, false, 3);
    carrefour_run_misses(1, 0, false, 1);
    carrefour_run_misses(1, 0, true, 1);
    carrefour_run_misses(0, 1, false, 3);
    carrefour_run_misses(1, 1, false, 1);
    carrefour_run_epoch();
    policy_rig_is_on(0, 0x1);
    policy_rig_is_on(1, 0x3);
    policy_rig_end();
}

Test(carrefour, writes_of_the_epoch_before_are_forgotten)
{
    const struct policy_rig_param param[] = {
        CARREFOUR_PLAIN, CARREFOUR_NO_INTERLEAVING, CARREFOUR_NO_MIGRATION, {"latch", 1}, {0}};
    carrefour_run_begin(1, param);
    carrefour_run_misses(0, 0, true, 1);
    carrefour_run_misses(1, 0, true, 1);
    carrefour_run_epoch();
    policy_rig_is_on(0, 0x1);
    carrefour_run_misses(0, 0, false, 1);
    carrefour_run_misses(1, 0, false, 1);
    carrefour_run_epoch();
    policy_rig_is_on(0, 0x3);
    policy_rig_end();
}

/* Reads 19 of 20 accesses: 95 %. Reads 18 of 19: 94.7 %. */
Test(carrefour, replication_needs_95_percent_reads)
{
    for (uint32_t reads = 18; reads <= 19; reads++) {
        const struct policy_rig_param param[] = {
            CARREFOUR_PLAIN, CARREFOUR_NO_INTERLEAVING, CARREFOUR_NO_MIGRATION, {"latch", 1}, {0}};
        carrefour_run_begin(2, param);
        carrefour_run_misses(0, 0, false, reads - 1);
        carrefour_run_misses(1, 0, false, 1);
        carrefour_run_misses(0, 1, true, 1);
        carrefour_run_epoch();
        policy_rig_is_on(0, reads == 19 ? 0x3 : 0x1);
        policy_rig_end();
    }
}

/* 4 pages of 16 frames are 25 %, 5 are 31.25 %. */
Test(carrefour, replication_needs_three_quarters_of_memory_free)
{
    const struct {
        uint64_t memory;
        uint32_t pages;
        nodeset_t copies;
    } step[] = {{25, 4, 0x3}, {25, 5, 0x1}, {31, 5, 0x1}, {32, 5, 0x3}};
    for (unsigned i = 0; i < 4; i++) {
        const struct policy_rig_param param[] = {CARREFOUR_PLAIN, CARREFOUR_NO_INTERLEAVING,  CARREFOUR_NO_MIGRATION,
                                                 {"latch", 1},    {"memory", step[i].memory}, {0}};
        fixture_shape(&policy_rig_shape, CARREFOUR_NODES, CARREFOUR_NODES, 4);
        policy_rig_begin("carrefour", 5, param);
        for (page_t page = 0; page < step[i].pages; page++)
            carrefour_run_misses((node_t)(page % CARREFOUR_NODES), page, false, 2);
        carrefour_run_misses(1, 0, false, 1);
        carrefour_run_epoch();
        policy_rig_is_on(0, step[i].copies);
        policy_rig_end();
    }
}

/* Conformance, imbalance: [400,0,0,0] is 200 %, with the sample deviation (the population's would give 173 %). The home
 * has all of the traffic: every draw of r says move, and none of the destination says home. */
Test(carrefour, four_hundred_to_one_node_are_an_imbalance_of_200_percent)
{
    for (uint64_t imbalance = 199; imbalance <= 200; imbalance++) {
        const struct policy_rig_param param[] = {
            CARREFOUR_PLAIN, CARREFOUR_NO_REPLICAS, CARREFOUR_NO_MIGRATION, {"imbalance", imbalance}, {0}};
        carrefour_run_begin(1, param);
        carrefour_run_misses(0, 0, true, 1);
        carrefour_run_misses(1, 0, true, 399);
        carrefour_run_epoch();
        cr_assert_eq(policy_rig.engine->stats.moves, imbalance == 199);
        policy_rig_end();
    }
}

/* Conformance, imbalance: [100,100,100,100] is 0 %. */
Test(carrefour, equal_traffic_is_no_imbalance)
{
    const struct policy_rig_param param[] = {
        CARREFOUR_PLAIN, CARREFOUR_NO_REPLICAS, CARREFOUR_NO_MIGRATION, {"imbalance", 0}, {0}};
    carrefour_run_begin(CARREFOUR_NODES, param);
    for (node_t node = 0; node < CARREFOUR_NODES; node++) {
        carrefour_run_misses(node, node, true, 1);
        carrefour_run_misses((node + 1) % CARREFOUR_NODES, node, true, 99);
    }
    carrefour_run_epoch();
    cr_assert_eq(policy_rig.engine->stats.moves, 0);
    policy_rig_end();
}

/* Default switches: a page of one node with two samples moves there; interleaving is off at 35 %. */
static const struct policy_rig_param migration[] = {
    CARREFOUR_PLAIN, CARREFOUR_NO_REPLICAS, CARREFOUR_NO_INTERLEAVING, {0}};

Test(carrefour, migration_needs_two_samples_of_one_node)
{
    carrefour_run_begin(3, migration);
    for (page_t page = 0; page < 3; page++)
        carrefour_run_misses(0, page, true, 1);
    carrefour_run_epoch();
    carrefour_run_misses(2, 0, false, 1);
    carrefour_run_misses(2, 1, false, 2);
    carrefour_run_misses(2, 2, false, 2);
    carrefour_run_misses(1, 2, true, 1);
    carrefour_run_epoch();
    policy_rig_is_on(0, 0x1);
    policy_rig_is_on(1, 0x4);
    policy_rig_is_on(2, 0x1);
    policy_rig_end();
}

/* Trap: no history, all counts of pages begin again with the epoch. */
Test(carrefour, samples_of_two_epochs_do_not_add_up)
{
    carrefour_run_begin(1, migration);
    carrefour_run_misses(0, 0, true, 1);
    for (unsigned i = 0; i < 5; i++) {
        carrefour_run_epoch();
        carrefour_run_misses(2, 0, false, 1);
    }
    carrefour_run_epoch();
    policy_rig_is_on(0, 0x1);
    policy_rig_end();
}

/* 65535 epochs without a sample of a page are as good as one: what was sampled before does not count, what is now does.
 */
Test(carrefour, epochs_do_not_come_round)
{
    carrefour_run_begin(2, migration);
    carrefour_run_misses(0, 0, true, 1);
    carrefour_run_misses(0, 1, true, 1);
    carrefour_run_misses(2, 0, false, 1);
    for (uint64_t ticks = 1; ticks <= 2 * 65536; ticks++)
        policy_rig_tick(ticks * CARREFOUR_EPOCH);
    carrefour_run_misses(2, 0, false, 1);
    carrefour_run_misses(2, 1, false, 2);
    carrefour_run_epoch();
    policy_rig_is_on(0, 0x1);
    policy_rig_is_on(1, 0x4);
    policy_rig_end();
}

/* 7 of 9 and 399 of 500 accesses local are below 80 %, 8 of 10 are not. */
Test(carrefour, migration_needs_less_than_80_percent_local)
{
    const uint32_t local[] = {7, 399, 8}, remote[] = {2, 101, 2};
    for (unsigned i = 0; i < 3; i++) {
        carrefour_run_begin(2, migration);
        carrefour_run_misses(0, 0, true, 1);
        carrefour_run_epoch();
        carrefour_run_misses(2, 0, false, remote[i]);
        carrefour_run_misses(1, 1, false, local[i]);
        carrefour_run_epoch();
        policy_rig_is_on(0, i < 2 ? 0x4 : 0x1);
        policy_rig_end();
    }
}

/* Trap: interleaving on bypasses the guard of two samples, and the migration switch. A page of one node goes there, not
 * to one that is drawn. */
Test(carrefour, with_interleaving_one_sample_migrates)
{
    const struct policy_rig_param param[] = {CARREFOUR_PLAIN, CARREFOUR_NO_REPLICAS, CARREFOUR_NO_MIGRATION, {0}};
    carrefour_run_begin(20, param);
    for (page_t page = 0; page < 20; page++)
        carrefour_run_misses(0, page, true, 1);
    carrefour_run_epoch();
    for (page_t page = 0; page < 20; page++)
        carrefour_run_misses(2, page, false, 1);
    carrefour_run_epoch();
    for (page_t page = 0; page < 20; page++)
        policy_rig_is_on(page, 0x4);
    policy_rig_end();
}

/* Pages of node 0 with two users each, and an epoch whose traffic was as given: how many of them move. */
static uint32_t moved_of(uint32_t npages, const uint64_t *to)
{
    const struct policy_rig_param param[] = {
        CARREFOUR_PLAIN, CARREFOUR_NO_REPLICAS, CARREFOUR_NO_MIGRATION, {"imbalance", 0}, {0}};
    carrefour_run_begin(npages, param);
    for (page_t page = 0; page < npages; page++) {
        carrefour_run_misses(0, page, true, 1);
        carrefour_run_misses(1, page, true, 1);
    }
    carrefour_run_traffic(to);
    carrefour_run_epoch();
    uint32_t moves = (uint32_t)policy_rig.engine->stats.moves;
    cr_expect_eq(policy_rig.engine->stats.refused[REFUSED_THERE], 0, "no order to where a page is");
    policy_rig_end();
    return moves;
}

/* Trap: r is drawn of 0..100, both included: 101 values. A home without traffic loses a page when r is 0; one with 99 %
 * keeps it when r is 100. Of 4000 pages some 40 each; of the first two thirds are drawn a new node, of the others all
 * but one in 300. */
Test(carrefour, the_draw_includes_0_and_100)
{
    uint32_t moved = moved_of(4000, (uint64_t[]){0, 50, 50, 0});
    cr_expect(moved > 8 && moved < 80, "%u", moved);
    moved = moved_of(4000, (uint64_t[]){99, 1, 0, 0});
    cr_expect(moved > 3920 && moved < 3970, "%u", moved);
}

/* Half of the traffic goes to the home: 51 of 101 draws say move. Destinations weigh 50, 50, 100, 100 of 300, and the
 * home is none: of 2020 pages 170 go to node 1, 340 to node 2 and 340 to node 3. */
Test(carrefour, destinations_weigh_what_does_not_go_there)
{
    const struct policy_rig_param param[] = {
        CARREFOUR_PLAIN, CARREFOUR_NO_REPLICAS, CARREFOUR_NO_MIGRATION, {"imbalance", 0}, {0}};
    carrefour_run_begin(2020, param);
    for (page_t page = 0; page < 2020; page++) {
        carrefour_run_misses(0, page, true, 1);
        carrefour_run_misses(1, page, true, 1);
    }
    carrefour_run_traffic((uint64_t[]){50, 50, 0, 0});
    carrefour_run_epoch();
    uint32_t on[CARREFOUR_NODES] = {0};
    for (page_t page = 0; page < 2020; page++)
        on[view_home(&policy_rig.engine->view, page)]++;
    cr_expect(on[1] > 120 && on[1] < 220, "%u", on[1]);
    cr_expect(on[2] > 270 && on[2] < 410, "%u", on[2]);
    cr_expect(on[3] > 270 && on[3] < 410, "%u", on[3]);
    policy_rig_end();
}

static uint64_t digest_of(uint64_t seed)
{
    const struct policy_rig_param param[] = {CARREFOUR_PLAIN, CARREFOUR_NO_REPLICAS, {"seed", seed}, {0}};
    carrefour_run_begin(100, param);
    for (page_t page = 0; page < 100; page++) {
        carrefour_run_misses(0, page, true, 1);
        carrefour_run_misses(1, page, true, 1);
    }
    carrefour_run_epoch();
    uint64_t digest = engine_digest(policy_rig.engine);
    policy_rig_end();
    return digest;
}

/* Trap: randomness comes from the class's own state. */
Test(carrefour, draws_follow_the_seed)
{
    cr_assert_eq(digest_of(7), digest_of(7));
    cr_assert_neq(digest_of(7), digest_of(8));
}

/* Trap: the original's samples hold cache hits; results on misses alone are labelled. */
Test(carrefour, asks_for_more_than_misses)
{
    cr_assert_eq(policy_find("carrefour")->wants, WANT_ACCESSES);
    cr_assert_eq(policy_find("colloid")->wants, WANT_STORES);
}

Test(carrefour, a_cheap_epoch_keeps_10000_pages)
{
    carrefour_run_begin(10050, migration);
    for (page_t page = 0; page < 10050; page++)
        carrefour_run_misses(0, page, true, 1);
    carrefour_run_epoch();
    for (page_t page = 0; page < 10050; page++)
        carrefour_run_misses(2, page, false, 2);
    carrefour_run_epoch();
    cr_assert_eq(policy_rig.engine->stats.moves, 10000);
    policy_rig_is_on(9999, 0x4);
    policy_rig_is_on(10000, 0x1);
    policy_rig_end();
}
