/* SPDX-License-Identifier: BSD-2-Clause
 *
 * nomad: TPP's triggers, but a promoted page keeps its slow copy as a shadow until a write takes it away; demoting a
 * page that still has one costs no copy.
 *
 * Base: policy/tpp_rule.h. Promotion [S]: a page of the slow tier that takes a hint fault is remembered, the last
 * `look_back` (20) of them. A remembered page that is accessed again (young) is marked accessed while inactive
 * (referenced, then active), and promoted once active; it is forgotten then, or when `look_back` others have faulted
 * since. Promotion is a COPY: the page is then read-only on both tiers, and the slow frame stays in use.
 *   a write to it      the engine takes the shadow away; where the writer had no copy of its own, and so the slow one
 *                      stayed, the page MOVEs to the writer's node
 *   demotion of it     DROP of the fast copy
 *   a slow node with no more than its low watermark free    DROP of shadows, `reclaim` (10) per tick
 * A machine without replicas gets MOVEs.
 *
 * Young is an accessed bit in the original; here the page is watched again while it is remembered, and the hint says
 * so, at a hint's cost. A copy does not change the home, so on machines with several fast nodes each that faults gets a
 * copy of its own, and the others reach the slow one; Nomad runs on one CPU node and one without CPUs. The copy is made
 * at once: queue (512), transaction and its retries are the engine's business. Nomad takes anonymous base pages only
 * [S]; a trace does not tell them apart, here every page is one.
 *
 * Slot: 1 byte. Source: Xiang et al., OSDI 2024; lingfenghsiang/Nomad 0fafe0eff.
 */
#include "policy/tpp_rule.h"

enum { LOOK_BACK = TPP_RULE_PARAM_COUNT, RECLAIM };
enum { LOOK_BACK_MAX = 64, LOOKS = 16384 };

/* Reasons in orders, besides those of policy/tier.h. */
enum nomad_reason { NOMAD_RETAKE = 3, NOMAD_RECLAIM = 4, NOMAD_YOUNG = 5 };

struct nomad {
    struct tpp_rule base;
    uint32_t look_back, reclaim;
    uint32_t next;              /* place in seen[] of the next page that faults */
    page_t seen[LOOK_BACK_MAX]; /* 1 + the page; 0: nothing */
    page_t hand;                /* of the search for shadows */
    bool alone;                 /* the machine has no replicas */
    uint64_t accessed[];        /* bitmap over pages */
};

static size_t state_size(const struct view *v, const uint64_t *param)
{
    (void)param;
    return sizeof(struct nomad) + accessed_bytes(v->npages);
}

static size_t slot_size(const struct view *v, const uint64_t *param)
{
    (void)v;
    (void)param;
    return sizeof(uint8_t);
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct nomad *m = state;
    tpp_rule_init(&m->base, v, param);
    m->look_back = (uint32_t)param[LOOK_BACK];
    m->reclaim = (uint32_t)param[RECLAIM];
    return 0;
}

/* Where the page is remembered, or look_back. */
static uint32_t remembered(const struct nomad *m, page_t page)
{
    uint32_t i = 0;
    while (i < m->look_back && m->seen[i] != page + 1)
        i++;
    return i;
}

static void fault(struct nomad *m, const struct view *v, const struct event *e, struct orders *orders)
{
    const struct tier *t = &m->base.lru.tier;
    node_t home = view_home(v, e->page);
    if (home == NODE_NONE || tier_is_fast(t, home) || !tier_is_fast(t, e->node) ||
        nodeset_has(view_copies(v, e->page), e->node))
        return;
    uint32_t at = remembered(m, e->page);
    if (at == m->look_back) {
        m->seen[m->next] = e->page + 1;
        m->next = m->next + 1 < m->look_back ? m->next + 1 : 0;
    } else if (lru_mark_accessed(v, e->page)) {
        m->seen[at] = 0;
        tpp_rule_promote(&m->base, v, e, m->alone ? ORDER_MOVE : ORDER_COPY, orders);
        return;
    }
    order_push(orders, ORDER_WATCH, e->page, NODE_NONE, NOMAD_YOUNG);
}

/* The engine has taken all copies away but one; that may be the slow one. */
static void collapsed(struct nomad *m, const struct view *v, const struct event *e, struct orders *orders)
{
    const struct tier *t = &m->base.lru.tier;
    node_t home = view_home(v, e->page);
    if (home != NODE_NONE && nodeset_has(t->slow, home) && tier_is_fast(t, e->node) &&
        tpp_rule_room(&m->base, v, e->node))
        order_push(orders, ORDER_MOVE, e->page, e->node, NOMAD_RETAKE);
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct nomad *m = state;
    for (const struct event *e = event; e < event + n; e++) {
        hint_scan_event(&m->base.scan, e);
        if (event_kind(e) == EVENT_HINT)
            fault(m, v, e, orders);
        else if (event_kind(e) == EVENT_COLLAPSED)
            collapsed(m, v, e, orders);
    }
}

/* Of a page's fast copies, one on a node that the demotion is for. */
static node_t fast_copy(const struct nomad *m, const struct view *v, nodeset_t copies)
{
    nodeset_t fast = copies & m->base.lru.tier.fast;
    for (nodeset_t left = fast; left; left &= left - 1) {
        node_t node = nodeset_first(left);
        if (v->free[node] < m->base.demote_below[node])
            return node;
    }
    return nodeset_first(fast);
}

/* A demotion of a page with several copies becomes a DROP of a fast one. */
static void demote(struct nomad *m, const struct view *v, struct orders *orders)
{
    uint32_t first = orders->n;
    tpp_rule_demote(&m->base, m->accessed, v, orders);
    for (uint32_t i = first; i < orders->n; i++) {
        struct order *o = &orders->list[i];
        nodeset_t copies = view_copies(v, o->page);
        if (nodeset_count(copies) < 2)
            continue;
        o->op = ORDER_DROP;
        o->node = fast_copy(m, v, copies);
    }
}

static bool short_of_frames(const struct nomad *m, const struct view *v)
{
    for (nodeset_t left = m->base.lru.tier.slow; left; left &= left - 1)
        if (v->free[nodeset_first(left)] <= m->base.zone.low[nodeset_first(left)])
            return true;
    return false;
}

static void reclaim(struct nomad *m, const struct view *v, struct orders *orders)
{
    uint32_t wanted = short_of_frames(m, v) ? m->reclaim : 0;
    for (uint32_t looks = 0; wanted && looks < LOOKS && looks < v->npages; looks++) {
        nodeset_t copies = view_copies(v, m->hand), slow = copies & m->base.lru.tier.slow;
        if (slow && slow != copies) {
            order_push(orders, ORDER_DROP, m->hand, nodeset_first(slow), NOMAD_RECLAIM);
            wanted--;
        }
        m->hand = m->hand + 1 < v->npages ? m->hand + 1 : 0;
    }
}

/* Pages that every fast node has a copy of have no more faults to give. */
static void watch(struct nomad *m, const struct view *v, uint64_t now, struct orders *orders)
{
    nodeset_t fast = m->base.lru.tier.fast;
    uint32_t first = orders->n, kept = first;
    hint_scan_tick(&m->base.scan, v, now, m->base.lru.tier.slow, orders);
    for (uint32_t i = first; i < orders->n; i++)
        if ((view_copies(v, orders->list[i].page) & fast) != fast)
            orders->list[kept++] = orders->list[i];
    orders->n = kept;
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct nomad *m = state;
    if (!m->base.lru.tier.slow)
        return;
    demote(m, v, orders);
    reclaim(m, v, orders);
    watch(m, v, now, orders);
}

static void outcome(void *state, const struct order *order, int err)
{
    struct nomad *m = state;
    m->alone |= order->op == ORDER_COPY && err == ERR_NOSUP;
}

static const struct policy_param params[] = {
    TPP_RULE_PARAMS,
    {"look_back", 1, 20, LOOK_BACK_MAX, "pages", "faulting pages that are remembered"},
    {"reclaim", 0, 10, 4096, "pages", "shadows given up per tick while a slow node is short of frames"},
    {0},
};

const struct policy_class policy_nomad = {
    .name = "nomad",
    .summary = "tiers: promoted pages keep their slow copy as a shadow until they are written; over TPP",
    .source = "Xiang et al. (Nomad), OSDI 2024; lingfenghsiang/Nomad 0fafe0eff",
    .fidelity = "left out: its queue and retries, what is not anonymous memory; a second hint stands for the accessed "
                "bit; as tpp: LRU lists and watermarks are recollected",
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
    .outcome = outcome,
};
