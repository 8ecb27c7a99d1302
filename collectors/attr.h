/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What an event is asked to record, and asking for less where the kernel refuses. Everything given up is written down,
 * so that a recording says what it lacks and why.
 */
#ifndef COLLECTORS_ATTR_H
#define COLLECTORS_ATTR_H

#include <stdio.h>

#include "collectors/encode.h"
#include "collectors/perf_ops.h"

/* What was given up or added on the way, a line each. Begins as {""}. A line that does not fit is left out. */
struct attr_steps {
    char text[4096];
};
void attr_step(struct attr_steps *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Each on a line of its own, indented. */
void attr_steps_print(FILE *, const struct attr_steps *);

struct attr_wish {
    uint64_t rate;       /* samples per second and CPU instead of the event's period; 0: the period */
    bool kernel;         /* accesses by the kernel too */
    bool physical;       /* physical addresses */
    bool registers;      /* IBS: raw registers, for kernels before 6.1 that do not decode them */
    bool enable_on_exec; /* begins when the command does; else by ioctl */
    bool inherit;        /* new threads and children too */
    uint32_t ring_bytes; /* of the data area: the reader is woken at a quarter of it */
};

/* Page faults and other software events carry an address but no source, weight or page size: `memory` false. */
void attr_sampling(const struct encode_event *, bool memory, const struct attr_wish *, struct perf_event_attr *);

/* One per CPU beside the sampling event: new mappings, threads, ends, names, switches. */
void attr_dummy(const struct attr_wish *, struct perf_event_attr *);

/* Finds the fullest form of `attr` that opens for this pid and CPU, and leaves it there; nothing stays open. In this
 * order it gives up: the split weight, page sizes, physical addresses, counts of lost records, optional bits,
 * precision, the kernel, the chosen clock; then it takes back each that was not the reason. Physical addresses and the
 * kernel only go for want of rights. 0, or the last -errno, with attr as it was at first. */
int attr_settle(const struct perf_ops *, const struct encode_event *, struct perf_event_attr *, pid_t pid, int cpu,
                struct attr_steps *);

/* Opens `attr` as it is, behind its leader where it has one (*leader, else -1). fd or -errno. */
int attr_open(const struct perf_ops *, const struct encode_event *, const struct perf_event_attr *, pid_t pid, int cpu,
              int *leader);

#endif
