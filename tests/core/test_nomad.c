/* SPDX-License-Identifier: BSD-2-Clause
 *
 * nomad against runs worked out by hand from its rule (Xiang et al., OSDI 2024; lingfenghsiang/Nomad 0fafe0eff). Node 0
 * (and 1, where a test says so) is fast, the last node slow. Each tick is one whole scan. Pages begin on the slow node.
 */
#include <criterion/criterion.h>

#include "tests/core/policy_rig.h"

enum { MS = 1000000, PAGES = 32 };

#define SCANS                                                                                                    \
    {"scan_delay_ns", 0}, {"scan_min_ns", 1000}, {"scan_max_ns", 1000}, {"scan_floor_ns", 1000}, {"mark_ns", 0}, \
    {                                                                                                            \
        "idle_ns", (uint64_t)1 << 49                                                                             \
    }

static struct policy_rig_param param[10] = {SCANS};

/* `nodes` nodes, one of them slow, with so many frames each. */
static void begin_on(uint32_t nodes, uint64_t fast, uint64_t slow, uint32_t caps)
{
    fixture_shape(&policy_rig_shape, nodes, nodes, fast);
    fixture_tiers(&policy_rig_shape, nodes - 1, slow);
    policy_rig_begin_on("nomad", PAGES, param, caps);
}

static void begin(uint64_t fast, uint64_t slow)
{
    begin_on(2, fast, slow, POLICY_RIG_CAPS);
}

/* Puts a page on the slow node: first touch goes to the fast one, so the engine is made to move it. */
static void put_slow(page_t page)
{
    node_t slow = (node_t)(policy_rig.config.topology->nodes - 1);
    fixture_misses(&policy_rig, 0, page, false, 1);
    engine_flush(policy_rig.engine);
    order_push(&policy_rig.engine->orders, ORDER_MOVE, page, slow, 9);
    engine_tick(policy_rig.engine, policy_rig.now);
    policy_rig_is_on(page, nodeset_of(slow));
}

static void scan(void)
{
    policy_rig_tick(policy_rig.now + 20 * MS);
}

static void miss(node_t node, page_t page, bool write)
{
    fixture_misses(&policy_rig, node, page, write, 1);
    engine_flush(policy_rig.engine);
}

/* The fault, then young three times: referenced, active, promoted. */
static void promote(node_t node, page_t page)
{
    scan();
    for (unsigned i = 0; i < 4; i++)
        miss(node, page, false);
}

Test(nomad, a_remembered_page_is_promoted_when_young_and_active)
{
    begin(FRAMES_UNBOUNDED, FRAMES_UNBOUNDED);
    put_slow(0);
    scan();
    for (unsigned i = 0; i < 3; i++) {
        miss(0, 0, false);
        policy_rig_is_on(0, 0x2);
    }
    miss(0, 0, false);
    policy_rig_is_on(0, 0x3);
    cr_expect_eq(policy_rig.engine->stats.copies, 1);
    cr_expect_eq(policy_rig.engine->stats.hints, 4);
    policy_rig_end();
}

/* Trap: shadows consume slow capacity. A write gives it back, and the page stays fast. */
Test(nomad, a_shadow_holds_its_frame_until_a_write)
{
    begin(16, 16);
    put_slow(0);
    promote(0, 0);
    cr_assert_eq(policy_rig.engine->view.free[0], 15);
    cr_assert_eq(policy_rig.engine->view.free[1], 15);
    scan();
    for (unsigned i = 0; i < 10; i++)
        miss(0, 0, false);
    policy_rig_is_on(0, 0x3);
    cr_expect_eq(policy_rig.engine->stats.hints, 4, "a promoted page is watched no more");
    miss(0, 0, true);
    policy_rig_is_on(0, 0x1);
    cr_assert_eq(policy_rig.engine->view.free[1], 16);
    cr_expect_eq(policy_rig.engine->stats.collapses, 1);
    cr_expect_eq(policy_rig.engine->stats.refused[REFUSED_THERE], 0, "the page is where it was written");
    policy_rig_end();
}

/* The mark is the whole node: demotion goes on at each tick. The page is active; accessed until the first look; then
 * inactive, then demoted: the fast copy goes, nothing is copied. */
Test(nomad, demotion_of_a_clean_page_drops_its_fast_copy)
{
    param[6] = (struct policy_rig_param){"demote_scale", 10000};
    begin(16, 16);
    put_slow(0);
    promote(0, 0);
    uint64_t moves = policy_rig.engine->stats.moves;
    policy_rig.config.policy->looked(policy_rig.state);
    for (unsigned i = 0; i < 2; i++) {
        scan();
        policy_rig_is_on(0, 0x3);
    }
    scan();
    policy_rig_is_on(0, 0x2);
    cr_expect_eq(policy_rig.engine->stats.drops, 1);
    cr_expect_eq(policy_rig.engine->stats.moves, moves);
    cr_expect_eq(policy_rig.config.policy->looked(policy_rig.state), 3, "the hand pays for the pages it looks at");
    cr_expect_eq(policy_rig.config.policy->looked(policy_rig.state), 0);
    policy_rig_end();
}

/* Three looks as above, of two pages with shadows and of one that has been fast from its first touch on. */
Test(nomad, demotion_of_a_page_without_a_shadow_moves_it)
{
    param[6] = (struct policy_rig_param){"demote_scale", 10000};
    begin(16, 16);
    for (page_t page = 0; page < 2; page++)
        put_slow(page);
    scan();
    for (unsigned i = 0; i < 4; i++)
        for (page_t page = 0; page < 2; page++)
            miss(0, page, false);
    miss(0, 2, false);
    uint64_t moves = policy_rig.engine->stats.moves;
    policy_rig_is_on(0, 0x3);
    policy_rig_is_on(1, 0x3);
    for (unsigned i = 0; i < 4; i++)
        scan();
    for (page_t page = 0; page < 3; page++)
        policy_rig_is_on(page, 0x2);
    cr_expect_eq(policy_rig.engine->stats.drops, 2);
    cr_expect_eq(policy_rig.engine->stats.moves, moves + 1);
    policy_rig_end();
}

/* A promoted page is forgotten: when it has been demoted, it takes four faults again. */
Test(nomad, a_promoted_page_is_forgotten)
{
    param[6] = (struct policy_rig_param){"demote_scale", 10000};
    begin(16, 16);
    put_slow(0);
    promote(0, 0);
    for (unsigned i = 0; i < 3; i++)
        scan();
    policy_rig_is_on(0, 0x2);
    scan();
    for (unsigned i = 0; i < 4; i++) {
        policy_rig_is_on(0, 0x2);
        miss(0, 0, false);
    }
    policy_rig_is_on(0, 0x3);
    policy_rig_end();
}

/* Two fast nodes. Node 0 has a copy: the scan marks the page for node 1's sake, a fault of node 0 says nothing, and the
 * page is not marked again for it. */
Test(nomad, a_fault_where_a_copy_is_says_nothing)
{
    param[6] = (struct policy_rig_param){0};
    begin_on(3, FRAMES_UNBOUNDED, FRAMES_UNBOUNDED, POLICY_RIG_CAPS);
    put_slow(0);
    promote(0, 0);
    scan();
    for (unsigned i = 0; i < 4; i++)
        miss(0, 0, false);
    cr_expect_eq(policy_rig.engine->stats.hints, 5);
    policy_rig_is_on(0, 0x5);
    policy_rig_end();
}

/* A page that is fast already, on the other node, goes nowhere, however often it faults. */
Test(nomad, a_fast_page_is_not_promoted)
{
    begin_on(3, FRAMES_UNBOUNDED, FRAMES_UNBOUNDED, POLICY_RIG_CAPS);
    miss(0, 0, false);
    for (unsigned i = 0; i < 6; i++) {
        order_push(&policy_rig.engine->orders, ORDER_WATCH, 0, NODE_NONE, 9);
        engine_tick(policy_rig.engine, policy_rig.now);
        miss(1, 0, false);
    }
    cr_expect_eq(policy_rig.engine->stats.hints, 6);
    policy_rig_is_on(0, 0x1);
    policy_rig_end();
}

/* Nodes 1 and 2 are slow and have CPUs: theirs are no faults to promote for. */
Test(nomad, slow_nodes_promote_nothing)
{
    fixture_shape(&policy_rig_shape, 3, 3, FRAMES_UNBOUNDED);
    fixture_tiers(&policy_rig_shape, 1, FRAMES_UNBOUNDED);
    policy_rig_shape.cpu_node[1] = 1;
    policy_rig_begin_on("nomad", PAGES, param, POLICY_RIG_CAPS);
    put_slow(0);
    scan();
    for (unsigned i = 0; i < 6; i++)
        miss(1, 0, false);
    policy_rig_is_on(0, 0x4);
    policy_rig_end();
}

/* Two fast nodes have a copy, and the second one alone is short: it gives up its own. Three looks, as above. */
Test(nomad, the_node_that_is_short_gives_up_its_copy)
{
    param[6] = (struct policy_rig_param){"demote_scale", 10000};
    fixture_shape(&policy_rig_shape, 3, 3, 16);
    fixture_tiers(&policy_rig_shape, 2, 16);
    policy_rig_shape.frames[0] = FRAMES_UNBOUNDED;
    policy_rig_begin_on("nomad", PAGES, param, POLICY_RIG_CAPS);
    put_slow(0);
    promote(0, 0);
    policy_rig_is_on(0, 0x5);
    promote(1, 0);
    policy_rig_is_on(0, 0x7);
    for (unsigned i = 0; i < 3; i++)
        scan();
    policy_rig_is_on(0, 0x5);
    policy_rig_end();
}

/* Look-back 2: a page whose two successors have faulted is forgotten, and has to begin anew. */
Test(nomad, pages_beyond_the_look_back_are_forgotten)
{
    param[6] = (struct policy_rig_param){"look_back", 2};
    for (page_t others = 1; others <= 2; others++) {
        begin(FRAMES_UNBOUNDED, FRAMES_UNBOUNDED);
        for (page_t page = 0; page < 3; page++)
            put_slow(page);
        scan();
        miss(0, 0, false);
        for (page_t page = 1; page <= others; page++)
            miss(0, page, false);
        for (unsigned i = 0; i < 3; i++)
            miss(0, 0, false);
        policy_rig_is_on(0, others == 1 ? 0x3 : 0x2);
        miss(0, 0, false);
        policy_rig_is_on(0, 0x3);
        policy_rig_end();
    }
}

/* Two fast nodes. The page has a copy on node 0, its home is slow; node 1 writes: the engine keeps the home. */
Test(nomad, a_writer_without_a_copy_gets_the_page)
{
    begin_on(3, FRAMES_UNBOUNDED, FRAMES_UNBOUNDED, POLICY_RIG_CAPS);
    put_slow(0);
    promote(0, 0);
    policy_rig_is_on(0, 0x5);
    miss(1, 0, true);
    policy_rig_is_on(0, 0x2);
    policy_rig_end();
}

/* 8 frames: low watermark 1. With the seventh page one is free: shadows go, one per tick. */
Test(nomad, shadows_are_given_up_when_frames_are_short)
{
    param[6] = (struct policy_rig_param){"reclaim", 1};
    begin(FRAMES_UNBOUNDED, 8);
    for (page_t page = 0; page < 6; page++)
        put_slow(page);
    promote(0, 0);
    promote(0, 1);
    scan();
    policy_rig_is_on(0, 0x3);
    put_slow(6);
    scan();
    policy_rig_is_on(0, 0x1);
    policy_rig_is_on(1, 0x3);
    scan();
    policy_rig_is_on(1, 0x3);
    cr_expect_eq(policy_rig.engine->stats.refused[REFUSED_INVALID], 0, "only pages with a fast copy lose the slow one");
    policy_rig_end();
}

Test(nomad, a_machine_without_replicas_gets_moves)
{
    begin_on(2, FRAMES_UNBOUNDED, FRAMES_UNBOUNDED, MACHINE_WATCH);
    put_slow(0);
    put_slow(1);
    promote(0, 0);
    cr_expect_eq(policy_rig.engine->stats.refused[REFUSED_NOSUP], 1);
    promote(0, 1);
    policy_rig_is_on(1, 0x1);
    policy_rig_end();
}

/* 16 frames: low watermark 1. With every fifteenth page one is free, and one shadow per tick is wanted. The hand passes
 * pages that have no other copy; it begins with page 3, comes to the last page and goes on with page 0. */
Test(nomad, the_hand_of_reclaim_goes_round)
{
    static const page_t shadowed[] = {3, PAGES - 1, 0};
    param[6] = (struct policy_rig_param){"reclaim", 1};
    begin(FRAMES_UNBOUNDED, 16);
    for (page_t page = 0; page < 13; page++)
        put_slow(page);
    put_slow(PAGES - 1);
    promote(0, 3);
    promote(0, PAGES - 1);
    for (unsigned i = 0; i < 3; i++) {
        if (!shadowed[i])
            promote(0, 0);
        policy_rig_is_on(shadowed[i], 0x3);
        put_slow(13 + i);
        scan();
        policy_rig_is_on(shadowed[i], 0x1);
    }
    cr_expect_eq(policy_rig.engine->stats.refused[REFUSED_INVALID], 0, "a page keeps its only copy");
    policy_rig_end();
}
