/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whoever waits for a lock is heard until it has it: a holder that lends it for a moment may be back before a slow CPU
 * has seen that.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "monitor-core/lock.h"

static struct lock lock;

static void *take(void *unused)
{
    lock_take(&lock);
    lock_give(&lock);
    return unused;
}

/* A thread that waits gets to run within so long on any host. */
static bool wanted(void)
{
    bool heard = false;
    for (time_t end = time(NULL) + 10; !heard && time(NULL) < end; heard = lock_wanted(&lock))
        sched_yield();
    return heard;
}

Test(lock, wanted_for_as_long_as_somebody_waits)
{
    pthread_t waiting;
    lock_take(&lock);
    cr_expect_not(lock_wanted(&lock));
    cr_assert_eq(pthread_create(&waiting, NULL, take, NULL), 0);
    for (int i = 0; i < 3; i++)
        cr_expect(wanted(), "time %d", i);
    lock_give(&lock);
    pthread_join(waiting, NULL);
    lock_wanted(&lock);
    lock_take(&lock);
    cr_expect_not(lock_wanted(&lock));
}
