/* SPDX-License-Identifier: BSD-2-Clause
 *
 * colloid_tpp: Colloid over TPP: hot pages move up while the fast tier is the faster one under load, and down while it
 * is not.
 *
 * Latencies: policy/colloid_rule.h, smoothed by 1/2 per tick [S]; of the fast tier L_d, of the slow one L_a. One gate,
 * L_d > L_a [S]. The scanner watches pages of both tiers. A hint fault within `hot_ns` of the page's mark is hot [S]:
 *   page of the slow tier, gate open      promote to the faulting node, if it has more than its min watermark free
 *   page of the fast tier, gate closed    move to the slow tier
 * "Open" is L_d <= L_a. Demotion ahead of need as in policy/tpp_rule.h goes on in either case.
 *
 * The latencies are those of the last window before a tick (20 ms), where the original counts all the time, in steps of
 * 10 ms. Its other smoothing (1/32, by a polling thread) and its clamps are left out.
 *
 * Slot: 8 bytes. Source: Vuppalapati, Agarwal, SOSP 2024; host-architecture/colloid d02a6b10a (tpp, numa_balancing =
 * 6).
 */
#include "policy/colloid_rule.h"
#include "policy/tpp_rule.h"

enum { HOT = TPP_RULE_PARAM_COUNT, SMOOTHING };
enum { MARK_SHIFT = 10 };

struct colloid_tpp {
    struct tpp_rule base;
    struct colloid_rule rule;
    uint64_t hot_ns;
    bool closed;
    uint64_t accessed[]; /* bitmap over pages */
};

struct slot {
    uint8_t lru;
    uint8_t reserved[3];
    uint32_t marked; /* time of the mark >> MARK_SHIFT */
};

static size_t state_size(const struct view *v, const uint64_t *param)
{
    (void)param;
    return sizeof(struct colloid_tpp) + accessed_bytes(v->npages);
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct colloid_tpp *c = state;
    tpp_rule_init(&c->base, v, param);
    colloid_rule_init(&c->rule, COLLOID_CLOSED, (uint32_t)param[SMOOTHING], 0, 0);
    c->hot_ns = param[HOT];
    return 0;
}

static bool is_hot(const struct colloid_tpp *c, const struct view *v, const struct event *e)
{
    const struct slot *s = view_slot(v, e->page);
    uint32_t since = (uint32_t)(e->time >> MARK_SHIFT) - s->marked;
    return (uint64_t)since << MARK_SHIFT < c->hot_ns;
}

static void fault(struct colloid_tpp *c, const struct view *v, const struct event *e, struct orders *orders)
{
    const struct tier *t = &c->base.lru.tier;
    node_t home = view_home(v, e->page);
    lru_mark_accessed(v, e->page);
    if (home == NODE_NONE || !t->slow || !is_hot(c, v, e))
        return;
    if (tier_is_fast(t, home)) {
        if (c->closed)
            tier_demote(t, v, e->page, orders);
    } else if (!c->closed && tier_is_fast(t, e->node)) {
        tpp_rule_promote(&c->base, v, e, ORDER_MOVE, orders);
    }
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct colloid_tpp *c = state;
    for (const struct event *e = event; e < event + n; e++) {
        hint_scan_event(&c->base.scan, e);
        if (event_kind(e) == EVENT_HINT)
            fault(c, v, e, orders);
    }
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct colloid_tpp *c = state;
    if (!c->base.lru.tier.slow)
        return;
    colloid_rule_window(&c->rule, &c->base.lru.tier, v);
    colloid_rule_loop(&c->rule);
    c->closed = colloid_rule_latency(&c->rule, COLLOID_DEFAULT) > colloid_rule_latency(&c->rule, COLLOID_ALTERNATE);
    tpp_rule_demote(&c->base, c->accessed, v, orders);
    uint32_t first = orders->n;
    hint_scan_tick(&c->base.scan, v, now, ~(nodeset_t)0, orders);
    for (uint32_t i = first; i < orders->n; i++)
        ((struct slot *)view_slot(v, orders->list[i].page))->marked = (uint32_t)(now >> MARK_SHIFT);
}

static const struct policy_param params[] = {
    TPP_RULE_PARAMS,
    {"hot_ns", 0, 1000000000, UINT64_C(1000000000000), "ns", "a fault within this time of the mark is hot"},
    {"smoothing", 0, 1, 16, "", "each tick counts 1 / 2^smoothing"},
    {0},
};

const struct policy_class policy_colloid_tpp = {
    .name = "colloid_tpp",
    .summary = "tiers: hot pages up while the fast tier is faster under load, down while it is not; over TPP",
    .source = "Vuppalapati, Agarwal (Colloid), SOSP 2024; host-architecture/colloid d02a6b10a",
    .fidelity =
        "left out: latencies between the last windows of ticks, clamps, adaptation of the hot threshold; as tpp: "
        "LRU lists and watermarks are recollected",
    .params = params,
    .signals = SIGNAL_HINTS | SIGNAL_ACCESSED | SIGNAL_LOAD,
    .tick_ns = 20000000,
    .state_size = state_size,
    .slot_bytes = sizeof(struct slot),
    .init = init,
    .place = tpp_rule_place,
    .observe = observe,
    .tick = tick,
    .looked = tpp_rule_looked,
};
