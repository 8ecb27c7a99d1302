/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/pager_run.h"

#define WINDOW_NS UINT64_C(1000000)
#define MS_NS UINT64_C(1000000)
#define SECOND_NS UINT64_C(1000000000)

void pager_run_record(struct pager *p, uint32_t slot, node_t node, uint8_t what)
{
    struct pager_observation seen = {.time = p->now, .slot = slot, .node = node, .what = what};
    if (p->record)
        p->record(p->record_context, &seen);
}

/* One access of `node` to a page, standing for 2^log2 misses. */
static void saw(struct pager *p, uint32_t slot, node_t node, bool write, unsigned log2)
{
    page_t page = space_page(&p->space, slot);
    const struct place *place = pager_place(p, page);
    if (!(place->flags & PLACE_PRESENT))
        return;
    node_t copy = place_reach(place, node);
    uint32_t vm = space_vm(&p->space, slot);
    uint8_t what = event_what(write ? EVENT_WRITE : EVENT_READ, log2);
    p->seen[node][copy][write] += UINT64_C(1) << log2;
    p->vm_node[vm][copy] += UINT64_C(1) << log2;
    p->vm_local[vm] += (uint64_t)(node == copy) << log2;
    pager_run_record(p, slot, node, what);
    if (!(p->config->policy->signals & SIGNAL_MISSES) || !engine_listens(&p->engine))
        return;
    /* Bits name no CPU: each node counts as one. */
    struct event event = {.time = p->now, .page = page, .task = node, .node = node, .what = what};
    observe_miss(&p->observe, node, &event);
}

/* Where the CPU samples misses, bits are accesses and no more. */
void pager_saw(struct pager *p, uint32_t slot, node_t node, bool write)
{
    page_t page = space_page(&p->space, slot);
    if (p->observe.bits && (pager_place(p, page)->flags & PLACE_PRESENT))
        observe_accessed(&p->observe, node, page);
    if (!p->sampled)
        saw(p, slot, node, write, p->log2_weight);
}

void pager_pause(struct pager *p)
{
    enum { MOMENT = 16 };
    if (!lock_wanted(&p->lock))
        return;
    pager_leave(p);
    /* Without a pause the same CPU would have it again before the others have seen it free. */
    for (int i = 0; i < MOMENT; i++)
        __builtin_ia32_pause();
    pager_enter(p, 0);
}

void pager_sampled(struct pager *p, page_t page, node_t node, bool write, unsigned log2, uint64_t now)
{
    pager_enter(p, now);
    p->sampled = true;
    uint32_t slot = space_first(&p->space, page);
    if (slot != SPACE_NONE)
        saw(p, slot, node, write, log2);
    pager_leave(p);
}

/* The view's load: accesses per window of 1 ms in the interval that has just ended, and what each node's memory cost
 * those who used it. */
static void update_load(struct pager *p)
{
    const struct topology *t = &p->topology;
    uint64_t windows = (p->now - p->last_harvest) / WINDOW_NS;
    if (!windows)
        return;
    p->last_harvest = p->now;
    for (uint32_t to = 0; to < t->nodes; to++) {
        uint64_t sum = 0, cost = 0;
        for (uint32_t i = 0; i < 2 * t->nodes; i++) {
            uint32_t from = i / 2, write = i % 2;
            size_t at = ((size_t)from * t->nodes + to) * 2 + write;
            uint64_t n = p->seen[from][to][write] - p->last[at];
            p->last[at] = p->seen[from][to][write];
            p->traffic[at] = n / windows;
            sum += n;
            cost += n * topology_latency(t, (node_t)from, (node_t)to);
        }
        p->latency[to] = sum ? cost / sum : topology_latency(t, (node_t)to, (node_t)to);
    }
}

/* The next multiple of the period after now: periods that were missed are not made up for. */
static uint64_t after(uint64_t now, uint64_t period)
{
    return now - now % period + period;
}

static bool wants(const struct pager *p, unsigned signals)
{
    return p->config->policy->signals & signals;
}

/* Harvest, then window, then tick: a tick that looks at bits or load has fresh ones. The engine has no budget here, so
 * that windows matter to nobody and need not be met on time. */
static void run_due(struct pager *p, uint64_t now)
{
    uint64_t period = p->config->harvest_ms * MS_NS;
    bool ticks = p->tick_ns && now >= p->next_tick;
    if (period && (now >= p->next_harvest || (ticks && wants(p, SIGNAL_ACCESSED | SIGNAL_LOAD)))) {
        p->next_harvest = after(now, period);
        p->below.harvest(p->below.context, p);
        p->harvests++;
        update_load(p);
        engine_flush(&p->engine);
    }
    engine_window(&p->engine, p->now);
    if (ticks) {
        p->next_tick = after(now, p->tick_ns);
        if (wants(p, SIGNAL_ACCESSED))
            observe_harvest(&p->observe);
        engine_tick(&p->engine, p->now);
    }
    uint64_t next = after(now, SECOND_NS);
    if (period && p->next_harvest < next)
        next = p->next_harvest;
    if (p->tick_ns && p->next_tick < next)
        next = p->next_tick;
    __atomic_store_n(&p->next_run, next, __ATOMIC_RELAXED);
}

uint64_t pager_run(struct pager *p, uint64_t now)
{
    uint64_t next = __atomic_load_n(&p->next_run, __ATOMIC_RELAXED);
    if (now < next)
        return next;
    if (__atomic_exchange_n(&p->running, 1, __ATOMIC_ACQUIRE))
        return now + WINDOW_NS;
    pager_enter(p, now);
    run_due(p, now);
    next = p->next_run;
    pager_leave(p);
    __atomic_store_n(&p->running, 0, __ATOMIC_RELEASE);
    return next;
}
