/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Does a source that opens also work? Guests often have events that open and stay silent. A child follows a chain of
 * pointers through memory larger than caches and touches fresh pages; samples must come, at its addresses.
 */
#ifndef COLLECTORS_CHECK_H
#define COLLECTORS_CHECK_H

#include "collectors/sources.h"

enum { CHECK_BYTES = 64 << 20, CHECK_FRESH_PAGES = 256, CHECK_MS = 200 };

struct check_result {
    uint64_t samples;  /* all */
    uint64_t in_range; /* at addresses that the child went to */
    uint64_t misses;   /* of those, by data source, beyond the caches */
    struct session_counts counts;
};

/* Records the child with these events for CHECK_MS; `everybody`: through events on every task of the system. 0, or
 * -errno with a line when they cannot be opened. Steps are what was given up to open them. `ops` null: the kernel. */
int check_events(const struct perf_ops *ops, const struct encode_event *, uint32_t count, bool memory, bool everybody,
                 struct attr_steps *, struct check_result *, struct trace_error *);

/* A source that opens and stays silent is no source: true when samples of the child came. Else the reason is a step. */
bool check_source(enum source_id, const struct encode_options *, bool everybody, struct attr_steps *);
/* The same on a machine of the caller's, whose kernel is `ops`. */
bool check_source_on(const struct encode_machine *, const struct perf_ops *, enum source_id,
                     const struct encode_options *, bool everybody, struct attr_steps *);

#endif
