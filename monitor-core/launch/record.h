/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The stream of observations as a trace that compare replays: a record is an access that an accessed bit or a nested
 * fault showed, by the first CPU of its node, to the page at address (VM << 40 | guest physical address).
 */
#ifndef MONITOR_CORE_LAUNCH_RECORD_H
#define MONITOR_CORE_LAUNCH_RECORD_H

#include "monitor-core/launch/plan.h"
#include "monitor-core/launch/telemetry_reader.h"

enum { RECORD_VM_SHIFT = 40 };

struct record {
    const char *path;
    const struct plan *plan;
    struct trace_writer *writer; /* null: not yet begun */
    uint32_t nodes, slots;
    uint16_t cpu[NODE_MAX];      /* of each node; UINT16_MAX: it has none */
    uint64_t last_time, strange; /* observations that made no sense */
    struct trace_error error;
    bool failed;
};

/* `path` may be null: nothing is recorded. */
void record_init(struct record *, const char *path, const struct plan *);

/* HELLO begins the trace, OBSERVED adds to it; after a failure nothing is added. */
void record_frame(struct record *, const struct telemetry_frame *);

/* Finishes the file; `lost`: observations or frames that did not arrive. 0 or -errno with a line. Also when nothing
 * came. */
int record_close(struct record *, uint64_t lost, const char *command, struct trace_error *);

#endif
