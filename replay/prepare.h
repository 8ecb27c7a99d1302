/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A decoded chunk of a trace made ready for any number of runs: events, lanes, weights, cut where a window of time
 * ends. All that depends on time and on the trace alone is done here, once, so that a run's inner loop looks at neither
 * clocks nor columns. Chunks are prepared in any order by several threads, then joined in order (prepare_join), because
 * the gap before a CPU's first record of a chunk begins in an earlier one.
 *
 * Tasks: an event names its thread by a number of 16 bits. A trace that knows threads has any 32-bit ids; they are
 * numbered from 0 on in the order in which they appear in the trace, in all passes alike. The 65,537th and those after
 * it are numbered from 0 on again, so that two of them are one task for a policy. Where no thread is known, the CPU is
 * the task.
 *
 * Recorded time: t = (time - first time of the trace) x time scale, in ns, rounded down, plus whole passes when the
 * trace is repeated. A pass lasts a whole number of windows. docs/model.md section 2.
 */
#ifndef REPLAY_PREPARE_H
#define REPLAY_PREPARE_H

#include "datasets/numbers.h"
#include "replay/driver.h"

enum { PREPARE_AHEAD = 64 }; /* events behind the last that may be read: they name page 0 */

/* A lane is CPU << LANE_SHIFT | class. A run counts its misses in rows, one per lane, of 2^node_shift counters, one per
 * serving node; a record carries the index of its row's first counter. */
enum prepare_lane { LANE_READ, LANE_WRITE, LANE_UPGRADE, LANE_CLASSES, LANE_SHIFT = 2 };

/* Records of one chunk that lie in one window. */
struct segment {
    uint64_t window;
    uint64_t recorded_ns; /* recorded stall that the gaps which end here lose, before the time scale */
    uint32_t first, n;    /* records */
    uint32_t cpus, ncpus; /* those that have records here: prepared.cpus[cpus ..], .records likewise */
};

/* What joining needs of one CPU's records in one chunk. Compute time is the time from its first to its last record less
 * the recorded stall that the gaps held. */
struct prepared_cpu {
    uint64_t last_time;                   /* as recorded */
    uint64_t held_ns;                     /* of all gaps but the first */
    uint64_t records;                     /* so far */
    uint64_t held_before, records_before; /* when the segment under way began */
    uint64_t first_time, first_stall_ns;
    uint32_t first_segment;
    uint32_t mark; /* 1 + last segment in which it was seen; 0: no record in this chunk */
};

/* What the records of one CPU and kind have in common. */
struct prepared_kind {
    uint64_t tail; /* second half of the event: task, node, what */
    uint32_t row;
};

struct prepared {
    struct event *events; /* [n + PREPARE_AHEAD] */
    uint32_t *rows;       /* lane << node_shift */
    uint32_t *weights;    /* null: 1 each */
    uint32_t *tids;       /* threads as recorded; null: the trace has none */
    struct segment *segments;
    uint16_t *cpus;
    uint32_t *records;          /* how many of each of `cpus` */
    struct prepared_cpu *cpu;   /* [CPUs of the trace] */
    struct prepared_kind *kind; /* [CPU << 2 | enum trace_kind] */
    uint32_t n, nsegments, ncpus;
    unsigned __int128 recorded_ns; /* recorded stall of all records */
};

/* What is the same for every chunk. */
struct prepare {
    const struct trace *trace;
    const struct replay_machine *machine;
    uint64_t first_time, last_time, time_scale_ppm;
    uint64_t pass_windows; /* windows of one pass */
    unsigned node_shift;   /* log2 of the nodes, rounded up */
};

/* The clocks of the CPUs so far, without stalls of the modelled machine. */
struct prepare_clock {
    uint64_t last_time[CPU_MAX]; /* as recorded, of this pass */
    unsigned __int128 compute_ns[CPU_MAX];
    unsigned __int128 recorded_ns, capped_ns; /* recorded stall, and what of it the gaps could not hold */
    struct numbers tasks;                     /* thread -> number; to be freed with numbers_free */
};

/* 0, or -EINVAL with a line when the trace is too long for these options. */
int prepare_init(struct prepare *, const struct trace *, const struct replay_machine *, const struct replay_options *,
                 struct trace_error *);

/* log2 of the machine's nodes, rounded up. */
unsigned prepare_node_shift(const struct replay_machine *);

/* Buffers for one chunk; null when out of memory. */
struct prepared *prepared_new(const struct prepare *);
void prepared_free(struct prepared *);

/* Fills *out from a decoded block of pass number `pass`. */
void prepare_chunk(const struct prepare *, const struct trace_block *, uint64_t pass, struct prepared *out);

/* In order of time: closes the gaps before the chunk's first records and numbers its tasks; 0 or -ENOMEM. prepare_pass
 * begins a pass of the trace. */
void prepare_pass(const struct prepare *, struct prepare_clock *);
int prepare_join(const struct prepare *, struct prepare_clock *, struct prepared *);

/* A span of recorded time under the time scale, ns. */
uint64_t prepare_scaled(const struct prepare *, uint64_t span_ns);

#endif
