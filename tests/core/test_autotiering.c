/* SPDX-License-Identifier: BSD-2-Clause
 *
 * autotiering against runs worked out by hand from its rule (Kim et al., USENIX ATC 2021; Sys-KU/AutoTiering
 * 577f9ea28). Nodes 0 and 1 are fast, 2 and 3 slow. Each tick is one whole scan. On so small a node the min watermark
 * is 0, low 1, high 2 frames: first touch leaves one frame free, and a fault finds the node full while less than 4 are.
 */
#include <criterion/criterion.h>

#include "tests/core/policy_rig.h"

enum { MS = 1000000, FAST = 8, PLACED = FAST - 1, PAGES = 24 };

static void scan(void)
{
    policy_rig_tick(policy_rig.now + MS);
}

static void begin(const struct policy_rig_param *more)
{
    const struct policy_rig_param param[] = {{"scan_delay_ns", 0},
                                             {"scan_min_ns", 1000},
                                             {"scan_max_ns", 1000},
                                             {"scan_floor_ns", 1000},
                                             {"mark_ns", 0},
                                             {"idle_ns", (uint64_t)1 << 49},
                                             {more ? more->name : NULL, more ? more->value : 0},
                                             {0}};
    fixture_shape(&policy_rig_shape, 4, 4, FAST);
    fixture_tiers(&policy_rig_shape, 2, FRAMES_UNBOUNDED);
    policy_rig_begin("autotiering", PAGES, param);
}

static void use(node_t node, page_t from, page_t to)
{
    for (page_t page = from; page < to; page++)
        fixture_misses(&policy_rig, node, page, false, 1);
}

/* Pages 0..6 on node 0, 7..13 on node 1, page 14 on node 2: all fast nodes are full to their low watermark. */
static void fill(void)
{
    use(0, 0, PLACED);
    use(1, PLACED, 2 * PLACED);
    use(0, 2 * PLACED, 2 * PLACED + 1);
    policy_rig_is_on(0, 0x1);
    policy_rig_is_on(2 * PLACED - 1, 0x2);
    policy_rig_is_on(2 * PLACED, 0x4);
}

Test(autotiering, a_page_follows_its_fault_where_there_is_room)
{
    begin(NULL);
    use(0, 0, 1);
    scan();
    use(1, 0, 1);
    policy_rig_is_on(0, 0x2);
    policy_rig_end();
}

Test(autotiering, without_a_scan_nothing_faults)
{
    begin(NULL);
    use(0, 0, 1);
    use(1, 0, 1);
    policy_rig_is_on(0, 0x1);
    policy_rig_end();
}

/* Conformance: a new page, and 3 scans without an access: history 11111000, level 5. A faulting page of level 6 takes
 * its place; one of level 5 does not (strict inequality). The first scan of a new page finds it accessed. */
static void victim_of_level_5(unsigned idle, nodeset_t victim, nodeset_t faulting)
{
    const page_t slow = 2 * PLACED;
    begin(NULL);
    fill();
    for (unsigned i = 1; i <= 4; i++) {
        scan();
        if (i == 4)
            break;
        use(0, 1, PLACED);
        use(1, PLACED, slow);
        if (i + idle < 4)
            use(0, slow, slow + 1);
        policy_rig_is_on(slow, 0x4);
    }
    use(0, slow, slow + 1);
    scan();
    policy_rig_is_on(0, victim);
    policy_rig_is_on(slow, faulting);
    cr_expect_eq(policy_rig.engine->stats.moves, victim == 0x1 ? 0 : 2);
    policy_rig_end();
}

Test(autotiering, a_page_of_level_6_takes_the_place_of_one_of_level_5)
{
    victim_of_level_5(2, 0x4, 0x1);
}

Test(autotiering, a_page_of_level_5_does_not_take_the_place_of_one_of_level_5)
{
    victim_of_level_5(3, 0x1, 0x4);
}

/* Pages start with all ones: without an idle scan no level is lower than another. */
Test(autotiering, new_pages_are_hot)
{
    begin(NULL);
    fill();
    scan();
    use(0, 2 * PLACED, 2 * PLACED + 1);
    scan();
    policy_rig_is_on(2 * PLACED, 0x4);
    cr_expect_eq(policy_rig.engine->stats.moves, 0);
    policy_rig_end();
}

/* A page placed since the last scan was accessed in this one, like all others in all nine scans: level 8. */
Test(autotiering, a_page_between_two_scans_is_hot_too)
{
    const page_t slow = 2 * PLACED, fresh = slow + 1;
    begin(NULL);
    fill();
    for (unsigned i = 0; i < 9; i++) {
        scan();
        use(0, 0, PLACED);
        use(1, PLACED, slow);
        use(0, slow, slow + 1);
    }
    cr_assert_eq(engine_free(policy_rig.engine, 0, policy_rig.now), 0);
    use(0, fresh, fresh + 1);
    policy_rig_is_on(fresh, 0x1);
    scan();
    use(0, slow, slow + 1);
    scan();
    policy_rig_is_on(fresh, 0x1);
    policy_rig_is_on(slow, 0x4);
    policy_rig_end();
}

/* The same as the vector, but for the mode. */
Test(autotiering, the_conservative_mode_demotes_nothing)
{
    begin(&(struct policy_rig_param){"opportunistic", 0});
    fill();
    for (unsigned i = 0; i < 4; i++) {
        scan();
        use(0, 2 * PLACED, 2 * PLACED + 1);
    }
    policy_rig_is_on(0, 0x1);
    policy_rig_is_on(2 * PLACED, 0x4);
    cr_expect_eq(policy_rig.engine->stats.moves, 0);
    policy_rig_end();
}

/* Node 0 is full, node 1 is not: 201 ns instead of 400. */
Test(autotiering, a_full_node_sends_pages_to_another_of_its_tier)
{
    begin(NULL);
    use(0, 0, PLACED + PLACED);         /* 7 on node 0, 7 on node 1 */
    use(0, 2 * PLACED, 2 * PLACED + 1); /* on node 2 */
    policy_rig_is_on(2 * PLACED, 0x4);
    for (page_t page = PLACED; page < PLACED + 3; page++)
        cr_assert_eq(engine_free(policy_rig.engine, page, policy_rig.now), 0);
    scan();
    use(0, 2 * PLACED, 2 * PLACED + 1);
    policy_rig_is_on(2 * PLACED, 0x2);
    policy_rig_end();
}
