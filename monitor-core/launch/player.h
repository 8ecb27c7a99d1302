/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Plays a log (monitor-core/play.h) in this program, on a machine that only counts frames: what replay's model is to
 * the engine, without its costs.
 */
#ifndef MONITOR_CORE_LAUNCH_PLAYER_H
#define MONITOR_CORE_LAUNCH_PLAYER_H

#include "datasets/trace.h"
#include "monitor-core/play.h"

/* A log in memory. */
struct player_log {
    void *bytes; /* malloc'd */
    size_t size;
    struct play play;
    const struct policy_class *policy; /* and parameters, as its header says */
    uint64_t param[POLICY_PARAMS_MAX];
};

/* `policy` replaces the one that the log was written under, if not null, in the bytes too. 0 or -errno with a line. */
int player_open(struct player_log *, const char *path, const char *policy, struct trace_error *);
void player_close(struct player_log *);

/* 0, or -errno with a line. */
int player_play(struct player_log *, uint64_t *digest, struct engine_stats *, struct trace_error *);

#endif
