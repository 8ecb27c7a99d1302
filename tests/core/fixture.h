/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the tests of the core share: machines' shapes, a run of one engine on a machine that checks (with guard bytes
 * around all memory that a policy may write), random numbers, and a random workload.
 */
#ifndef TESTS_CORE_FIXTURE_H
#define TESTS_CORE_FIXTURE_H

#include "monitor-core/observe.h"
#include "tests/core/machine_check.h"

/* splitmix64, written out here so that a failing seed can be repeated anywhere. */
uint64_t fixture_random(uint64_t *seed);

/* 0 .. below - 1 */
uint32_t fixture_below(uint64_t *seed, uint32_t below);

struct fixture_shape {
    struct topology topology;
    node_t cpu_node[CPU_MAX];
    uint8_t tier[NODE_MAX];
    uint32_t latency_ps[NODE_MAX * NODE_MAX];
    uint64_t frames[NODE_MAX];
};

/* `cpus` CPUs dealt to nodes in blocks; remote latency grows with the distance of node numbers; every node has
 * `frames` frames. */
void fixture_shape(struct fixture_shape *, uint32_t nodes, uint32_t cpus, uint64_t frames);

/* Makes of such a shape one with two tiers: nodes from `first` on are memory without CPUs, 400 ns from everywhere, each
 * with `frames`. */
void fixture_tiers(struct fixture_shape *, uint32_t first, uint64_t frames);

struct fixture_run {
    struct engine_config config;
    struct engine_need need;
    struct machine_check check;
    struct engine *engine;
    struct observe observe;
    void *state, *observe_memory;
    struct order *orders;
    unsigned char *pages;
    size_t stride;
    uint64_t now;
    uint64_t *traffic, *seen;      /* of this window and of the last, as view.traffic: [nodes * nodes * 2] */
    uint64_t latency_ps[NODE_MAX]; /* view.latency_ps: idle latencies, weighted by the last window's misses */
};

/* Defaults of the class, a batch of 16, sampling 1, no budget. */
struct engine_config fixture_config(const struct policy_class *, const struct fixture_shape *, uint32_t npages);

/* Sets everything up; the machine member of the configuration is filled in. What engine_init answered; after an error
 * fixture_end is still due. */
int fixture_begin(struct fixture_run *, const struct engine_config *, uint32_t caps);
void fixture_end(struct fixture_run *);

/* Are all guard bytes as they were? */
bool fixture_guarded(const struct fixture_run *);

/* One miss at time `now`: the engine where it is needed, the access on the machine, the observation. What engine_access
 * answered. */
int fixture_miss(struct fixture_run *, uint32_t cpu, page_t, bool write, uint32_t log2_weight);

/* `count` misses of CPU 0 of the node. */
void fixture_misses(struct fixture_run *, node_t node, page_t, bool write, uint32_t count);

/* A window ends: its misses are what view.traffic and view.latency_ps show from now on, and the budget is full again.
 */
void fixture_window(struct fixture_run *);

/* `n` random misses, most of them by the one CPU that uses the page, another one in the second half; with windows,
 * ticks and (when `frees`) freed pages strewn in; compares the truths after each when `compare`. */
void fixture_workload(struct fixture_run *, uint64_t seed, uint32_t n, bool frees, bool compare);

#endif
