/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/lru.h"

enum { LOOKS = 16384 };

void lru_init(struct lru *l, const struct topology *t)
{
    tier_init(&l->tier, t);
}

static uint8_t *flags_of(const struct view *v, page_t page)
{
    return view_slot(v, page);
}

bool lru_mark_accessed(const struct view *v, page_t page)
{
    uint8_t *flags = flags_of(v, page);
    if (*flags & LRU_ACTIVE)
        return true;
    *flags = *flags & LRU_REFERENCED ? LRU_ACTIVE : LRU_REFERENCED;
    return false;
}

/* True: to be demoted. */
static bool look(uint64_t *bitmap, const struct view *v, page_t page)
{
    if (accessed_take(bitmap, page)) {
        lru_mark_accessed(v, page);
        return false;
    }
    uint8_t *flags = flags_of(v, page);
    bool inactive = !(*flags & LRU_ACTIVE);
    *flags = 0;
    return inactive;
}

uint64_t lru_demote(struct lru *l, uint64_t *bitmap, const struct view *v, node_t node, uint64_t frames,
                    struct orders *orders)
{
    uint64_t demoted = 0;
    page_t *hand = &l->hand[node];
    node_t to = tier_nearest(v, l->tier.slow, node);
    for (uint32_t looks = 0; looks < LOOKS && looks < v->npages && demoted < frames; looks++) {
        page_t page = *hand;
        if (to == NODE_NONE || orders->n == orders->max)
            break;
        *hand = page + 1 < v->npages ? page + 1 : 0;
        if (!nodeset_has(view_copies(v, page), node))
            continue;
        l->looked++;
        if (!look(bitmap, v, page))
            continue;
        order_push(orders, ORDER_MOVE, page, to, TIER_DEMOTE);
        demoted++;
    }
    return demoted;
}

uint64_t lru_looked(struct lru *l)
{
    uint64_t looked = l->looked;
    l->looked = 0;
    return looked;
}
