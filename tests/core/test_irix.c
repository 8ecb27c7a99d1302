/* SPDX-License-Identifier: BSD-2-Clause
 *
 * irix against runs worked out by hand from its rule (policy/irix.c; mechanisms: SGI manual page migration(5), numbers
 * recollected): threshold 50 % of 2047, so that a lead of 1024 misses is a request.
 */
#include <criterion/criterion.h>

#include "tests/core/policy_rig.h"

enum { MS = 1000000, LEAD = 1024 };

static void begin(const struct policy_rig_param *param)
{
    fixture_shape(&policy_rig_shape, 4, 4, FRAMES_UNBOUNDED);
    policy_rig_begin("irix", 4, param);
}

static void misses(node_t node, uint32_t n)
{
    fixture_misses(&policy_rig, node, 0, false, n);
}

static const struct policy_rig_param undamped[] = {{"dampening", 0}, {0}};

Test(irix, the_lead_must_exceed_half_the_range)
{
    begin(undamped);
    misses(0, 1);
    misses(2, LEAD);
    policy_rig_is_on(0, 0x1);
    misses(2, 1);
    policy_rig_is_on(0, 0x4);
    policy_rig_end();
}

/* 90 % and 100 % of 3: the third request in a row is granted, and counters start again after each. */
Test(irix, dampening_grants_the_third_request)
{
    for (uint64_t dampening = 90; dampening <= 100; dampening += 10) {
        const struct policy_rig_param param[] = {{"dampening", dampening}, {0}};
        begin(param);
        misses(0, 1);
        misses(2, 1 + 3 * LEAD - 1);
        policy_rig_is_on(0, 0x1);
        misses(2, 1);
        policy_rig_is_on(0, 0x4);
        policy_rig_end();
    }
}

Test(irix, requests_of_another_node_start_the_row_again)
{
    begin(NULL);
    misses(0, 1);
    misses(2, 1 + 2 * LEAD);
    misses(3, LEAD);
    misses(2, 2 * LEAD);
    policy_rig_is_on(0, 0x1);
    misses(2, LEAD);
    policy_rig_is_on(0, 0x4);
    policy_rig_end();
}

/* 20 % of 7: the second bounce freezes. 90 % of 7: the seventh request after that thaws. */
Test(irix, a_page_that_bounces_twice_is_frozen_and_thaws_at_the_seventh_request)
{
    begin(undamped);
    misses(0, 1);
    misses(1, LEAD + 1);
    policy_rig_is_on(0, 0x2);
    misses(0, LEAD);
    policy_rig_is_on(0, 0x1);
    misses(1, LEAD);
    policy_rig_is_on(0, 0x1);
    misses(1, 7 * LEAD - 1);
    policy_rig_is_on(0, 0x1);
    misses(1, 1);
    policy_rig_is_on(0, 0x2);
    policy_rig_end();
}

Test(irix, a_page_that_goes_round_does_not_bounce)
{
    begin(undamped);
    misses(0, 1);
    misses(1, LEAD + 1);
    for (unsigned i = 2; i < 20; i++) {
        misses((node_t)(i % 3), LEAD);
        policy_rig_is_on(0, nodeset_of((node_t)(i % 3)));
    }
    policy_rig_end();
}

/* Full counters say nothing more; unpegging control gives the page another chance after 8 ticks of 10 ms. */
Test(irix, full_counters_begin_again_with_the_interval)
{
    begin(undamped);
    misses(0, 3000);
    misses(1, 3000);
    policy_rig_is_on(0, 0x1);
    policy_rig.now = 80 * MS - 1;
    misses(1, LEAD);
    policy_rig_is_on(0, 0x1);
    policy_rig.now = 80 * MS;
    misses(1, LEAD - 1);
    policy_rig_is_on(0, 0x1);
    misses(1, 1);
    policy_rig_is_on(0, 0x2);
    policy_rig_end();
}

/* Slots hold 8 bits of the interval: 256 of them later, at once or one by one, the page is known to have rested. The
 * misses that let the intervals pass are on a page of their own. */
Test(irix, a_rest_of_256_intervals_is_a_rest)
{
    for (uint64_t step = 1; step <= 256; step *= 256) {
        begin(undamped);
        fixture_misses(&policy_rig, 0, 2, false, 3000);
        fixture_misses(&policy_rig, 1, 2, false, 3000);
        policy_rig_is_on(2, 0x1);
        for (uint64_t interval = step; interval < 256; interval += step) {
            policy_rig.now = interval * 80 * MS;
            fixture_misses(&policy_rig, 3, 3, false, 1);
        }
        policy_rig.now = 256 * UINT64_C(80) * MS;
        fixture_misses(&policy_rig, 1, 2, false, LEAD - 1);
        policy_rig_is_on(2, 0x1);
        fixture_misses(&policy_rig, 1, 2, false, 1);
        policy_rig_is_on(2, 0x2);
        policy_rig_end();
    }
}

/* The hand that looks after resting pages changes nothing in those with room in their counters. */
Test(irix, a_rest_keeps_counters_below_90_percent)
{
    begin(undamped);
    misses(0, 1);
    misses(1, 1000);
    for (uint64_t interval = 1; interval <= 300; interval++) {
        policy_rig.now = interval * 80 * MS;
        fixture_misses(&policy_rig, 3, 3, false, 1);
    }
    misses(1, LEAD - 1000);
    policy_rig_is_on(0, 0x1);
    misses(1, 1);
    policy_rig_is_on(0, 0x2);
    policy_rig_end();
}

Test(irix, counters_below_90_percent_are_kept)
{
    begin(undamped);
    misses(0, 1842); /* 90 % of 2047 is 1842.3 */
    policy_rig.now = 80 * MS;
    misses(1, 2047);
    policy_rig_is_on(0, 0x1);
    policy_rig_end();
}

/* 80 ms at 16,000 bytes a second are 1280 bytes; 80 % of that are 8 misses of 128 bytes. Requests count as traffic
 * too. The look at 100 ms is none: 80 ms have not passed since the last. A memory of unknown bandwidth is not busy. */
Test(irix, nothing_moves_while_a_memory_is_busy)
{
    static const uint64_t bandwidth[4] = {16000, 0, 16000, 0};
    for (uint32_t busy = 8; busy <= 9; busy++) {
        fixture_shape(&policy_rig_shape, 4, 4, FRAMES_UNBOUNDED);
        policy_rig_shape.topology.bandwidth = bandwidth;
        policy_rig_begin("irix", 4, undamped);
        misses(0, busy);
        fixture_misses(&policy_rig, 1, 1, false, 100);
        policy_rig_tick(80 * MS);
        policy_rig_tick(100 * MS);
        misses(1, LEAD + busy);
        policy_rig_is_on(0, busy == 8 ? 0x2 : 0x1);
        if (busy == 9) {
            policy_rig_tick(160 * MS);
            policy_rig_tick(240 * MS);
            misses(1, LEAD);
            policy_rig_is_on(0, 0x2);
        }
        policy_rig_end();
    }
}

/* The memory of the node that asks: 5 reads and 4 writes of its own page. */
Test(irix, nothing_moves_to_a_busy_memory)
{
    static const uint64_t bandwidth[4] = {0, 16000, 0, 0};
    fixture_shape(&policy_rig_shape, 4, 4, FRAMES_UNBOUNDED);
    policy_rig_shape.topology.bandwidth = bandwidth;
    policy_rig_begin("irix", 4, undamped);
    misses(0, 1);
    fixture_misses(&policy_rig, 1, 1, false, 5);
    fixture_misses(&policy_rig, 1, 1, true, 4);
    policy_rig_tick(80 * MS);
    misses(1, LEAD + 1);
    policy_rig_is_on(0, 0x1);
    policy_rig_end();
}

/* Node 1 is 201 % as far from node 0 as node 0 itself. */
Test(irix, near_nodes_are_not_remote)
{
    for (uint64_t distance = 201; distance <= 202; distance++) {
        const struct policy_rig_param param[] = {{"dampening", 0}, {"distance", distance}, {0}};
        begin(param);
        misses(0, 1);
        misses(1, LEAD + 1);
        policy_rig_is_on(0, distance == 201 ? 0x2 : 0x1);
        policy_rig_end();
    }
}

Test(irix, counters_of_64_nodes_lie_side_by_side)
{
    fixture_shape(&policy_rig_shape, 64, 64, FRAMES_UNBOUNDED);
    policy_rig_begin("irix", 2, undamped);
    misses(0, 1);
    for (node_t node = 1; node < 64; node++)
        misses(node, LEAD);
    policy_rig_is_on(0, 0x1);
    for (node_t node = 63; node > 61; node--) {
        misses(node, 1 + (node < 63) * (LEAD - 1));
        policy_rig_is_on(0, nodeset_of(node));
    }
    policy_rig_end();
}
