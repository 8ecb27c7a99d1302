/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Samples -> trace: which samples are misses, in which order, at which addresses, and what has to be said about them.
 *
 * A sample counts when its level is one of the wanted set (by default the miss stream of sample.h), or when its level
 * is unknown and its event counts misses or page faults by itself. Samples without an address are counted and rejected.
 * The weight of a record is the sample's period only where the period counts misses; otherwise a record is one sample.
 *
 * Addresses are virtual. Address spaces are told apart by bits 48-62: 0 for the first process, then one number per
 * process in order of appearance; addresses of the kernel's half are left as they are. Or they are physical, and
 * samples without one are rejected.
 */
#ifndef COLLECTORS_TO_TRACE_H
#define COLLECTORS_TO_TRACE_H

#include "collectors/decode.h"
#include "collectors/perfdata.h"
#include "datasets/import_private.h"

enum { LEVELS_ALL = (1 << LEVEL_COUNT) - 1 };

struct to_trace_options {
    uint32_t levels;       /* bit per sample_level; 0: the default */
    bool physical;         /* addresses are physical */
    uint32_t cpu_mhz;      /* to turn cycles into ns; 0: as the file says, else no latency column */
    uint32_t miss_latency; /* where the level is unknown, samples of this many cycles or more count; 0: none */
    /* Where a page of a process is now, for samples without a physical address; NODE_NONE unknown. May be null. */
    node_t (*home)(void *context, uint32_t pid, uint64_t address);
    void *home_context;
    const char *event; /* only samples of events whose name contains this; null: all */
};

/* What became of the samples. */
struct to_trace_counts {
    uint64_t samples, taken;
    uint64_t no_address, no_physical, no_time, no_cpu, other_event, other_level;
    uint64_t level[LEVEL_COUNT][OP_COUNT]; /* of those with an address */
    uint64_t checked, disagree;            /* source's remote bit against node of CPU and page */
    uint64_t lost, processes;
};

struct to_trace;

/* `sink` carries the common options of imports and receives the trace. null: out of memory. The options are copied. */
struct to_trace *to_trace_new(struct import_sink *, const struct to_trace_options *);
void to_trace_free(struct to_trace *);

/* What is known of the recording; to be set before the first sample. The decoder's events are read as samples come. */
void to_trace_facts(struct to_trace *, const struct perfdata_facts *, struct decoder *);
/* "perf.data", "mitos-csv", "perf script"; a NOTE_SOURCE replaces it. */
void to_trace_source(struct to_trace *, const char *source, unsigned labels);

/* Records, notes: in the order of the file. 0 or -errno with a line. */
int to_trace_record(struct to_trace *, const struct decoded *, struct trace_error *);
int to_trace_note(struct to_trace *, enum perfdata_note, const void *bytes, size_t n, struct trace_error *);

/* After the last: flushes, fills the trace's meta and side tables. The sink's writer is open unless nothing was taken.
 */
int to_trace_end(struct to_trace *, struct trace_error *);
const struct to_trace_counts *to_trace_counts(const struct to_trace *);

/* All of it for one perf.data stream: the reader that import and record share. */
int to_trace_perfdata(struct import_input *, struct import_sink *, const struct to_trace_options *,
                      struct to_trace_counts *, struct perfdata_facts *facts_without_memory, struct trace_error *);

#endif
