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
#include "policy/tpp_rule.h"

struct tpp {
    struct tpp_rule rule;
    uint64_t accessed[]; /* bitmap over pages */
};

static size_t state_size(const struct view *v, const uint64_t *param)
{
    (void)param;
    return sizeof(struct tpp) + accessed_bytes(v->npages);
}

static size_t slot_size(const struct view *v, const uint64_t *param)
{
    (void)v;
    (void)param;
    return sizeof(uint8_t);
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct tpp *s = state;
    tpp_rule_init(&s->rule, v, param);
    return 0;
}

static void fault(struct tpp *s, const struct view *v, const struct event *e, struct orders *orders)
{
    node_t home = view_home(v, e->page);
    if (home == NODE_NONE || home == e->node || tier_is_fast(&s->rule.lru.tier, home) || !lru_mark_accessed(v, e->page))
        return;
    tpp_rule_promote(&s->rule, v, e, ORDER_MOVE, orders);
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct tpp *s = state;
    for (const struct event *e = event; e < event + n; e++) {
        hint_scan_event(&s->rule.scan, e);
        if (event_kind(e) == EVENT_HINT)
            fault(s, v, e, orders);
    }
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct tpp *s = state;
    tpp_rule_demote(&s->rule, s->accessed, v, orders);
    hint_scan_tick(&s->rule.scan, v, now, s->rule.lru.tier.slow, orders);
}

static const struct policy_param params[] = {
    TPP_RULE_PARAMS,
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
    .place = tpp_rule_place,
    .observe = observe,
    .tick = tick,
    .looked = tpp_rule_looked,
};
