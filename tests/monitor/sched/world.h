/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A machine of simulated CPUs that do what x86/run.c does, over virtual CPUs that compute, halt and are woken at random
 * times; kicks take a while to arrive, and so does putting state away. Time is simulated: ten seconds take a moment.
 * While it runs it checks that no virtual CPU is on two CPUs, that each event is served in bounded time, and that no
 * CPU idles beside one that waits.
 */
#ifndef TESTS_MONITOR_SCHED_WORLD_H
#define TESTS_MONITOR_SCHED_WORLD_H

#include "monitor-core/sched.h"

enum { WORLD_CPUS = 4, WORLD_VCPUS = 16 };
#define WORLD_MS UINT64_C(1000000)

/* How a virtual CPU behaves: computes for about `burst` ns, then halts for about `sleep` ns. burst 0: it never halts.
 * timer: it wakes by its own timer, else by an event from outside. from: it first wakes then. */
struct world_habit {
    uint64_t burst, sleep, from;
    bool timer;
};

struct world_vcpu {
    struct world_habit habit;
    uint64_t left;      /* of the present burst, ns */
    uint64_t event;     /* when the next event from outside comes; UINT64_MAX: none under way */
    uint64_t pending;   /* an event came at that time and has not been seen; UINT64_MAX: none */
    uint64_t timer;     /* deadline of its own timer */
    uint64_t ran, home; /* ns on CPUs; of these at its node */
    uint64_t worst;     /* longest wait from an event to the entry that sees it */
    int on;             /* CPU that has its state, or -1 */
};

struct world_cpu {
    uint64_t time;   /* it is busy until then */
    uint64_t kicked; /* a kick arrives then; UINT64_MAX: none */
    uint64_t until;  /* its timer: as sched_due answered after the last pick */
    uint16_t held;
    uint64_t idle;
};

struct world {
    struct sched sched;
    uint64_t now, random;
    uint32_t ncpus, nvcpus;
    struct world_cpu cpu[WORLD_CPUS];
    struct world_vcpu vcpu[WORLD_VCPUS];
    uint64_t waited; /* longest time that one was ready on a machine with an idle CPU */
    const char *broken;
};

void world_init(struct world *, uint64_t seed, uint32_t cpus, const node_t *cpu_node, uint64_t slice);
uint16_t world_add(struct world *, struct world_habit, node_t node);
void world_prefer(struct world *, uint16_t vcpu, node_t node);

/* Until that time, or until something is broken. */
void world_run(struct world *, uint64_t until);

#endif
