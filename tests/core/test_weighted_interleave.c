/* SPDX-License-Identifier: BSD-2-Clause
 *
 * weighted_interleave: weights from bandwidths, worked out by hand (Linux 6.16 mm/mempolicy.c: weightiness 32 x share,
 * at least 1, divided by the greatest common divisor), and where pages then go.
 */
#include <criterion/criterion.h>

#include "tests/core/fixture.h"

enum { BY, WEIGHTINESS, WEIGHT, NPAGES = 64 };

static struct fixture_shape shape;
static struct fixture_run run;

static void begin(uint32_t nodes, const uint64_t *bandwidth, uint64_t by, uint64_t w1)
{
    struct engine_config config = fixture_config(policy_find("weighted_interleave"), &shape, NPAGES);
    shape.topology.nodes = nodes;
    shape.topology.bandwidth = bandwidth;
    config.param[BY] = by;
    config.param[WEIGHT + 1] = w1;
    cr_assert_eq(fixture_begin(&run, &config, 0), 0);
}

static void machine(uint32_t nodes)
{
    fixture_shape(&shape, nodes, nodes, FRAMES_UNBOUNDED);
}

/* Pages first touched by node 0 in descending order: where each goes, as digits. */
static void goes(const char *nodes)
{
    page_t page = NPAGES;
    for (const char *c = nodes; *c; c++) {
        fixture_misses(&run, 0, --page, false, 1);
        cr_assert_eq(view_home(&run.engine->view, page), *c - '0', "page %u", page);
    }
    fixture_end(&run);
}

Test(weighted_interleave, three_to_one)
{
    const uint64_t bandwidth[] = {UINT64_C(300000000000), UINT64_C(100000000000)}; /* 24:8 */
    machine(2);
    begin(2, bandwidth, 0, 0);
    goes("00010001");
}

/* 32 x 176 / 201.6 = 27.9, 32 x 25.6 / 201.6 = 4.06: DRAM and a CXL device of the bundled machine. */
Test(weighted_interleave, shares_are_rounded_down)
{
    const uint64_t bandwidth[] = {UINT64_C(176000000000), UINT64_C(25600000000)};
    machine(2);
    begin(2, bandwidth, 0, 0);
    goes("00000000000000000000000000011110");
}

Test(weighted_interleave, equal_nodes_take_turns)
{
    const uint64_t bandwidth[] = {70, 70, 70, 70};
    machine(4);
    begin(4, bandwidth, 0, 0);
    goes("01230123");
}

Test(weighted_interleave, every_node_weighs_at_least_one)
{
    const uint64_t bandwidth[] = {1, 999}; /* 0 -> 1, 31 */
    machine(2);
    begin(2, bandwidth, 0, 0);
    goes("01111111111111111111111111111111" /* 1 + 31 */ "01");
}

/* 100 ns and three times that, from the only node with CPUs. */
Test(weighted_interleave, latency_stands_in_for_a_bandwidth_not_known)
{
    const uint64_t bandwidth[] = {100, 0};
    machine(2);
    fixture_tiers(&shape, 1, FRAMES_UNBOUNDED);
    shape.latency_ps[1] = 300000;
    begin(2, bandwidth, 0, 0);
    goes("00010001");
    begin(2, NULL, 0, 0);
    goes("00010001");
}

/* Pages 63, 62, ...: their number modulo 4 is 3, 2, 1, 0. */
Test(weighted_interleave, by_page_number)
{
    const uint64_t bandwidth[] = {300, 100};
    machine(2);
    begin(2, bandwidth, 1, 0);
    goes("10001000");
}

Test(weighted_interleave, a_weight_given_replaces_the_derived_one)
{
    const uint64_t bandwidth[] = {300, 100};
    machine(2);
    begin(2, bandwidth, 0, 2);
    goes("0001100011");
}
