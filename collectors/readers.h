/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Formats of other tools that hold samples or accesses, as readers for import_run (datasets/import.h).
 */
#ifndef COLLECTORS_READERS_H
#define COLLECTORS_READERS_H

#include "collectors/to_trace.h"

/* What the readers need, and what became of the samples; pass it as reader_context. Facts lack the memory table. */
struct readers {
    struct to_trace_options options;
    struct to_trace_counts counts;
    struct perfdata_facts facts;
    bool samples; /* the input held samples: counts and facts are filled */
};

/* Ends with a null name. */
extern const struct import_reader readers_list[];

int readers_perfdata(void *context, struct import_input *, struct import_sink *, struct trace_error *);

#endif
