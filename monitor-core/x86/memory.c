/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/memory.h"

/* Frames are counted in 32 bits, and their numbers have 31 where the pages' copies are noted. */
#define TOP (UINT64_C(1) << 43)

void memory_init(struct memory *m, unsigned char *base, uint32_t nodes)
{
    __builtin_memset(m, 0, sizeof(*m));
    m->base = base;
    m->nodes = nodes;
}

void memory_add(struct memory *m, node_t node, uint64_t start, uint64_t end)
{
    uint64_t first = start / MEMORY_FRAME + (start % MEMORY_FRAME != 0), last = (end < TOP ? end : TOP) / MEMORY_FRAME;
    if (first >= last || m->ranges == MEMORY_RANGES)
        return;
    uint32_t count = (uint32_t)(last - first);
    m->range[m->ranges++] = (struct memory_range){.start = first * MEMORY_FRAME,
                                                  .end = last * MEMORY_FRAME,
                                                  .node = node,
                                                  .frames = {.base = first, .count = count, .free = count}};
}

static void *reserve_on(struct memory *m, node_t node, uint64_t frames)
{
    for (uint32_t i = 0; i < m->ranges; i++) {
        struct frames *f = &m->range[i].frames;
        if (m->range[i].node != node || f->count < frames)
            continue;
        void *block = memory_at(m, f->base * MEMORY_FRAME);
        f->base += frames;
        f->free = f->count -= (uint32_t)frames;
        m->node[node].monitor += frames * MEMORY_FRAME;
        return __builtin_memset(block, 0, frames * MEMORY_FRAME);
    }
    return NULL;
}

void *memory_reserve(struct memory *m, node_t node, uint64_t bytes)
{
    void *block = NULL;
    for (uint32_t i = 0; i < m->nodes && !block; i++)
        block = reserve_on(m, (node_t)((node + i) % m->nodes), bytes / MEMORY_FRAME + (bytes % MEMORY_FRAME != 0));
    return block;
}

/* The list of a range lies in the range itself: in memory of the node that uses it. */
void memory_seal(struct memory *m)
{
    for (uint32_t i = 0; i < m->ranges; i++) {
        struct frames *f = &m->range[i].frames;
        uint64_t list = (frames_size(f->count) + MEMORY_FRAME - 1) / MEMORY_FRAME;
        m->node[m->range[i].node].monitor += list * MEMORY_FRAME;
        frames_init(f, f->base + list, (uint32_t)(f->count - list), memory_at(m, f->base * MEMORY_FRAME));
    }
}

uint64_t memory_take(struct memory *m, node_t node)
{
    for (uint32_t i = 0; i < m->ranges; i++) {
        uint64_t frame = m->range[i].node == node ? frames_take(&m->range[i].frames) : FRAMES_NONE;
        if (frame != FRAMES_NONE)
            return frame * MEMORY_FRAME;
    }
    return FRAMES_NONE;
}

/* NULL: of no range. */
static const struct memory_range *range_of(const struct memory *m, uint64_t physical)
{
    for (uint32_t i = 0; i < m->ranges; i++) {
        if (physical - m->range[i].start < m->range[i].end - m->range[i].start)
            return &m->range[i];
    }
    return NULL;
}

void memory_give(struct memory *m, uint64_t physical)
{
    const struct memory_range *r = range_of(m, physical);
    if (!r || frames_give(&m->range[r - m->range].frames, physical / MEMORY_FRAME))
        m->refused++;
}

node_t memory_node_of(const struct memory *m, uint64_t physical)
{
    const struct memory_range *r = range_of(m, physical);
    return r ? r->node : (node_t)NODE_NONE;
}

uint64_t memory_free(const struct memory *m, node_t node)
{
    uint64_t free = 0;
    for (uint32_t i = 0; i < m->ranges; i++)
        free += m->range[i].node == node ? m->range[i].frames.free : 0;
    return free;
}
