/* SPDX-License-Identifier: BSD-2-Clause
 *
 * carrefour from epoch to epoch, against runs worked out by hand from its rule (policy/carrefour.c): when it acts at
 * all, what it forgets, how it samples, and pages that come and go meanwhile.
 */
#include <criterion/criterion.h>

#include "tests/core/carrefour_run.h"

/* One epoch of misses of node 2 on page 0, which is node 0's; each weight is a power of two. Does the page move? */
static bool moves_at(const uint8_t *log2_weight, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        fixture_miss(&policy_rig, 2, 0, true, log2_weight[i]);
    carrefour_run_epoch();
    return view_home(&policy_rig.engine->view, 0) == 2;
}

/* 50 accesses per microsecond over 1 ms: 50000. An epoch counts its own alone. */
Test(carrefour_epochs, nothing_below_50_accesses_per_microsecond)
{
    static const uint8_t enough[] = {15, 14, 9, 8, 6, 4}, one_less[] = {15, 14, 9, 8, 6, 3, 2, 1, 0};
    const struct policy_rig_param param[] = {{"epoch_ns", CARREFOUR_EPOCH}, {"cheap", 1}, {0}};
    carrefour_run_begin(1, param);
    carrefour_run_misses(0, 0, true, 1);
    carrefour_run_epoch();
    cr_expect_not(moves_at(one_less, 9));
    cr_expect_not(moves_at(one_less, 9));
    cr_expect(moves_at(enough, 6));
    policy_rig_end();
}

/* 400 accesses to one node are an imbalance; one to each node in the next epoch are none. The pages have a sample from
 * each of two nodes in both, and node 0, their home, had all of the traffic, so that they move in the first. */
Test(carrefour_epochs, traffic_is_forgotten)
{
    const struct policy_rig_param param[] = {CARREFOUR_PLAIN, CARREFOUR_NO_REPLICAS, CARREFOUR_NO_MIGRATION, {0}};
    carrefour_run_begin(40, param);
    for (unsigned i = 0; i < 2; i++) {
        for (page_t page = 0; page < 40; page++) {
            carrefour_run_misses(0, page, true, 1);
            carrefour_run_misses(1, page, true, 1);
        }
        carrefour_run_traffic(i ? (uint64_t[]){1, 1, 1, 1} : (uint64_t[]){400, 0, 0, 0});
        carrefour_run_epoch();
        cr_expect_eq(policy_rig.engine->stats.moves, 40);
    }
    policy_rig_end();
}

/* 5 x 2^57 accesses to one node are an imbalance of 200 % like any other number; the squares would not fit. */
Test(carrefour_epochs, heavy_traffic_is_cut)
{
    for (uint64_t imbalance = 199; imbalance <= 200; imbalance++)
        for (unsigned busy = 0; busy < 2; busy++) {
            const struct policy_rig_param param[] = {
                CARREFOUR_PLAIN, CARREFOUR_NO_REPLICAS, CARREFOUR_NO_MIGRATION, {"imbalance", imbalance}, {0}};
            uint64_t to[CARREFOUR_NODES] = {0};
            to[busy] = UINT64_C(5) << 57;
            carrefour_run_begin(1, param);
            carrefour_run_misses((node_t)busy, 0, true, 1);
            carrefour_run_misses(2, 0, true, 1);
            carrefour_run_traffic(to);
            carrefour_run_epoch();
            cr_expect_eq(policy_rig.engine->stats.moves, imbalance == 199);
            policy_rig_end();
        }
}

/* Both nodes that read the page have a copy: all accesses are local, and the traffic of the two others makes no
 * difference. */
Test(carrefour_epochs, local_traffic_is_no_imbalance)
{
    const struct policy_rig_param param[] = {
        CARREFOUR_PLAIN, CARREFOUR_NO_MIGRATION, {"latch", 1}, {"imbalance", 0}, {0}};
    carrefour_run_begin(1, param);
    carrefour_run_misses(0, 0, false, 1);
    carrefour_run_misses(1, 0, false, 1);
    carrefour_run_epoch();
    policy_rig_is_on(0, 0x3);
    carrefour_run_misses(1, 0, false, 1);
    carrefour_run_epoch();
    policy_rig_is_on(0, 0x3);
    policy_rig_end();
}

/* 256 of a kind do not fit a counter of a slot: they count as 255, not as none. */
Test(carrefour_epochs, counts_of_a_page_do_not_come_round)
{
    const struct policy_rig_param param[] = {
        CARREFOUR_PLAIN, CARREFOUR_NO_INTERLEAVING, {"latch", 1}, {"read", 0}, {0}};
    carrefour_run_begin(2, param);
    carrefour_run_misses(0, 0, true, 256);
    carrefour_run_misses(1, 0, false, 1);
    carrefour_run_misses(0, 1, true, 1);
    carrefour_run_epoch();
    policy_rig_is_on(0, 0x1);
    carrefour_run_misses(2, 1, true, 256);
    carrefour_run_epoch();
    policy_rig_is_on(1, 0x4);
    policy_rig_end();
}

/* The write of node 2 is one sample; that it took the copies away is none, so that it does not make two. */
Test(carrefour_epochs, a_collapse_is_no_sample)
{
    const struct policy_rig_param param[] = {CARREFOUR_PLAIN, CARREFOUR_NO_INTERLEAVING, {"latch", 1}, {0}};
    carrefour_run_begin(1, param);
    carrefour_run_misses(0, 0, false, 3);
    carrefour_run_misses(1, 0, false, 1);
    carrefour_run_epoch();
    policy_rig_is_on(0, 0x3);
    carrefour_run_misses(2, 0, true, 1);
    cr_expect_eq(policy_rig.engine->stats.collapses, 1);
    carrefour_run_epoch();
    policy_rig_is_on(0, 0x1);
    policy_rig_end();
}

/* Sampled on node 0, freed, and touched first by node 1, unseen by the sampling: nothing is known of it. */
Test(carrefour_epochs, samples_go_with_a_freed_page)
{
    const struct policy_rig_param param[] = {CARREFOUR_PLAIN, CARREFOUR_NO_REPLICAS, {0}};
    carrefour_run_begin(1, param);
    carrefour_run_misses(0, 0, true, 1);
    engine_flush(policy_rig.engine);
    cr_assert_eq(engine_free(policy_rig.engine, 0, policy_rig.now), 0);
    cr_assert_eq(engine_access(policy_rig.engine, 0, 1, 1, false, policy_rig.now), 0);
    carrefour_run_traffic((uint64_t[]){400, 0, 0, 0});
    carrefour_run_epoch();
    policy_rig_is_on(0, 0x2);
    policy_rig_end();
}

/* More copies than a tick has orders for. */
Test(carrefour_epochs, copies_go_on_with_the_next_tick)
{
    const struct policy_rig_param param[] = {CARREFOUR_PLAIN, {"latch", 1}, {0}};
    carrefour_run_begin(5000, param);
    for (page_t page = 0; page < 5000; page++) {
        carrefour_run_misses(0, page, false, 1);
        carrefour_run_misses(1, page, false, 1);
    }
    carrefour_run_epoch();
    cr_expect_eq(policy_rig.engine->stats.copies, 5000);
    cr_expect_eq(policy_rig.engine->stats.refused[REFUSED_ROOM], 0);
    policy_rig_end();
}

/* After ten migrations the sampling is accurate, after nine it stays cheap. */
Test(carrefour, ten_orders_make_the_sampling_accurate)
{
    for (uint32_t pages = 9; pages <= 10; pages++) {
        const struct policy_rig_param param[] = {
            {"epoch_ns", CARREFOUR_EPOCH}, {"maptu", 0}, {"accurate", 2}, {"cheap", 8}, CARREFOUR_NO_REPLICAS,
            CARREFOUR_NO_INTERLEAVING,     {0}};
        carrefour_run_begin(10, param);
        policy_rig_tick(0);
        cr_assert_eq(policy_rig.engine->view.sampling, 8);
        for (page_t page = 0; page < pages; page++)
            carrefour_run_misses(0, page, true, 1);
        carrefour_run_epoch();
        for (page_t page = 0; page < pages; page++)
            carrefour_run_misses(2, page, false, 16);
        carrefour_run_epoch();
        cr_assert_eq(policy_rig.engine->stats.moves, pages);
        cr_assert_eq(policy_rig.engine->view.sampling, pages == 10 ? 2 : 8);
        carrefour_run_misses(1, 0, false, 64);
        carrefour_run_epoch();
        cr_assert_eq(policy_rig.engine->stats.moves, pages + 1);
        cr_assert_eq(policy_rig.engine->view.sampling, 8, "one order is not ten");
        policy_rig_end();
    }
}

/* Copies are orders that count, and so are migrations without replication; interleaving is not. */
static uint32_t sampling_after(const struct policy_rig_param *more, bool write, node_t other)
{
    const struct policy_rig_param param[] = {
        {"epoch_ns", CARREFOUR_EPOCH}, {"maptu", 0}, {"accurate", 2}, {"cheap", 1}, more[0], more[1], more[2], {0}};
    carrefour_run_begin(40, param);
    for (page_t page = 0; page < 40; page++)
        carrefour_run_misses(0, page, write, 1);
    carrefour_run_epoch();
    for (page_t page = 0; page < 40; page++) {
        carrefour_run_misses(1, page, write, 2);
        if (other != NODE_NONE)
            carrefour_run_misses(other, page, write, 2);
    }
    carrefour_run_epoch();
    cr_expect(policy_rig.engine->stats.moves + policy_rig.engine->stats.copies >= 10);
    uint32_t found = policy_rig.engine->view.sampling;
    policy_rig_end();
    return found;
}

Test(carrefour_epochs, what_makes_the_sampling_accurate)
{
    const struct policy_rig_param replicas[] = {{"latch", 1}, CARREFOUR_NO_MIGRATION, CARREFOUR_NO_INTERLEAVING};
    const struct policy_rig_param moves[] = {CARREFOUR_NO_REPLICAS, {"read", 100}, CARREFOUR_NO_INTERLEAVING};
    const struct policy_rig_param interleaving[] = {CARREFOUR_NO_REPLICAS, CARREFOUR_NO_MIGRATION, {"imbalance", 0}};
    cr_expect_eq(sampling_after(replicas, false, 2), 2);
    cr_expect_eq(sampling_after(moves, true, NODE_NONE), 2);
    cr_expect_eq(sampling_after(interleaving, true, 2), 1);
}

Test(carrefour_epochs, sampling_stays_within_what_the_engine_takes)
{
    fixture_shape(&policy_rig_shape, CARREFOUR_NODES, CARREFOUR_NODES, FRAMES_UNBOUNDED);
    struct engine_config config = fixture_config(policy_find("carrefour"), &policy_rig_shape, 1);
    config.sampling = 16384;
    cr_assert_eq(fixture_begin(&policy_rig, &config, POLICY_RIG_CAPS), 0);
    policy_rig_tick(CARREFOUR_EPOCH);
    cr_expect_eq(policy_rig.engine->view.sampling, 32768);
    cr_expect_eq(policy_rig.engine->stats.refused[REFUSED_INVALID], 0);
    policy_rig_end();
}

Test(carrefour_epochs, sampling_is_in_powers_of_two)
{
    for (unsigned i = 0; i < 2; i++) {
        fixture_shape(&policy_rig_shape, CARREFOUR_NODES, CARREFOUR_NODES, FRAMES_UNBOUNDED);
        struct engine_config config = fixture_config(policy_find("carrefour"), &policy_rig_shape, 1);
        config.param[policy_param_index(config.policy, i ? "accurate" : "cheap", i ? 8 : 5)] = 3;
        cr_expect_eq(fixture_begin(&policy_rig, &config, POLICY_RIG_CAPS), ERR_INVAL);
        fixture_end(&policy_rig);
    }
}
