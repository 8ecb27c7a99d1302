/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/thrift_load.h"

enum { INFLATION_MAX = 100 * THRIFT_IDLE, PERIOD_MAX = 32768, REST = 4 };
enum { HAND = 1024, ROOM = 32, BAR_MAX = 120, SWEEP = 4096, AGE = 16 };

/* One node's memory in the last window. */
struct served {
    uint64_t all, others;  /* misses */
    uint64_t idle, remote; /* ps that they would take without load; those of others */
    uint64_t saveable;     /* of it, if all were local */
};

static struct served served_by(const struct view *v, node_t to)
{
    const struct topology *top = v->topology;
    struct served s = {0};
    for (uint32_t from = 0; from < top->nodes; from++) {
        const uint64_t *cell = v->traffic + ((size_t)from * top->nodes + to) * 2;
        uint64_t n = cell[0] + cell[1], ps = topology_latency(top, (node_t)from, to);
        uint64_t own = topology_latency(top, (node_t)from, (node_t)from);
        s.all += n;
        s.idle += n * ps;
        s.others += from != to ? n : 0;
        s.remote += from != to ? n * ps : 0;
        s.saveable += ps > own ? n * (ps - own) : 0;
    }
    return s;
}

void thrift_load_look(struct thrift *t, const struct view *v)
{
    t->misses -= t->misses / 16;
    t->saveable -= t->saveable / 16;
    for (uint32_t to = 0; to < t->nodes; to++) {
        struct served s = served_by(v, (node_t)to);
        uint64_t loaded = s.all * v->latency_ps[to], extra = loaded > s.idle ? loaded - s.idle : 0;
        uint64_t now = s.remote ? THRIFT_IDLE + extra / (s.remote / THRIFT_IDLE + 1) : THRIFT_IDLE;
        now = now < INFLATION_MAX ? now : (uint64_t)INFLATION_MAX;
        t->inflation[to] = (uint16_t)((3 * t->inflation[to] + now + 2) / 4);
        t->foreign[to] = 2 * s.others > s.all;
        t->misses += s.all;
        t->saveable += s.saveable + extra;
    }
}

void thrift_load_watch(struct thrift *t, const struct view *v, struct orders *orders)
{
    const struct costs *c = v->topology->costs;
    uint32_t period = 1;
    if (!c || !c->sample_ns || !t->misses || ++t->rest < REST)
        return;
    uint64_t may = t->saveable / 1000 * t->watching / 100, cost = t->misses * c->sample_ns;
    while (period < PERIOD_MAX && cost / period > may)
        period *= 2;
    if (period == v->sampling || 2 * period == v->sampling)
        return;
    t->rest = 0;
    order_push(orders, ORDER_SAMPLE, period, 0, THRIFT_OBSERVE);
}

void thrift_load_age(struct thrift *t, const struct view *v)
{
    uint64_t n = t->seen / AGE < SWEEP ? t->seen / AGE : SWEEP;
    t->seen -= n * AGE;
    for (; n; n--) {
        t->sweep = t->sweep + 1 < v->npages ? t->sweep + 1 : 0;
        struct thrift_slot *s = view_slot(v, t->sweep);
        s->heat /= 2;
    }
}

/* The nearest node of a slower tier with room. */
static node_t below(const struct thrift *t, const struct view *v, node_t node)
{
    const struct topology *top = v->topology;
    node_t best = NODE_NONE;
    for (uint32_t n = 0; n < t->nodes; n++)
        if (top->tier[n] > top->tier[node] && v->free[n] &&
            (best == NODE_NONE || topology_latency(top, node, (node_t)n) < topology_latency(top, node, best)))
            best = (node_t)n;
    return best;
}

/* Returns how many pages were looked at. */
static uint32_t make_room(struct thrift *t, const struct view *v, node_t node, uint32_t most, struct orders *orders)
{
    uint32_t need = t->wanted[node] < ROOM ? t->wanted[node] : ROOM, looked = 0;
    node_t to = below(t, v, node);
    t->wanted[node] = 0;
    if (to == NODE_NONE)
        return 0;
    for (; need && looked < most; looked++) {
        t->hand = t->hand + 1 < v->npages ? t->hand + 1 : 0;
        struct thrift_slot *s = view_slot(v, t->hand);
        if (view_copies(v, t->hand) != nodeset_of(node) || s->heat > t->bar || s->wished)
            continue;
        need--;
        s->lead = 0;
        order_push(orders, ORDER_MOVE, t->hand, to, THRIFT_COLD);
    }
    if (need)
        t->bar += t->bar < BAR_MAX;
    else if (looked < HAND / 4)
        t->bar -= t->bar > 0;
    return looked;
}

void thrift_load_room(struct thrift *t, const struct view *v, struct orders *orders)
{
    uint32_t left = HAND;
    for (uint32_t n = 0; n < t->nodes; n++)
        if (t->wanted[n])
            left -= make_room(t, v, (node_t)n, left, orders);
}
