/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collectors/perf_ops.h"

static int open_event(void *context, const struct perf_event_attr *attr, pid_t pid, int cpu, int group)
{
    (void)context;
    long fd = syscall(SYS_perf_event_open, attr, pid, cpu, group, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : (int)fd;
}

static void *map(void *context, int fd, size_t bytes, uint64_t offset, int *err)
{
    (void)context;
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
    *err = base == MAP_FAILED ? -errno : 0;
    return *err ? NULL : base;
}

static void unmap(void *context, void *base, size_t bytes)
{
    (void)context;
    munmap(base, bytes);
}

static int control(void *context, int fd, unsigned long request, uintptr_t argument)
{
    (void)context;
    int got = ioctl(fd, request, argument);
    return got < 0 ? -errno : got;
}

static int64_t read_event(void *context, int fd, void *bytes, size_t n)
{
    (void)context;
    ssize_t got = read(fd, bytes, n);
    return got < 0 ? -errno : got;
}

static int poll_events(void *context, struct pollfd *fds, size_t n, int timeout_ms)
{
    (void)context;
    int ready = poll(fds, n, timeout_ms);
    return ready < 0 ? -errno : ready;
}

static void close_event(void *context, int fd)
{
    (void)context;
    close(fd);
}

const struct perf_ops perf_ops_kernel = {
    .open = open_event,
    .map = map,
    .unmap = unmap,
    .control = control,
    .read = read_event,
    .poll = poll_events,
    .close = close_event,
};
