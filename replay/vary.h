/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The runs of a sweep: the cartesian product of varied parameters.
 *
 *   trigger=16..512:x2    16, 32, ... 512      the end counts when it is met
 *   trigger=16..64:+16    16, 32, 48, 64       without a step: +1
 *   sharing=8,16,32..64   a list of values and ranges
 *
 * Values are written as in --policy, units included ("reset_ns=10ms..1s:x10").
 */
#ifndef REPLAY_VARY_H
#define REPLAY_VARY_H

#include "replay/driver.h"

enum { VARY_RUNS_MAX = 4096 };

/* One varied parameter. */
struct vary {
    char name[32];
    int index;       /* in the class's parameters */
    uint64_t *value; /* malloc'd, in the order given */
    uint32_t n, room;
};

/* Reads "NAME=VALUES" for this class. 0, or -errno with a line and nothing to free. */
int vary_parse(struct vary *, const struct policy_class *, const char *text, struct trace_error *);
void vary_free(struct vary *);

/* Every combination on top of `base`, the last parameter changing fastest. *specs is malloc'd. 0, or -E2BIG (more than
 * VARY_RUNS_MAX; the line names the count), -ENOMEM with a line. */
int vary_product(const struct vary *, size_t n, const struct replay_spec *base, struct replay_spec **specs,
                 uint32_t *count, struct trace_error *);

#endif
