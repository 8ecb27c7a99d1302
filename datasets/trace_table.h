/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The small tables of a trace file: page addresses, page nodes, chunk index, time gaps. Read through the HDF5 library
 * in pieces that grow only as data really arrives, so that a lying size costs nothing.
 */
#ifndef DATASETS_TRACE_TABLE_H
#define DATASETS_TRACE_TABLE_H

#include "datasets/trace_private.h"

/* Reads a 1-D dataset in elements of the memory type, `size` bytes each. *out is null (and *n 0) when there is none.
 * 0 or -errno with a line. */
int trace_table_read(const struct trace_file *, const char *name, hid_t memory_type, size_t size, uint64_t max,
                     void **out, uint64_t *n, struct trace_error *);

/* Memory types of the compound tables; to be closed by the caller. */
hid_t trace_table_index_type(void);
hid_t trace_table_gap_type(void);

#endif
