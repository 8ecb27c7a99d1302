/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Between the files that make a trace of samples.
 */
#ifndef COLLECTORS_TO_TRACE_PRIVATE_H
#define COLLECTORS_TO_TRACE_PRIVATE_H

#include "collectors/sorter.h"
#include "collectors/to_trace.h"
#include "datasets/numbers.h"

struct to_trace {
    struct import_sink *sink;
    struct to_trace_options options;
    struct to_trace_counts counts;
    const struct perfdata_facts *facts;
    struct decoder *decoder;
    struct sorter *sorter;
    struct numbers processes, threads;
    struct trace_collect collect; /* until the writer is open, and gaps until their times are final */
    struct trace_error *error;    /* of the call in progress */
    char source[TRACE_TEXT];
    unsigned labels;
    bool started, rated;
    bool weights, latencies, threads_as_cpus, all_levels;
    uint32_t mhz;
    uint64_t in_band, hardware, at_end; /* lost: told by the rings, by the hardware, by the kernel at the end */
    bool counted;                       /* at_end is known */
    uint64_t last_time, cpu_time[CPU_MAX], throttled[CPU_MAX];
    uint64_t taken_level[LEVEL_COUNT];
    unsigned char event_seen[DECODE_EVENTS_MAX / 8];
    signed char verdict[DECODE_EVENTS_MAX]; /* does the event count misses? 1 yes, -1 no, 0 not asked */
};

/* Whether an event counts misses (or page faults) by itself, whatever its samples say. */
bool to_trace_counts_misses(const struct decode_event *);

/* The clock that turns cycles into ns, from what is known by now. */
void to_trace_rates(struct to_trace *);

/* Opens the writer, at the first record that comes out in order. */
int to_trace_start(struct to_trace *, struct trace_error *);

/* Lost and throttled intervals. */
void to_trace_gap(struct to_trace *, const struct decoded *);
void to_trace_gaps_end(struct to_trace *);

/* What has to be said, into the meta and side tables of the open writer. */
int to_trace_finish(struct to_trace *, struct trace_error *);

#endif
