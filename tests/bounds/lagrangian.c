/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The search for the best prices, on a trace whose best price is known.
 *
 * Pages A and B are read in turn by node 0, R = 1000 times in all; node 0 has one frame and takes L = 100000 ps, node 1
 * has no price and takes 277200 ps more. A page in node 1 all the time costs S = 500 x 277200 ps more than in node 0.
 * Copies and drops are so dear that no page moves. With the price c of a frame per record, A pays min(S, 1000 c), B,
 * which begins a record later, min(S, 999 c), and the frame earns 1000 c:
 *
 *   up to 1000 c = S   R L + 999 c      rising
 *   beyond             R L + 2 S - 1000 c   falling, but for the moment in which B still stays
 *
 * so the top is at 1000 c = S, c = 138600 ps, which all scales from 1 to 12 divide.
 */
#include <criterion/criterion.h>

#include "replay/bounds_lagrangian.h"
#include "tests/bounds/small_trace.h"

enum { RECORDS = 1000, LOCAL = 100000, MORE = 277200, BEST = MORE / 2 };

static uint64_t solve(const struct trace *trace, const struct replay_machine *machine, uint64_t price, uint64_t optimum)
{
    const uint64_t frames[2] = {1, 2}, prices[2] = {price, 0};
    const struct bounds_costs costs = {.copy_ps = 800000000, .drop_ps = 800000000};
    struct bounds_pass pass = {.trace = trace, .machine = machine, .shards = 1, .repeat = 1};
    struct bounds_lagrangian l = {.pass = &pass,
                                  .topology = &machine->topology,
                                  .active = nodeset_of(0),
                                  .costs = &costs,
                                  .frames = frames,
                                  .price = prices,
                                  .base_ps = (uint64_t)RECORDS * LOCAL,
                                  .optimum_ps = optimum};
    struct trace_error error = {""};
    uint64_t bound = 0;
    cr_assert_eq(bounds_lagrangian_solve(&l, &bound, &error), 0, "%s", error.text);
    return bound;
}

/* The price to start from is such that the top lies at scale 1, 2, ... 12 sixths of it. */
Test(lagrangian, finds_the_top_at_every_scale)
{
    static struct brute_access access[RECORDS];
    static struct replay_machine machine;
    struct machine_desc desc;
    struct replay_options options;
    const struct brute_case c = {.nodes = 2, .latency = {LOCAL, LOCAL + MORE, LOCAL + MORE, LOCAL}};
    for (uint32_t i = 0; i < RECORDS; i++)
        access[i] = (struct brute_access){i % 2, 0, false, 1};
    struct trace *trace = small_trace(access, RECORDS);
    replay_defaults(&options);
    small_machine_of(&desc, &c, 1);
    small_set_up(&machine, &desc, trace, &options);
    const uint64_t base = (uint64_t)RECORDS * LOCAL, top = base + 999ull * BEST;
    for (uint64_t scale = 1; scale <= 12; scale++) {
        uint64_t bound = solve(trace, &machine, (uint64_t)RECORDS * BEST * 6 / scale, base);
        cr_expect_eq(bound, top, "at scale %lu: %lu, not %lu", scale, bound, top);
    }
    cr_expect_eq(solve(trace, &machine, (uint64_t)RECORDS * BEST, top + 1), top + 1, "never below the optimum");
    cr_expect_eq(solve(trace, &machine, 0, base), base, "no price, no search");
    trace_close(trace);
}
