/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The inner loop of replay.
 */
#include "replay/run.h"

/* The access that the mapping does not allow. What it costs besides the machine's own charges goes to the CPU that
 * accessed. False: no memory anywhere, and nothing to be counted. */
static __attribute__((noinline)) bool enter_engine(struct run *r, const struct event *e, uint32_t cpu)
{
    const struct machine_costs *costs = &r->model.shape->desc.costs;
    const struct engine_stats *stats = &r->engine.stats;
    uint64_t hints = stats->hints, collapses = stats->collapses;
    r->model.cpu = cpu;
    r->err = engine_access(&r->engine, e->page, e->node, e->task, event_kind(e) == EVENT_WRITE, e->time);
    if (stats->hints != hints)
        machine_model_charge(&r->model, cpu, OVERHEAD_HINT, machine_model_ps(costs->hint_ns));
    if (stats->collapses != collapses)
        machine_model_charge(&r->model, cpu, OVERHEAD_COLLAPSE, machine_model_ps(costs->fault_ns));
    if (r->err)
        r->failed = e->page;
    return r->err == 0;
}

/* The inner loop, made once per kind of class so that a static placement pays for nothing but place and count. */
static inline __attribute__((always_inline)) void serve(struct run *r, const struct prepared *c, uint32_t from,
                                                        uint32_t to, bool weighted, bool misses, bool accessed)
{
    const struct event *events = c->events;
    const uint16_t *lanes = c->lanes;
    unsigned char *pages = r->pages;
    size_t stride = r->stride;
    uint64_t *count = r->count;
    unsigned shift = r->shift;
    uint32_t ahead = r->ahead;
    for (uint32_t i = from; i < to; i++) {
        const struct event *e = &events[i];
        unsigned lane = lanes[i];
        __builtin_prefetch(pages + events[i + ahead].page * stride);
        const struct place *p = (const struct place *)(const void *)(pages + e->page * stride);
        if (__builtin_expect(engine_needed(p, event_kind(e) == EVENT_WRITE), 0) &&
            !enter_engine(r, e, lane >> LANE_SHIFT))
            return;
        count[((size_t)lane << shift) + place_reach(p, e->node)] += weighted ? c->weights[i] : 1;
        if (accessed)
            observe_accessed(&r->observe, e->node, e->page);
        if (misses) {
            r->model.cpu = lane >> LANE_SHIFT;
            observe_miss(&r->observe, r->model.cpu, e);
        }
    }
}

#define SERVE(name, weighted, misses, accessed)                                           \
    static void name(struct run *r, const struct prepared *c, uint32_t from, uint32_t to) \
    {                                                                                     \
        serve(r, c, from, to, weighted, misses, accessed);                                \
    }
SERVE(serve_plain, false, false, false)
SERVE(serve_accessed, false, false, true)
SERVE(serve_misses, false, true, false)
SERVE(serve_both, false, true, true)
SERVE(serve_weighted_plain, true, false, false)
SERVE(serve_weighted_accessed, true, false, true)
SERVE(serve_weighted_misses, true, true, false)
SERVE(serve_weighted_both, true, true, true)

static run_serve *const serves[] = {
    serve_plain,          serve_accessed,          serve_misses,          serve_both,
    serve_weighted_plain, serve_weighted_accessed, serve_weighted_misses, serve_weighted_both};

run_serve *run_serve_for(const struct policy_class *class, bool weighted)
{
    bool misses = class->signals & SIGNAL_MISSES, accessed = class->signals & SIGNAL_ACCESSED;
    return serves[weighted * 4 + misses * 2 + accessed];
}
