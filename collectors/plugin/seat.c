/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/plugin/seat.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void seat_prepare(void)
{
    syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
}

/* Each thread has said whether it is inside, or will see what was written before this. Where the kernel cannot do that
 * a millisecond passes: no processor keeps a store to itself for so long. */
static void barrier(void)
{
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

void seat_join(struct seat *s)
{
    if (!atomic_fetch_add(&s->threads, 1))
        return;
    barrier();
    while (atomic_load_explicit(&s->inside, memory_order_acquire))
        sched_yield();
}

void seat_quit(struct seat *s)
{
    atomic_fetch_sub(&s->threads, 1);
}

static bool take(struct seat *s)
{
    return !atomic_flag_test_and_set_explicit(&s->lock, memory_order_acquire);
}

static bool someone_waits(const struct seat *s)
{
    return atomic_load_explicit(&s->next, memory_order_relaxed) !=
           atomic_load_explicit(&s->served, memory_order_relaxed);
}

void seat_lock(struct seat *s)
{
    bool others = someone_waits(s);
    if ((!others || atomic_load_explicit(&s->passed, memory_order_relaxed) < SEAT_TURNS) && take(s)) {
        atomic_fetch_add_explicit(&s->passed, others, memory_order_relaxed);
        return;
    }
    unsigned number = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed);
    while (atomic_load_explicit(&s->served, memory_order_relaxed) != number)
        sched_yield();
    while (!take(s))
        sched_yield();
    atomic_store_explicit(&s->passed, 0, memory_order_relaxed);
    atomic_store_explicit(&s->served, number + 1, memory_order_relaxed);
}
