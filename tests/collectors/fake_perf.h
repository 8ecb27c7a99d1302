/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A kernel of our own making behind the table of perf's system calls: events are numbers, rings are plain memory that a
 * test fills, refusals are set by the test. Its descriptors are FAKE_FIRST and up.
 */
#ifndef TESTS_COLLECTORS_FAKE_PERF_H
#define TESTS_COLLECTORS_FAKE_PERF_H

#include <stdbool.h>

#include "collectors/perf_ops.h"

enum { FAKE_FIRST = 5000, FAKE_EVENTS = 64, FAKE_PAGE = 4096 };

struct fake_event {
    struct perf_event_attr attr;
    pid_t pid;
    int cpu, group, output; /* output: the event whose ring it writes to; 0: none */
    struct perf_event_mmap_page *ring;
    unsigned char *aux;
    size_t ring_bytes, aux_bytes;
    uint64_t value, lost; /* what a read gives */
    bool closed, enabled;
};

struct fake_perf {
    struct fake_event event[FAKE_EVENTS];
    int n;
    size_t lock_bytes; /* a mapping larger than this is refused with EPERM; 0: none is */
    int offline;       /* a CPU that is refused with ENODEV; -1 none */
    bool hang_up;      /* poll says POLLHUP for every ring */
    unsigned polls, timeout_ms;
};
extern struct fake_perf fake;
extern const struct perf_ops fake_perf_ops;

void fake_begin(void);
void fake_end(void); /* everything must have been closed and unmapped */

struct fake_event *fake_event(int fd);

/* The event of that index on that CPU, in order of opening; null: none. */
struct fake_event *fake_on(int cpu, int index);

/* Puts a record into the event's ring, the fields after its header as they are. */
void fake_put(struct fake_event *, uint32_t type, const void *body, size_t n);
void fake_put_aux(struct fake_event *, const void *bytes, size_t n);

#endif
