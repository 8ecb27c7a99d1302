/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The group /collect in a file.
 */
#ifndef DATASETS_TRACE_COLLECT_FILE_H
#define DATASETS_TRACE_COLLECT_FILE_H

#include "datasets/trace_private.h"

/* Tables that are missing stay empty. 0 or -errno with a line. */
int trace_collect_read(const struct trace_file *, struct trace_collect *, struct trace_error *);

/* Nothing is written where there is nothing. 0 or -EIO. */
int trace_collect_write(hid_t file, const struct trace_collect *, enum trace_compress);

#endif
