/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/plugin/turns.h"

#include <string.h>

void turns_init(struct turns *t, uint32_t cpus, uint64_t quantum)
{
    memset(t, 0, sizeof *t);
    t->cpus = cpus;
    t->quantum = t->end = quantum ? quantum : 1;
    t->last = TURNS_CPUS_MAX;
}

/* The slowest may have changed. Who waits for a span's end does so anew in the next. */
static void update(struct turns *t)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < t->cpus; i++)
        if (t->cpu[i].awake && t->cpu[i].clock < least)
            least = t->cpu[i].clock;
    if (least == UINT64_MAX || least <= t->now)
        return;
    t->now = least;
    if (least < t->end)
        return;
    t->end = (least / t->quantum + 1) * t->quantum;
    for (uint32_t i = 0; i < t->cpus; i++)
        t->cpu[i].waits = 0;
}

uint64_t turns_begin(struct turns *t, unsigned cpu, uint64_t clock)
{
    struct turns_cpu *c = &t->cpu[cpu];
    t->last = cpu;
    c->taken = ++t->count;
    if (c->awake)
        return clock;
    c->awake = true;
    c->waits = 0;
    c->clock = clock > t->now ? clock : t->now;
    c->limit = t->end;
    return c->clock;
}

/* Those behind that had a chance to run, and did not. */
static void pass_over(struct turns *t, uint64_t since)
{
    for (uint32_t i = 0; i < t->cpus; i++)
        if (t->cpu[i].clock < t->end && t->cpu[i].taken <= since)
            t->cpu[i].awake = false;
}

bool turns_step(struct turns *t, unsigned cpu, uint64_t clock, uint64_t *horizon)
{
    struct turns_cpu *c = &t->cpu[cpu];
    c->clock = clock;
    if (!c->waits)
        c->since = t->count;
    else if (c->waits >= TURNS_WAITS)
        pass_over(t, c->since);
    update(t);
    *horizon = t->now;
    c->limit = t->end;
    if (clock < t->end)
        return false;
    c->waits++;
    return true;
}
