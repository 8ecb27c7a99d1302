/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Spin lock, no recursion. The monitor runs with interrupts off, so a holder is never interrupted on its own CPU. Who
 * comes first is left open: in an order of arrival, where a CPU is itself scheduled by a host (an emulator, another
 * monitor), everybody would wait for the next in line to be run. Zeroed memory is a free lock.
 *
 * Order of locks, outermost first: a VM's device lock, a disk's lock, the pager's lock, the scheduler's lock. A CPU
 * that waits for a lock is inside the monitor, which counts as flushed (pager.h).
 */
#ifndef MONITOR_CORE_LOCK_H
#define MONITOR_CORE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct lock {
    uint32_t taken, wanted;
};

static inline void lock_take(struct lock *l)
{
    while (__atomic_exchange_n(&l->taken, 1, __ATOMIC_ACQUIRE))
        while (__atomic_load_n(&l->taken, __ATOMIC_RELAXED)) {
            /* Again where the holder has lent it and this CPU came too late for that. */
            if (!__atomic_load_n(&l->wanted, __ATOMIC_RELAXED))
                __atomic_store_n(&l->wanted, 1, __ATOMIC_RELAXED);
            __builtin_ia32_pause();
        }
}

static inline void lock_give(struct lock *l)
{
    __atomic_store_n(&l->taken, 0, __ATOMIC_RELEASE);
}

/* For a holder that can spare it for a moment: has anyone had to wait since the last call? */
static inline bool lock_wanted(struct lock *l)
{
    return __atomic_load_n(&l->wanted, __ATOMIC_RELAXED) && __atomic_exchange_n(&l->wanted, 0, __ATOMIC_RELAXED);
}

#endif
