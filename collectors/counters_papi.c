/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <papi.h>
#include <stdio.h>
#include <stdlib.h>

#include "collectors/counters_private.h"

/* On one thread and what it starts later, or on one CPU whoever runs there. */
static bool attach(int set, struct counters_target on)
{
    PAPI_option_t option = {0};
    if (on.cpu >= 0) {
        option.cpu.eventset = set;
        option.cpu.cpu_num = (unsigned)on.cpu;
        return PAPI_set_opt(PAPI_CPU_ATTACH, &option) == PAPI_OK;
    }
    option.inherit.eventset = set;
    option.inherit.inherit = PAPI_INHERIT_ALL;
    return PAPI_attach(set, (unsigned long)on.tid) == PAPI_OK && PAPI_set_opt(PAPI_INHERIT, &option) == PAPI_OK;
}

/* Adding does not prove a counter, only starting does: each is started once in the company that it will run in. What
 * does not start is wanted no more, so that all sets hold the same. */
static int add_those_that_start(struct counters *c, int set, struct attr_steps *steps)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->nwanted; i++) {
        long long values[COUNTERS_WANTED];
        bool added = false;
        int err = PAPI_add_named_event(set, c->wanted[i]);
        added = err == PAPI_OK;
        if (added && (err = PAPI_start(set)) == PAPI_OK)
            PAPI_stop(set, values);
        else if (added)
            PAPI_remove_named_event(set, c->wanted[i]);
        if (err == PAPI_OK) {
            c->wanted[kept++] = c->wanted[i];
            continue;
        }
        attr_step(steps, "counters left out: %s: %s", c->wanted[i], PAPI_strerror(err));
        free(c->wanted[i]);
    }
    c->nwanted = kept;
    return (int)kept;
}

static int series_of(struct counters *c, struct counters_set *s, int cpu)
{
    s->first = (uint32_t)c->nseries;
    if (c->nsets > 1 && cpu < 0)
        s->first = c->sets[0].first;
    else
        for (size_t i = 0; i < c->nwanted; i++)
            if (counters_add(c, c->wanted[i], "", cpu) < 0)
                return -ENOMEM;
    return 0;
}

/* Threads end while they are looked at: their set is left out. */
static int open_set(struct counters *c, struct counters_target on, struct attr_steps *steps)
{
    struct counters_set *s = &c->sets[c->nsets];
    *s = (struct counters_set){.set = PAPI_NULL};
    if (PAPI_create_eventset(&s->set) != PAPI_OK)
        return -ENOMEM;
    bool first = !c->nsets++;
    if (PAPI_assign_eventset_component(s->set, 0) != PAPI_OK || !attach(s->set, on))
        return first ? -ENODEV : 0;
    if (first)
        s->n = add_those_that_start(c, s->set, steps);
    else
        for (size_t i = 0; i < c->nwanted && PAPI_add_named_event(s->set, c->wanted[i]) == PAPI_OK; i++)
            s->n++;
    s->running = s->n && PAPI_start(s->set) == PAPI_OK;
    return series_of(c, s, on.cpu);
}

int counters_papi_open(struct counters *c, struct attr_steps *steps)
{
    PAPI_set_debug(PAPI_QUIET);
    int got = PAPI_library_init(PAPI_VER_CURRENT), err = 0;
    if (got != PAPI_VER_CURRENT)
        return -ENODEV;
    c->papi = true;
    c->sets = calloc(c->ntargets, sizeof *c->sets);
    for (size_t i = 0; c->sets && !err && i < c->ntargets; i++)
        err = open_set(c, c->targets[i], steps);
    if (err)
        counters_papi_close(c);
    return c->sets || err ? err : -ENOMEM;
}

void counters_papi_read(struct counters *c)
{
    for (size_t i = 0; i < c->nsets; i++) {
        long long values[COUNTERS_WANTED];
        if (!c->sets[i].running || PAPI_read(c->sets[i].set, values) != PAPI_OK)
            continue;
        for (int k = 0; k < c->sets[i].n; k++)
            c->totals[c->sets[i].first + (uint32_t)k] += (double)values[k];
    }
}

void counters_papi_close(struct counters *c)
{
    for (size_t i = 0; i < c->nsets; i++) {
        long long values[COUNTERS_WANTED];
        if (c->sets[i].running)
            PAPI_stop(c->sets[i].set, values);
        PAPI_cleanup_eventset(c->sets[i].set);
        PAPI_destroy_eventset(&c->sets[i].set);
    }
    if (c->papi)
        PAPI_shutdown();
    c->papi = false;
    free(c->sets);
    c->sets = NULL;
    c->nsets = 0;
}
