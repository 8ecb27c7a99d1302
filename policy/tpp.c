/* SPDX-License-Identifier: BSD-2-Clause
 *
 * tpp: transparent page placement: pages of the slow tier that fault while on the active list move up; the fast tier is
 * kept free ahead of need by demoting from the inactive list.
 *
 * Demotion: at each tick, where less than the demotion mark is free on a fast node, pages are demoted (policy/lru.h)
 * until it is: demote_scale ten-thousandths of the node, at least twice its high watermark (policy/zone.h). So first
 * touch, which stops at the low watermark, finds room.
 *
 * Promotion: the scanner (policy/hint_scan.h) watches pages of the slow tier only. At a hint fault a page that is
 * active moves to the node that faulted, without limit of rate; one that is not is marked accessed: the first fault
 * makes an inactive page referenced, the second active, the third promotes it. A promotion may use frames down to the
 * min watermark. Faults enter the scanner's statistics as in nbt.
 *
 * Parameters: the scanner's, demote_scale (200: 2 %), tick_ns (20 ms: each tick harvests accessed bits).
 *
 * Slot: 1 byte. Source: Maruf et al., ASPLOS 2023; its patch as in MoatLab/SoarAlto src/alto/tpp; Linux 5.15, 5.18.
 */
#include "policy/hint_scan.h"
#include "policy/lru.h"
#include "policy/zone.h"

enum { TICK, SCAN, SCALE = SCAN + 7 };
enum { SCALE_UNIT = 10000 };

struct tpp {
    struct hint_scan scan;
    struct zone zone;
    struct lru lru;
    uint64_t demote_below[NODE_MAX]; /* frames free; 0 where a node is not fast or has no limit */
    uint64_t accessed[];             /* bitmap over pages */
};

static size_t state_size(const struct view *v, const uint64_t *param)
{
    (void)param;
    return sizeof(struct tpp) + lru_bitmap_bytes(v->npages);
}

static size_t slot_size(const struct view *v, const uint64_t *param)
{
    (void)v;
    (void)param;
    return sizeof(uint8_t);
}

static uint64_t demotion_mark(const struct zone *z, const struct topology *t, uint32_t node, uint64_t scale)
{
    uint64_t frames = t->frames[node], mark = (uint64_t)((unsigned __int128)frames * scale / SCALE_UNIT);
    mark = mark > 2 * z->high[node] ? mark : 2 * z->high[node];
    return mark < frames ? mark : frames;
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct tpp *s = state;
    const struct topology *t = v->topology;
    hint_scan_init(&s->scan, param + SCAN);
    zone_init(&s->zone, t);
    lru_init(&s->lru, t);
    for (uint32_t i = 0; i < t->nodes; i++)
        if (tier_is_fast(&s->lru.tier, (node_t)i) && t->frames[i] != FRAMES_UNBOUNDED)
            s->demote_below[i] = demotion_mark(&s->zone, t, i, param[SCALE]);
    return 0;
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    struct tpp *s = state;
    (void)page;
    hint_scan_touch(&s->scan);
    return zone_place(&s->zone, v, toucher);
}

static void fault(struct tpp *s, const struct view *v, const struct event *e, struct orders *orders)
{
    node_t home = view_home(v, e->page);
    if (home == NODE_NONE || home == e->node || tier_is_fast(&s->lru.tier, home) || !lru_mark_accessed(v, e->page))
        return;
    if (v->free[e->node] <= s->zone.min[e->node])
        return;
    hint_scan_promoted(&s->scan, v->topology);
    order_push(orders, ORDER_MOVE, e->page, e->node, TIER_PROMOTE);
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct tpp *s = state;
    for (const struct event *e = event; e < event + n; e++) {
        hint_scan_event(&s->scan, e);
        if (event_kind(e) == EVENT_HINT)
            fault(s, v, e, orders);
    }
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct tpp *s = state;
    lru_gather(s->accessed, v);
    for (uint32_t i = 0; s->lru.tier.slow && i < v->topology->nodes; i++)
        if (v->free[i] < s->demote_below[i])
            lru_demote(&s->lru, s->accessed, v, (node_t)i, s->demote_below[i] - v->free[i], orders);
    hint_scan_tick(&s->scan, v, now, s->lru.tier.slow, orders);
}

static const struct policy_param params[] = {
    {"tick_ns", 1, 20000000, UINT64_C(1) << 40, "ns", "accessed bits are harvested, pages watched and demoted"},
    HINT_SCAN_PARAMS,
    {"demote_scale", 0, 200, SCALE_UNIT, "1/10000", "of a fast node kept free (demote_scale_factor)"},
    {0},
};

const struct policy_class policy_tpp = {
    .name = "tpp",
    .summary = "promote active pages of the slow tier at their fault, demote inactive ones ahead of need",
    .source = "Maruf et al. (TPP), ASPLOS 2023, and its patch; Linux 5.15 and 5.18 demotion",
    .fidelity = "recollected: LRU lists and demotion (a clock over accessed bits), watermarks, the mark down to which "
                "promotion goes; left out: all tasks are one process; assumed: the cost of marking a page",
    .params = params,
    .signals = SIGNAL_HINTS | SIGNAL_ACCESSED | SIGNAL_LOAD,
    .tick_ns = 20000000,
    .state_size = state_size,
    .slot_size = slot_size,
    .init = init,
    .place = place,
    .observe = observe,
    .tick = tick,
};
