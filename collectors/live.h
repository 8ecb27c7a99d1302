/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A policy at work beside a running process: its accesses, as a collector samples them, feed the engine of the replay
 * and of the monitor (monitor-core/engine.h) with the process's memory as the machine (machine_linux.h). What the
 * policy wishes is compared, access by access, with where the kernel has the page now and with where it was first seen.
 *
 * Pages are numbered as first seen. Times are ns, ascending; an access that comes late counts at the latest time.
 */
#ifndef COLLECTORS_LIVE_H
#define COLLECTORS_LIVE_H

#include "collectors/machine_linux.h"
#include "datasets/trace.h"
#include "monitor-core/observe.h"

enum { LIVE_PAGES = 1 << 18, LIVE_WINDOW_NS = 1000000 };

struct live_config {
    const struct policy_class *policy;
    uint64_t param[POLICY_PARAMS_MAX];
    const struct topology *topology; /* of this host; kept until live_free */
    uint32_t pages_max;              /* of the process that are looked after; later ones are counted and left alone */
    int pid;
    bool apply;
    uint64_t rate_bps;        /* bytes moved per second at most, moves beyond wait for their turn; 0: no limit */
    machine_linux_call *call; /* null: move_pages(2) */
};

struct live_access {
    uint64_t time, address;
    uint32_t weight; /* misses that it stands for, >= 1 */
    uint16_t cpu, task;
    bool write;
};

/* Since the start. Sums of weight x idle latency are of the accesses seen. */
struct live_stats {
    uint64_t accesses, misses;
    uint64_t local;                     /* misses on the node of their CPU, where the page is now */
    uint64_t first_ps, now_ps, wish_ps; /* with pages where first seen; where they are; where the policy wants them */
    uint64_t untracked;                 /* accesses to pages beyond pages_max, or by CPUs out of range */
    uint64_t homeless;                  /* accesses to pages that the kernel could not place (unmapped) */
    uint32_t pages;
};

struct live;

/* 0, or -errno with a line: -EPERM when this user may not trace the process, -ESRCH when there is none. */
int live_new(const struct live_config *, struct live **out, struct trace_error *);
void live_free(struct live *);

/* 0; -ESRCH or -EPERM when the process went away or may no longer be traced. */
int live_access(struct live *, const struct live_access *);

/* Time passes: windows and the policy's ticks up to `now`. To be called at least once a second. */
void live_advance(struct live *, uint64_t now);

/* Asks the kernel anew where every page is (who else moves pages shall not be missed): a page found elsewhere is
 * forgotten by the policy and taken up again. 0 or -errno. */
int live_resync(struct live *);

const struct live_stats *live_stats(const struct live *);
const struct machine_linux *live_machine(const struct live *);
const struct engine_stats *live_engine(const struct live *);

#endif
