/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/shootdown.h"

#include "monitor-core/x86/kick.h"

/* Starts above every CPU's `seen`, so that the first entry of each flushes. */
static uint64_t generation = 1;
static struct shootdown_counts counts;

bool shootdown_enter(struct cpu *c)
{
    /* Both sides first say what they do and then look at the other: either this CPU sees the new generation, or the
     * other one sees it in a guest. That takes a full fence between the store and the load. */
    __atomic_store_n(&c->in_guest, 1, __ATOMIC_SEQ_CST);
    uint64_t now = __atomic_load_n(&generation, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&c->seen, __ATOMIC_RELAXED) == now)
        return false;
    __atomic_store_n(&c->seen, now, __ATOMIC_RELEASE);
    return true;
}

/* What the guest wrote is in memory first, also where it wrote around the caches. */
void shootdown_leave(struct cpu *c)
{
    __asm__ volatile("sfence" : : : "memory");
    __atomic_store_n(&c->in_guest, 0, __ATOMIC_RELEASE);
}

/* A CPU that left its guest and is in one again has seen the generation on its way. */
static bool may_be_stale(const struct cpu *c, uint64_t now)
{
    return __atomic_load_n(&c->in_guest, __ATOMIC_SEQ_CST) && __atomic_load_n(&c->seen, __ATOMIC_ACQUIRE) < now;
}

static void wait_for(uint32_t cpu, uint64_t now)
{
    while (may_be_stale(machine_x86.cpu[cpu], now)) {
        __builtin_ia32_pause();
        kick_again(cpu_now());
    }
}

void shootdown(uint32_t vms)
{
    uint64_t now = __atomic_add_fetch(&generation, 1, __ATOMIC_SEQ_CST);
    if (!vms)
        return;
    uint64_t start = cpu_now();
    uint64_t waiting = 0;
    for (uint32_t i = 0; i < machine_x86.cpus; i++) {
        const struct cpu *c = machine_x86.cpu[i];
        if (!c || c == cpu_self() || !may_be_stale(c, now) || !(vms >> __atomic_load_n(&c->vm, __ATOMIC_RELAXED) & 1))
            continue;
        waiting |= UINT64_C(1) << i;
        kick_send(i);
        counts.kicks++;
    }
    for (; waiting; waiting &= waiting - 1)
        wait_for((uint32_t)__builtin_ctzll(waiting), now);
    counts.rounds++;
    counts.wait_ns += cpu_now() - start;
}

struct shootdown_counts shootdown_counts(void)
{
    return counts;
}
