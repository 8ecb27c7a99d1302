/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/observe.h"

static size_t aligned(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

static size_t bitmap_bytes(uint32_t nodes, uint32_t npages)
{
    return aligned(((size_t)npages + 63) / 64 * sizeof(uint64_t) * nodes);
}

size_t observe_size(const struct engine_config *c, uint32_t cpus)
{
    size_t bytes = aligned(cpus * sizeof(uint64_t)) + aligned(cpus * sizeof(uint32_t));
    if (c->policy->signals & SIGNAL_ACCESSED)
        bytes += 2 * bitmap_bytes(c->topology->nodes, c->npages);
    return bytes;
}

static void point_rows(struct observe *o)
{
    for (uint32_t i = 0; i < o->engine->view.topology->nodes; i++)
        o->rows[i] = o->harvest + (size_t)i * o->words;
}

void observe_init(struct observe *o, struct engine *e, uint32_t cpus, void *memory)
{
    const struct view *v = &e->view;
    unsigned char *next = memory;
    __builtin_memset(o, 0, sizeof *o);
    o->engine = e;
    o->cpus = cpus;
    o->samples = (void *)next;
    next += aligned(cpus * sizeof(uint64_t));
    o->left = (void *)next;
    if (!(e->policy->signals & SIGNAL_ACCESSED))
        return;
    next += aligned(cpus * sizeof(uint32_t));
    o->words = (v->npages + UINT32_C(63)) / 64;
    o->bits = (void *)next;
    o->harvest = (void *)(next + bitmap_bytes(v->topology->nodes, v->npages));
    point_rows(o);
    e->view.accessed = o->rows;
}

void observe_harvest(struct observe *o)
{
    uint64_t *last = o->harvest;
    if (!o->bits)
        return;
    o->harvest = o->bits;
    o->bits = last;
    __builtin_memset(last, 0, (size_t)o->words * o->engine->view.topology->nodes * sizeof *last);
    point_rows(o);
    o->harvests++;
}
