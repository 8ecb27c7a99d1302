/* SPDX-License-Identifier: BSD-2-Clause
 *
 * thrift: a page lives for rent (what its remote misses cost more than local ones would) until the rent would have
 * bought it another place. Our own; ideas: ski rental, the majority vote of Boyer and Moore, Westbrook's coin.
 *
 * Money: the price of a place is what moving a page costs in a batch, page_ns + sync_ns / 8, x `price` percent; where
 * the machine does not know its costs, 40 local misses. Rent is counted in 4096ths of the price. Remote latencies are
 * taken as loaded: idle latency x inflation of the home, which each tick reads from the last window's traffic and mean
 * latencies (all that is above idle is put down to remote misses), smoothed by 1/4.
 *
 * Per miss of a node without a copy:
 *   lead     votes for the node with its rent, against the page's present candidate with `patience` percent of it;
 *            local misses vote for the home. A candidate whose lead is a price gets the page, for twice the price with
 *            each move before; 16 prices of lead at home forgive one.
 *   copy     when the reads since the last write have paid `steady` percent of a price, each read tosses a coin that
 *            falls for a copy with probability rent / price. No counter per node: who reads more is copied to sooner.
 *            When a write takes copies away, they had either saved a price each, and the next are half as dear, or
 *            not, and they are twice as dear: from 128 times to a 128th, where the first read is enough.
 *   spread   a home whose inflation passed `spread` percent: a coin for what the way to a less loaded node would save
 * Purchases are carried out at ticks, together, since they share the shootdowns; where a shootdown costs at most half
 * of what copying a page does, at once.
 *
 * First touch places, unless the toucher's node is crowded by others: then the less loaded nodes, in turn.
 * A full node that pages of a slower tier have earned: as many of its coldest pages go down a tier at the tick. Heat:
 * misses seen, halved once in 16 misses per page; the bar of what is cold rises while nothing is found. Observing takes
 * at most `watching` percent of what could be saved: the sampling period follows from the remote misses of the last
 * windows, up to 1 in 32768.
 *
 * 8 bytes a page. An event costs O(1), where a home is crowded O(nodes); a tick 256 orders, 1024 + 4096 pages looked
 * at, nodes^2 of traffic.
 */
#include "policy/thrift_load.h"

enum { PRICE, PATIENCE, STEADY, SPREAD, WATCHING, TICK, SEED };
enum {
    UNIT = 4096,
    RENT_MAX = 32 * UNIT,
    LOCAL_MISSES = 40,
    BATCH = 8,
    NS_MAX = 1 << 30,
    GRUDGE_MAX = 15,
    TRUST_MAX = 7
};

static uint64_t price_of(const struct topology *t, uint64_t percent)
{
    uint64_t ns = (uint64_t)LOCAL_MISSES * topology_latency(t, 0, 0) / 1000;
    if (t->costs)
        ns = t->costs->page_ns + t->costs->sync_ns / BATCH;
    if (ns > NS_MAX)
        ns = NS_MAX;
    ns = ns * percent / 100;
    return ns ? ns : 1;
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct thrift *t = state;
    t->random = param[SEED];
    t->scale = ((uint64_t)UNIT << 16) / price_of(v->topology, param[PRICE]);
    t->patience = param[PATIENCE];
    t->steady = param[STEADY] * UNIT / 100;
    t->spread = param[SPREAD] * THRIFT_IDLE / 100;
    t->watching = param[WATCHING];
    t->nodes = v->topology->nodes;
    t->at_once = v->topology->costs && 2 * v->topology->costs->sync_ns <= v->topology->costs->page_ns;
    for (uint32_t n = 0; n < t->nodes; n++)
        t->inflation[n] = THRIFT_IDLE;
    return 0;
}

static uint64_t coin(struct thrift *t)
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    return t->random % UNIT;
}

/* In turn, the nodes of the same tier that have room and at most half of the crowding. */
static node_t elsewhere(struct thrift *t, const struct view *v, node_t from)
{
    uint32_t limit = (t->inflation[from] + (uint32_t)THRIFT_IDLE) / 2;
    for (uint32_t i = 0; i < t->nodes; i++) {
        t->rotor = t->rotor + 1 < t->nodes ? t->rotor + 1 : 0;
        bool alike = v->topology->tier[t->rotor] == v->topology->tier[from];
        if (alike && t->inflation[t->rotor] <= limit && v->free[t->rotor])
            return (node_t)t->rotor;
    }
    return from;
}

static bool crowded(const struct thrift *t, node_t node)
{
    return t->inflation[node] >= t->spread;
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    struct thrift *t = state;
    (void)page;
    return crowded(t, toucher) && t->foreign[toucher] ? elsewhere(t, v, toucher) : toucher;
}

/* --- rent --- */

static uint64_t rent(const struct thrift *t, uint64_t ps, uint32_t weight)
{
    uint64_t ns = ps * weight / 1000;
    uint64_t units = (ns < NS_MAX ? ns : NS_MAX) * t->scale >> 16;
    return units < RENT_MAX ? units : RENT_MAX;
}

/* What `from` would save with a copy of its own. */
static uint64_t rent_to(const struct thrift *t, const struct view *v, node_t from, node_t home, uint32_t weight)
{
    uint64_t remote = (uint64_t)topology_latency(v->topology, from, home) * t->inflation[home] / THRIFT_IDLE;
    uint64_t local = topology_latency(v->topology, from, from);
    return remote > local ? rent(t, remote - local, weight) : 0;
}

static uint16_t add16(uint64_t a, uint64_t b)
{
    return a + b < UINT16_MAX ? (uint16_t)(a + b) : UINT16_MAX;
}

static void vote(struct thrift_slot *s, node_t node, uint64_t units, uint64_t against)
{
    if (s->lead == 0)
        s->node = node;
    if (s->node == node)
        s->lead = add16(s->lead, units);
    else
        s->lead = s->lead > against ? (uint16_t)(s->lead - against) : 0;
}

/* A local miss is worth what it would cost from the farthest node at hand. */
static void used_at_home(const struct thrift *t, const struct view *v, struct thrift_slot *s, node_t home,
                         uint32_t weight)
{
    node_t other = home ? 0 : (node_t)(t->nodes - 1);
    uint64_t units = rent_to(t, v, home, other, weight);
    vote(s, home, units, units);
    if (s->lead == UINT16_MAX && s->node == home && s->grudge >> 4) {
        s->grudge = (uint8_t)(s->grudge - 16);
        s->lead /= 2;
    }
}

/* The low half of grudge, a signed number of 4 bits. */
static int distrust(const struct thrift_slot *s)
{
    return (s->grudge & 15) >= 8 ? (s->grudge & 15) - 16 : s->grudge & 15;
}

/* Rent against a price that is twice as high for each mistake, half as high for each success. */
static uint64_t against(uint64_t units, int distrust)
{
    return distrust >= 0 ? units >> distrust : units << -distrust;
}

/* --- purchases --- */

/* Between the wish and the tick the page may have been freed (and wish again), copied or collapsed. */
static void buy(struct thrift *t, const struct view *v, const struct thrift_wish *w, struct orders *orders)
{
    struct thrift_slot *s = view_slot(v, w->page);
    nodeset_t copies = view_copies(v, w->page);
    bool wished = s->wished;
    s->wished = 0;
    if (!wished || !copies || nodeset_has(copies, w->node) || (w->op == ORDER_MOVE && nodeset_count(copies) > 1))
        return;
    if (w->reason == THRIFT_COLD) {
        t->wanted[w->node]++;
        return;
    }
    order_push(orders, (enum order_op)w->op, w->page, w->node, w->reason);
    if (nodeset_count(copies) == 1)
        s->lead = 0;
    if (w->op == ORDER_MOVE)
        s->grudge = (uint8_t)(s->grudge + (s->grudge >> 4 < GRUDGE_MAX ? 16u : 0u));
}

/* Where shootdowns are cheap beside copying there is nothing to wait for, but for room (THRIFT_COLD). */
static void wish(struct thrift *t, const struct view *v, enum order_op op, page_t page, node_t node,
                 enum thrift_reason reason, struct orders *orders)
{
    struct thrift_wish w = {page, (uint8_t)op, node, (uint16_t)reason};
    struct thrift_slot *s = view_slot(v, page);
    if (t->at_once && reason != THRIFT_COLD) {
        s->wished = 1;
        buy(t, v, &w, orders);
    } else if (t->nwishes < THRIFT_WISHES) {
        s->wished = 1;
        t->wish[t->nwishes++] = w;
    }
}

/* A page that cannot be better off with any one user, on a node that is crowded. */
static void flee(struct thrift *t, const struct view *v, struct thrift_slot *s, const struct event *e, node_t home,
                 struct orders *orders)
{
    node_t to = elsewhere(t, v, home);
    if (t->inflation[e->node] <= t->inflation[to])
        to = e->node;
    if (to == home || t->inflation[to] >= t->inflation[home])
        return;
    uint64_t relief = t->inflation[home] - t->inflation[to];
    uint64_t units = rent(t, topology_latency(v->topology, e->node, home) * relief / THRIFT_IDLE, event_weight(e));
    if (units >> (s->grudge >> 4) > coin(t))
        wish(t, v, ORDER_MOVE, e->page, to, THRIFT_CROWDED, orders);
}

static void shop(struct thrift *t, const struct view *v, struct thrift_slot *s, const struct event *e, uint64_t units,
                 struct orders *orders)
{
    const struct place *p = view_place(v, e->page);
    unsigned moves = s->grudge >> 4;
    int copies = distrust(s);
    bool alone = p->copies == nodeset_of(p->home), leads = s->node == e->node && s->lead >> moves >= UNIT;
    if (!v->free[e->node]) {
        if (alone && leads && v->topology->tier[p->home] > v->topology->tier[e->node] && s->heat > 2 * t->bar + 1)
            wish(t, v, ORDER_MOVE, e->page, e->node, THRIFT_COLD, orders);
    } else if (alone && leads) {
        wish(t, v, ORDER_MOVE, e->page, e->node, THRIFT_LEADS, orders);
    } else if (s->steady && against(s->steady, copies) >= t->steady && against(units, copies) > coin(t)) {
        wish(t, v, ORDER_COPY, e->page, e->node, THRIFT_STEADY, orders);
    } else if (alone && crowded(t, p->home)) {
        flee(t, v, s, e, p->home, orders);
    }
}

/* On a page with one copy the nodes vote; on one with more, the lead is what each copy beyond the home has saved. */
static void count_rent(const struct thrift *t, const struct view *v, struct thrift_slot *s, const struct event *e,
                       uint64_t units)
{
    const struct place *p = view_place(v, e->page);
    unsigned copies = nodeset_count(p->copies);
    if (copies == 1 && p->home == e->node)
        used_at_home(t, v, s, p->home, event_weight(e));
    else if (copies == 1)
        vote(s, e->node, units, units * t->patience / 100);
    else if (p->home != e->node && nodeset_has(p->copies, e->node))
        s->lead = add16(s->lead, units / (copies - 1));
}

static void miss(struct thrift *t, const struct view *v, const struct event *e, struct orders *orders)
{
    struct thrift_slot *s = view_slot(v, e->page);
    const struct place *p = view_place(v, e->page);
    if (p->home == NODE_NONE)
        return;
    uint64_t units = rent_to(t, v, e->node, p->home, event_weight(e));
    t->seen++;
    s->heat = (uint8_t)(s->heat + (s->heat < UINT8_MAX));
    count_rent(t, v, s, e, units);
    if (event_kind(e) == EVENT_WRITE)
        s->steady = 0;
    if (nodeset_has(p->copies, e->node))
        return;
    if (event_kind(e) == EVENT_READ)
        s->steady = add16(s->steady, units);
    if (!s->wished)
        shop(t, v, s, e, units, orders);
}

/* Of the copies that a write took away: did they save what they cost? */
static void judge_copies(struct thrift_slot *s, bool paid)
{
    int trust = distrust(s) + (paid ? -1 : 1);
    if (trust >= -TRUST_MAX && trust <= TRUST_MAX)
        s->grudge = (uint8_t)((s->grudge & 0xf0) | (trust & 15));
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    for (const struct event *e = event; e < event + n; e++) {
        struct thrift_slot *s = view_slot(v, e->page);
        if (event_kind(e) <= EVENT_WRITE) {
            miss(state, v, e, orders);
        } else if (event_kind(e) == EVENT_COLLAPSED) {
            s->steady = 0;
            judge_copies(s, s->lead >= UNIT);
            s->lead = 0;
        }
    }
}

static void buy_all(struct thrift *t, const struct view *v, struct orders *orders)
{
    for (uint32_t i = 0; i < t->nwishes; i++)
        buy(t, v, &t->wish[i], orders);
    t->nwishes = 0;
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct thrift *t = state;
    (void)now;
    buy_all(t, v, orders);
    if (v->traffic && v->latency_ps) {
        thrift_load_look(t, v);
        thrift_load_watch(t, v, orders);
    }
    thrift_load_room(t, v, orders);
    thrift_load_age(t, v);
}

static const struct policy_param params[] = {
    {"price", 1, 50, 10000, "percent", "rent that buys a page a place, of what a move costs"},
    {"patience", 0, 100, 1000, "percent", "rent of the other nodes that counts against a candidate's lead"},
    {"steady", 0, 100, 1000, "percent",
     "of a price, rent of reads since the last write that makes a page fit for copies"},
    {"spread", 100, 300, 100000, "percent",
     "remote latency under load, of the idle one, from which pages leave a node"},
    {"watching", 1, 10, 1000, "percent", "of what could be saved that may go into observing"},
    {"tick_ns", 1000000, 1000000, 1000000000, "ns", "period of orders"},
    {"seed", 1, 1, UINT64_MAX, "", "of the coin"},
    {0},
};

const struct policy_class policy_thrift = {
    .name = "thrift",
    .summary = "let pages pay rent until it would have bought them a place; ours",
    .source = "docs/policies.md, our own",
    .params = params,
    .signals = SIGNAL_MISSES | SIGNAL_LOAD,
    .tick_ns = 1000000,
    .state_bytes = sizeof(struct thrift),
    .slot_bytes = sizeof(struct thrift_slot),
    .init = init,
    .place = place,
    .observe = observe,
    .tick = tick,
};
