/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/plugin/pace.h"

#include <string.h>
#include <time.h>

/* How often a CPU that waits for nobody calls pace_step without a quantum. */
enum { FREE_STEP = 100000 };

int pace_init(struct pace *p, uint32_t cpus, uint64_t quantum)
{
    pthread_condattr_t monotonic;
    memset(p, 0, sizeof *p);
    p->cpus = cpus;
    p->quantum = quantum;
    int err = pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    for (uint32_t i = 0; !err && i < cpus; i++)
        err = pthread_cond_init(&p->cpu[i].wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return -err;
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

static bool may_run(const struct pace *p, const struct pace_cpu *c)
{
    return !p->quantum || c->clock - p->now < p->quantum;
}

/* The slowest has changed: whoever waited for it goes on. */
static void update(struct pace *p)
{
    uint64_t least = slowest(p);
    if (least == UINT64_MAX || least <= p->now)
        return;
    p->now = least;
    for (uint32_t i = 0; i < p->cpus; i++)
        if (p->cpu[i].waiting && may_run(p, &p->cpu[i]))
            pthread_cond_broadcast(&p->cpu[i].wake);
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

/* False: 30 ms have passed. */
static bool wait_turn(struct pace *p, struct pace_cpu *c)
{
    struct timespec until;
    int err = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += PACE_STALL_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    c->waiting = true;
    while (!err && !may_run(p, c))
        err = pthread_cond_timedwait(&c->wake, &p->lock, &until);
    c->waiting = false;
    return !err;
}

/* Who holds everybody up is not counted until it moves. */
static void leave_behind(struct pace *p)
{
    for (uint32_t i = 0; i < p->cpus; i++)
        if (counts(&p->cpu[i]) && p->cpu[i].clock <= p->now && !p->cpu[i].waiting)
            p->cpu[i].stalled = true;
    update(p);
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
    while (!may_run(p, c) && !wait_turn(p, c))
        leave_behind(p);
    clock = c->clock;
    c->limit = p->quantum ? p->now + p->quantum : clock + FREE_STEP;
    if (c->limit <= clock)
        c->limit = clock + 1;
    *horizon = p->now;
    pthread_mutex_unlock(&p->lock);
    return clock;
}
