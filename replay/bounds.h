/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Yardsticks from one pass over the trace with constant latencies: UMA, first touch, round robin, the best static
 * placement (post facto), the offline optimum with migration and replication, and the Lagrangian bound where capacity
 * binds. docs/bounds.md has the definitions, the proofs' sketch and what is exact when.
 */
#ifndef REPLAY_BOUNDS_H
#define REPLAY_BOUNDS_H

#include "replay/driver.h"

/* What the optimum pays: the least that the modelled machine can charge for these acts (the shares of a shootdown that
 * a batch divides are left out), so that no run of a policy can be cheaper. ps. */
struct bounds_costs {
    uint64_t copy_ps; /* a copy more */
    uint64_t drop_ps; /* a copy less */
};
void bounds_costs(const struct machine_desc *, struct bounds_costs *);

/* Fills *out; advice[pages], when not null, receives the post-facto home of each page (its best single node under the
 * machine's frames; exact transportation when capacity binds). A null out: only the advice
 * is wanted, which takes one lighter pass. Reads the trace once; where capacity binds, five times more. Memory O(pages
 * x nodes).
 */
int bounds_compute(const struct trace *, const struct replay_machine *, const struct replay_options *,
                   struct result_bounds *out, node_t *advice, replay_progress *, void *context, struct trace_error *);

#endif
