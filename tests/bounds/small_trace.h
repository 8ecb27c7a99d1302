/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Traces in memory and machines for the tests of the bounds.
 */
#ifndef TESTS_BOUNDS_SMALL_TRACE_H
#define TESTS_BOUNDS_SMALL_TRACE_H

#include "replay/driver.h"
#include "tests/bounds/brute.h"

/* One miss each, 100 ns apart, CPU = node, page p at address 4096 p. Fails the test on error. */
struct trace *small_trace(const struct brute_access *, uint32_t n);

/* `n` records by `cpus` CPUs on `pages` pages: private, read-shared and write-shared ones, weights if wanted. */
struct trace *small_trace_random(uint64_t seed, uint32_t n, uint32_t cpus, uint32_t pages, bool weights);

/* A machine of `nodes` nodes with a CPU each: 300 ns local, 900 ns remote, a copy for 1100 ns and a drop for 50 ns. */
void small_machine(struct machine_desc *, uint32_t nodes);

/* A machine with these latencies (ps) and costs; nodes below `cpus` have a CPU. */
void small_machine_of(struct machine_desc *, const struct brute_case *, uint32_t cpus);

/* The preset, set up for the trace. */
void small_set_up(struct replay_machine *, const struct machine_desc *, const struct trace *, struct replay_options *);

#endif
