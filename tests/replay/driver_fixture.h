/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the driver's tests share: traces from a few lines, a machine with round figures, policies that do one thing.
 */
#ifndef TESTS_REPLAY_DRIVER_FIXTURE_H
#define TESTS_REPLAY_DRIVER_FIXTURE_H

#include "replay/driver.h"

struct fixture_record {
    uint64_t time;
    uint32_t page;
    uint16_t cpu;
    enum trace_kind kind;
    uint32_t weight, latency_ns; /* used when the columns are asked for */
};

/* A trace in memory; page p lies at address p x 4096, so p is its number when all pages below are touched too. */
struct trace *fixture_trace(const struct fixture_record *, size_t n, uint32_t cpus, unsigned columns);

/* `nodes` nodes with a CPU each: 100 ns at home, 300 ns elsewhere, unlimited bandwidth, 64-byte lines. Costs in ns:
 * sample 10, hint 1000, fault 500, fill 2000, sync 1000 + 50 a page + 200 at each other CPU, drop 20; scan 100 ps. */
void fixture_machine(struct machine_desc *, uint32_t nodes);

/* The costs of mechanism set to 0. */
void fixture_free_mechanism(struct machine_desc *);

/* One run; asserts that it succeeds. `capped` may be null. */
struct result_run fixture_run(const struct trace *, const struct machine_desc *, const struct replay_options *,
                              const struct policy_class *, uint64_t *capped);
void fixture_drop(struct result_run *);

/* Orders MOVE of page 0 to node 1 (COPY, WATCH) when it sees a CPU of node 1 miss on it. */
extern const struct policy_class fixture_mover, fixture_copier, fixture_watcher;

/* Tick every 1 ms, 2 ms, and on harvests every 1.5 ms. The first two give an order in each tick that the engine refuses
 * as invalid: refused_by[0] counts the ticks. */
extern const struct policy_class fixture_ticker, fixture_slow_ticker, fixture_harvester;

/* Sees every miss until its 100th, then one in 4 until its 150th, then every miss again. */
extern const struct policy_class fixture_sampler;

/* Places by the toucher's node and orders nothing, and is not told of anything. */
extern const struct policy_class fixture_still;

#endif
