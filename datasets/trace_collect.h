/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a recorder knows besides the misses: group /collect of a trace file (docs/trace-format.md). Gaps are intervals
 * in which the source did not see everything; levels, what all samples were; steps, what the recorder tried and why;
 * counters, series of totals beside the stream. None of it is part of the trace's content digest.
 */
#ifndef DATASETS_TRACE_COLLECT_H
#define DATASETS_TRACE_COLLECT_H

#include "datasets/trace.h"

enum { COLLECT_NAME = 64, COLLECT_UNIT = 16, COLLECT_STEP = 256, COLLECT_ALL_CPUS = 0xffffffff };
enum { COLLECT_ROWS_MAX = 1 << 22 };

enum collect_cause {
    COLLECT_LOST = 0,      /* the buffer was full */
    COLLECT_THROTTLED = 1, /* the kernel stopped the event: too many interrupts */
    COLLECT_HARDWARE = 2,  /* dropped by the sampling hardware */
    COLLECT_FILTERED = 3,  /* dropped by a filter on purpose */
    COLLECT_TRUNCATED = 4, /* the AUX area was full */
    COLLECT_COLLISION = 5, /* two samples at once, one was dropped (SPE) */
    COLLECT_CAUSES
};

/* Nothing is known of cpu between from and to, ns (both 0: unknown when); lost: records missing, 0 unknown. */
struct collect_gap {
    uint64_t from, to, lost;
    uint32_t cpu; /* COLLECT_ALL_CPUS */
    uint32_t cause;
};

/* Samples of one memory level, by operation, whether they are in the trace or not. */
struct collect_level {
    char name[COLLECT_NAME];
    uint64_t reads, writes, others;
    uint64_t taken; /* in the trace */
};

struct collect_step {
    char text[COLLECT_STEP];
};

/* One counter; its values are the rows of `values` with its number. */
struct collect_series {
    char name[COLLECT_NAME], unit[COLLECT_UNIT];
    int32_t cpu; /* -1: not of one CPU */
    int32_t reserved;
};
struct collect_value {
    uint64_t time; /* ns */
    double value;
    uint32_t series;
    uint32_t reserved;
};

struct trace_collect {
    struct collect_gap *gaps;
    struct collect_level *levels;
    struct collect_step *steps;
    struct collect_series *series;
    struct collect_value *values;
    uint64_t ngaps, nlevels, nsteps, nseries, nvalues;
};

/* Append one row; 0, -ENOMEM, or -E2BIG over COLLECT_ROWS_MAX. Texts are cut to their room. */
int trace_collect_gap(struct trace_collect *, const struct collect_gap *);
int trace_collect_level(struct trace_collect *, const struct collect_level *);
int trace_collect_step(struct trace_collect *, const char *text);
int trace_collect_series(struct trace_collect *, const struct collect_series *); /* its number, or negative */
int trace_collect_value(struct trace_collect *, const struct collect_value *);
void trace_collect_free(struct trace_collect *); /* the rows, not the struct */
int trace_collect_copy(struct trace_collect *to, const struct trace_collect *from);

/* Times become those since `zero`; earlier ones 0. */
void trace_collect_rebase(struct trace_collect *, uint64_t zero);

const char *trace_collect_cause(uint32_t cause); /* "lost", "throttled"...; "unknown" */

/* What is stored with a trace being written; filled in until close. */
struct trace_collect *trace_writer_collect(struct trace_writer *);

/* Of an opened trace: never null; the rows belong to the trace. */
const struct trace_collect *trace_collect_of(const struct trace *);

#endif
