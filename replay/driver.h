/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The replay driver: one decode of a trace fanned out to any number of runs on one modelled machine (docs/model.md).
 * The numbers do not depend on threads, on how runs are grouped, nor on the size of a decode block.
 */
#ifndef REPLAY_DRIVER_H
#define REPLAY_DRIVER_H

#include "datasets/machine_file.h"
#include "datasets/trace.h"
#include "policy/policy.h"
#include "reports/result.h"

enum { REPLAY_WINDOW_NS = 1000000, REPLAY_LATENCY_NS = 100 }; /* window; recorded latency of captures that have none */

struct run_log;

struct replay_options {
    bool contention;
    uint64_t repeat;         /* the trace this many times over, >= 1 */
    uint64_t time_scale_ppm; /* recorded time is multiplied by this, millionths */
    uint64_t intensity;      /* each CPU stands for this many: traffic is multiplied */
    uint64_t
        capacity_ppm;  /* frames per node as a share of the footprint; 0: unbounded (tiered machines: fast:slow 1:2) */
    uint32_t batch;    /* events per flush */
    uint32_t sampling; /* 0: the machine's */
    uint32_t budget;   /* pages moved per window and run; 0: no limit */
    struct run_log *log; /* what the engine of the one run is told (replay/run_log.h); null: not written */
    uint32_t threads;    /* 0: as many as OpenMP gives */
    uint32_t fuse;       /* runs per group; 0: chosen from page count and threads; never changes a result */
    uint32_t block;      /* records per tile handed to the runs; 0: chosen; never changes a result */
    const char *cpu_map; /* "0-3:0,4-7:1" or null: in blocks */
};

void replay_defaults(struct replay_options *);

/* One run to make. */
struct replay_spec {
    const struct policy_class *policy;
    uint64_t param[POLICY_PARAMS_MAX];
    const node_t *
        advice; /* [pages] for classes with SIGNAL_ADVICE; owned by the caller, who keeps it until replay_run returns */
    uint32_t sampling; /* 0: the options' */
};

/* "migrep:trigger=64,sharing=16" -> class and parameters (defaults for the rest). 0, or -EINVAL/-ENOENT with a line
 * that lists what there is. Advice is left null. */
int replay_parse_spec(const char *text, struct replay_spec *, struct trace_error *);

/* The machine as this trace sees it: which node each CPU of the trace sits on, the frames of each node, the engine's
 * topology. Arrays are inside; `topology` points into the struct: do not copy it. */
struct replay_machine {
    struct machine_desc desc;
    struct topology topology;
    struct costs costs; /* desc.costs as a policy sees them */
    uint32_t cpus;
    node_t cpu_node[CPU_MAX];
    uint64_t frames[NODE_MAX];
};
int replay_machine_init(struct replay_machine *, const struct machine_desc *, const struct trace_meta *,
                        const struct replay_options *, struct trace_error *);

/* Called between blocks with records done and records in all (repeats included). May be null. */
typedef void replay_progress(void *context, uint64_t done, uint64_t total);

/* Makes all runs; out[i] belongs to specs[i]; the caller frees each run's arrays (result_free does for a set). */
int replay_run(const struct trace *, const struct replay_machine *, const struct replay_options *,
               const struct replay_spec *specs, uint32_t n, struct result_run *out, uint64_t *exec_capped_ppm,
               replay_progress *, void *context, struct trace_error *);

#endif
