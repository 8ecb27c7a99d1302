/* SPDX-License-Identifier: BSD-2-Clause
 *
 * asymsched against runs worked out by hand from its rule (Lepers et al., USENIX ATC 2015; constants of
 * hzqmwne/asymsched_demo). Local latency 100 ns, remote 201 to 203 ns.
 */
#include <criterion/criterion.h>

#include "tests/core/policy_rig.h"

#define SECOND UINT64_C(1000000000)
enum { MISSES = 1000 };

/* `pages` pages on each node, used by node user[n] alone from then on. */
static void use(uint32_t nodes, uint32_t pages, const node_t *user)
{
    for (page_t page = 0; page < nodes * pages; page++)
        fixture_misses(&policy_rig, (node_t)(page / pages), page, false, 1);
    policy_rig_tick(1);
    for (page_t page = 0; page < nodes * pages; page++)
        fixture_misses(&policy_rig, user[page / pages], page, false, MISSES);
}

/* Conformance: no time spent on moving yet, 10 GiB to move at 0.3 s each: 3.0 s are more than 5 % of 50 s, and less
 * than 5 % of 61 s. Two nodes that use each other's memory, and 5 GiB of a third that stay; pages of 1 GiB. */
Test(asymsched, moves_when_it_takes_less_than_5_percent_of_the_time)
{
    fixture_shape(&policy_rig_shape, 3, 3, FRAMES_UNBOUNDED);
    policy_rig_shape.topology.page_size = 1 << 30;
    policy_rig_begin("asymsched", 15, NULL);
    use(3, 5, (node_t[]){1, 0, 2});
    policy_rig_tick(50 * SECOND);
    policy_rig_tick(50 * SECOND + 1);
    cr_assert_eq(policy_rig.engine->stats.moves, 0);
    fixture_misses(&policy_rig, 1, 0, false, MISSES);
    fixture_misses(&policy_rig, 0, 9, false, MISSES);
    policy_rig_tick(61 * SECOND);
    policy_rig_tick(61 * SECOND + 1);
    cr_assert_eq(policy_rig.engine->stats.moves, 10);
    for (page_t page = 0; page < 15; page++)
        policy_rig_is_on(page, page < 5 ? 0x2 : page < 10 ? 0x1 : 0x4);
    policy_rig_end();
}

/* Weights are the bits of the counts. Node 0's memory: 10 from node 0 (2^9 accesses) and 21 from node 1 (2^20); node
 * 1's: 15 from node 1 (2^14). As it is: 10 x 10 + 21 x 5 + 15 x 10 = 355; exchanged: 10 x 5 + 21 x 10 + 15 x 5 = 335.
 * By the counts themselves the exchange would be worth twice as much. */
Test(asymsched, weights_are_logarithms)
{
    const struct policy_rig_param param[] = {{"keep", 100}, {0}};
    fixture_shape(&policy_rig_shape, 2, 2, FRAMES_UNBOUNDED);
    policy_rig_begin("asymsched", 2, param);
    for (node_t node = 0; node < 2; node++)
        fixture_misses(&policy_rig, node, node, false, 1);
    policy_rig_tick(2 * SECOND);
    fixture_miss(&policy_rig, 0, 0, false, 9);
    for (unsigned i = 0; i < 32; i++)
        fixture_miss(&policy_rig, 1, 0, false, 15);
    fixture_miss(&policy_rig, 1, 1, false, 14);
    policy_rig_tick(10 * SECOND);
    policy_rig_tick(10 * SECOND + 1);
    policy_rig_is_on(0, 0x1);
    policy_rig_is_on(1, 0x2);
    policy_rig_end();
}

/* What was spent counts: the second exchange needs 6.0 s < 5 % of the time, so 120 s and more. */
Test(asymsched, time_spent_on_moving_counts)
{
    fixture_shape(&policy_rig_shape, 2, 2, FRAMES_UNBOUNDED);
    policy_rig_shape.topology.page_size = 1 << 30;
    policy_rig_begin("asymsched", 10, NULL);
    use(2, 5, (node_t[]){1, 0});
    policy_rig_tick(61 * SECOND);
    policy_rig_tick(61 * SECOND + 1);
    for (unsigned i = 0; i < 2; i++) {
        fixture_misses(&policy_rig, 0, 0, false, MISSES);
        fixture_misses(&policy_rig, 1, 9, false, MISSES);
        policy_rig_tick((i ? 121 : 120) * SECOND);
        policy_rig_tick((i ? 121 : 120) * SECOND + 1);
        cr_assert_eq(policy_rig.engine->stats.moves, i ? 20 : 10);
    }
    policy_rig_end();
}

/* Speeds 10 local and 5 remote, nearly; equal weights. Of eight nodes two use each other's memory: 70 of 80, which is
 * below 90 %: exchanged. The six others stay. */
Test(asymsched, only_what_is_crossed_is_exchanged)
{
    fixture_shape(&policy_rig_shape, 8, 8, FRAMES_UNBOUNDED);
    policy_rig_begin("asymsched", 16, NULL);
    use(8, 2, (node_t[]){0, 1, 5, 3, 4, 2, 6, 7});
    policy_rig_tick(10 * SECOND);
    policy_rig_tick(10 * SECOND + 1);
    cr_assert_eq(policy_rig.engine->stats.moves, 4);
    for (page_t page = 0; page < 16; page++)
        policy_rig_is_on(page, nodeset_of((node_t[]){0, 1, 5, 3, 4, 2, 6, 7}[page / 2]));
    policy_rig_end();
}

/* Of sixteen nodes two: 150 of 160 are 94 %, and the present placement moves nothing. */
Test(asymsched, a_placement_worth_90_percent_will_do)
{
    for (uint64_t keep = 90; keep <= 100; keep += 10) {
        const struct policy_rig_param param[] = {{"keep", keep}, {0}};
        fixture_shape(&policy_rig_shape, 16, 16, FRAMES_UNBOUNDED);
        policy_rig_begin("asymsched", 16, param);
        use(16, 1, (node_t[]){1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
        policy_rig_tick(10 * SECOND);
        policy_rig_tick(10 * SECOND + 1);
        cr_assert_eq(policy_rig.engine->stats.moves, keep == 90 ? 0 : 2);
        policy_rig_end();
    }
}

/* A circle of three takes two exchanges; pages beyond one array of orders follow in later ticks. */
Test(asymsched, a_circle_of_thousands_of_pages)
{
    enum { EACH = 2000 };
    fixture_shape(&policy_rig_shape, 3, 3, FRAMES_UNBOUNDED);
    policy_rig_begin("asymsched", 3 * EACH, NULL);
    for (page_t page = 0; page < 3 * EACH; page++)
        fixture_misses(&policy_rig, (node_t)(page / EACH), page, false, 1);
    policy_rig_tick(2 * SECOND); /* an epoch of its own: weights are logarithms, the first touches would weigh in */
    for (page_t page = 0; page < 3 * EACH; page++)
        fixture_misses(&policy_rig, (node_t)((page / EACH + 1) % 3), page, false, 10);
    for (unsigned i = 0; i < 4; i++)
        policy_rig_tick(10 * SECOND + i);
    cr_assert_eq(policy_rig.engine->stats.moves, 3 * EACH);
    for (page_t page = 0; page < 3 * EACH; page += EACH / 2)
        policy_rig_is_on(page, nodeset_of((node_t)((page / EACH + 1) % 3)));
    policy_rig_end();
}
