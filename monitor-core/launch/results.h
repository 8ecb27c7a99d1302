/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What was gathered as an ordinary result set of one run.
 */
#ifndef MONITOR_CORE_LAUNCH_RESULTS_H
#define MONITOR_CORE_LAUNCH_RESULTS_H

#include "monitor-core/launch/gather.h"
#include "monitor-core/launch/plan.h"
#include "reports/result.h"

/* Besides the frames: how the run went and what the command was. */
struct results_context {
    const struct plan *plan;
    const struct telemetry_reader *reader;
    const char *end; /* "all off", "time limit", ... */
    const char *why; /* the line that told the operator, or null */
    char command[1024];
};

/* 0 or -ENOMEM; -ENODATA: the monitor has told nothing yet. The caller frees it by result_free. */
int results_make(struct result_set *, const struct gather *, const struct results_context *, struct trace_error *);

#endif
