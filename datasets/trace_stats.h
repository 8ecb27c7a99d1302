/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a trace is like: counts, and how its pages are shared. One CPU per node is assumed for the shares of local
 * misses. An upgrade counts as a write miss.
 */
#ifndef DATASETS_TRACE_STATS_H
#define DATASETS_TRACE_STATS_H

#include "datasets/trace.h"

/* private: one CPU in the trace; read-shared: no write after a second CPU came, or by it (by all CPUs of the trace, or
 * by some); read-mostly: under 2 % of its misses write; write-shared: the rest. */
enum trace_sharing {
    SHARING_PRIVATE,
    SHARING_READ_ALL,
    SHARING_READ_SOME,
    SHARING_READ_MOSTLY,
    SHARING_WRITE,
    SHARING_CLASSES
};
extern const char *const trace_sharing_names[SHARING_CLASSES];

struct trace_stats {
    uint64_t records, misses;
    uint64_t kind[4], cause[4]; /* misses */
    uint64_t kernel, dirty;     /* misses */
    uint64_t cpu[CPU_MAX];      /* misses */
    bool sharing;               /* false: too many pages x CPUs to count, what follows is absent */
    uint32_t touched;           /* pages with a miss */
    uint32_t pages[SHARING_CLASSES];
    uint64_t shared[SHARING_CLASSES]; /* misses */
    /* misses that would be local when a page sits with the CPU that came first; with the CPU that misses most; the same
     * with a copy of every read-shared and read-mostly page on each node; where it was when recorded */
    uint64_t local_first_touch, local_best, local_replicated, local_recorded;
    bool recorded; /* the trace knows where its pages were */
};

/* One pass. 0 or -errno with a line. */
int trace_stats_compute(const struct trace *, struct trace_stats *, struct trace_error *);

#endif
