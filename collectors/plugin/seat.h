/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Threads that share a modelled CPU take turns at its caches. A thread that has its CPU to itself, as most have, takes
 * no lock: it only says that it is inside, and who comes to share the CPU waits once until it is out. What that costs,
 * a barrier of all threads, falls to the one who comes (membarrier(2)).
 *
 * Of threads that share a CPU the one that runs has the lock again and again without waiting, which spares the host
 * most changes of threads; but no more than SEAT_TURNS times past one that waits, and who waits is served in order.
 */
#ifndef COLLECTORS_PLUGIN_SEAT_H
#define COLLECTORS_PLUGIN_SEAT_H

#include <stdatomic.h>
#include <stdbool.h>

enum { SEAT_TURNS = 512 };

/* Zeroed at first. */
struct seat {
    _Alignas(64) atomic_uint threads;
    atomic_bool inside; /* a thread, without the lock */
    atomic_flag lock;
    atomic_uint next, served; /* numbers of those who wait: the next to be given, and whose turn it is */
    atomic_uint passed;       /* times that the lock was had past them */
};

/* Before the first seat_join. */
void seat_prepare(void);

/* One more thread is about to use the CPU: before its first seat_take. Not called between take and leave. */
void seat_join(struct seat *);
/* It will not any more. */
void seat_quit(struct seat *);

void seat_lock(struct seat *);

/* From here to seat_leave the CPU is this thread's. True: with the lock; seat_leave wants to know. */
static inline bool seat_take(struct seat *s)
{
    atomic_store_explicit(&s->inside, true, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst); /* against the barrier in seat_join */
    if (atomic_load_explicit(&s->threads, memory_order_relaxed) < 2)
        return false;
    atomic_store_explicit(&s->inside, false, memory_order_relaxed);
    seat_lock(s);
    return true;
}

static inline void seat_leave(struct seat *s, bool locked)
{
    if (locked)
        atomic_flag_clear_explicit(&s->lock, memory_order_release);
    else
        atomic_store_explicit(&s->inside, false, memory_order_release);
}

#endif
