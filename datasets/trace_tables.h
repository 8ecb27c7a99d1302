/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The tables beside the columns of an opened trace file: pages, gaps, index of chunks; read and checked.
 */
#ifndef DATASETS_TRACE_TABLES_H
#define DATASETS_TRACE_TABLES_H

#include "datasets/trace_private.h"

/* Fills pages, nodes, gaps and index; the index stays null where the file has none. `unfinished`: pages are as first
 * seen and are sorted here. Columns are open and their records counted. 0 or -errno with a line. */
int trace_tables_read(struct trace *trace, bool unfinished, struct trace_error *error);

/* Do the rows of the index fit the columns and each other? 0 or -EINVAL with a line. */
int trace_tables_check_index(const struct trace *trace, uint64_t rows, struct trace_error *error);

#endif
