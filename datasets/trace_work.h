/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The work file of a recorder: plain chunks appended and flushed one after another (HDF5's single-writer protocol), so
 * that whatever happens to the recorder the file opens up to its last flushed chunk. Pages are numbered as first seen;
 * closing the trace sorts them on the way into the final file.
 */
#ifndef DATASETS_TRACE_WORK_H
#define DATASETS_TRACE_WORK_H

#include "datasets/trace_pages.h"
#include "datasets/trace_private.h"

struct trace_work;

/* 0 or -errno with a line; nothing is left at path on failure. */
int trace_work_create(const char *path, const struct trace_meta *, struct trace_work **out, struct trace_error *);

/* Appends the block (full but for the last), its steps, index row, the new pages, and flushes. */
int trace_work_append(struct trace_work *, const struct trace_block *, const struct trace_pages *,
                      struct trace_error *);
int trace_work_close(struct trace_work *);

#endif
