/* SPDX-License-Identifier: BSD-2-Clause
 *
 * asymsched: puts the memory of nodes where the interconnect is fastest for those who use it. Memory only: threads
 * stay.
 *
 * AsymSched moves clusters of threads together with their memory over asymmetric links. A policy here cannot move
 * threads; what is left is the other half: which node's memory should hold what each node's memory holds now. So the
 * clusters are "all that lives on node h", with the traffic of each node to it.
 *
 * Rule, once per `epoch_ns` (1 s) [R]:
 *   weight of a pair      1 + floor(log2) of the accesses from node f to the memory of node h, 0 without any [S: log]
 *   worth of a placement  sum over pairs of weight x speed of (f, the node that is to hold h's memory); the speed is
 *                         1 / idle latency, since a view has no link bandwidths
 *   placements looked at  from the present one on, always the exchange of two nodes' memory that gains most, until none
 *                         gains: a path of placements instead of all of them
 *   chosen                of those on the path worth at least `keep` percent of the last (90) [S], the first: it moves
 *                         the least memory. That may be the present one: nothing is done.
 *   price                 only when time spent moving so far + `gib_ns` (0.3 s) x GiB to be moved < `share` percent of
 *                         the time so far (5) [S]
 * The whole memory moves, as many pages per tick as the array of orders holds. Exchanges need some free frames.
 *
 * Per tick nodes^2; per epoch nodes^3 and, when a placement is to change, one look at every page.
 *
 * Source: Lepers, Quema, Fedorova, USENIX ATC 2015 [R]; constants from hzqmwne/asymsched_demo, another's
 * re-implementation [S].
 */
#include "policy/load.h"
#include "policy/touch.h"

enum { EPOCH, KEEP, GIB, SHARE };

/* Latencies in ps: speeds of some 10^7, so that sums of 64 x 64 x 64 fit with ease. */
#define SPEED_UNIT UINT64_C(1000000000000)

/* Reason in orders. */
enum asymsched_reason { ASYMSCHED_FASTER = 1 };

struct asymsched {
    uint64_t param[SHARE + 1];
    uint64_t begun; /* the epoch, ns */
    uint64_t spent; /* on moving so far, ns */
    uint64_t traffic[NODE_MAX][NODE_MAX];
    uint64_t worth[NODE_MAX][NODE_MAX]; /* [h][n]: of h's memory lying on n */
    uint64_t pages[NODE_MAX];           /* present on each node */
    node_t to[NODE_MAX];                /* the placement to be reached */
    page_t next;                        /* to be moved; PAGE_NONE: nothing is moving */
};

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct asymsched *a = state;
    (void)v;
    __builtin_memcpy(a->param, param, sizeof a->param);
    a->next = PAGE_NONE;
    return 0;
}

static uint64_t log2_of(uint64_t x)
{
    return x ? 64 - (unsigned)__builtin_clzll(x) : 0;
}

static uint64_t speed(const struct topology *t, uint32_t from, uint32_t to)
{
    uint32_t latency = topology_latency(t, (node_t)from, (node_t)to);
    return SPEED_UNIT / (latency ? latency : 1);
}

static void weigh(struct asymsched *a, const struct topology *t)
{
    for (uint32_t h = 0; h < t->nodes; h++)
        for (uint32_t n = 0; n < t->nodes; n++) {
            a->worth[h][n] = 0;
            for (uint32_t from = 0; from < t->nodes; from++)
                a->worth[h][n] += log2_of(a->traffic[from][h]) * speed(t, from, n);
        }
}

static uint64_t worth_of(const struct asymsched *a, const node_t *to, uint32_t nodes)
{
    uint64_t sum = 0;
    for (uint32_t h = 0; h < nodes; h++)
        sum += a->worth[h][to[h]];
    return sum;
}

/* Exchanges the pair that gains most. False: none gains. */
static bool improve(const struct asymsched *a, node_t *to, uint32_t nodes)
{
    uint32_t best_a = 0, best_b = 0;
    uint64_t best = 0;
    for (uint32_t i = 0; i < nodes; i++)
        for (uint32_t j = i + 1; j < nodes; j++) {
            uint64_t now = a->worth[i][to[i]] + a->worth[j][to[j]];
            uint64_t then = a->worth[i][to[j]] + a->worth[j][to[i]];
            if (then > now && then - now > best) {
                best = then - now;
                best_a = i;
                best_b = j;
            }
        }
    node_t held = to[best_a];
    to[best_a] = to[best_b];
    to[best_b] = held;
    return best;
}

static void stay(node_t *to, uint32_t nodes)
{
    for (uint32_t i = 0; i < nodes; i++)
        to[i] = (node_t)i;
}

/* The path twice: once for what its end is worth, once to stop at the first placement that comes near enough. */
static bool plan(struct asymsched *a, uint32_t nodes)
{
    node_t end[NODE_MAX];
    stay(end, nodes);
    while (improve(a, end, nodes))
        ;
    uint64_t enough = worth_of(a, end, nodes) * a->param[KEEP];
    stay(a->to, nodes);
    bool changes = false;
    while (worth_of(a, a->to, nodes) * 100 < enough)
        changes |= improve(a, a->to, nodes);
    return changes;
}

static uint64_t price_ns(struct asymsched *a, const struct view *v)
{
    __builtin_memset(a->pages, 0, sizeof a->pages);
    for (page_t page = 0; page < v->npages; page++)
        if (view_copies(v, page))
            a->pages[view_home(v, page)]++;
    unsigned __int128 moving = 0;
    for (uint32_t h = 0; h < v->topology->nodes; h++)
        moving += a->to[h] == h ? 0 : a->pages[h];
    unsigned __int128 ns = moving * v->topology->page_size * a->param[GIB] >> 30;
    return ns > UINT64_MAX / 2 ? UINT64_MAX / 2 : (uint64_t)ns;
}

static void decide(struct asymsched *a, const struct view *v, uint64_t now)
{
    weigh(a, v->topology);
    a->begun = now;
    if (plan(a, v->topology->nodes)) {
        unsigned __int128 cost = (unsigned __int128)a->spent + price_ns(a, v);
        if (cost * 100 < (unsigned __int128)now * a->param[SHARE]) {
            a->spent = (uint64_t)cost;
            a->next = 0;
        }
    }
    __builtin_memset(a->traffic, 0, sizeof a->traffic);
}

static void move_on(struct asymsched *a, const struct view *v, struct orders *o)
{
    for (; a->next < v->npages && o->n < o->max; a->next++) {
        node_t home = view_home(v, a->next);
        if (home != NODE_NONE && a->to[home] != home)
            order_push(o, ORDER_MOVE, a->next, a->to[home], ASYMSCHED_FASTER);
    }
    if (a->next >= v->npages)
        a->next = PAGE_NONE;
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct asymsched *a = state;
    if (a->next != PAGE_NONE) {
        move_on(a, v, orders);
        a->begun = now;
        return;
    }
    for (uint32_t from = 0; from < v->topology->nodes; from++)
        for (uint32_t to = 0; to < v->topology->nodes; to++)
            a->traffic[from][to] += load_reads(v, from, to) + load_writes(v, from, to);
    if (now - a->begun >= a->param[EPOCH])
        decide(a, v, now);
}

static const struct policy_param params[] = {
    {"epoch_ns", 1, 1000000000, POLICY_NS_MAX, "ns", "time between two decisions"},
    {"keep", 0, 90, 100, "percent", "worth of the best placement at which the one that moves least will do"},
    {"gib_ns", 0, 300000000, POLICY_NS_MAX, "ns", "time taken to move a GiB"},
    {"share", 0, 5, 100000, "percent", "of the time so far that may be spent on moving"},
    {0},
};

const struct policy_class policy_asymsched = {
    .name = "asymsched",
    .summary = "exchange the memory of nodes for faster links; memory only, its moves of threads are left out",
    .source = "Lepers, Quema, Fedorova (AsymSched), USENIX ATC 2015; constants of hzqmwne/asymsched_demo",
    .fidelity =
        "left out: moves of threads, clusters; latency stands for link bandwidth; recollected: the epoch of 1 s",
    .params = params,
    .signals = SIGNAL_LOAD,
    .tick_ns = 1000000,
    .state_bytes = sizeof(struct asymsched),
    .init = init,
    .place = touch_place,
    .tick = tick,
};
