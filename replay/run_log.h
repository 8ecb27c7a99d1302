/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A run writes down everything its engine is told, below the observation layer (monitor-core/play.h), and what its
 * policy sees besides: played into another engine, on whatever machine, the log must lead to the same decisions.
 */
#ifndef REPLAY_RUN_LOG_H
#define REPLAY_RUN_LOG_H

#include <stdio.h>

#include "datasets/trace.h"
#include "monitor-core/play.h"

struct run_log {
    FILE *file; /* open for writing, seekable, owned by the caller; errors stay with it */
    struct play_header header;
    uint64_t *shown; /* what the policy saw when that was last written */
};

/* Bytes of the block that run_log_begin wants (8-byte aligned, zeroed). */
size_t run_log_size(const struct engine_config *);

/* Writes what comes before the records. 0, or -EINVAL with a line: too many pages, or parameters that fill the header.
 */
int run_log_begin(struct run_log *, const struct engine_config *, void *memory, struct trace_error *);

void run_log_add(struct run_log *, enum play_kind, const struct event *);

/* Accessed bits and load, as far as the class asks for them and they changed: to be called when they may have. */
void run_log_see(struct run_log *, const struct view *);

/* A tick or window: only a time. */
static inline void run_log_time(struct run_log *l, enum play_kind kind, uint64_t time)
{
    run_log_add(l, kind, &(struct event){.time = time});
}

/* The number of records is known now. 0 or -errno. */
int run_log_end(struct run_log *);

#endif
