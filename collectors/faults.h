/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Page faults as a source for machines without counters: the first touch of each page, its address and CPU. The
 * tracepoint exceptions:page_fault_user also tells reads from writes, where this user may read it (CAP_PERFMON); the
 * software event works for everybody. Neither sees cache misses.
 */
#ifndef COLLECTORS_FAULTS_H
#define COLLECTORS_FAULTS_H

#include "collectors/attr.h"
#include "collectors/cause.h"

/* The tracepoint's number and where its fields lie in a raw sample. */
struct faults_tracepoint {
    uint64_t id;
    uint16_t address, ip, error_code;
};

/* Reads it from tracefs; as root also where none is mounted (in a mount namespace of a child's own). 0 or -errno. */
int faults_tracepoint(struct faults_tracepoint *);

/* The same from the texts of the files `id` and `format`. 0 or -EINVAL. */
int faults_parse(const char *id, const char *format, struct faults_tracepoint *);

/* What to open: the tracepoint where it opens for this process itself, else the software event. */
void faults_event(const struct perf_ops *, struct encode_event *, struct attr_steps *);

/* The software event, which needs no rights. */
void faults_software(struct encode_event *);

/* Why there is no tracepoint (err as faults_tracepoint gave it), and what to do. */
void faults_cause(int err, struct cause *);

#endif
