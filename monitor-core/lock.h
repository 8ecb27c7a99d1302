/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Ticket spin lock: fair among CPUs, no recursion. The monitor runs with interrupts off, so a holder is never
 * interrupted on its own CPU. Zeroed memory is a free lock.
 *
 * Order of locks, outermost first: a VM's device lock, a disk's lock, the pager's lock, the scheduler's lock. A CPU
 * that waits for a lock is inside the monitor, which counts as flushed (pager.h).
 */
#ifndef MONITOR_CORE_LOCK_H
#define MONITOR_CORE_LOCK_H

#include <stdint.h>

struct lock {
    uint32_t next, serving;
};

static inline void lock_take(struct lock *l)
{
    uint32_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != ticket)
        __builtin_ia32_pause();
}

static inline void lock_give(struct lock *l)
{
    __atomic_store_n(&l->serving, l->serving + 1, __ATOMIC_RELEASE);
}

#endif
