/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The offline optimum of one page: the cheapest schedule of moves, copies and drops for its sequence of accesses, with
 * constant latencies and unbounded memory. The first placement is free. A write needs the page to have exactly one
 * copy. The state of a page is two rows of 32-bit words, one word per node that can matter; it starts zeroed.
 *
 * Costs are ps above the least latency of each accessing node (its base), which is paid in every schedule and summed
 * apart.
 *
 *   two-level   every node reaches its own memory in one time and all others in another: exact, O(N) per write
 *   subsets     any latencies, at most BOUNDS_SUBSET_NODES nodes that matter: exact, O(N 2^N) per interval of reads
 *   nearest     any latencies, any N: reads without a copy of their own pay the nearest other node: a lower bound
 *
 * docs/bounds.md has the recurrences and why they hold.
 */
#ifndef REPLAY_BOUNDS_OPTIMUM_H
#define REPLAY_BOUNDS_OPTIMUM_H

#include "policy/numa.h"
#include "replay/bounds.h"

enum { BOUNDS_SUBSET_NODES = 8 };
enum { BOUNDS_COST_MAX = 1 << 30 }; /* ps; a dearer copy or drop counts as this much, which keeps the bound a bound */

enum bounds_method { BOUNDS_TWO_LEVEL, BOUNDS_SUBSETS, BOUNDS_NEAREST };

struct bounds_optimum {
    enum bounds_method method;
    bool exact;
    uint32_t nodes;             /* of the machine */
    uint32_t kept;              /* nodes that can matter: memory that another node's memory always beats is left out */
    node_t kept_of[NODE_MAX];   /* [node] its place among those kept; NODE_NONE: left out */
    uint64_t base_ps[NODE_MAX]; /* [node] its least latency */
    uint64_t copy, drop, swap;  /* ps; swap = copy + drop */
    uint32_t gap[NODE_MAX];     /* [kept] a read's excess without an own copy, ps */
    uint32_t full[NODE_MAX];    /* [kept] where a read counter stops: more would change nothing */
    uint32_t write[NODE_MAX * NODE_MAX];                          /* [from kept * kept + home] excess of a write, ps */
    uint32_t read[BOUNDS_SUBSET_NODES][1 << BOUNDS_SUBSET_NODES]; /* [from kept][set] excess of a read; subsets only */
};

/* Derives the tables from what one miss stalls its CPU (the topology's latencies) and costs. `active`: nodes that make
 * accesses; the others are memory only. */
void bounds_optimum_init(struct bounds_optimum *, const struct topology *, nodeset_t active,
                         const struct bounds_costs *);

/* 32-bit words of state per page. */
static inline uint32_t bounds_optimum_words(const struct bounds_optimum *o)
{
    return 2 * o->kept;
}

/* One access of `weight` misses by a CPU of `node`. Returns what became certain, ps. */
uint64_t bounds_optimum_write(const struct bounds_optimum *, uint32_t *state, node_t node, uint32_t weight);

static inline void bounds_optimum_read(const struct bounds_optimum *o, uint32_t *state, node_t node, uint32_t weight)
{
    uint32_t n = o->kept_of[node], *reads = state + o->kept + n;
    uint64_t step = o->method == BOUNDS_SUBSETS ? weight : (uint64_t)weight * o->gap[n];
    uint64_t sum = *reads + step;
    *reads = sum < o->full[n] ? (uint32_t)sum : o->full[n];
}

/* What is left when the page's accesses are over, ps. */
uint64_t bounds_optimum_finish(const struct bounds_optimum *, const uint32_t *state);

#endif
