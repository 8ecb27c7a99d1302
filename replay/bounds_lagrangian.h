/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The Lagrangian bound: a lower bound on what any schedule of moves, copies and drops costs that keeps to each node's
 * frames at all times. Prices of frames start from those of the best static placement and are scaled along that
 * direction; the dual function is concave, so a search of a fixed number of passes over the trace finds its top to a
 * sixth. Every price gives a valid bound; the best is returned.
 */
#ifndef REPLAY_BOUNDS_LAGRANGIAN_H
#define REPLAY_BOUNDS_LAGRANGIAN_H

#include "replay/bounds_pass.h"
#include "replay/bounds_rent.h"

enum { BOUNDS_LAGRANGIAN_PASSES = 5 };

struct bounds_lagrangian {
    struct bounds_pass *pass;        /* run once per price tried; its total grows */
    const struct topology *topology; /* latencies: what one miss stalls its CPU, ps */
    nodeset_t active;                /* nodes that make accesses */
    const struct bounds_costs *costs;
    const uint64_t *frames; /* [nodes] */
    const uint64_t *price;  /* [nodes] of a frame for the whole trace once, ps */
    uint64_t base_ps;       /* what every schedule pays: misses x least latency */
    uint64_t optimum_ps;    /* the bound at price 0 */
};

/* 0, or -errno with a line. */
int bounds_lagrangian_solve(const struct bounds_lagrangian *, uint64_t *bound_ps, struct trace_error *);

#endif
