/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where memory samples can come from, in one table that recording, live view and probe share.
 */
#ifndef COLLECTORS_SOURCES_H
#define COLLECTORS_SOURCES_H

#include "collectors/session.h"

enum source_id { SOURCE_IBS, SOURCE_PEBS, SOURCE_SPE, SOURCE_FAULTS, SOURCE_COUNT };

struct source {
    const char *name;          /* as typed: "ibs" */
    const char *what;          /* what its samples are, in one line */
    bool memory;               /* samples of memory accesses; else page touches */
    enum encode_vendor vendor; /* of the processors that have it; ENCODE_OTHER: all */
};
extern const struct source sources[SOURCE_COUNT];

/* The source of that name; -1 none. */
int source_named(const char *);

/* The processor and units of this machine. */
void source_machine(struct encode_machine *);

/* "not an AMD processor"; null: the source may be there, as far as the processor's vendor tells. */
const char *source_elsewhere(enum source_id, const struct encode_machine *);

/* What to open for it: the number of events, or an errno of encode_source. */
int source_events(enum source_id, const struct encode_machine *, const struct encode_options *,
                  struct encode_event out[SESSION_EVENTS], struct attr_steps *);

/* The line for a source whose events were not found (-errno of source_events) or did not open (of session_open, whose
 * line is replaced where the errno alone says too little). `event`: the name of what was refused; null: none yet. */
void source_explain(enum source_id, const char *event, enum session_whom, pid_t, int err, struct trace_error *);

#endif
