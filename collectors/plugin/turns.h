/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Turns of virtual CPUs that share one thread of QEMU's (a whole machine whose clock counts instructions). pace.h would
 * have the thread wait for itself; here a CPU that has reached the end of the span gives its turn to the next. The
 * order follows from the guest alone, so the capture is the same each time.
 *
 * Time is cut into spans of a quantum of cycles, as in pace.h. QEMU gives turns one after the other, and tells nobody
 * that a CPU is halted: a CPU that took no turn while another waited for it through two of its own sleeps, and is not
 * waited for. As it wakes, its clock is set forward to the slowest of those that run.
 *
 * One thread; no locks.
 */
#ifndef COLLECTORS_PLUGIN_TURNS_H
#define COLLECTORS_PLUGIN_TURNS_H

#include <stdbool.h>
#include <stdint.h>

enum { TURNS_CPUS_MAX = 64, TURNS_WAITS = 2 };

struct turns_cpu {
    uint64_t clock; /* as last told */
    uint64_t limit; /* the CPU calls turns_step when its clock reaches it */
    uint64_t taken; /* number of its last turn */
    uint64_t since; /* number of the turn in which it began to wait for the others */
    unsigned waits; /* turns given away since */
    bool awake;
};

struct turns {
    uint64_t quantum; /* at least 1 */
    uint64_t now;     /* of the slowest awake; never goes back */
    uint64_t end;     /* of the span in which all are */
    uint64_t count;   /* turns begun */
    uint32_t cpus;
    unsigned last; /* whose turn it is; TURNS_CPUS_MAX: nobody's yet */
    struct turns_cpu cpu[TURNS_CPUS_MAX];
};

void turns_init(struct turns *, uint32_t cpus, uint64_t quantum);

/* A CPU begins a turn: another had the one before. Returns the clock that it has from now on. */
uint64_t turns_begin(struct turns *, unsigned cpu, uint64_t clock);

/* The clock has reached the limit. True: the turn is to end, others are behind. *horizon receives a time that no CPU's
 * later records come before. */
bool turns_step(struct turns *, unsigned cpu, uint64_t clock, uint64_t *horizon);

#endif
