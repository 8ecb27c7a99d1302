/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Between the importers and what they feed.
 */
#ifndef DATASETS_IMPORT_PRIVATE_H
#define DATASETS_IMPORT_PRIVATE_H

#include "datasets/import.h"
#include "datasets/import_input.h"
#include "datasets/trace_private.h"

/* Where the records go: cut, fold, nodes, then the writer. */
struct import_sink {
    const struct import_options *options;
    struct import_counts *counts;
    const char *out;
    struct trace_writer *writer;
    uint32_t node_shift;
    uint64_t limit_address;
    uint64_t first_time;
    uint32_t nodes; /* greatest node + 1 */
    bool whole_system;
    bool full; /* the limit is reached: no more records are wanted */
    import_progress *progress;
    void *context;
    uint64_t next_pulse;
};

/* Opens the writer. Of meta: columns, source, event, labels, cpus, page_size and line_size are the importer's; the rest
 * is filled in. `whole_system`: addresses are physical. */
int import_start(struct import_sink *, struct trace_meta *, bool whole_system, struct trace_error *);

/* One record of the input, its node as the source gives it. 0 or -errno with a line that lacks the place. */
int import_put(struct import_sink *, const struct trace_record *, struct trace_error *);

/* At will, between records: shows progress now and then, and says whether to stop. 0 or -EINTR with a line. */
int import_pulse(struct import_sink *, struct import_input *, struct trace_error *);
int import_pulse_now(struct import_sink *, struct import_input *, struct trace_error *); /* at once */

int import_tr(struct import_input *, struct import_sink *, struct trace_error *);
int import_csv(struct import_input *, struct import_sink *, struct trace_error *);
int import_lackey(struct import_input *, struct import_sink *, struct trace_error *);
int import_trace(const char *path, struct import_sink *, struct trace_error *);

#endif
