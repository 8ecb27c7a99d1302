/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/plugin/pace.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How often a CPU that waits for nobody calls pace_step without a quantum. */
enum { FREE_STEP = 100000 };

int pace_init(struct pace *p, uint32_t cpus, uint64_t quantum)
{
    memset(p, 0, sizeof *p);
    p->cpus = cpus;
    p->quantum = quantum;
    atomic_init(&p->end, quantum ? quantum : UINT64_MAX);
    return -pthread_mutex_init(&p->lock, NULL);
}

static bool counts(const struct pace_cpu *c)
{
    return c->running && !c->stalled;
}

static uint64_t slowest(const struct pace *p)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < p->cpus; i++)
        if (counts(&p->cpu[i]) && p->cpu[i].clock < least)
            least = p->cpu[i].clock;
    return least;
}

/* The slowest may have changed. When it has reached the span's end, the next one begins for all: one wait and one wake
 * per CPU and span, and no wake where nobody waits. Who waits says so first and then looks at the number of spans
 * (the kernel does, in the call), so either he is seen here or he sees the new number. */
static void update(struct pace *p)
{
    uint64_t least = slowest(p);
    if (least == UINT64_MAX || least <= p->now)
        return;
    p->now = least;
    if (!p->quantum || least < atomic_load(&p->end))
        return;
    atomic_store(&p->end, (least / p->quantum + 1) * p->quantum);
    atomic_fetch_add(&p->spans, 1);
    if (atomic_load(&p->waiting))
        syscall(SYS_futex, &p->spans, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void catch_up(struct pace *p, struct pace_cpu *c, uint64_t clock)
{
    uint64_t others = slowest(p);
    if (others == UINT64_MAX || others < p->now)
        others = p->now;
    c->clock = clock > others ? clock : others;
}

uint64_t pace_enter(struct pace *p, unsigned cpu, uint64_t clock)
{
    struct pace_cpu *c = &p->cpu[cpu];
    pthread_mutex_lock(&p->lock);
    if (!c->running++) {
        catch_up(p, c, clock);
        clock = c->limit = c->clock;
        c->stalled = false;
    }
    pthread_mutex_unlock(&p->lock);
    return clock;
}

void pace_leave(struct pace *p, unsigned cpu, uint64_t clock)
{
    struct pace_cpu *c = &p->cpu[cpu];
    pthread_mutex_lock(&p->lock);
    if (c->running && !--c->running && clock > c->clock)
        c->clock = clock;
    update(p);
    pthread_mutex_unlock(&p->lock);
}

/* Who holds everybody up is not counted until it moves. */
static void leave_behind(struct pace *p)
{
    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < p->cpus; i++)
        if (p->cpu[i].clock < atomic_load(&p->end))
            p->cpu[i].stalled = true;
    update(p);
    pthread_mutex_unlock(&p->lock);
}

/* No lock is held: who is woken looks at the end of the span and goes on. */
static void wait_for_span(struct pace *p, uint64_t clock)
{
    const struct timespec most = {.tv_nsec = PACE_STALL_NS};
    unsigned span = atomic_load(&p->spans);
    while (clock >= atomic_load(&p->end)) {
        atomic_fetch_add(&p->waiting, 1);
        long err = syscall(SYS_futex, &p->spans, FUTEX_WAIT_PRIVATE, span, &most, NULL, 0);
        bool late = err && errno == ETIMEDOUT;
        atomic_fetch_sub(&p->waiting, 1);
        if (late && span == atomic_load(&p->spans))
            leave_behind(p);
        span = atomic_load(&p->spans);
    }
}

uint64_t pace_step(struct pace *p, unsigned cpu, uint64_t clock, uint64_t *horizon)
{
    struct pace_cpu *c = &p->cpu[cpu];
    pthread_mutex_lock(&p->lock);
    if (c->stalled) {
        catch_up(p, c, clock);
        c->stalled = false;
    } else if (clock > c->clock) {
        c->clock = clock;
    }
    update(p);
    clock = c->clock;
    *horizon = p->now;
    pthread_mutex_unlock(&p->lock);
    wait_for_span(p, clock);
    c->limit = p->quantum ? atomic_load(&p->end) : clock + FREE_STEP;
    return clock;
}
