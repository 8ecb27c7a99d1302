/* SPDX-License-Identifier: BSD-2-Clause
 *
 * tmts: pages that nobody used for two minutes go to the slow tier; one sample brings a page back.
 *
 * Rule: accessed bits are harvested every tick (30 s). A page of the fast tier without an access in `cold_ns` (120 s,
 * so four harvests) is demoted, `pass_bytes` (4 GB) per pass at most [S]. A sampled miss on a page of the slow tier
 * promotes it at once, to the nearest fast node with a free frame [S]. Where none is free it stays: room comes from
 * demotion alone. First touch: the fast tier while it has room.
 *
 * The array of orders holds a few thousand; a pass that needs more goes on with the events that follow. The published
 * sampling period is 101; here it is the run's. The system of the paper adapts the cold age and promotes by accessed
 * bits as well [R]; constants and rule are those of another's re-implementation [S].
 *
 * Counts samples. Slot: 8 bytes. Source: Duraisamy et al., ASPLOS 2023; webglider/hemem, branch tmts, 5d6cf7d.
 */
#include "policy/tier.h"

enum { COLD, PASS_BYTES, TICK };
enum { LOOKS_TICK = 1 << 20, LOOKS_EVENTS = 256 };

struct tmts {
    struct tier tier;
    uint64_t pass_pages, left; /* pages that a pass may demote, and that this one still may */
    uint32_t cold;             /* harvests */
    uint32_t harvest;          /* number of the last */
    uint32_t delivery;
    page_t next; /* of the pass; npages: it is over */
};

struct slot {
    uint32_t seen;     /* harvest that found it accessed last */
    uint32_t delivery; /* in which it was ordered up */
};

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct tmts *t = state;
    uint64_t cold = param[COLD] / param[TICK] + (param[COLD] % param[TICK] != 0);
    tier_init(&t->tier, v->topology);
    t->pass_pages = tier_pages(v, param[PASS_BYTES]);
    t->cold = cold < UINT32_MAX ? (uint32_t)cold : UINT32_MAX;
    t->next = v->npages;
    return 0;
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    struct tmts *t = state;
    struct slot *s = view_slot(v, page);
    s->seen = t->harvest + 1; /* this touch is in the harvest to come */
    return tier_place(&t->tier, v, toucher);
}

static void demote_some(struct tmts *t, const struct view *v, uint32_t looks, struct orders *o)
{
    for (; t->next < v->npages && looks && t->left && o->n < o->max; t->next++, looks--) {
        const struct slot *s = view_slot(v, t->next);
        uint32_t idle = t->harvest > s->seen ? t->harvest - s->seen : 0;
        if (idle >= t->cold && tier_demote(&t->tier, v, t->next, o))
            t->left--;
    }
    if (!t->left)
        t->next = v->npages;
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct tmts *t = state;
    uint64_t room = t->tier.slow ? tier_free(v, t->tier.fast) : 0;
    t->delivery++;
    for (const struct event *e = event; e < event + n && room; e++) {
        node_t home = view_home(v, e->page);
        struct slot *s = view_slot(v, e->page);
        if (event_kind(e) > EVENT_WRITE || home == NODE_NONE || tier_is_fast(&t->tier, home) ||
            s->delivery == t->delivery)
            continue;
        s->delivery = t->delivery;
        room--;
        order_push(orders, ORDER_MOVE, e->page, tier_nearest(v, t->tier.fast, e->node), TIER_PROMOTE);
    }
    demote_some(t, v, LOOKS_EVENTS, orders);
}

static void note_accessed(const struct tmts *t, const struct view *v)
{
    for (uint32_t word = 0; word <= (v->npages - 1) / 64; word++) {
        uint64_t bits = 0;
        for (uint32_t node = 0; node < v->topology->nodes; node++)
            bits |= v->accessed[node][word];
        for (; bits; bits &= bits - 1) {
            struct slot *s = view_slot(v, word * 64 + (page_t)__builtin_ctzll(bits));
            s->seen = t->harvest;
        }
    }
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct tmts *t = state;
    (void)now;
    if (!t->tier.slow || !v->npages || !v->accessed)
        return;
    t->harvest++;
    note_accessed(t, v);
    t->next = 0;
    t->left = t->pass_pages;
    demote_some(t, v, LOOKS_TICK, orders);
}

static const struct policy_param params[] = {
    {"cold_ns", 1, 120000000000, POLICY_NS_MAX, "ns", "a page without an access for so long is demoted"},
    {"pass_bytes", 1, 4000000000, UINT64_MAX, "bytes", "demoted per pass at most"},
    {"tick_ns", 1000, 30000000000, POLICY_NS_MAX, "ns", "time between two harvests of accessed bits, and two passes"},
    {0},
};

const struct policy_class policy_tmts = {
    .name = "tmts",
    .summary = "tiers: down after two minutes without an access, up at one sample",
    .source = "Duraisamy et al. (TMTS), ASPLOS 2023; constants of webglider/hemem, branch tmts, 5d6cf7d",
    .fidelity = "recollected: the paper's cold age; left out: its adaptation, promotion by accessed bits",
    .params = params,
    .signals = SIGNAL_MISSES | SIGNAL_ACCESSED,
    .tick_ns = 30000000000,
    .state_bytes = sizeof(struct tmts),
    .slot_bytes = sizeof(struct slot),
    .init = init,
    .place = place,
    .observe = observe,
    .tick = tick,
};
