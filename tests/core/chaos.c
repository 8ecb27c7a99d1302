/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/core/chaos.h"

#include <stdio.h>

#include "tests/core/fixture.h"

struct chaos {
    uint64_t seed;
    uint64_t outcomes;
};

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct chaos *c = state;
    (void)v;
    c->seed = param[0];
    return 0;
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    struct chaos *c = state;
    (void)page;
    (void)toucher;
    return (node_t)fixture_below(&c->seed, v->topology->nodes + 1);
}

static void order(struct chaos *c, const struct view *v, page_t page, struct orders *o)
{
    static const uint8_t ops[] = {ORDER_MOVE, ORDER_MOVE, ORDER_COPY,  ORDER_COPY,   ORDER_COPY,
                                  ORDER_DROP, ORDER_DROP, ORDER_WATCH, ORDER_SAMPLE, 9};
    uint8_t op = ops[fixture_below(&c->seed, sizeof ops)];
    if (op == ORDER_SAMPLE)
        page = fixture_below(&c->seed, 2) + 1;
    else if (fixture_below(&c->seed, 2))
        page = fixture_below(&c->seed, v->npages + 1);
    order_push(o, (enum order_op)op, page, (node_t)fixture_below(&c->seed, v->topology->nodes + 1), 7);
}

static void observe(void *state, const struct view *v, const struct event *e, size_t n, struct orders *o)
{
    struct chaos *c = state;
    for (size_t i = 0; i < n; i++)
        if (fixture_below(&c->seed, 2))
            order(c, v, e[i].page, o);
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *o)
{
    struct chaos *c = state;
    (void)now;
    for (uint32_t i = 0; i < 100; i++)
        order(c, v, i % v->npages, o);
}

static void outcome(void *state, const struct order *o, int err)
{
    struct chaos *c = state;
    c->outcomes += o->reason == 7 && err <= 0;
}

static const struct policy_param params[] = {{"seed", 0, 1, UINT64_MAX, "", "seed"}, {0}};

const struct policy_class policy_chaos = {
    .name = "chaos",
    .summary = "random orders",
    .source = "none",
    .params = params,
    .signals = SIGNAL_MISSES | SIGNAL_HINTS,
    .state_bytes = sizeof(struct chaos),
    .init = init,
    .place = place,
    .observe = observe,
    .tick = tick,
    .outcome = outcome,
};

/* The machine works again: every page finds a frame, since there are as many as pages, whatever the replicas took. */
static uint64_t without_frame(struct fixture_run *r)
{
    uint64_t missing = 0;
    r->check.failure = (struct machine_failure){0};
    for (page_t page = 0; page < r->config.npages; page++)
        missing += fixture_miss(r, page % r->config.topology->cpus, page, false, 0) != 0;
    machine_check_compare(&r->check, r->engine);
    return missing;
}

static uint64_t run(uint32_t caps, struct machine_failure failure, uint64_t seed, char *first, unsigned long size)
{
    struct fixture_shape shape;
    struct fixture_run r;
    fixture_shape(&shape, 4, 8, 6);
    struct engine_config config = fixture_config(&policy_chaos, &shape, seed % 2 ? 14 : 24);
    config.param[0] = seed;
    config.batch = 1 + (uint32_t)(seed % 16);
    config.budget = seed % 3 ? 0 : 5;
    fixture_begin(&r, &config, caps);
    r.check.failure = failure;
    fixture_workload(&r, seed, 250, true, true);
    uint64_t missing = without_frame(&r);
    if ((missing || r.check.breaches) && !*first)
        snprintf(first, size, "seed %llu, caps %u, fill %llu, sync %llu, item %llu, lasting %d: %s",
                 (unsigned long long)seed, caps, (unsigned long long)failure.fill, (unsigned long long)failure.sync,
                 (unsigned long long)failure.item, failure.lasting,
                 r.check.breaches ? r.check.first : "a page found no frame");
    uint64_t breaches = r.check.breaches + missing + !fixture_guarded(&r);
    fixture_end(&r);
    return breaches;
}

uint64_t chaos_sweep(uint32_t k_max, char *first, unsigned long size)
{
    static const uint32_t caps[] = {MACHINE_REPLICAS | MACHINE_WATCH, MACHINE_REPLICAS, MACHINE_WATCH, 0};
    uint64_t breaches = 0;
    *first = 0;
    for (uint32_t k = 0; k < k_max; k++)
        for (uint32_t kind = 0; kind < 6; kind++) {
            struct machine_failure f = {.lasting = kind >= 3};
            *(kind % 3 == 0 ? &f.fill : kind % 3 == 1 ? &f.sync : &f.item) = k;
            breaches += run(caps[k % 8 < 5 ? 0 : k % 8 - 4], f, k * 6 + kind, first, size);
        }
    return breaches;
}
