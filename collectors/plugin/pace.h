/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Keeps the clocks of CPUs together: time is cut into spans of a quantum of cycles, and none enters a span before all
 * others that run have reached it. Host threads share few host CPUs in slices of milliseconds; without this a virtual
 * CPU would do a slice's work before another sees any of it, and sharing would be under-counted.
 *
 * A CPU that is not running (in a system call, halted) is not waited for; neither is one that has stood still for 30 ms
 * of real time, as it may itself be waiting for QEMU to bring all others to a halt. Such a CPU's clock is set forward
 * to the slowest of the others as it comes back: time passes for those who wait.
 */
#ifndef COLLECTORS_PLUGIN_PACE_H
#define COLLECTORS_PLUGIN_PACE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { PACE_CPUS_MAX = 64, PACE_STALL_NS = 30000000 };

struct pace_cpu {
    _Alignas(64) uint64_t limit; /* the CPU calls pace_step when its clock reaches it; its own thread's */
    uint64_t clock;              /* as last told; what follows is under the lock */
    unsigned running;            /* threads of this CPU that run */
    bool stalled;                /* not waited for until its next step */
};

struct pace {
    uint64_t quantum;
    uint32_t cpus;
    pthread_mutex_t lock;
    uint64_t now;         /* of the slowest; never goes back */
    _Atomic uint64_t end; /* of the span in which all are */
    atomic_uint spans;    /* how many there have been; waited on */
    atomic_uint waiting;  /* threads that wait for the next one, or are about to */
    struct pace_cpu cpu[PACE_CPUS_MAX];
};

/* quantum 0: nobody waits. 0 or -errno. */
int pace_init(struct pace *, uint32_t cpus, uint64_t quantum);

/* A thread of the CPU starts to run, and ceases. enter returns the clock that the CPU has from now on. */
uint64_t pace_enter(struct pace *, unsigned cpu, uint64_t clock);
void pace_leave(struct pace *, unsigned cpu, uint64_t clock);

/* The clock has reached the limit: waits for the others, if need be, and sets the next limit. Returns the clock that
 * the CPU has from now on. *horizon receives a time that no CPU's later records come before. */
uint64_t pace_step(struct pace *, unsigned cpu, uint64_t clock, uint64_t *horizon);

#endif
