/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Creating the datasets of a trace file: one place for names, types, chunks and filters.
 */
#ifndef DATASETS_TRACE_SCHEMA_H
#define DATASETS_TRACE_SCHEMA_H

#include "datasets/trace_private.h"

/* Latest file format: its metadata carries checksums, so damage is found by the library. -1 on failure. */
hid_t trace_schema_create(const char *path);

/* Type in the file: cpu is one byte when there are at most 256. */
hid_t trace_schema_type(enum trace_column_id, uint32_t cpus);
unsigned trace_schema_width(enum trace_column_id, uint32_t cpus);

/* Creates a 1-D dataset. `chunk` 0: contiguous; `appendable`: no upper limit of rows. The filter list is that of
 * `compress` (TRACE_NONE: none). -1 on failure. */
hid_t trace_schema_dataset(hid_t file, const char *name, hid_t type, uint64_t rows, uint32_t chunk, bool appendable,
                           enum trace_compress compress);

/* Rows first .. first + n of an existing dataset, from memory of that type. 0 or -EIO. */
int trace_schema_put(hid_t dataset, hid_t memory_type, uint64_t first, uint64_t n, const void *rows);

/* A whole table: compressed by deflate unless `compress` is TRACE_NONE. 0 or -EIO. */
int trace_schema_table(hid_t file, const char *name, hid_t file_type, hid_t memory_type, uint64_t rows,
                       const void *data, enum trace_compress compress);

/* Can TRACE_BLOSC be written here? */
bool trace_schema_blosc(void);

#endif
