/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The content digest: one hash per column, over decoded values in record order, and one over the page table. It does
 * not depend on compression, on chunk borders, nor on the width of a column in the file. docs/trace-format.md gives the
 * formula.
 */
#ifndef DATASETS_TRACE_DIGEST_H
#define DATASETS_TRACE_DIGEST_H

#include "datasets/trace.h"

struct trace_digest {
    uint64_t time, page, cpu, flags, weight, latency, tid;
    uint64_t misses;
};

void trace_digest_add(struct trace_digest *, const struct trace_block *);
uint64_t trace_digest_end(const struct trace_digest *, const struct trace_meta *, const uint64_t *addresses,
                          const node_t *nodes);

/* Decodes the whole trace: its digest, sum of weights and last time. 0 or -errno with a line. */
int trace_digest_scan(const struct trace *, uint64_t *digest, uint64_t *misses, struct trace_error *);

#endif
