/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/memory.h"

void memory_init(struct memory *m, unsigned char *base, uint32_t nodes)
{
    __builtin_memset(m, 0, sizeof(*m));
    m->base = base;
    m->nodes = nodes;
}

static void drop_smallest(struct memory_node *n)
{
    uint32_t least = 0;
    for (uint32_t i = 1; i < n->ranges; i++) {
        if (n->range[i].count < n->range[least].count)
            least = i;
    }
    n->ranges--;
    for (uint32_t i = least; i < n->ranges; i++) {
        n->range[i] = n->range[i + 1];
        n->start[i] = n->start[i + 1];
        n->end[i] = n->end[i + 1];
    }
}

static void append(struct memory_node *n, uint64_t start, uint64_t end)
{
    uint32_t i = n->ranges++, count = (uint32_t)((end - start) / MEMORY_FRAME);
    n->start[i] = start;
    n->end[i] = end;
    n->range[i] = (struct frames){.base = start / MEMORY_FRAME, .count = count, .free = count};
}

void memory_add(struct memory *m, node_t node, uint64_t start, uint64_t end)
{
    const uint64_t most = UINT64_C(1) << 43; /* a range counts its frames in 32 bits */
    struct memory_node *n = &m->node[node];
    start = (start + MEMORY_FRAME - 1) & ~(uint64_t)(MEMORY_FRAME - 1);
    end &= ~(uint64_t)(MEMORY_FRAME - 1);
    if (end <= start)
        return;
    if (end - start > most)
        end = start + most;
    if (n->ranges == MEMORY_RANGES) {
        uint64_t least = UINT64_MAX;
        for (uint32_t i = 0; i < n->ranges; i++)
            least = n->range[i].count < least ? n->range[i].count : least;
        if (least >= (end - start) / MEMORY_FRAME)
            return;
        drop_smallest(n);
    }
    append(n, start, end);
}

/* From the low end: what the start-up code takes first lies where its first tables reach. */
static uint64_t reserve_in(struct frames *f, uint64_t frames, uint64_t align)
{
    uint64_t first = (f->base + align - 1) & ~(align - 1), skipped = first - f->base;
    if (skipped + frames > f->count)
        return FRAMES_NONE;
    f->base += skipped + frames;
    f->count -= (uint32_t)(skipped + frames);
    f->free = f->count;
    return first;
}

void *memory_reserve(struct memory *m, node_t node, uint64_t bytes, uint64_t align)
{
    uint64_t frames = bytes / MEMORY_FRAME + (bytes % MEMORY_FRAME != 0);
    uint64_t step = align > MEMORY_FRAME ? align / MEMORY_FRAME : 1;
    for (uint32_t i = 0; i < m->nodes; i++) {
        struct memory_node *n = &m->node[(node + i) % m->nodes];
        for (uint32_t r = 0; r < n->ranges; r++) {
            uint64_t before = n->range[r].count, first = reserve_in(&n->range[r], frames, step);
            if (first == FRAMES_NONE)
                continue;
            n->monitor += (before - n->range[r].count) * MEMORY_FRAME;
            void *p = memory_at(m, first * MEMORY_FRAME);
            __builtin_memset(p, 0, frames * MEMORY_FRAME);
            return p;
        }
    }
    return NULL;
}

/* The list of a range lies in the range itself: in memory of the node that uses it. */
static void seal_range(struct memory *m, struct memory_node *n, struct frames *f)
{
    uint64_t list = (frames_size(f->count) + MEMORY_FRAME - 1) / MEMORY_FRAME;
    void *memory = memory_at(m, f->base * MEMORY_FRAME);
    n->monitor += list * MEMORY_FRAME;
    frames_init(f, f->base + list, (uint32_t)(f->count - list), memory);
}

void memory_seal(struct memory *m)
{
    for (uint32_t i = 0; i < m->nodes; i++) {
        struct memory_node *n = &m->node[i];
        for (uint32_t r = 0; r < n->ranges; r++) {
            if (n->range[r].count)
                seal_range(m, n, &n->range[r]);
        }
    }
}

uint64_t memory_take(struct memory *m, node_t node)
{
    struct memory_node *n = &m->node[node];
    for (uint32_t r = 0; r < n->ranges; r++) {
        uint64_t frame = frames_take(&n->range[r]);
        if (frame != FRAMES_NONE)
            return frame * MEMORY_FRAME;
    }
    return FRAMES_NONE;
}

static struct frames *range_of(struct memory *m, uint64_t frame)
{
    for (uint32_t i = 0; i < m->nodes; i++) {
        struct memory_node *n = &m->node[i];
        for (uint32_t r = 0; r < n->ranges; r++) {
            if (frame - n->range[r].base < n->range[r].count)
                return &n->range[r];
        }
    }
    return NULL;
}

void memory_give(struct memory *m, uint64_t physical)
{
    struct frames *f = range_of(m, physical / MEMORY_FRAME);
    if (!f || frames_give(f, physical / MEMORY_FRAME))
        m->refused++;
}

node_t memory_node_of(const struct memory *m, uint64_t physical)
{
    for (uint32_t i = 0; i < m->nodes; i++) {
        const struct memory_node *n = &m->node[i];
        for (uint32_t r = 0; r < n->ranges; r++) {
            if (physical >= n->start[r] && physical < n->end[r])
                return (node_t)i;
        }
    }
    return NODE_NONE;
}

uint64_t memory_free(const struct memory *m, node_t node)
{
    uint64_t free = 0;
    for (uint32_t r = 0; r < m->node[node].ranges; r++)
        free += m->node[node].range[r].free;
    return free;
}
