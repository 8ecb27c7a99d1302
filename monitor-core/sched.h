/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which virtual CPU runs where and for how long: time sharing with affinity to the node that holds the virtual CPU's
 * memory (Disco, SOSP'97 section 4.1). Decisions only: the caller switches. Every call takes the scheduler's lock; the
 * caller provides memory and the time (ns), and kicks the CPU that is answered.
 *
 * Fair: among virtual CPUs that stay runnable, each one's CPU time over 10 s is within 10 % of its share. A virtual CPU
 * that was halted gets no credit for the time it slept beyond one slice. Affinity yields to fairness: a virtual CPU
 * leaves its node when it would wait longer than one slice while another node's CPU is idle or behind.
 */
#ifndef MONITOR_CORE_SCHED_H
#define MONITOR_CORE_SCHED_H

#include "monitor-core/lock.h"
#include "policy/numa.h"

enum { SCHED_VCPUS = 64, SCHED_CPUS = 64, SCHED_NONE = 0xffff };

enum sched_state { SCHED_ABSENT, SCHED_HALTED, SCHED_READY, SCHED_RUNNING };

struct sched_vcpu {
    uint8_t state;
    bool woken;       /* a wake-up came while it ran: a halt that follows is void */
    node_t node;      /* where its memory is; NODE_NONE: no preference yet */
    uint16_t cpu;     /* where it runs or last ran */
    uint64_t used;    /* CPU time, ns */
    uint64_t virtual; /* fair clock, ns */
    uint64_t since;   /* start of the present state */
};

struct sched {
    struct lock lock;
    uint32_t cpus, vcpus;
    uint64_t slice; /* ns */
    uint64_t floor; /* no fair clock of a woken virtual CPU starts below */
    node_t cpu_node[SCHED_CPUS];
    uint16_t running[SCHED_CPUS]; /* SCHED_NONE: idle */
    struct sched_vcpu vcpu[SCHED_VCPUS];
    uint64_t idle[SCHED_CPUS];     /* ns */
    uint64_t switches, migrations; /* of virtual CPUs between CPUs of different nodes */
};

void sched_init(struct sched *, uint32_t cpus, const node_t *cpu_node, uint64_t slice_ns);

/* A virtual CPU appears, halted. */
void sched_add(struct sched *, uint16_t vcpu);

/* It ends: it is never picked again. When it runs, its CPU hears of it at its next sched_pick. */
void sched_remove(struct sched *, uint16_t vcpu, uint64_t now);

/* What `cpu` runs next; what it ran until now goes back among the ready unless it halted or ended. SCHED_NONE: idle.
 * *until: when to call again at the latest (the end of the slice; UINT64_MAX when idle or nobody else waits). */
uint16_t sched_pick(struct sched *, uint16_t cpu, uint64_t now, uint64_t *until);

/* The virtual CPU that runs on `cpu` has halted. False: a wake-up came in between, go on with it. */
bool sched_halt(struct sched *, uint16_t cpu, uint64_t now);

/* An event for a virtual CPU from any CPU. Answers the CPU to kick so that the event is seen soon: the one that runs
 * it, or an idle or better suited one that should pick it; SCHED_NONE: none needs to be kicked. */
uint16_t sched_wake(struct sched *, uint16_t vcpu, uint64_t now);

/* Where the virtual CPU's memory is, by what the pager counted. */
void sched_prefer(struct sched *, uint16_t vcpu, node_t node);

#endif
