/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Writing a finished trace file from any trace at hand, in memory or in another file.
 */
#ifndef DATASETS_TRACE_SAVE_H
#define DATASETS_TRACE_SAVE_H

#include "datasets/trace_collect.h"

/* Is it time to give up? Then -EINTR with a line. */
int trace_save_asked(const struct trace_stop *, struct trace_error *);

/* Writes `trace` with the provenance of `meta` and the side tables to `path`, which must not exist; nothing is left
 * there on failure. The digest is computed on the way. 0 or -errno with a line. */
int trace_save(const struct trace *trace, const struct trace_meta *meta, const struct trace_collect *, const char *path,
               enum trace_compress, const struct trace_stop *, struct trace_error *);

#endif
