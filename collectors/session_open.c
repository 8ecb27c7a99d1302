/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collectors/perf_abi.h"
#include "collectors/session_private.h"

enum { RING_KIB = 512, RING_LEAST_KIB = 16, AUX_KIB = 1024 };

static int fail(struct trace_error *error, int err, const char *what)
{
    snprintf(error->text, sizeof error->text, "%s: %s", what, strerror(-err));
    return err;
}

/* --- whom and where --- */

static int everybody(struct session *s, pid_t pid)
{
    s->tasks = malloc(sizeof *s->tasks);
    if (!s->tasks)
        return -ENOMEM;
    s->tasks[s->ntasks++] = pid;
    return 0;
}

static int add_task(struct session *s, pid_t tid)
{
    if ((s->ntasks & (s->ntasks - 1)) == 0) {
        pid_t *more = realloc(s->tasks, (s->ntasks ? 2 * s->ntasks : 1) * sizeof *more);
        if (!more)
            return -ENOMEM;
        s->tasks = more;
    }
    s->tasks[s->ntasks++] = tid;
    return 0;
}

/* A thread that begins between this and the opening of its creator's event is missed: to look again would find it,
 * but not tell it from those that inherit the event. */
static int threads(struct session *s, pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    if (!dir && !kill(pid, 0))
        return everybody(s, pid); /* no /proc here: its first thread, and what that starts from now on */
    int err = dir ? 0 : errno == ENOENT ? -ESRCH : -errno;
    for (struct dirent *entry; !err && (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            err = add_task(s, (pid_t)strtol(entry->d_name, NULL, 10));
    if (dir)
        closedir(dir);
    return !err && !s->ntasks ? -ESRCH : err;
}

static int find_tasks(struct session *s, const struct session_options *o)
{
    int err;
    switch (o->whom) {
    case SESSION_COMMAND:
        err = child_new(&s->child, o->command);
        s->pid = s->child.pid;
        return err ? err : everybody(s, s->child.pid);
    case SESSION_PROCESS:
        s->pid = o->pid;
        return threads(s, o->pid);
    default:
        return everybody(s, -1);
    }
}

static int find_cpus(struct session *s, const char *list)
{
    char online[PMU_TEXT] = "";
    s->cpus = malloc(CPU_MAX * sizeof *s->cpus);
    if (!s->cpus)
        return -ENOMEM;
    if (list)
        snprintf(online, sizeof online, "%s", list);
    else if (pmu_line("/sys/devices/system", "cpu", "online", online, sizeof online))
        snprintf(online, sizeof online, "0-%ld", sysconf(_SC_NPROCESSORS_ONLN) - 1);
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
        if (pmu_in_list(online, cpu))
            s->cpus[s->ncpus++] = cpu;
    return s->ncpus ? 0 : -ENODEV;
}

/* --- rings --- */

static int map_aux(struct session *s, struct session_ring *r)
{
    struct perf_event_mmap_page *page = r->base;
    int err = -EPERM;
    for (size_t kib = AUX_KIB; !r->aux && err == -EPERM && kib >= RING_LEAST_KIB; kib /= 2) {
        page->aux_offset = r->bytes;
        page->aux_size = r->aux_bytes = kib * 1024;
        r->aux = s->ops->map(s->ops->context, r->fd, r->aux_bytes, r->bytes, &err);
    }
    return r->aux ? ring_init_aux(r->ring, r->aux, r->aux_bytes) : err;
}

/* The kernel locks a limited amount for users without rights, and says EPERM beyond it. */
static int map_ring(struct session *s, const struct session_fd *f, uint32_t *kib, struct attr_steps *steps)
{
    struct session_ring *r = &s->rings[s->nrings];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int err = -EPERM;
    *r = (struct session_ring){.cpu = f->cpu, .fd = f->fd, .ring = malloc(sizeof *r->ring)};
    while (r->ring && !r->base) {
        r->bytes = page + (size_t)*kib * 1024;
        r->base = s->ops->map(s->ops->context, f->fd, r->bytes, 0, &err);
        if (r->base || err != -EPERM || *kib <= RING_LEAST_KIB)
            break;
        *kib /= 2;
        attr_step(steps, "ring of %u KiB per CPU: the kernel locks no more (%s)", *kib, strerror(EPERM));
    }
    if (!r->base) {
        free(r->ring);
        return r->ring ? err : -ENOMEM;
    }
    s->polls[s->nrings++] = (struct pollfd){.fd = f->fd, .events = POLLIN};
    err = ring_init(r->ring, r->base, r->bytes);
    if (!err && f->event < s->count && s->events[f->event].flags & ENCODE_AUX_AREA)
        err = map_aux(s, r);
    return err;
}

/* --- events --- */

static int keep_id(struct session *s, uint32_t event, uint64_t id)
{
    size_t n = s->nids[event];
    if ((n & (n - 1)) == 0) {
        uint64_t *more = realloc(s->ids[event], (n ? 2 * n : 1) * sizeof *more);
        if (!more)
            return -ENOMEM;
        s->ids[event] = more;
    }
    s->ids[event][s->nids[event]++] = id;
    return 0;
}

static int keep_fd(struct session *s, const struct session_fd *f)
{
    if ((s->nfds & (s->nfds - 1)) == 0) {
        struct session_fd *more = realloc(s->fds, (s->nfds ? 2 * s->nfds : 1) * sizeof *more);
        if (!more)
            return -ENOMEM;
        s->fds = more;
    }
    s->fds[s->nfds++] = *f;
    return 0;
}

/* The soft limit of open files is ours to raise; more than the hard one is the administrator's. */
static bool raise_limit(struct attr_steps *steps)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= limit.rlim_max)
        return false;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        return false;
    attr_step(steps, "limit of open files raised to %llu", (unsigned long long)limit.rlim_cur);
    return true;
}

/* On one CPU for one task. *on: the ring of the CPU, null until its first event. */
static int open_one(struct session *s, struct session_fd *f, pid_t task, struct session_ring **on, uint32_t *kib,
                    struct attr_steps *steps)
{
    static const struct encode_event alone;
    const struct encode_event *e = f->event < s->count ? &s->events[f->event] : &alone;
    int err;
    do
        f->fd = attr_open(s->ops, e, &s->attrs[f->event], task, (int)f->cpu, &f->leader);
    while (f->fd == -EMFILE && raise_limit(steps));
    if (f->fd < 0)
        return f->fd;
    err = keep_fd(s, f);
    if (err) {
        s->ops->close(s->ops->context, f->fd);
        if (f->leader >= 0)
            s->ops->close(s->ops->context, f->leader);
        return err;
    }
    err = s->ops->control(s->ops->context, f->fd, PERF_EVENT_IOC_ID, (uintptr_t)&s->fds[s->nfds - 1].id);
    if (!err)
        err = keep_id(s, f->event, s->fds[s->nfds - 1].id);
    if (err)
        return err;
    if (*on)
        return s->ops->control(s->ops->context, f->fd, PERF_EVENT_IOC_SET_OUTPUT, (uintptr_t)(*on)->fd);
    err = map_ring(s, f, kib, steps);
    *on = err ? NULL : &s->rings[s->nrings - 1];
    return err;
}

/* Threads come and go, CPUs as well: those that are gone are left out. Any other refusal ends it. */
static int open_cpu(struct session *s, unsigned cpu, uint32_t *kib, struct attr_steps *steps)
{
    struct session_ring *on = NULL;
    for (uint32_t event = 0; event <= s->count; event++) {
        if (event < s->count && !pmu_in_list(s->events[event].cpus, cpu))
            continue;
        for (size_t t = 0; t < s->ntasks; t++) {
            struct session_fd f = {.event = event, .cpu = cpu};
            int err = open_one(s, &f, s->tasks[t], &on, kib, steps);
            if (err == -ENODEV) {
                attr_step(steps, "CPU %u is left out: offline", cpu);
                return 0;
            }
            if (err && !(err == -ESRCH && s->whom == SESSION_PROCESS))
                return err;
        }
    }
    return 0;
}

static int open_events(struct session *s, uint32_t kib, struct attr_steps *steps)
{
    s->rings = calloc(s->ncpus, sizeof *s->rings);
    s->polls = calloc(s->ncpus + 1, sizeof *s->polls);
    if (!s->rings || !s->polls)
        return -ENOMEM;
    int err = 0;
    for (size_t i = 0; !err && i < s->ncpus; i++)
        err = open_cpu(s, s->cpus[i], &kib, steps);
    s->polls[s->nrings] = (struct pollfd){.fd = s->process, .events = POLLIN};
    return !err && !s->nfds ? -ESRCH : err;
}

/* Each event is settled on the first CPU that it counts on; the dummy follows the clock that was settled for them,
 * since one ring has one clock. */
static int settle(struct session *s, const struct session_options *o, const struct attr_wish *wish,
                  struct attr_steps *steps, const char **refused)
{
    for (uint32_t i = 0; i < s->count; i++) {
        size_t at = 0;
        while (at + 1 < s->ncpus && !pmu_in_list(s->events[i].cpus, s->cpus[at]))
            at++;
        *refused = s->events[i].name;
        attr_sampling(&s->events[i], o->memory, wish, &s->attrs[i]);
        int err = attr_settle(s->ops, &s->events[i], &s->attrs[i], s->tasks[0], (int)s->cpus[at], steps);
        if (err)
            return err;
    }
    struct perf_event_attr *dummy = &s->attrs[s->count];
    attr_dummy(wish, dummy);
    dummy->use_clockid = s->attrs[0].use_clockid;
    dummy->clockid = s->attrs[0].clockid;
    dummy->read_format = s->attrs[0].read_format;
    *refused = "the events";
    return 0;
}

static int begin(struct session *s, const struct session_options *o, struct attr_steps *steps,
                 struct trace_error *error)
{
    struct attr_wish wish = o->wish;
    const char *refused = "";
    uint32_t kib = o->ring_kib ? o->ring_kib : RING_KIB;
    int err = find_tasks(s, o);
    if (err)
        return fail(error, err, o->whom == SESSION_COMMAND ? "cannot start the command" : "cannot look at the process");
    err = find_cpus(s, o->cpus);
    if (err)
        return fail(error, err, "cannot tell which CPUs are online");
    if (s->pid > 0)
        s->process = (int)syscall(SYS_pidfd_open, s->pid, 0);
    wish.ring_bytes = kib * 1024;
    wish.inherit = o->whom != SESSION_SYSTEM;
    wish.enable_on_exec = o->whom == SESSION_COMMAND;
    err = settle(s, o, &wish, steps, &refused);
    if (!err)
        err = open_events(s, kib, steps);
    return err ? fail(error, err, refused) : 0;
}

int session_open(const struct session_options *o, struct attr_steps *steps, struct session **out,
                 struct trace_error *error)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return fail(error, -ENOMEM, "cannot record");
    s->ops = o->ops ? o->ops : &perf_ops_kernel;
    s->count = o->count;
    s->whom = o->whom;
    s->program = o->whom == SESSION_COMMAND ? o->command[0] : NULL;
    s->process = -1;
    s->child.go = s->child.failed = -1;
    memcpy(s->events, o->events, o->count * sizeof *o->events);
    int err = begin(s, o, steps, error);
    if (err) {
        session_close(s);
        return err;
    }
    *out = s;
    return 0;
}
