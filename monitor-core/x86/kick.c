/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/kick.h"

enum { PATIENCE_NS = 1000000 };

static uint64_t unanswered; /* a bit for each CPU that has not answered */

void kick_send(uint32_t cpu)
{
    if (cpu >= CPUS_MAX || cpu == cpu_self()->id)
        return;
    /* The first of several kicks counts: another one's time, seen a moment too early, repeats one for nothing. */
    if (!(__atomic_fetch_or(&unanswered, UINT64_C(1) << cpu, __ATOMIC_SEQ_CST) >> cpu & 1))
        __atomic_store_n(&machine_x86.cpu[cpu]->kicked, cpu_now(), __ATOMIC_RELAXED);
    cpu_kick(cpu);
}

void kick_answered(void)
{
    uint64_t own = UINT64_C(1) << cpu_self()->id;
    if (__atomic_load_n(&unanswered, __ATOMIC_SEQ_CST) & own)
        __atomic_fetch_and(&unanswered, ~own, __ATOMIC_SEQ_CST);
}

uint64_t kick_again(uint64_t now)
{
    uint64_t next = UINT64_MAX;
    for (uint64_t left = __atomic_load_n(&unanswered, __ATOMIC_SEQ_CST); left; left &= left - 1) {
        uint32_t cpu = (uint32_t)__builtin_ctzll(left);
        struct cpu *c = machine_x86.cpu[cpu];
        if (c == cpu_self())
            continue;
        uint64_t due = __atomic_load_n(&c->kicked, __ATOMIC_RELAXED) + PATIENCE_NS;
        if (due <= now) {
            __atomic_store_n(&c->kicked, now, __ATOMIC_RELAXED);
            cpu_kick(cpu);
            due = now + PATIENCE_NS;
        }
        next = due < next ? due : next;
    }
    return next;
}
