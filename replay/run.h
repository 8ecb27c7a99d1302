/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One run: a policy with its parameters on the modelled machine, fed chunk after chunk. Runs know nothing of each
 * other; who holds several of them (replay/group.h) hands each the same records in turn.
 *
 * Order within a window: records; at its end the accounts; then, at the start of the next, the engine's budget, and if
 * a tick is due the harvest of accessed bits and the tick. Idle windows are passed in one step; at most RUN_IDLE_TICKS
 * ticks are delivered in one idle stretch, RUN_IDLE_TICKS_ALL in all idle stretches of a run.
 */
#ifndef REPLAY_RUN_H
#define REPLAY_RUN_H

#include "monitor-core/engine.h"
#include "monitor-core/observe.h"
#include "replay/account.h"
#include "replay/machine_model.h"
#include "replay/prepare.h"
#include "replay/run_log.h"

enum { RUN_IDLE_TICKS = 1024, RUN_IDLE_TICKS_ALL = 1 << 20 };

struct run;
typedef void run_serve(struct run *, const struct prepared *, uint32_t from, uint32_t to);

struct run {
    struct engine engine;
    struct observe observe;
    struct machine_model model;
    struct account account;
    run_serve *serve;
    struct run_log *log;  /* null: none is written */
    unsigned char *pages; /* this run's record of page 0 */
    size_t stride;
    uint64_t *charged; /* [cpus] samples charged so far */
    uint64_t *count;   /* misses of the segment, [lane << shift | serving node] */
    unsigned shift;
    uint32_t counted; /* records of the segment before this one have been counted as samples */
    uint32_t ahead;   /* records that the prefetch runs ahead */
    int err;          /* of the engine: ERR_NOMEM when every node is full; the run stands still from then on */
    page_t failed;    /* the page that found no frame */
    uint64_t window;
    uint64_t tick_windows, next_tick; /* in windows; 0: no tick */
    uint64_t ticks;
    uint32_t idle_ticks_left;
    const struct replay_spec *spec;
    uint32_t batch, sampling;
    void *memory; /* one block: state, orders, counts, blocks of observation, model and accounts */
};

/* A class that sees every miss has taken a sample of each record: adds those up to record `to`, unless they are. */
void run_count_samples(struct run *, const struct prepared *, const struct segment *);

/* The inner loop for a class. */
run_serve *run_serve_for(const struct policy_class *, bool weighted);

/* The slow one, which writes the run's log. */
run_serve *run_serve_logged(bool weighted);

/* The configuration of the engine for a run; its machine is the run's own. */
void run_config(struct run *, const struct replay_spec *, const struct replay_machine *, const struct replay_options *,
                uint32_t npages, struct engine_config *);

/* `pages`: records `stride` bytes apart, zeroed, struct place first and the slot behind it. `ahead`: at
 * most PREPARE_AHEAD. 0, or -errno with a line. */
int run_init(struct run *, const struct engine_config *, const struct replay_spec *, const struct replay_machine *,
             const struct replay_options *, uint64_t windows, unsigned char *pages, size_t stride, uint32_t ahead,
             bool weighted, struct trace_error *);
void run_free(struct run *);

/* A segment: run_enter, then run_serve over its records in any number of pieces, then run_leave. */
void run_enter(struct run *, const struct segment *);
void run_leave(struct run *, const struct prepared *, const struct segment *);

/* The trace is over: ends the last window, flushes, fills the result. `compute_ns`: [cpus]. 0, or -errno with a line.
 */
int run_result(struct run *, const unsigned __int128 *compute_ns, unsigned trace_labels, struct result_run *,
               struct trace_error *);

#endif
