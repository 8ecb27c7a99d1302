/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/machine_model.h"

#include <string.h>

uint64_t machine_model_ps(uint64_t ns)
{
    const uint64_t most = 1000000000000000ull;
    return (ns < most ? ns : most) * 1000;
}

void machine_model_charge(struct machine_model *m, uint32_t cpu, enum result_overhead cause, unsigned __int128 ps)
{
    m->charged[cpu] += ps;
    m->by[cause] += ps;
    m->total += ps;
}

unsigned __int128 machine_model_overhead(const struct machine_model *m, uint32_t cpu)
{
    uint64_t target_ps = machine_model_ps(m->shape->desc.costs.sync_target_ns);
    return m->charged[cpu] + (unsigned __int128)(m->syncs - m->syncs_of[cpu]) * target_ps;
}

/* Is this the order that copies (page, node), or that frees it? */
static bool is_for(const struct order *o, page_t page, node_t node, bool fills)
{
    if (o->page != page)
        return false;
    if (fills)
        return o->node == node && (o->op == ORDER_MOVE || o->op == ORDER_COPY);
    return o->op == ORDER_MOVE || (o->op == ORDER_DROP && o->node == node);
}

/* The engine carries its orders out in their own order, so the next one wanted is near the last. It collapses without
 * an order. */
static enum result_overhead cause_of(const struct orders *orders, uint32_t *at, page_t page, node_t node, bool fills)
{
    for (uint32_t i = 0, k = *at < orders->n ? *at : 0; i < orders->n; i++, k = k + 1 < orders->n ? k + 1 : 0)
        if (is_for(&orders->list[k], page, node, fills)) {
            *at = k;
            return orders->list[k].op == ORDER_MOVE ? OVERHEAD_MOVE : OVERHEAD_COPY;
        }
    return OVERHEAD_COLLAPSE;
}

static void model_map(struct machine *machine, page_t page, node_t view, node_t copy, enum access access)
{
    (void)machine;
    (void)page;
    (void)view;
    (void)copy;
    (void)access;
}

static int model_sync(struct machine *machine, struct move *moves, uint32_t n)
{
    struct machine_model *m = (struct machine_model *)(void *)machine;
    const struct machine_costs *costs = &m->shape->desc.costs;
    (void)moves;
    machine_model_charge(m, m->cpu, OVERHEAD_SHOOTDOWN,
                         machine_model_ps(costs->sync_ns) +
                             (unsigned __int128)n * machine_model_ps(costs->sync_page_ns));
    unsigned __int128 targets = (unsigned __int128)(m->shape->cpus - 1) * machine_model_ps(costs->sync_target_ns);
    m->by[OVERHEAD_SHOOTDOWN] += targets;
    m->total += targets;
    m->syncs_of[m->cpu]++;
    m->syncs++;
    return 0;
}

static int model_fill(struct machine *machine, page_t page, node_t dst, node_t src)
{
    struct machine_model *m = (struct machine_model *)(void *)machine;
    if (m->used[dst] >= m->shape->frames[dst])
        return ERR_NOMEM;
    m->used[dst]++;
    if (src == NODE_NONE)
        return 0;
    m->link_bytes[(size_t)dst * m->shape->desc.nodes + src] += m->shape->topology.page_size;
    m->write_bytes[dst] += m->shape->topology.page_size;
    machine_model_charge(m, m->cpu, cause_of(m->orders, &m->fill_at, page, dst, true),
                         machine_model_ps(m->shape->desc.costs.fill_ns));
    return 0;
}

static void model_drop(struct machine *machine, page_t page, node_t copy)
{
    struct machine_model *m = (struct machine_model *)(void *)machine;
    m->used[copy]--;
    machine_model_charge(m, m->cpu, cause_of(m->orders, &m->drop_at, page, copy, false),
                         machine_model_ps(m->shape->desc.costs.drop_ns));
}

static const struct machine_ops model_ops = {
    .caps = MACHINE_REPLICAS | MACHINE_WATCH,
    .map = model_map,
    .sync = model_sync,
    .fill = model_fill,
    .drop = model_drop,
};

size_t machine_model_size(const struct replay_machine *shape)
{
    return shape->cpus * (sizeof(unsigned __int128) + sizeof(uint64_t));
}

void machine_model_init(struct machine_model *m, const struct replay_machine *shape, const struct orders *orders,
                        void *memory, uint64_t *link_bytes, uint64_t *write_bytes)
{
    memset(m, 0, sizeof *m);
    m->machine.ops = &model_ops;
    m->shape = shape;
    m->orders = orders;
    m->charged = memory;
    m->syncs_of = (uint64_t *)(m->charged + shape->cpus);
    m->link_bytes = link_bytes;
    m->write_bytes = write_bytes;
}
