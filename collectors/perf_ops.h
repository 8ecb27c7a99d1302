/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The system calls that recording makes, as a table, so that a kernel that refuses this or that can be stood in for.
 * Every call gives its result or a negative errno.
 */
#ifndef COLLECTORS_PERF_OPS_H
#define COLLECTORS_PERF_OPS_H

#include <linux/perf_event.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct perf_ops {
    void *context; /* first argument of every call */
    int (*open)(void *, const struct perf_event_attr *, pid_t pid, int cpu, int group);
    /* Maps `bytes` of the event from `offset` on, shared, to read and write. Null with *err set. */
    void *(*map)(void *, int fd, size_t bytes, uint64_t offset, int *err);
    void (*unmap)(void *, void *base, size_t bytes);
    int (*control)(void *, int fd, unsigned long request, uintptr_t argument);
    int64_t (*read)(void *, int fd, void *bytes, size_t n);
    int (*poll)(void *, struct pollfd *, size_t n, int timeout_ms);
    void (*close)(void *, int fd);
};

extern const struct perf_ops perf_ops_kernel;

#endif
