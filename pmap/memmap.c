/* SPDX-License-Identifier: BSD-2-Clause */
#include "pmap/memmap.h"

void memmap_clear(struct place *p)
{
    p->copies = 0;
    p->home = NODE_NONE;
    p->flags = 0;
}

void memmap_first(struct place *p, node_t node)
{
    p->copies = nodeset_of(node);
    p->home = node;
    p->flags = PLACE_PRESENT;
}

bool memmap_add(struct place *p, node_t node)
{
    if (nodeset_has(p->copies, node))
        return false;
    p->copies |= nodeset_of(node);
    p->flags |= PLACE_REPLICATED;
    return true;
}

bool memmap_remove(struct place *p, node_t node, node_t heir)
{
    nodeset_t rest = p->copies & ~nodeset_of(node);
    if (!nodeset_has(p->copies, node) || !rest)
        return false;
    if (p->home == node) {
        if (heir >= NODE_MAX || !nodeset_has(rest, heir))
            return false;
        p->home = heir;
    }
    p->copies = rest;
    if (nodeset_count(rest) == 1)
        p->flags &= (uint8_t)~PLACE_REPLICATED;
    return true;
}

void memmap_only(struct place *p, node_t node)
{
    p->copies = nodeset_of(node);
    p->home = node;
    p->flags &= (uint8_t)~PLACE_REPLICATED;
}

bool memmap_set_home(struct place *p, node_t node)
{
    if (!nodeset_has(p->copies, node))
        return false;
    p->home = node;
    return true;
}

node_t memmap_nearest(const struct place *p, const struct topology *t, node_t node, node_t except)
{
    nodeset_t left = p->copies;
    if (except < NODE_MAX)
        left &= ~nodeset_of(except);
    node_t best = nodeset_has(left, p->home) ? p->home : nodeset_first(left);
    for (; left; left &= left - 1) {
        node_t n = nodeset_first(left);
        if (topology_latency(t, node, n) < topology_latency(t, node, best))
            best = n;
    }
    return best;
}

bool memmap_sound(const struct place *p, uint32_t nodes)
{
    if (!(p->flags & PLACE_PRESENT))
        return !p->copies && p->home == NODE_NONE && !p->flags;
    if (p->home >= nodes || !nodeset_has(p->copies, p->home))
        return false;
    if (nodes < NODE_MAX && p->copies >> nodes)
        return false;
    return nodeset_count(p->copies) == 1 || (p->flags & PLACE_REPLICATED);
}
