/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which virtual CPU runs where and for how long: time sharing with affinity to the node that holds the virtual CPU's
 * memory (Disco, SOSP'97 section 4.1). Decisions only: the caller switches. Every call takes the scheduler's lock; the
 * caller provides memory and the time (ns), and kicks the CPU that is answered.
 *
 * Fair: among virtual CPUs that stay runnable, each one's CPU time over 10 s is within 10 % of its share. A virtual CPU
 * that was halted gets no credit for the time it slept beyond one slice. No CPU idles while a virtual CPU waits;
 * affinity decides which of the idle CPUs takes it, and among the busy ones by a head start of two slices. A virtual
 * CPU that runs away from its memory goes back as soon as a CPU there idles or runs somebody else's. One for whose CPU
 * nobody waits runs on without end.
 *
 * Order of calls on a CPU, again and again:
 *   sched_due -> sched_pick -> when it answers another one than before: put the state of the old one away,
 *   sched_release(old), take up the new one -> sched_enter -> run it -> sched_halt when it halted
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
    uint16_t cpu;     /* where it runs or last ran; SCHED_NONE: nowhere yet */
    uint16_t held;    /* the CPU that still has its state; SCHED_NONE: put away */
    uint64_t used;    /* CPU time, ns */
    uint64_t virtual; /* fair clock, ns */
    uint64_t charged; /* while it runs: CPU time is accounted up to here */
    uint64_t since;   /* start of the present state; of a running one: of its slice */
    uint64_t wake_at; /* while halted: it wakes by itself; UINT64_MAX: never */
};

struct sched {
    struct lock lock;
    uint32_t cpus, vcpus; /* vcpus: 1 + the highest number */
    uint32_t runnable;    /* ready or running */
    uint64_t slice;       /* ns */
    uint64_t now;         /* of the latest call */
    uint64_t fair;        /* the fair clock of one that has had exactly its share */
    node_t cpu_node[SCHED_CPUS];
    uint16_t running[SCHED_CPUS]; /* SCHED_NONE: idle */
    uint64_t due[SCHED_CPUS];     /* when sched_pick is to be called at the latest (atomic) */
    bool alone[SCHED_CPUS];       /* its virtual CPU's slice has no end: nobody waits */
    uint64_t idle_since[SCHED_CPUS];
    struct sched_vcpu vcpu[SCHED_VCPUS];
    uint64_t idle[SCHED_CPUS];     /* ns */
    uint64_t switches, migrations; /* of virtual CPUs between CPUs of different nodes */
};

void sched_init(struct sched *, uint32_t cpus, const node_t *cpu_node, uint64_t slice_ns);

/* A virtual CPU appears (or comes back after sched_remove and sched_quiet), halted. */
void sched_add(struct sched *, uint16_t vcpu);

/* It ends: it is never picked again. Answers the CPU that still holds it, to be kicked; SCHED_NONE: none does. */
uint16_t sched_remove(struct sched *, uint16_t vcpu, uint64_t now);

/* Removed, and its state is put away: no CPU touches it any more. */
bool sched_quiet(struct sched *, uint16_t vcpu);

/* When `cpu` has to call sched_pick at the latest; 0: at once. Takes no lock. */
uint64_t sched_due(const struct sched *, uint16_t cpu);

/* What `cpu` runs next; what it ran until now goes back among the ready unless it halted or ended. SCHED_NONE: idle.
 * *kick: a CPU to be kicked, or SCHED_NONE. */
uint16_t sched_pick(struct sched *, uint16_t cpu, uint64_t now, uint16_t *kick);

/* The state of a virtual CPU that ran here before is put away: another CPU may take it up. Answers a CPU to kick. */
uint16_t sched_release(struct sched *, uint16_t vcpu, uint64_t now);

/* Before each entry into the guest: the caller looks for pending interrupts after this, so wake-ups until now are seen.
 */
void sched_enter(struct sched *, uint16_t vcpu);

/* The virtual CPU that runs on `cpu` has halted, until a wake-up or that time (UINT64_MAX: none). False: a wake-up came
 * since sched_enter, or it has ended. sched_pick is due in either case. */
bool sched_halt(struct sched *, uint16_t cpu, uint64_t now, uint64_t wake_at);

/* An event for a virtual CPU from any CPU. Answers the CPU to kick so that the event is seen soon: the one that runs
 * it, or an idle or better suited one that should pick it; SCHED_NONE: none needs to be kicked. */
uint16_t sched_wake(struct sched *, uint16_t vcpu, uint64_t now);

/* Where the virtual CPU's memory is, by what the pager counted. Answers a CPU to kick. */
uint16_t sched_prefer(struct sched *, uint16_t vcpu, node_t node);

/* Its CPU time until now, ns. */
uint64_t sched_used(struct sched *, uint16_t vcpu, uint64_t now);

#endif
