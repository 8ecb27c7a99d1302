/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of the trace library share among themselves; nobody else includes this.
 */
#ifndef DATASETS_TRACE_PRIVATE_H
#define DATASETS_TRACE_PRIVATE_H

#include <hdf5.h>

#include "datasets/trace.h"
#include "datasets/trace_collect.h"
#include "datasets/trace_column.h"

/* One row of /chunks, as on disk. */
struct trace_index {
    uint64_t first_time;
    uint32_t least_page, greatest_page;
    uint32_t count;
};

/* One row of /trace/gaps: the step to `record` is dt + more; more is a multiple of 2^32. */
struct trace_gap {
    uint64_t record, more;
};

struct trace {
    struct trace_meta meta;
    uint64_t *addresses;
    node_t *nodes;
    struct trace_index *index; /* [meta.chunks] */
    struct trace_gap *gaps;
    uint64_t ngaps;
    page_t *renumber;           /* [pages] as seen -> by address, of an unfinished recording; else null */
    struct trace_block *stored; /* [meta.chunks] when in memory; else null */
    struct trace_collect collect;
    struct trace_file file;
    struct trace_column column[TRACE_COLUMNS];
};

/* Puts the line together and returns -err. error may be null. */
int trace_fail(struct trace_error *, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* At exit HDF5 would complain on stderr about what a damaged file left in it; we close all we open. Must come before
 * the first call of the library, H5E_BEGIN_TRY and the names of types included. */
void trace_quiet(void);

/* Room for the columns of n records; 0 or -ENOMEM. */
int trace_block_allocate(struct trace_block *, uint32_t n, unsigned columns);
void trace_block_release(struct trace_block *);

/* Frees whatever is there of a trace, the struct included. */
void trace_free(struct trace *);

/* Text form of labels ("writes-under-seen,page-touch") and back; unknown words are ignored. */
void trace_labels_text(unsigned labels, char *text, size_t size);
unsigned trace_labels_parse(const char *text);

#endif
