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

/* Node 1 sends to node 0 as well, and where all of the tier are full nothing is ordered at all. */
Test(autotiering, node_0_takes_pages_of_its_tier)
{
    begin(NULL);
    fill();
    for (page_t page = 0; page < 3; page++)
        cr_assert_eq(engine_free(policy_rig.engine, page, policy_rig.now), 0);
    scan();
    use(1, 2 * PLACED, 2 * PLACED + 1);
    policy_rig_is_on(2 * PLACED, 0x1);
    policy_rig_end();
}

/* Windows of 7 pages: after three ticks one scan is complete. The fourth passes pages 0..6, which nobody used and which
 * are marked still, marks 7..13 again and rests before page 14. So page 14 is of level 8, pages 0..6 of level 7. */
Test(autotiering, pages_before_the_hand_have_had_one_scan_more)
{
    begin(&(struct policy_rig_param){"scan_size", PLACED * 4096});
    fill();
    for (unsigned i = 0; i < 3; i++)
        scan();
    use(1, PLACED, 2 * PLACED);
    scan();
    use(0, 14, 15);
    policy_rig_is_on(0, 0x4);
    use(1, PLACED, PLACED + 1); /* a delivery, in which the page that waits is served */
    policy_rig_is_on(14, 0x1);
    cr_expect_eq(policy_rig.engine->stats.refused[REFUSED_THERE], 0, "a page that waited is served once");
    policy_rig_end();
}

/* Page 0 is not used between the first scan and the second, and before all others; nor is any page left out. A new page
 * on the slow node is of level 8. Page 0 is of level 7 for as long as the history, 8 scans, holds the second. */
Test(autotiering, a_scan_without_an_access_counts_for_eight_scans)
{
    for (unsigned scans = 3; scans <= 10; scans++) {
        begin(NULL);
        fill();
        for (unsigned i = 1; i < scans; i++) {
            scan();
            use(0, i == 1, PLACED);
            use(1, PLACED, 2 * PLACED);
        }
        use(0, 15, 16);
        policy_rig_is_on(15, 0x4);
        scan();
        use(0, 15, 16);
        scan();
        policy_rig_is_on(0, scans < 10 ? 0x4 : 0x1);
        policy_rig_is_on(15, scans < 10 ? 0x1 : 0x4);
        policy_rig_end();
    }
}

/* Pages of node 0 are used before scans 1 and 2 and in none of the 7 that follow: history 10000000, level 1. Page 14 is
 * used before scan 1 and scan 4 of 9: 00100000, level 1 as well. */
Test(autotiering, eight_scans_at_once)
{
    begin(NULL);
    fill();
    for (unsigned i = 1; i <= 9; i++) {
        scan();
        if (i == 1)
            use(0, 0, PLACED);
        if (i == 3)
            use(0, 14, 15);
    }
    use(0, 14, 15);
    scan();
    cr_expect_eq(policy_rig.engine->stats.moves, 0);
    policy_rig_end();
}

/* Of two pages that are colder than the one that faults, the coldest goes; the hand looks at `look` pages, and goes on
 * from there. */
Test(autotiering, the_coldest_page_goes)
{
    begin(NULL);
    fill();
    for (unsigned i = 1; i <= 3; i++) {
        scan();
        use(0, i < 2 ? 2 : i < 3, PLACED); /* page 0 rests in scans 2 and 3, page 1 in the second */
        use(1, PLACED, 2 * PLACED);
    }
    use(0, 15, 16);
    scan();
    use(0, 15, 16);
    scan();
    policy_rig_is_on(0, 0x4);
    policy_rig_is_on(1, 0x1);
    policy_rig_end();
}

/* A scan, then uses of the warm pages of node 0 (page 14 among them, once it is there) and of a slow one: one look at
 * the hand's page. */
static void look(page_t slow, bool page_0)
{
    scan();
    if (page_0)
        use(0, 0, 1);
    use(0, 2, PLACED - 1);
    if (slow > 14)
        use(0, 14, 15);
    use(0, slow, slow + 1);
}

/* Pages 1 and 23 of node 0 are never used again, page 0 is not from the tenth look on. They go when the hand is there,
 * at looks 2 and 24 and, round the end, 25. New slow pages are of level 8. */
Test(autotiering, the_hand_goes_on_where_it_stopped)
{
    begin(&(struct policy_rig_param){"look", 1});
    use(0, 0, PLACED - 1);
    use(0, PAGES - 1, PAGES);
    use(1, PLACED, 2 * PLACED);
    policy_rig_is_on(PAGES - 1, 0x1);
    look(14, true);
    policy_rig_is_on(14, 0x4);
    page_t slow = 14;
    for (unsigned looks = 1; looks <= 25; looks++) {
        look(slow, looks < 10);
        policy_rig_is_on(1, looks < 2 ? 0x1 : 0x4);
        policy_rig_is_on(PAGES - 1, looks < 24 ? 0x1 : 0x4);
        policy_rig_is_on(0, looks < 25 ? 0x1 : 0x4);
        if (looks == 2 || looks == 24)
            look(++slow, looks < 10); /* the first touch */
    }
    policy_rig_end();
}

/* Node 3 is farther and slower than node 2. */
static void begin_three_tiers(uint64_t opportunistic, uint64_t frames_of_2, uint64_t frames_of_3)
{
    const struct policy_rig_param param[] = {{"scan_delay_ns", 0},
                                             {"scan_min_ns", 1000},
                                             {"scan_max_ns", 1000},
                                             {"scan_floor_ns", 1000},
                                             {"mark_ns", 0},
                                             {"opportunistic", opportunistic},
                                             {0}};
    fixture_shape(&policy_rig_shape, 4, 4, FAST);
    fixture_tiers(&policy_rig_shape, 2, FRAMES_UNBOUNDED);
    policy_rig_shape.tier[3] = 2;
    policy_rig_shape.frames[2] = frames_of_2;
    policy_rig_shape.frames[3] = frames_of_3;
    for (unsigned from = 0; from < 3; from++)
        policy_rig_shape.latency_ps[from * 4 + 3] = 800000;
    policy_rig_begin("autotiering", PAGES, param);
}

/* The page begins on this node, as if it had been moved there. */
static void put(page_t page, node_t node)
{
    use(0, page, page + 1);
    engine_flush(policy_rig.engine);
    order_push(&policy_rig.engine->orders, ORDER_MOVE, page, node, 9);
    engine_tick(policy_rig.engine, policy_rig.now);
    policy_rig_is_on(page, nodeset_of(node));
}

/* Fast nodes are full of pages that are hot, or stay in the conservative mode: from the third tier to the second. */
Test(autotiering, what_does_not_fit_goes_to_the_next_tier)
{
    for (uint64_t opportunistic = 0; opportunistic <= 1; opportunistic++) {
        begin_three_tiers(opportunistic, FRAMES_UNBOUNDED, FRAMES_UNBOUNDED);
        fill();
        put(15, 3);
        scan();
        use(0, 15, 16);
        policy_rig_is_on(15, 0x4);
        policy_rig_end();
    }
}

/* A colder page makes room: no stop in the second tier on the way. Two moves besides that of the test. */
Test(autotiering, an_exchange_is_all_that_is_ordered)
{
    begin_three_tiers(1, FRAMES_UNBOUNDED, FRAMES_UNBOUNDED);
    fill();
    put(15, 3);
    scan();
    scan();
    policy_rig_is_on(0, 0x1);
    cr_assert_eq(engine_free(policy_rig.engine, 15, policy_rig.now), 0);
    put(15, 3);
    scan();
    use(0, 15, 16);
    scan();
    policy_rig_is_on(15, 0x1);
    cr_expect_eq(policy_rig.engine->stats.moves, 4);
    policy_rig_end();
}

/* The second tier has one frame, and page 14 is in it: demotion goes to the third. Where page 16 has taken the last
 * frame of that, nothing goes anywhere. */
Test(autotiering, demotion_goes_where_a_frame_is_free)
{
    for (page_t last = 15; last <= 16; last++) {
        begin_three_tiers(1, 1, 2);
        use(0, 0, PLACED);
        use(1, PLACED, 2 * PLACED);
        put(14, 2);
        for (page_t page = 15; page <= last; page++)
            put(page, 3);
        uint64_t put_moves = policy_rig.engine->stats.moves;
        for (unsigned i = 0; i < 2; i++) {
            scan();
            use(0, 15, 16);
        }
        scan();
        policy_rig_is_on(0, last == 15 ? 0x8 : 0x1);
        policy_rig_is_on(15, last == 15 ? 0x1 : 0x8);
        cr_expect_eq(policy_rig.engine->stats.moves - put_moves, last == 15 ? 2 : 0);
        cr_expect_eq(policy_rig.engine->stats.refused[REFUSED_INVALID], 0);
        policy_rig_end();
    }
}

/* A page that is freed while it waits for its frame is forgotten. */
Test(autotiering, a_freed_page_does_not_wait)
{
    begin(NULL);
    fill();
    scan();
    use(0, 14, 15);
    scan();
    use(0, 14, 15);
    cr_assert_eq(engine_free(policy_rig.engine, 14, policy_rig.now), 0);
    scan();
    policy_rig_is_on(0, 0x4);
    for (unsigned why = 0; why < REFUSED_REASONS; why++)
        cr_expect_eq(policy_rig.engine->stats.refused[why], 0);
    policy_rig_end();
}

/* Windows of one page, and 8 ms for a scan. Eight resident pages: one per ms; with four of them gone every 2 ms. After
 * 3 ms pages 4..7 or 4 and 5 have been marked, 4 at the first tick. */
Test(autotiering, the_scan_is_paced_by_what_is_resident)
{
    for (page_t gone = 0; gone <= 4; gone += 4) {
        const struct policy_rig_param param[] = {{"scan_delay_ns", 0},
                                                 {"scan_min_ns", 8 * MS},
                                                 {"scan_max_ns", 8 * MS},
                                                 {"scan_floor_ns", 1000},
                                                 {"mark_ns", 0},
                                                 {"scan_size", 4096},
                                                 {0}};
        fixture_shape(&policy_rig_shape, 4, 4, FRAMES_UNBOUNDED);
        policy_rig_begin("autotiering", 8, param);
        use(0, 0, 8);
        for (page_t page = 0; page < gone; page++)
            cr_assert_eq(engine_free(policy_rig.engine, page, policy_rig.now), 0);
        engine_flush(policy_rig.engine);
        for (unsigned i = 0; i < 4; i++)
            scan();
        use(1, gone, 8);
        policy_rig_is_on(gone + 1, 0x2);
        policy_rig_is_on(gone + 2, gone ? 0x1 : 0x2);
        policy_rig_is_on(gone + 3, gone ? 0x1 : 0x2);
        policy_rig_end();
    }
}

/* 65536 scans without an access: level 0, though so many fit into 16 bits. */
Test(autotiering, scans_are_counted_without_coming_round)
{
    begin(NULL);
    fill();
    for (uint32_t i = 0; i < 65535; i++)
        scan();
    use(0, 15, 16);
    scan();
    use(0, 15, 16);
    scan();
    policy_rig_is_on(0, 0x4);
    policy_rig_is_on(15, 0x1);
    policy_rig_end();
}
