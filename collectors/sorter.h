/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Putting records into the order of time. Rings of several CPUs are each in order, their mixture is not; a round's end
 * says that nothing after it is older than what had come by the end of the round before. Without rounds everything is
 * held to the end; what does not fit goes to a temporary file in sorted runs, which are merged at the end, so that
 * memory stays bounded (about 130 MiB) and the order exact.
 */
#ifndef COLLECTORS_SORTER_H
#define COLLECTORS_SORTER_H

#include "datasets/trace.h"

struct sorter;

/* Receives the records in order, each with those that come next as far as they are at hand. Non-zero stops, and comes
 * back. */
typedef int sorter_emit(void *context, const struct trace_record *, const struct trace_record *next, size_t n);

/* `hold`: records held at most before they go to the file; 0: the default, 2^21. null: out of memory. */
struct sorter *sorter_new(sorter_emit *emit, void *context, size_t hold);
void sorter_free(struct sorter *);

/* 0, -ENOMEM, -errno of the temporary file, or what `emit` returned. */
int sorter_add(struct sorter *, const struct trace_record *);
int sorter_round(struct sorter *);
int sorter_end(struct sorter *);

/* Records that came later than their round allows; their time was raised to that of the record before them. */
uint64_t sorter_late(const struct sorter *);

#endif
