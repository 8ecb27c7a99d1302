/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The best static placement: each page on one node for the whole trace, no more pages on a node than it has frames.
 * Exact: a transportation problem with unit supplies, solved by successive shortest paths over the nodes.
 */
#ifndef REPLAY_BOUNDS_TRANSPORT_H
#define REPLAY_BOUNDS_TRANSPORT_H

#include "policy/numa.h"

/* The caller owns everything. `misses` holds the misses of page p by CPUs of node n at misses[p * stride + n]; a page
 * without any is not placed. The sum over all pages of misses x latency must stay below 2^62. */
struct bounds_transport {
    uint32_t pages, nodes;
    size_t stride; /* in u64 */
    const uint64_t *misses;
    const uint32_t *latency_ps; /* [from * nodes + to] */
    const uint64_t *frames;     /* [nodes] */
};

/* home[pages] := the placement (NODE_NONE: not placed); of equally good nodes where frames abound, prefer[page] if it
 * is one of them (prefer may be null), else the least id. price[nodes] := what one frame more on a node would save,
 * misses x ps (null: not wanted). 0, -ENOSPC when the frames do not hold the pages, -ENOMEM. */
int bounds_transport_solve(const struct bounds_transport *, const node_t *prefer, node_t *home, uint64_t *price);

/* cost[nodes] := what the page costs on each node, misses x ps. False when it has no misses. */
static inline bool bounds_transport_costs(const struct bounds_transport *t, page_t page, uint64_t *cost)
{
    const uint64_t *misses = t->misses + page * t->stride;
    bool any = false;
    for (uint32_t to = 0; to < t->nodes; to++)
        cost[to] = 0;
    for (uint32_t n = 0; n < t->nodes; n++) {
        const uint32_t *row = t->latency_ps + n * t->nodes;
        if (!misses[n])
            continue;
        any = true;
        for (uint32_t to = 0; to < t->nodes; to++)
            cost[to] += misses[n] * row[to];
    }
    return any;
}

#endif
