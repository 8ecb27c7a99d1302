/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A result set: one comparison with all its inputs and all its outputs, in memory and in an HDF5 file
 * (docs/result-format.md): /summary, a 1-D compound dataset with one row per run; /bounds; /inputs as attributes; one
 * group per run /runs/NNN with its parameters, tables (refused, overhead, traffic, nodes) as 1-D compound datasets and
 * /runs/NNN/series, one row per time slice; /paper where figures of a publication were checked.
 *
 * A run of the monitor instead of a replay (struct result_run, `monitor`) knows no times of CPUs at their memory:
 * stalls, overhead, utilisation, yardsticks and everything that follows from them are not in the file then, nor shown.
 * Sets of both kinds do not go into one file.
 *
 * All *_ns of a run are sums over CPUs: exec + local_stall + remote_stall + overhead = elapsed. docs/model.md defines
 * each.
 */
#ifndef REPORTS_RESULT_H
#define REPORTS_RESULT_H

#include "datasets/machine_file.h"
#include "datasets/trace.h"

enum { RESULT_PARAMS = 24, RESULT_SERIES_MAX = 1024, RESULT_LABELS = 8 };

enum result_overhead {
    OVERHEAD_SAMPLE,
    OVERHEAD_HINT,
    OVERHEAD_SCAN,
    OVERHEAD_MOVE,
    OVERHEAD_COPY,
    OVERHEAD_COLLAPSE,
    OVERHEAD_SHOOTDOWN,
    OVERHEAD_CAUSES
};
extern const char *const result_overhead_names[OVERHEAD_CAUSES];

enum { RESULT_REFUSALS = 7 }; /* as enum engine_refusal */
extern const char *const result_refusal_names[RESULT_REFUSALS];

/* One slice of time: `windows` consecutive windows of 1 ms. A run keeps at most RESULT_SERIES_MAX slices; when they are
 * used up neighbours are merged pairwise, so a slice covers a power of two of windows. */
struct result_slice {
    uint64_t time_ns; /* recorded time at its start */
    uint64_t misses, local_misses;
    uint64_t stall_ns, overhead_ns;
    uint64_t moves, copies, collapses;
    uint64_t replica_pages;                /* at its end */
    uint32_t memory_utilisation[NODE_MAX]; /* mean over the slice, millionths */
};

struct result_run {
    char policy[64];
    char spec[512]; /* "migrep:trigger=64" as one would type it: class and every parameter that is not the default */
    uint32_t nparams;
    char param_name[RESULT_PARAMS][32];
    uint64_t param[RESULT_PARAMS];
    uint32_t batch, sampling, threads_group; /* sampling: the period at the start */

    uint64_t elapsed_ns, makespan_ns, exec_ns, local_stall_ns, remote_stall_ns, overhead_ns;
    uint64_t memory_ns;      /* stalls + overhead */
    uint64_t memory_flat_ns; /* the same with constant latencies: what the bounds are compared with */
    uint64_t overhead_by[OVERHEAD_CAUSES];
    uint64_t misses, local_misses;
    uint64_t moves, copies, collapses, drops, hints, samples, touches, fallbacks;
    uint64_t refused_by[RESULT_REFUSALS];
    uint64_t moved_bytes, copied_bytes;
    uint64_t replica_bytes_peak, replica_bytes_mean;
    uint64_t digest;
    bool inactive;  /* issued no order although it is not a static policy: never ranked */
    bool is_static; /* its class never orders: first_touch, interleave, post_facto, as_recorded */
    int64_t
        to_optimum_ppm; /* share of the way from first touch to the optimum, millionths; RESULT_NONE when undefined */
    uint32_t nlabels;
    char labels[RESULT_LABELS][48];

    uint64_t *traffic; /* [(from * nodes + to) * 2 + is_write], misses over the whole run; malloc'd */
    uint32_t memory_utilisation_mean[NODE_MAX], memory_utilisation_peak[NODE_MAX]; /* millionths */
    uint32_t link_utilisation_peak;                                                /* of the busiest link, millionths */
    node_t link_from, link_to;                                                     /* which one */
    struct result_slice *series;                                                   /* malloc'd */
    uint32_t nseries, slice_windows;
    struct result_monitor *monitor; /* reports/result_monitor.h; malloc'd; null: a replay */
};

#define RESULT_NONE INT64_MIN

/* Yardsticks: memory_ns with constant latencies, no overhead but what the optimum itself chose to pay. */
struct result_bounds {
    bool present;
    uint64_t uma_ns, first_touch_ns, round_robin_ns, post_facto_ns, optimum_ns;
    uint64_t lagrangian_ns; /* 0 when capacity does not bind */
    bool optimum_exact;     /* else a lower bound (latencies of more than two levels with many nodes) */
    char label[160];        /* "unbounded capacity, no contention, exact" */
};

/* A figure of a publication beside the same figure here (`compare --paper`). `paper` is NaN where the publication gives
 * none, `low` and `high`, the tolerance, where nothing is judged. */
struct result_check {
    char workload[48], quantity[64], unit[24];
    char origin[24]; /* of the publication's figure: "measured", "derived", "calibrated" ... (docs/paper.md) */
    double paper, here, low, high;
    bool judged, within;
};
enum { RESULT_CHECKS_MAX = 4096 }; /* of a file */

struct result_set {
    char program[64];   /* "mirrorball 0.1.0" */
    char command[1024]; /* as typed, to run it again */
    char date[32];
    struct trace_meta trace;
    char trace_path[512];
    struct machine_desc machine;
    bool contention;
    uint64_t repeat, intensity, time_scale_ppm, capacity_ppm; /* 1, 1, 1000000, 0 (unbounded) */
    uint64_t frames[NODE_MAX];                                /* FRAMES_UNBOUNDED where unbounded */
    char cpu_map[4 * TRACE_TEXT];                             /* "0-3:0,4-7:1" */
    uint64_t exec_capped_ppm; /* share of recorded stall that was cut at the gap, millionths */
    uint32_t threads;
    struct result_bounds bounds;
    uint32_t nruns;
    struct result_run *runs; /* malloc'd */
    uint32_t nchecks;
    struct result_check *checks; /* malloc'd; null: this is no check of a publication */
};

void result_free(struct result_set *);

/* File: written to a temporary beside it, then renamed. 0 or -errno with a line. */
int result_write(const char *path, const struct result_set *sets, uint32_t nsets, struct trace_error *);
int result_read(const char *path, struct result_set **sets, uint32_t *nsets, struct trace_error *);

/* Indices of the runs from best to worst elapsed time: ranked ones first, inactive ones last. order has nruns entries.
 */
void result_rank(const struct result_set *, uint32_t *order);

/* The first run of class first_touch; null: none. */
const struct result_run *result_first_touch(const struct result_set *);

/* Does the class need the recording (post_facto, as_recorded)? Such a run cannot be deployed as it is. */
bool result_foreseen(const struct result_run *);

/* How many times faster than first touch: by elapsed time when the set has such a run, else at constant latencies by
 * the bounds' first touch. False when there is nothing to compare with. */
bool result_speedup(const struct result_set *, const struct result_run *, double *speedup);

/* Is it a run of the monitor? Then its stalls, overhead, utilisation, costs and link speeds mean nothing. */
bool result_of_monitor(const struct result_set *);

/* The closing sentence: "best here: migrep, 1.38x faster than first_touch, 81 % of the way to the optimum". */
void result_answer(const struct result_set *, char *text, size_t size);

#endif
