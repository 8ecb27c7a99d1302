/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One thread has a CPU to itself for most of the time, while others come and go: never are two of them in it. What is
 * done there is long, so that who comes often finds it under way, and its thread asleep.
 */
#include "collectors/plugin/seat.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>

enum { VISITS = 100, TURNS = 2, WORK = 2000 };

static struct {
    struct seat seat;
    atomic_uint in, together, alone; /* threads within; times there were two; times without the lock */
    atomic_bool done;
    uint64_t work; /* as caches are: nobody's but who has the seat */
} it;

static uint64_t turn(bool rest)
{
    bool locked = seat_take(&it.seat);
    if (atomic_fetch_add(&it.in, 1))
        atomic_fetch_add(&it.together, 1);
    for (volatile unsigned i = 0; i < WORK; i++)
        ;
    if (rest)
        sched_yield(); /* the host's scheduler does so at any time */
    it.work++;
    atomic_fetch_add(&it.alone, !locked);
    atomic_fetch_sub(&it.in, 1);
    seat_leave(&it.seat, locked);
    return 1;
}

static void *stay(void *count)
{
    uint64_t *turns = count;
    while (!atomic_load(&it.done))
        *turns += turn(true);
    seat_quit(&it.seat);
    return NULL;
}

Test(seat, never_two_at_once)
{
    pthread_t owner;
    uint64_t turns = 0;
    seat_prepare();
    seat_join(&it.seat);
    cr_assert_eq(pthread_create(&owner, NULL, stay, &turns), 0);
    for (unsigned i = 0; i < VISITS; i++) {
        for (unsigned before = atomic_load(&it.alone); atomic_load(&it.alone) == before;)
            sched_yield(); /* the owner has found itself alone again */
        seat_join(&it.seat);
        for (unsigned k = 0; k < TURNS; k++)
            turn(false);
        seat_quit(&it.seat);
    }
    atomic_store(&it.done, true);
    pthread_join(owner, NULL);
    cr_expect_eq(atomic_load(&it.together), 0, "%u times", atomic_load(&it.together));
    cr_expect_eq(it.work, turns + (uint64_t)VISITS * TURNS);
    cr_expect_eq(atomic_load(&it.seat.threads), 0);
}

/* --- one thread that never rests, and one that comes --- */

static atomic_bool served;

static void *come(void *unused)
{
    bool locked = seat_take(&it.seat);
    atomic_store(&served, true);
    seat_leave(&it.seat, locked);
    return unused;
}

/* From when the other waits, the lock is had so many times past it and no more: it is had again at once, so that
 * without that rule the other would come in between only by luck. */
Test(seat, who_waits_is_served)
{
    pthread_t other;
    unsigned turns = 0;
    seat_prepare();
    seat_join(&it.seat);
    seat_join(&it.seat);
    bool locked = seat_take(&it.seat);
    cr_assert(locked);
    cr_assert_eq(pthread_create(&other, NULL, come, NULL), 0);
    while (atomic_load(&it.seat.next) == atomic_load(&it.seat.served))
        sched_yield();
    for (; !atomic_load(&served) && turns < 1000 * SEAT_TURNS; turns++) {
        seat_leave(&it.seat, locked);
        locked = seat_take(&it.seat);
    }
    seat_leave(&it.seat, locked);
    pthread_join(other, NULL);
    cr_expect_leq(turns, SEAT_TURNS + 1, "%u turns", turns);
}
