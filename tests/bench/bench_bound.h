/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What no replay on this machine can beat: a loop that streams 16-byte records, touches one 16-byte state per page,
 * prefetched a fixed distance ahead, and charges a latency from a table. Same records, same page numbers, huge pages.
 */
#ifndef TESTS_BENCH_BENCH_BOUND_H
#define TESTS_BENCH_BENCH_BOUND_H

#include "datasets/trace.h"

struct bench_record {
    uint64_t time;
    uint32_t page;
    uint16_t cpu;
    uint8_t node, write;
};

struct bench_state {
    uint32_t home; /* 1 + node; 0: not yet touched */
    uint32_t misses;
    uint64_t last;
};

enum { BENCH_DISTANCES = 3 };
extern const unsigned bench_distances[BENCH_DISTANCES]; /* records ahead */

struct bench_bound {
    struct bench_record *records; /* followed by as many as the greatest distance */
    uint64_t n;
    uint32_t pages;
    unsigned distance;
};

/* Copies the trace's records; huge pages where the system has them. 0, or -errno with a line. */
int bench_bound_init(struct bench_bound *, const struct trace *, struct trace_error *);
void bench_bound_free(struct bench_bound *);

/* All records, `rounds` times, by `threads` threads each on a state of its own. Returns the total charged, which the
 * caller must use. */
uint64_t bench_bound_run(const struct bench_bound *, unsigned rounds, unsigned threads);

#endif
