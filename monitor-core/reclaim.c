/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/reclaim.h"

#include "monitor-core/transfer.h"
#include "pmap/memmap.h"

static node_t replica_near(const struct engine *e, const struct place *p, node_t node, nodeset_t except)
{
    struct place replicas = *p;
    replicas.copies &= ~(except | nodeset_of(p->home));
    return memmap_nearest(&replicas, e->view.topology, node, NODE_NONE);
}

static bool take_back(struct engine *e, page_t page, node_t node)
{
    struct move m = {
        .page = page, .to = NODE_NONE, .op = ORDER_DROP, .restore = view_home(&e->view, page), .node = node};
    transfer_batch(e, &m, 1);
    e->stats.drops += !m.err;
    e->stats.reclaims += !m.err;
    return !m.err;
}

node_t reclaim_frame(struct engine *e, node_t node, nodeset_t except)
{
    /* One replica of a page at a time, so that the hand takes from all pages alike. */
    for (uint32_t left = e->view.npages; left && e->stats.replicas; left--) {
        page_t page = e->hand;
        e->hand = page + 1 < e->view.npages ? page + 1 : 0;
        const struct place *p = view_place(&e->view, page);
        if (!(p->flags & PLACE_REPLICATED))
            continue;
        node_t found = replica_near(e, p, node, except);
        if (found != NODE_NONE && take_back(e, page, found))
            return found;
    }
    return NODE_NONE;
}
