/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One trace against any number of policies on one machine: from what was asked for to a result set. The yardsticks are
 * computed first, since they also give the advice of post_facto; then all runs are made.
 *
 *   compare_open -> (look at, replace or drop job.select) -> compare_run -> compare_close
 */
#ifndef REPLAY_COMPARE_H
#define REPLAY_COMPARE_H

#include "replay/driver.h"
#include "replay/resume.h"
#include "replay/select.h"

/* What the user asked for; the same for every trace of a command. */
struct compare_request {
    struct replay_options options;
    const char *machine; /* preset or file; null: machine_default for the trace's CPUs */
    const char *const *policies;
    size_t npolicies;    /* 0: every class */
    bool bounds;         /* compute the yardsticks */
    const char *command; /* as typed, for the result set */
    /* A phase of the work begins ("yardsticks", "replay"), and how far it is. Both may be null. */
    void (*phase)(void *context, const char *what);
    replay_progress *progress;
    void *context;
};

/* One trace, opened and checked against machine and options. Do not copy it: see struct replay_machine. */
struct compare_job {
    const struct compare_request *request;
    const char *path;
    struct trace *trace;
    struct replay_machine machine;
    struct select select;
    node_t *advice;        /* [pages] post facto; null until computed */
    struct resume *resume; /* runs are kept there pass by pass, and those that are there not made again; null: no */
    uint32_t resumed;      /* runs that were there */
};

/* Everything that can be refused without a pass over the records is refused here. 0, or -errno with a line; nothing is
 * left open on failure. */
int compare_open(struct compare_job *, const struct compare_request *, const char *path, struct trace_error *);

/* Makes the runs. *out need not be initialised; the caller frees it with result_free. 0, or -errno with a line and
 * nothing to free. */
int compare_run(struct compare_job *, struct result_set *out, struct trace_error *);

void compare_close(struct compare_job *);

/* Share of the way from first touch to the optimum, millionths; RESULT_NONE when the two are less than 1 % of first
 * touch apart. */
int64_t compare_to_optimum(const struct result_bounds *, uint64_t memory_flat_ns);

#endif
