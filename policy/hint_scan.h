/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The scanner of Linux NUMA balancing, shared by the classes that live on hint faults: which pages are watched next,
 * and how often. Windows of `size` bytes of resident memory follow each other through the pages in ascending order; the
 * period from one window to the next is what one scan of everything may take, divided by the number of windows.
 *
 *   windows   resident memory / size, rounded up
 *   least     max(floor, min / windows)       floor: 2560 MB/s, 100 ms for windows of 256 MB
 *   greatest  max(least, max / windows)
 *   group     least and greatest are multiplied by tasks x (shared + 1) / (private + shared + 1) where that makes them
 *             longer: what one task of a group need not scan, another does (the least only for the first period)
 *
 * A window also ends after eight times `size` of pages that are not resident, watched already or not wanted, and at the
 * last page; there one scan is complete and `sequence` goes up. A window waits 32 times as long as its marking took
 * (mark_ns a page, assumed), so that scanning takes no more than 3 %.
 *
 * The period follows the faults of the scan before (hint_scan_adapt), in slots of a tenth of itself:
 *   no fault that was local or shared, or any move that failed   twice as long
 *   private / all >= 7/10        longer by private tenths - 7 slots, 1 at least
 *   else local / all >= 7/10     longer by local tenths - 7 slots, 1 at least
 *   else                         shorter by 7 - the larger of both tenths
 * within least and greatest.
 *
 * The clock is run time: it goes with trace time as long as anything shows that tasks run (traffic in the window before
 * a tick, a first touch, an event), and stands still idle_ns after the last such sign. The tasks of a trace are taken
 * as one process, whose threads scan in turns. An array of orders holds 4096 at most: a window of 65536 pages is spread
 * over the ticks that follow, and the next one starts when it is done.
 *
 * Source: Linux 6.3 kernel/sched/fair.c (task_numa_work, task_scan_start, task_scan_max, update_task_scan_period).
 */
#ifndef POLICY_HINT_SCAN_H
#define POLICY_HINT_SCAN_H

#include "policy/policy.h"

struct hint_scan_limits {
    uint64_t delay_ns, min_ns, max_ns, floor_ns, size, mark_ns, idle_ns;
};

/* Tasks that share memory; tasks 0: none do. Faults as the class weighs them. */
struct hint_scan_group {
    uint64_t tasks, shared, private;
};

/* Faults since the last adaptation. */
struct hint_scan_faults {
    uint64_t local, remote, failed, shared, private;
};

/* Part of a class's state. */
struct hint_scan {
    struct hint_scan_limits limits;
    struct hint_scan_group group;
    struct hint_scan_faults faults;
    uint64_t clock;              /* run time, ns */
    uint64_t ticked;             /* trace time of the last tick */
    uint64_t active;             /* trace time of the last sign that tasks run */
    uint64_t due, period;        /* run time of the next window; period 0: no window was begun yet */
    uint64_t left, left_virtual; /* pages of the window that is being marked; left 0: none is */
    uint64_t marked;             /* of it, so far */
    uint64_t resident;           /* pages placed and not freed */
    uint32_t sequence;           /* scans completed */
    uint32_t adapted;            /* of them known to hint_scan_promoted */
    page_t at;                   /* next page to be looked at */
    bool stirred;                /* a first touch since the last tick */
    bool stopped;                /* no sign for idle_ns */
};

/* The seven parameters of a class in the order of struct hint_scan_limits, `param` the first of them. */
void hint_scan_init(struct hint_scan *, const uint64_t *param);

/* A first touch. */
static inline void hint_scan_touch(struct hint_scan *s)
{
    s->resident++;
    s->stirred = true;
}

/* Any event that the class is shown. */
static inline void hint_scan_event(struct hint_scan *s, const struct event *e)
{
    s->active = e->time > s->active ? e->time : s->active;
    if (event_kind(e) == EVENT_FREED && s->resident)
        s->resident--;
}

/* At each tick: WATCH orders, as many as are due and find room, for pages whose home is in the set. How many. */
uint32_t hint_scan_tick(struct hint_scan *, const struct view *, uint64_t now, nodeset_t homes, struct orders *);

/* Windows of the resident memory, 1 at least. */
uint64_t hint_scan_windows(const struct hint_scan *, const struct topology *);

/* ns: the least period, the first one, and the greatest. */
uint64_t hint_scan_least(const struct hint_scan *, const struct topology *);
uint64_t hint_scan_start(const struct hint_scan *, const struct topology *);
uint64_t hint_scan_greatest(const struct hint_scan *, const struct topology *);

/* After a complete scan: the next period, from the faults, which start again from zero. */
void hint_scan_adapt(struct hint_scan *, const struct topology *);

/* Tiering: a page of the slow tier that faulted is promoted. It counts as one remote and private fault; others do not
 * count. The first one after a complete scan adapts the period. */
void hint_scan_promoted(struct hint_scan *, const struct topology *);

/* One line each in the classes' tables, in the order of struct hint_scan_limits. */
#define HINT_SCAN_LONGEST UINT64_C(1000000000000000) /* 11 days */
#define HINT_SCAN_PARAMS                                                                                               \
    {"scan_delay_ns", 0, 1000000000, HINT_SCAN_LONGEST, "ns", "run time before the first window"},                     \
        {"scan_min_ns", 1000, 1000000000, HINT_SCAN_LONGEST, "ns", "a scan of all memory takes at least this"},        \
        {"scan_max_ns", 1000, 60000000000, HINT_SCAN_LONGEST, "ns", "a scan of all memory takes at most this"},        \
        {"scan_floor_ns", 1000, 100000000, HINT_SCAN_LONGEST, "ns", "least period of windows: 2560 MB/s"},             \
        {"scan_size", 4096, 268435456, UINT64_C(1) << 40, "bytes", "resident memory watched in a window"},             \
        {"mark_ns", 0, 20, 1000000, "ns", "watching a page takes this (assumed); a window waits 32 times as long"},    \
    {                                                                                                                  \
        "idle_ns", 0, 100000000, HINT_SCAN_LONGEST, "ns", "run time stands still so long after the last sign of a run" \
    }

#endif
