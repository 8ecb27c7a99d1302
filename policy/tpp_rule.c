/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/tpp_rule.h"

enum { SCALE_UNIT = 10000 };

static uint64_t demotion_mark(const struct zone *z, const struct topology *t, uint32_t node, uint64_t scale)
{
    uint64_t frames = t->frames[node], mark = (uint64_t)((unsigned __int128)frames * scale / SCALE_UNIT);
    mark = mark > 2 * z->high[node] ? mark : 2 * z->high[node];
    return mark < frames ? mark : frames;
}

void tpp_rule_init(struct tpp_rule *r, const struct view *v, const uint64_t *param)
{
    const struct topology *t = v->topology;
    hint_scan_init(&r->scan, param + TPP_RULE_SCAN);
    zone_init(&r->zone, t);
    lru_init(&r->lru, t);
    for (uint32_t i = 0; i < t->nodes; i++)
        if (tier_is_fast(&r->lru.tier, (node_t)i) && t->frames[i] != FRAMES_UNBOUNDED)
            r->demote_below[i] = demotion_mark(&r->zone, t, i, param[TPP_RULE_SCALE]);
}

node_t tpp_rule_place(void *state, const struct view *v, page_t page, node_t toucher)
{
    struct tpp_rule *r = state;
    (void)page;
    hint_scan_touch(&r->scan);
    return zone_place(&r->zone, v, toucher);
}

uint64_t tpp_rule_looked(void *state)
{
    struct tpp_rule *r = state;
    return lru_looked(&r->lru);
}

void tpp_rule_demote(struct tpp_rule *r, uint64_t *bitmap, const struct view *v, struct orders *orders)
{
    accessed_gather(bitmap, v);
    for (uint32_t i = 0; r->lru.tier.slow && i < v->topology->nodes; i++)
        if (v->free[i] < r->demote_below[i])
            lru_demote(&r->lru, bitmap, v, (node_t)i, r->demote_below[i] - v->free[i], orders);
}

void tpp_rule_promote(struct tpp_rule *r, const struct view *v, const struct event *fault, enum order_op op,
                      struct orders *orders)
{
    if (!tpp_rule_room(r, v, fault->node))
        return;
    hint_scan_promoted(&r->scan, v->topology);
    order_push(orders, op, fault->page, fault->node, TIER_PROMOTE);
}
