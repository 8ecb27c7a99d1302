/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/tier.h"

void tier_init(struct tier *t, const struct topology *topology)
{
    uint8_t least = UINT8_MAX;
    for (uint32_t i = 0; i < topology->nodes; i++)
        least = topology->tier[i] < least ? topology->tier[i] : least;
    *t = (struct tier){0};
    for (uint32_t i = 0; i < topology->nodes; i++) {
        if (topology->tier[i] != least) {
            t->slow |= nodeset_of((node_t)i);
            continue;
        }
        t->fast |= nodeset_of((node_t)i);
        bool bounded = t->frames != FRAMES_UNBOUNDED && topology->frames[i] != FRAMES_UNBOUNDED;
        t->frames = bounded ? t->frames + topology->frames[i] : FRAMES_UNBOUNDED;
    }
}

uint64_t tier_fast_pages(const struct view *v)
{
    struct tier t;
    tier_init(&t, v->topology);
    return t.frames < v->npages ? t.frames : v->npages;
}

uint64_t tier_free(const struct view *v, nodeset_t set)
{
    uint64_t sum = 0;
    for (; set; set &= set - 1) {
        uint64_t free = v->free[nodeset_first(set)];
        if (free == FRAMES_UNBOUNDED)
            return FRAMES_UNBOUNDED;
        sum += free;
    }
    return sum;
}

node_t tier_nearest(const struct view *v, nodeset_t set, node_t from)
{
    node_t best = NODE_NONE;
    for (; set; set &= set - 1) {
        node_t node = nodeset_first(set);
        if (!v->free[node])
            continue;
        if (best == NODE_NONE || topology_latency(v->topology, from, node) < topology_latency(v->topology, from, best))
            best = node;
    }
    return best;
}

node_t tier_place(const struct tier *t, const struct view *v, node_t toucher)
{
    node_t node = tier_nearest(v, t->fast, toucher);
    if (node == NODE_NONE)
        node = tier_nearest(v, t->slow, toucher);
    return node == NODE_NONE ? toucher : node;
}

static bool move(const struct view *v, page_t page, nodeset_t from, nodeset_t to, uint16_t reason, struct orders *o)
{
    node_t home = view_home(v, page);
    if (home >= NODE_MAX || !nodeset_has(from, home) || o->n == o->max)
        return false;
    node_t node = tier_nearest(v, to, home);
    if (node == NODE_NONE)
        return false;
    order_push(o, ORDER_MOVE, page, node, reason);
    return true;
}

bool tier_promote(const struct tier *t, const struct view *v, page_t page, struct orders *o)
{
    return move(v, page, t->slow, t->fast, TIER_PROMOTE, o);
}

bool tier_demote(const struct tier *t, const struct view *v, page_t page, struct orders *o)
{
    return move(v, page, t->fast, t->slow, TIER_DEMOTE, o);
}

uint64_t tier_pages(const struct view *v, uint64_t bytes)
{
    uint64_t pages = bytes / v->topology->page_size;
    return pages ? pages : 1;
}
