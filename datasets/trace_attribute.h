/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Attributes of the root group: what is known of a trace. Reading takes any integer and string type that h5py writes
 * and leaves the default where an attribute is missing.
 */
#ifndef DATASETS_TRACE_ATTRIBUTE_H
#define DATASETS_TRACE_ATTRIBUTE_H

#include <hdf5.h>

#include "datasets/trace.h"

/* Fills *meta from the attributes; records, pages and chunks are not among them. `found_digest`, `found_misses`:
 * whether those two were there. 0 or -EINVAL with a line. */
int trace_attribute_read(hid_t file, const char *path, struct trace_meta *meta, bool *found_digest, bool *found_misses,
                         struct trace_error *);

/* True for the work file of a recorder that was cut off. */
bool trace_attribute_unfinished(hid_t file);

/* Writes all of them. 0 or -EIO. */
int trace_attribute_write(hid_t file, const struct trace_meta *meta, bool unfinished);

#endif
