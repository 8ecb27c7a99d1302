/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The inner loop of replay.
 */
#include "replay/run.h"

#include <string.h>

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

/* Serves records while the mapping allows them; the index of the first that needs the engine, or `to`. */
static inline __attribute__((always_inline)) uint32_t serve(struct run *r, const struct prepared *c, uint32_t from,
                                                            uint32_t to, bool weighted, bool accessed)
{
    const unsigned char *const pages = r->pages;
    const size_t stride = r->stride;
    uint64_t *const count = r->count;
    const uint32_t *const rows = c->rows, *const weights = c->weights;
    const struct event *e = c->events + from, *ahead = e + r->ahead;
    for (uint32_t i = from; i < to; i++, e++, ahead++) {
        __builtin_prefetch(pages + ahead->page * stride);
        const struct place *p = (const struct place *)(const void *)(pages + e->page * stride);
        /* A record is a READ or a WRITE: its low bit tells. */
        if (__builtin_expect(engine_needed(p, e->what & EVENT_WRITE), 0))
            return i;
        count[rows[i] + place_reach(p, e->node)] += weighted ? weights[i] : 1;
        if (accessed)
            observe_accessed(&r->observe, e->node, e->page);
    }
    return to;
}

static inline __attribute__((always_inline)) void account_one(struct run *r, const struct prepared *c, uint32_t i,
                                                              bool weighted, bool accessed)
{
    const struct event *e = &c->events[i];
    const struct place *p = (const struct place *)(const void *)(r->pages + e->page * r->stride);
    r->count[c->rows[i] + place_reach(p, e->node)] += weighted ? c->weights[i] : 1;
    if (accessed)
        observe_accessed(&r->observe, e->node, e->page);
}

static uint32_t cpu_of(const struct run *r, const struct prepared *c, uint32_t i)
{
    return c->rows[i] >> (r->shift + LANE_SHIFT);
}

/* For classes that see no misses. */
static inline __attribute__((always_inline)) void serve_unseen(struct run *r, const struct prepared *c, uint32_t from,
                                                               uint32_t to, bool weighted, bool accessed)
{
    for (uint32_t i = from; (i = serve(r, c, i, to, weighted, accessed)) < to; i++) {
        if (!enter_engine(r, &c->events[i], cpu_of(r, c, i)))
            return;
        account_one(r, c, i, weighted, accessed);
    }
}

/* Every miss is observed: as many records as the engine's queue still takes are served first and queued together, which
 * is what queueing each by itself comes to. Returns the first record not dealt with. */
static inline __attribute__((always_inline)) uint32_t
serve_batch(struct run *r, const struct prepared *c, uint32_t from, uint32_t to, bool weighted, bool accessed)
{
    struct engine *engine = &r->engine;
    uint32_t room = engine->queued < engine->batch ? engine->batch - engine->queued : 1;
    uint32_t end = to - from < room ? to : from + room;
    uint32_t i = serve(r, c, from, end, weighted, accessed);
    memcpy(engine->queue + engine->queued, c->events + from, (i - from) * sizeof *c->events);
    engine->queued += i - from;
    if (i < end) {
        if (!enter_engine(r, &c->events[i], cpu_of(r, c, i)))
            return to;
        account_one(r, c, i, weighted, accessed);
        engine_queue(engine, &c->events[i]);
        return i + 1;
    }
    if (engine->queued >= engine->batch) {
        r->model.cpu = cpu_of(r, c, i - 1);
        engine_flush(engine);
    }
    return i;
}

/* One miss in several is observed. Ends early when the class changes that. */
static inline __attribute__((always_inline)) uint32_t
serve_sampled(struct run *r, const struct prepared *c, uint32_t from, uint32_t to, bool weighted, bool accessed)
{
    for (uint32_t i = from; i < to; i++) {
        const struct event *e = &c->events[i];
        const struct place *p = (const struct place *)(const void *)(r->pages + e->page * r->stride);
        __builtin_prefetch(r->pages + e[r->ahead].page * r->stride);
        if (__builtin_expect(engine_needed(p, e->what & EVENT_WRITE), 0) && !enter_engine(r, e, cpu_of(r, c, i)))
            return to;
        account_one(r, c, i, weighted, accessed);
        r->model.cpu = cpu_of(r, c, i);
        observe_miss(&r->observe, r->model.cpu, e);
        if (__builtin_expect(r->engine.view.sampling == 1, 0))
            return i + 1;
    }
    return to;
}

/* Records that were served in batches are counted later, all at once where a whole segment was. */
static void count_samples(struct run *r, const struct prepared *c, uint32_t to)
{
    for (uint32_t i = r->counted; i < to; i++)
        r->observe.samples[cpu_of(r, c, i)]++;
    r->counted = to;
}

void run_count_samples(struct run *r, const struct prepared *c, const struct segment *s)
{
    if (r->counted != s->first) {
        count_samples(r, c, s->first + s->n);
        return;
    }
    for (uint32_t i = s->cpus; i < s->cpus + s->ncpus; i++)
        r->observe.samples[c->cpus[i]] += c->records[i];
    r->counted = s->first + s->n;
}

static inline __attribute__((always_inline)) void serve_seen(struct run *r, const struct prepared *c, uint32_t from,
                                                             uint32_t to, bool weighted, bool accessed)
{
    while (from < to) {
        if (__builtin_expect(r->engine.view.sampling == 1, 1)) {
            from = serve_batch(r, c, from, to, weighted, accessed);
            continue;
        }
        count_samples(r, c, from);
        r->counted = from = serve_sampled(r, c, from, to, weighted, accessed);
    }
}

/* Made once per kind of class, so that a static placement pays for nothing but place and count. */
#define SERVE(name, kind, weighted, accessed)                                             \
    static void name(struct run *r, const struct prepared *c, uint32_t from, uint32_t to) \
    {                                                                                     \
        kind(r, c, from, to, weighted, accessed);                                         \
    }
SERVE(plain, serve_unseen, false, false)
SERVE(marked, serve_unseen, false, true)
SERVE(seen, serve_seen, false, false)
SERVE(seen_marked, serve_seen, false, true)
SERVE(weighted_plain, serve_unseen, true, false)
SERVE(weighted_marked, serve_unseen, true, true)
SERVE(weighted_seen, serve_seen, true, false)
SERVE(weighted_seen_marked, serve_seen, true, true)

/* What the observation layer makes of a miss that it lets through. */
static struct event scaled(const struct event *e, uint32_t period)
{
    struct event seen = *e;
    unsigned log2_weight = (unsigned)(e->what >> 4) + (unsigned)__builtin_ctz(period);
    seen.what = event_what(event_kind(e), log2_weight > 15 ? 15 : log2_weight);
    return seen;
}

/* Every record by itself, which comes to the same. */
static inline __attribute__((always_inline)) void serve_logged(struct run *r, const struct prepared *c, uint32_t from,
                                                               uint32_t to, bool weighted)
{
    bool misses = r->spec->policy->signals & SIGNAL_MISSES, accessed = r->spec->policy->signals & SIGNAL_ACCESSED;
    for (uint32_t i = from; i < to; i++) {
        const struct event *e = &c->events[i];
        const struct place *p = (const struct place *)(const void *)(r->pages + e->page * r->stride);
        uint32_t cpu = cpu_of(r, c, i);
        bool write = event_kind(e) == EVENT_WRITE;
        if (engine_needed(p, write)) {
            struct event access = *e;
            access.what = write ? EVENT_WRITE : EVENT_READ;
            run_log_add(r->log, PLAY_ACCESS, &access);
            if (!enter_engine(r, e, cpu))
                return;
        }
        account_one(r, c, i, weighted, accessed);
        r->counted = i + 1;
        if (!misses)
            continue;
        uint64_t before = r->observe.samples[cpu];
        struct event seen = scaled(e, r->engine.view.sampling);
        r->model.cpu = cpu;
        observe_miss(&r->observe, cpu, e);
        if (r->observe.samples[cpu] != before)
            run_log_add(r->log, PLAY_EVENT, &seen);
    }
}

static void logged(struct run *r, const struct prepared *c, uint32_t from, uint32_t to)
{
    serve_logged(r, c, from, to, false);
}

static void weighted_logged(struct run *r, const struct prepared *c, uint32_t from, uint32_t to)
{
    serve_logged(r, c, from, to, true);
}

run_serve *run_serve_logged(bool weighted)
{
    return weighted ? weighted_logged : logged;
}

run_serve *run_serve_for(const struct policy_class *class, bool weighted)
{
    static run_serve *const made[] = {plain,          marked,          seen,          seen_marked,
                                      weighted_plain, weighted_marked, weighted_seen, weighted_seen_marked};
    bool misses = class->signals & SIGNAL_MISSES, accessed = class->signals & SIGNAL_ACCESSED;
    return made[weighted * 4 + misses * 2 + accessed];
}
