/* SPDX-License-Identifier: BSD-2-Clause
 *
 * competitive, interleave and the placements that are known beforehand, against vectors worked out by hand.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/core/fixture.h"

static struct fixture_shape shape;
static struct fixture_run run;

static int begin(const char *policy, uint32_t nodes, const uint64_t *param, unsigned params, const node_t *advice)
{
    fixture_shape(&shape, nodes, nodes, FRAMES_UNBOUNDED);
    struct engine_config config = fixture_config(policy_find(policy), &shape, 64);
    config.batch = 1;
    config.advice = advice;
    if (params)
        memcpy(config.param, param, params * sizeof *param);
    return fixture_begin(&run, &config, MACHINE_REPLICAS);
}

static void end(void)
{
    cr_expect_eq(run.check.breaches, 0, "%s", run.check.first);
    cr_expect(fixture_guarded(&run), "wrote outside its memory");
    fixture_end(&run);
}

static node_t home(page_t page)
{
    return view_home(&run.engine->view, page);
}

enum { THRESHOLD, DAMPENING, FREEZE, MELT, COMPETITIVE_PARAMS };

/* threshold 10, so that counters are halved at 19; no dampening unless told. */
static void compete(uint64_t dampening, uint64_t freeze, uint64_t melt_ns)
{
    const uint64_t param[COMPETITIVE_PARAMS] = {10, dampening, freeze, melt_ns};
    cr_assert_eq(begin("competitive", 4, param, COMPETITIVE_PARAMS, NULL), 0);
}

Test(competitive, moves_when_the_lead_exceeds_the_threshold)
{
    compete(0, 4, 1 << 30);
    fixture_misses(&run, 0, 0, false, 5);
    fixture_misses(&run, 2, 0, false, 15);
    cr_assert_eq(home(0), 0, "15 - 5 is not more than 10");
    fixture_misses(&run, 2, 0, false, 1);
    cr_assert_eq(home(0), 2);
    end();
}

Test(competitive, each_node_competes_with_the_home_alone)
{
    compete(0, 4, 1 << 30);
    fixture_misses(&run, 0, 0, false, 1);
    fixture_misses(&run, 1, 0, false, 11);
    fixture_misses(&run, 2, 0, false, 11);
    cr_assert_eq(home(0), 0);
    fixture_misses(&run, 2, 0, false, 1);
    cr_assert_eq(home(0), 2, "12 - 1, whatever node 1 has");
    end();
}

Test(competitive, counters_start_again_after_a_request)
{
    compete(0, 4, 1 << 30);
    fixture_misses(&run, 0, 0, false, 1);
    fixture_misses(&run, 1, 0, false, 10);
    fixture_misses(&run, 2, 0, false, 12);
    cr_assert_eq(home(0), 2);
    fixture_misses(&run, 1, 0, false, 10);
    cr_assert_eq(home(0), 2, "the 10 misses before the move are forgotten");
    fixture_misses(&run, 1, 0, false, 1);
    cr_assert_eq(home(0), 1);
    end();
}

Test(competitive, full_counters_are_halved)
{
    compete(0, 4, 1 << 30);
    /* Home at 19 -> 9. Then the remote node needs 9 + 11 = 20, but is itself full at 19: halved, 9 and 4; then 15. */
    fixture_misses(&run, 0, 0, false, 19);
    fixture_misses(&run, 3, 0, false, 19);
    fixture_misses(&run, 3, 0, false, 5);
    cr_assert_eq(home(0), 0, "9 + 5 = 14");
    fixture_misses(&run, 3, 0, false, 1);
    cr_assert_eq(home(0), 3, "15 - 4 > 10");
    end();
}

/* A counter is full at 19, not at 18: 18 stay. The other node's 19 are halved, and the home's 18 with them: 9 and 9. */
Test(competitive, counters_are_full_at_twice_the_threshold_less_one)
{
    compete(0, 4, 1 << 30);
    fixture_misses(&run, 0, 0, false, 18);
    fixture_misses(&run, 3, 0, false, 19);
    fixture_misses(&run, 3, 0, false, 9);
    cr_assert_eq(home(0), 0, "9 + 9 = 18");
    end();
}

/* The home is node 1, and node 0 has no part in it. */
Test(competitive, the_rival_is_the_home)
{
    compete(0, 4, 1 << 30);
    fixture_misses(&run, 1, 0, false, 5);
    fixture_misses(&run, 2, 0, false, 15);
    cr_assert_eq(home(0), 1, "15 - 5 is not more than 10");
    fixture_misses(&run, 2, 0, false, 1);
    cr_assert_eq(home(0), 2);
    end();
}

/* A miss that stands for 32 fills the counter, no more: 19 - 9 is not more than 10. */
Test(competitive, a_heavy_miss_counts_what_a_counter_holds)
{
    compete(0, 4, 1 << 30);
    fixture_misses(&run, 0, 0, false, 9);
    fixture_miss(&run, 2, 0, false, 5);
    cr_assert_eq(home(0), 0);
    end();
}

/* Two pages side by side, and one that was freed: each has its own count. */
Test(competitive, pages_count_for_themselves)
{
    compete(0, 4, 1 << 30);
    for (page_t page = 7; page <= 8; page++) {
        fixture_misses(&run, 0, page, false, 1);
        fixture_misses(&run, 2, page, false, 11);
    }
    cr_assert_eq(engine_free(run.engine, 8, run.now), 0);
    fixture_misses(&run, 0, 8, false, 1);
    fixture_misses(&run, 2, 8, false, 11);
    cr_assert_eq(home(7), 0);
    cr_assert_eq(home(8), 0);
    fixture_misses(&run, 2, 7, false, 1);
    cr_assert_eq(home(7), 2);
    cr_assert_eq(home(8), 0);
    end();
}

/* 8 bytes and one for each of 8 nodes up to a threshold of 128, two from there on. */
Test(competitive, slots_are_as_wide_as_the_threshold_asks)
{
    const uint64_t frames[8] = {0};
    const struct topology topology = {.nodes = 8, .frames = frames};
    const struct view view = {.topology = &topology};
    cr_expect_eq(policy_find("competitive")->slot_size(&view, (uint64_t[]){128, 1, 4, 1}), 16);
    cr_expect_eq(policy_find("competitive")->slot_size(&view, (uint64_t[]){129, 1, 4, 1}), 24);
}

Test(competitive, dampening_lets_requests_pass)
{
    compete(2, 4, 1 << 30);
    fixture_misses(&run, 0, 0, false, 1);
    fixture_misses(&run, 2, 0, false, 12); /* 12 - 1: first request, all counters 0 again */
    fixture_misses(&run, 2, 0, false, 11); /* second */
    cr_assert_eq(home(0), 0);
    fixture_misses(&run, 3, 0, false, 11); /* another node asks: the row is broken */
    fixture_misses(&run, 2, 0, false, 22);
    cr_assert_eq(home(0), 0);
    fixture_misses(&run, 2, 0, false, 11);
    cr_assert_eq(home(0), 2);
    end();
}

Test(competitive, a_ping_pong_page_is_frozen_and_melts)
{
    compete(0, 3, UINT64_C(1) << 30);
    run.now = UINT64_C(1) << 30;
    for (unsigned i = 0; i < 100; i++)
        fixture_misses(&run, (node_t)(i % 2 + 1), 0, true, 40);
    cr_assert_eq(run.engine->stats.moves, 3);
    run.now = (UINT64_C(2) << 30) - 1;
    fixture_misses(&run, 0, 0, true, 40);
    cr_assert_eq(run.engine->stats.moves, 3, "not yet");
    run.now = UINT64_C(2) << 30;
    for (unsigned i = 0; i < 100; i++)
        fixture_misses(&run, (node_t)(i % 2 + 2), 0, true, 40);
    cr_assert_eq(run.engine->stats.moves, 6, "three more after the rest");
    end();
}

Test(competitive, never_copies_and_equal_sharers_never_move_a_page)
{
    compete(0, 4, 1 << 30);
    for (unsigned i = 0; i < 2000; i++)
        for (node_t node = 0; node < 4; node++)
            fixture_misses(&run, node, 0, i % 3 == 0, 1);
    cr_assert_eq(run.engine->stats.moves + run.engine->stats.copies, 0);
    end();
}

Test(competitive, wide_counters)
{
    const uint64_t param[COMPETITIVE_PARAMS] = {1000, 0, 4, 1 << 30};
    cr_assert_eq(begin("competitive", 4, param, COMPETITIVE_PARAMS, NULL), 0);
    fixture_misses(&run, 0, 0, false, 500);
    fixture_misses(&run, 2, 0, false, 1500);
    cr_assert_eq(home(0), 0);
    fixture_misses(&run, 2, 0, false, 1);
    cr_assert_eq(home(0), 2);
    end();
}

static void touch_and_expect(const page_t *page, const node_t *node, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        fixture_miss(&run, 0, page[i], false, 0);
        cr_expect_eq(home(page[i]), node[i], "touch %u: page %u is on %u, not %u", i, page[i], home(page[i]), node[i]);
    }
}

Test(interleave, round_robin_in_order_of_touch)
{
    cr_assert_eq(begin("interleave", 3, NULL, 0, NULL), 0);
    touch_and_expect((page_t[]){9, 4, 7, 0, 63, 5, 6}, (node_t[]){0, 1, 2, 0, 1, 2, 0}, 7);
    end();
}

Test(interleave, weights_in_order_of_touch)
{
    const uint64_t param[] = {0, 2, 0, 3};
    cr_assert_eq(begin("interleave", 3, param, 4, NULL), 0);
    touch_and_expect((page_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8}, (node_t[]){0, 0, 2, 2, 2, 0, 0, 2, 2}, 9);
    end();
}

Test(interleave, weights_by_page_number)
{
    const uint64_t param[] = {1, 1, 2, 0};
    /* Sum over 4 nodes 1 + 2 + 0 + 1 = 4: pages 0..3 go to 0, 1, 1, 3. */
    cr_assert_eq(begin("interleave", 4, param, 4, NULL), 0);
    touch_and_expect((page_t[]){7, 6, 5, 4, 0, 63, 41}, (node_t[]){3, 1, 1, 0, 0, 3, 1}, 7);
    end();
}

Test(interleave, nodes_above_15_weigh_one)
{
    uint64_t param[17] = {1};
    cr_assert_eq(begin("interleave", 18, param, 17, NULL), 0, "weights 0..15 are 0, 16 and 17 are 1");
    touch_and_expect((page_t[]){0, 1, 2}, (node_t[]){16, 17, 16}, 3);
    end();
    cr_assert_eq(begin("interleave", 16, param, 17, NULL), ERR_INVAL);
    fixture_end(&run);
}

Test(advice, pages_go_where_the_advice_says_else_to_the_toucher)
{
    static node_t advice[64];
    const char *const classes[] = {"post_facto", "as_recorded"};
    for (unsigned i = 0; i < 64; i++)
        advice[i] = (node_t)(i % 4);
    advice[5] = NODE_NONE;
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(begin(classes[i], 4, NULL, 0, advice), 0);
        touch_and_expect((page_t[]){0, 1, 2, 3, 5, 63}, (node_t[]){0, 1, 2, 3, 0, 3}, 6);
        end();
    }
}

Test(first_touch, pages_stay_with_the_first_toucher)
{
    cr_assert_eq(begin("first_touch", 4, NULL, 0, NULL), 0);
    fixture_misses(&run, 2, 0, false, 1);
    fixture_misses(&run, 1, 0, true, 1000);
    cr_assert_eq(home(0), 2);
    end();
}
