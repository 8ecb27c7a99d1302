/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/core/fixture.h"

#include <stdlib.h>
#include <string.h>

enum { GUARD = 64, GUARD_BYTE = 0xa5 };

uint64_t fixture_random(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t fixture_below(uint64_t *seed, uint32_t below)
{
    return (uint32_t)(fixture_random(seed) % below);
}

void fixture_shape(struct fixture_shape *s, uint32_t nodes, uint32_t cpus, uint64_t frames)
{
    memset(s, 0, sizeof *s);
    for (uint32_t i = 0; i < cpus; i++)
        s->cpu_node[i] = (node_t)((uint64_t)i * nodes / cpus);
    for (uint32_t from = 0; from < nodes; from++) {
        s->frames[from] = frames;
        for (uint32_t to = 0; to < nodes; to++)
            s->latency_ps[from * nodes + to] =
                from == to ? 100000 : 200000 + 1000 * (from > to ? from - to : to - from);
    }
    s->topology = (struct topology){.nodes = nodes,
                                    .cpus = cpus,
                                    .page_size = 4096,
                                    .cpu_node = s->cpu_node,
                                    .tier = s->tier,
                                    .latency_ps = s->latency_ps,
                                    .frames = s->frames};
}

void fixture_tiers(struct fixture_shape *s, uint32_t first, uint64_t frames)
{
    uint32_t nodes = s->topology.nodes, cpus = s->topology.cpus;
    for (uint32_t i = 0; i < cpus; i++)
        s->cpu_node[i] = (node_t)((uint64_t)i * first / cpus);
    for (uint32_t to = first; to < nodes; to++) {
        s->tier[to] = 1;
        s->frames[to] = frames;
        for (uint32_t from = 0; from < nodes; from++)
            s->latency_ps[from * nodes + to] = 400000;
    }
}

struct engine_config fixture_config(const struct policy_class *policy, const struct fixture_shape *s, uint32_t npages)
{
    struct engine_config c = {
        .policy = policy, .topology = &s->topology, .npages = npages, .batch = ENGINE_BATCH, .sampling = 1};
    policy_defaults(policy, c.param);
    return c;
}

/* A zeroed block with guard bytes on both sides. */
static void *guarded(size_t bytes)
{
    unsigned char *block = aligned_alloc(GUARD, (bytes + 3 * GUARD - 1) / GUARD * GUARD);
    memset(block, GUARD_BYTE, GUARD);
    memset(block + GUARD, 0, bytes);
    memset(block + GUARD + bytes, GUARD_BYTE, GUARD);
    return block + GUARD;
}

static void release(void *block)
{
    if (block)
        free((unsigned char *)block - GUARD);
}

static bool is_guarded(const void *block, size_t bytes)
{
    const unsigned char *b = block;
    for (size_t i = 0; i < GUARD; i++)
        if (b[-1 - (ptrdiff_t)i] != GUARD_BYTE || b[bytes + i] != GUARD_BYTE)
            return false;
    return true;
}

static size_t traffic_bytes(const struct fixture_run *r)
{
    uint32_t nodes = r->config.topology->nodes;
    return sizeof(uint64_t) * nodes * nodes * 2;
}

/* Misses of the last window from one node to another. */
static uint64_t misses_seen(const struct fixture_run *r, uint32_t from, uint32_t to)
{
    const uint64_t *pair = r->seen + ((size_t)from * r->config.topology->nodes + to) * 2;
    return pair[0] + pair[1];
}

static uint64_t mean_latency(const struct fixture_run *r, uint32_t to)
{
    const struct topology *t = r->config.topology;
    uint64_t misses = 0, sum = 0;
    for (uint32_t from = 0; from < t->nodes; from++) {
        misses += misses_seen(r, from, to);
        sum += misses_seen(r, from, to) * topology_latency(t, (node_t)from, (node_t)to);
    }
    return misses ? sum / misses : topology_latency(t, (node_t)to, (node_t)to);
}

void fixture_window(struct fixture_run *r)
{
    uint64_t *fresh = r->seen;
    r->seen = r->traffic;
    r->traffic = fresh;
    memset(fresh, 0, traffic_bytes(r));
    for (uint32_t to = 0; to < r->config.topology->nodes; to++)
        r->latency_ps[to] = mean_latency(r, to);
    r->engine->view.traffic = r->seen;
    r->engine->view.latency_ps = r->latency_ps;
    engine_window(r->engine, r->now);
}

int fixture_begin(struct fixture_run *r, const struct engine_config *config, uint32_t caps)
{
    memset(r, 0, sizeof *r);
    r->config = *config;
    machine_check_begin(&r->check, config->topology, config->npages, caps);
    r->config.machine = &r->check.machine;
    r->engine = guarded(sizeof *r->engine);
    int err = engine_need(&r->config, &r->need);
    if (err)
        return err;
    /* The stride leaves a gap behind each slot, so that writes past a slot's end are seen. */
    r->stride = r->need.page_bytes + GUARD;
    r->state = guarded(r->need.state_bytes);
    r->orders = guarded(r->need.orders_max * sizeof *r->orders);
    r->pages = guarded(r->stride * config->npages);
    for (uint32_t page = 0; page < config->npages; page++)
        memset(r->pages + page * r->stride + r->need.page_bytes, GUARD_BYTE, GUARD);
    err = engine_init(r->engine, &r->config, r->state, r->orders, r->pages, r->pages + sizeof(struct place), r->stride);
    if (err)
        return err;
    r->observe_memory = guarded(observe_size(&r->config, config->topology->cpus));
    observe_init(&r->observe, r->engine, config->topology->cpus, r->observe_memory);
    r->traffic = guarded(traffic_bytes(r));
    r->seen = guarded(traffic_bytes(r));
    fixture_window(r);
    return 0;
}

void fixture_end(struct fixture_run *r)
{
    machine_check_end(&r->check);
    release(r->engine);
    release(r->state);
    release(r->orders);
    release(r->pages);
    release(r->observe_memory);
    release(r->traffic);
    release(r->seen);
}

bool fixture_guarded(const struct fixture_run *r)
{
    bool good = is_guarded(r->engine, sizeof *r->engine) && is_guarded(r->state, r->need.state_bytes) &&
                is_guarded(r->orders, r->need.orders_max * sizeof *r->orders) &&
                is_guarded(r->pages, r->stride * r->config.npages) &&
                is_guarded(r->observe_memory, observe_size(&r->config, r->config.topology->cpus));
    for (uint32_t page = 0; page < r->config.npages; page++)
        for (uint32_t i = 0; i < GUARD; i++)
            good &= r->pages[page * r->stride + r->need.page_bytes + i] == GUARD_BYTE;
    return good;
}

int fixture_miss(struct fixture_run *r, uint32_t cpu, page_t page, bool write, uint32_t log2_weight)
{
    node_t node = r->config.topology->cpu_node[cpu];
    if (engine_needed(view_place(&r->engine->view, page), write)) {
        int err = engine_access(r->engine, page, node, (uint16_t)cpu, write, r->now);
        if (err)
            return err;
    }
    machine_check_access(&r->check, page, node, write);
    if (r->config.policy->signals & SIGNAL_ACCESSED)
        observe_accessed(&r->observe, node, page);
    node_t to = place_reach(view_place(&r->engine->view, page), node);
    r->traffic[((size_t)node * r->config.topology->nodes + to) * 2 + write] += (uint64_t)1 << log2_weight;
    struct event event = {.time = r->now,
                          .page = page,
                          .task = (uint16_t)cpu,
                          .node = node,
                          .what = event_what(write ? EVENT_WRITE : EVENT_READ, log2_weight)};
    if (r->config.policy->signals & SIGNAL_MISSES)
        observe_miss(&r->observe, cpu, &event);
    return 0;
}

void fixture_misses(struct fixture_run *r, node_t node, page_t page, bool write, uint32_t count)
{
    uint32_t cpu = 0;
    while (r->config.topology->cpu_node[cpu] != node)
        cpu++;
    for (uint32_t i = 0; i < count; i++)
        fixture_miss(r, cpu, page, write, 0);
}

void fixture_workload(struct fixture_run *r, uint64_t seed, uint32_t n, bool frees, bool compare)
{
    const struct topology *t = r->config.topology;
    for (uint32_t i = 0; i < n; i++) {
        r->now += fixture_below(&seed, 20000);
        uint32_t what = fixture_below(&seed, 64);
        page_t page = fixture_below(&seed, r->config.npages);
        if (what == 0) {
            fixture_window(r);
        } else if (what == 1) {
            observe_harvest(&r->observe);
            engine_tick(r->engine, r->now);
        } else if (what == 2 && frees) {
            engine_free(r->engine, page, r->now);
        } else {
            uint32_t user = (page * 5 + (i < n / 2 ? 0 : t->cpus / 2)) % t->cpus;
            uint32_t cpu = fixture_below(&seed, 4) ? user : fixture_below(&seed, t->cpus);
            fixture_miss(r, cpu, page, fixture_below(&seed, 8) == 0, fixture_below(&seed, 8) ? 0 : 5);
        }
        if (compare)
            machine_check_compare(&r->check, r->engine);
    }
    engine_flush(r->engine);
    machine_check_compare(&r->check, r->engine);
}
