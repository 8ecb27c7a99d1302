/* SPDX-License-Identifier: BSD-2-Clause
 *
 * carrefour: traffic management: each second it looks at the machine's traffic, switches replication, migration and
 * interleaving on or off, and treats the pages that it sampled in that second.
 *
 * Global, from the traffic of an epoch [S]; nothing at all below `maptu` DRAM accesses per microsecond (50):
 *   replication   on when `read` percent of accesses (95) only read, and at most `memory` percent of frames (25) are
 *                 used
 *   migration     on when less than `local` percent of accesses (80) are local
 *   interleaving  on when the sample standard deviation of accesses per node exceeds `imbalance` percent of their mean
 *                 (35), and not all accesses are local
 *
 * Per sampled page, with a[n] samples from node n, D nodes with a[n] > 0, in this order [S]:
 *   1. replication on, D > 1, no write sampled: a candidate. Candidates are copied to every node that was sampled, once
 *      an epoch has had `latch` of them (500); from then on any number will do.
 *   2. else, interleaving on, D > 1: draw r of 0..100, both included; when r <= the home's percent of all traffic, MOVE
 *      to a node drawn in proportion to (100 - its percent), unless that is the home
 *   3. else, last sampled from another node than the home: MOVE there, when interleaving is on (then one sample will
 *      do), or when migration is on, D = 1 and the page has 2 samples
 * All counts of pages begin again with each epoch. While the decisions of an epoch are carried out (the array of orders
 * holds some thousands) nothing is sampled.
 *
 * Sampling [S]: cheap, or accurate (four times as dense: 65528 cycles against 262112) after an epoch with ten or more
 * migrations and copies done; here multiples of the run's own period. At most 10000 pages per cheap epoch and 30000 per
 * accurate one are kept, the others dropped.
 *
 * The original samples instructions by cycles, cache hits among them; here it is fed misses: pages look less shared and
 * less written than they did to it. Counts samples, not misses. Randomness: seeded by `seed`.
 *
 * Slot: 4 bytes and one per node. Source: carrefour-runtime e48bfda, carrefour-module 5d6fa8d; Dashti et al., ASPLOS
 * 2013.
 */
#include "policy/load.h"
#include "policy/random.h"
#include "policy/touch.h"

enum { EPOCH, MAPTU, READ, MEMORY, LOCAL, IMBALANCE, LATCH, CHEAP, ACCURATE, SEED };
enum { TABLE_CHEAP = 10000, TABLE_ACCURATE = 30000, REAL_ORDERS = 10, SAMPLING_MAX = 32768 };

/* Reasons in orders. */
enum carrefour_reason { CARREFOUR_REPLICATE = 1, CARREFOUR_INTERLEAVE = 2, CARREFOUR_MIGRATE = 3 };

/* What an epoch goes through: sampling; decisions page by page; the copies, one node at a time; the last outcomes. */
enum phase { SAMPLING, DECIDING, COPYING, CLOSING };

struct carrefour {
    uint64_t param[SEED + 1];
    uint64_t random;
    uint64_t begun;        /* the epoch, ns */
    uint64_t to[NODE_MAX]; /* accesses of the epoch by destination */
    uint64_t total, reads, local;
    uint32_t period; /* the run's own sampling */
    uint32_t real;   /* migrations and copies done in this epoch */
    uint32_t pages, capacity;
    uint32_t next;       /* position in table[] of DECIDING and COPYING */
    uint32_t candidates; /* pages to replicate: they are gathered at the table's beginning */
    node_t copy_to;      /* of COPYING */
    uint8_t phase;
    bool replicates, migrates, interleaves, latched, accurate;
    page_t table[];
};

struct slot {
    uint16_t at; /* where the page is in table[], if it is there; so no count of epochs can come round */
    uint8_t writes;
    node_t last;
    uint8_t samples[]; /* one per node */
};

static uint32_t table_room(const struct view *v, uint32_t most)
{
    return v->npages < most ? v->npages : most;
}

static size_t state_size(const struct view *v, const uint64_t *param)
{
    (void)param;
    return sizeof(struct carrefour) + table_room(v, TABLE_ACCURATE) * sizeof(page_t);
}

static size_t slot_size(const struct view *v, const uint64_t *param)
{
    (void)param;
    return sizeof(struct slot) + v->topology->nodes;
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct carrefour *c = state;
    if (param[CHEAP] & (param[CHEAP] - 1) || param[ACCURATE] & (param[ACCURATE] - 1))
        return ERR_INVAL;
    __builtin_memcpy(c->param, param, sizeof c->param);
    c->random = param[SEED];
    c->capacity = table_room(v, TABLE_CHEAP);
    return 0;
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct carrefour *c = state;
    const uint32_t nodes = v->topology->nodes;
    (void)orders;
    if (c->phase != SAMPLING)
        return;
    for (const struct event *e = event; e < event + n; e++) {
        if (event_kind(e) > EVENT_WRITE)
            continue;
        struct slot *s = view_slot(v, e->page);
        if (s->at >= c->pages || c->table[s->at] != e->page) {
            if (c->pages == c->capacity)
                continue;
            s->at = (uint16_t)c->pages;
            c->table[c->pages++] = e->page;
            s->writes = 0;
            for (uint32_t i = 0; i < nodes; i++)
                s->samples[i] = 0;
        }
        s->last = e->node;
        s->writes = (uint8_t)(s->writes + (event_kind(e) == EVENT_WRITE && s->writes < UINT8_MAX));
        s->samples[e->node] = (uint8_t)(s->samples[e->node] + (s->samples[e->node] < UINT8_MAX));
    }
}

static void add_traffic(struct carrefour *c, const struct view *v)
{
    for (uint32_t from = 0; from < v->topology->nodes; from++)
        for (uint32_t to = 0; to < v->topology->nodes; to++) {
            uint64_t reads = load_reads(v, from, to), all = reads + load_writes(v, from, to);
            c->to[to] += all;
            c->total += all;
            c->reads += reads;
            c->local += from == to ? all : 0;
        }
}

/* stddev > percent of mean, of n values: n (n Q - S S) 10^4 > percent^2 (n - 1) S S, S their sum, Q that of squares.
 * The values are cut to 40 bits, so that the products fit. */
static bool imbalanced(const uint64_t *value, uint32_t n, uint64_t percent)
{
    unsigned shift = 0;
    unsigned __int128 sum = 0, squares = 0;
    for (uint32_t i = 0; i < n; i++)
        while (value[i] >> shift >> 40)
            shift++;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t x = value[i] >> shift;
        sum += x;
        squares += (unsigned __int128)x * x;
    }
    return n * (n * squares - sum * sum) * 10000 > (unsigned __int128)percent * percent * (n - 1) * sum * sum;
}

static bool memory_is_plenty(const struct view *v, uint64_t percent)
{
    unsigned __int128 frames = 0, used = 0;
    for (uint32_t i = 0; i < v->topology->nodes; i++) {
        if (v->topology->frames[i] == FRAMES_UNBOUNDED)
            return true;
        frames += v->topology->frames[i];
        used += v->topology->frames[i] - v->free[i];
    }
    return used * 100 <= frames * percent;
}

static bool busy(const struct carrefour *c, uint64_t elapsed_ns)
{
    return c->total && (unsigned __int128)c->total * 1000 >= (unsigned __int128)c->param[MAPTU] * elapsed_ns;
}

static void judge(struct carrefour *c, const struct view *v, uint64_t now)
{
    const uint64_t *p = c->param;
    bool on = busy(c, now - c->begun);
    c->replicates = on && c->reads * 100 >= c->total * p[READ] && memory_is_plenty(v, p[MEMORY]);
    c->migrates = on && c->local * 100 < c->total * p[LOCAL];
    c->interleaves = on && c->local < c->total && imbalanced(c->to, v->topology->nodes, p[IMBALANCE]);
}

/* Nodes that a page of the table was sampled from; 0: it was freed since. */
static unsigned sharers(const struct view *v, const struct slot *s)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < v->topology->nodes; i++)
        n += s->samples[i] > 0;
    return n;
}

static bool is_candidate(const struct carrefour *c, const struct view *v, page_t page)
{
    const struct slot *s = view_slot(v, page);
    return c->replicates && !s->writes && sharers(v, s) > 1;
}

static void begin_decisions(struct carrefour *c, const struct view *v)
{
    uint32_t candidates = 0;
    for (uint32_t i = 0; i < c->pages; i++)
        candidates += is_candidate(c, v, c->table[i]);
    c->latched |= candidates && candidates >= c->param[LATCH];
    c->phase = DECIDING;
    c->next = c->candidates = 0;
    c->copy_to = 0;
    if (!c->replicates && !c->migrates && !c->interleaves)
        c->next = c->pages;
}

/* A node in proportion to what of the traffic does not go there. */
static node_t draw_node(struct carrefour *c, uint32_t nodes)
{
    uint64_t left = random_below(&c->random, c->total * (nodes - 1));
    uint32_t node = 0;
    while (node + 1 < nodes && left >= c->total - c->to[node])
        left -= c->total - c->to[node++];
    return (node_t)node;
}

static void decide(struct carrefour *c, const struct view *v, page_t page, struct orders *o)
{
    const struct slot *s = view_slot(v, page);
    unsigned nodes = sharers(v, s);
    node_t home = view_home(v, page);
    if (!nodes || home == NODE_NONE)
        return;
    if (is_candidate(c, v, page)) {
        if (c->latched)
            c->table[c->candidates++] = page;
    } else if (c->interleaves && nodes > 1) {
        if ((unsigned __int128)random_below(&c->random, 101) * c->total > (unsigned __int128)c->to[home] * 100)
            return;
        node_t to = draw_node(c, v->topology->nodes);
        if (to != home)
            order_push(o, ORDER_MOVE, page, to, CARREFOUR_INTERLEAVE);
    } else if (home != s->last) {
        if (c->interleaves || (c->migrates && nodes == 1 && s->samples[s->last] >= 2))
            order_push(o, ORDER_MOVE, page, s->last, CARREFOUR_MIGRATE);
    }
}

static void copy(const struct carrefour *c, const struct view *v, page_t page, struct orders *o)
{
    const struct slot *s = view_slot(v, page);
    if (s->samples[c->copy_to] && view_copies(v, page) && !nodeset_has(view_copies(v, page), c->copy_to))
        order_push(o, ORDER_COPY, page, c->copy_to, CARREFOUR_REPLICATE);
}

/* As far as the array of orders reaches. A page gets one order per tick, so copies go node by node. True: all done. */
static bool carry_on(struct carrefour *c, const struct view *v, struct orders *o)
{
    if (c->phase == DECIDING) {
        while (c->next < c->pages && o->n < o->max)
            decide(c, v, c->table[c->next++], o);
        if (c->next < c->pages)
            return false;
        c->phase = COPYING;
        c->next = 0;
        return !c->candidates;
    }
    while (c->next < c->candidates && o->n < o->max)
        copy(c, v, c->table[c->next++], o);
    if (c->next < c->candidates)
        return false;
    c->next = 0;
    return ++c->copy_to == v->topology->nodes;
}

static void begin_epoch(struct carrefour *c, const struct view *v, uint64_t now)
{
    bool enabled = c->replicates || c->migrates || c->interleaves;
    c->accurate = enabled && c->real >= REAL_ORDERS;
    c->capacity = table_room(v, c->accurate ? TABLE_ACCURATE : TABLE_CHEAP);
    __builtin_memset(c->to, 0, sizeof c->to);
    c->total = c->reads = c->local = 0;
    c->real = c->pages = 0;
    c->phase = SAMPLING;
    c->begun = now;
}

static void set_sampling(const struct carrefour *c, const struct view *v, struct orders *o)
{
    uint64_t wanted = c->period * c->param[c->accurate ? ACCURATE : CHEAP];
    wanted = wanted < SAMPLING_MAX ? wanted : SAMPLING_MAX;
    if (v->sampling != wanted)
        order_push(o, ORDER_SAMPLE, (page_t)wanted, 0, 0);
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct carrefour *c = state;
    if (!c->period)
        c->period = v->sampling;
    set_sampling(c, v, orders);
    if (c->phase == SAMPLING) {
        add_traffic(c, v);
        if (now - c->begun >= c->param[EPOCH]) {
            judge(c, v, now);
            begin_decisions(c, v);
        }
    }
    if (c->phase == CLOSING)
        begin_epoch(c, v, now);
    else if (c->phase != SAMPLING && carry_on(c, v, orders))
        c->phase = CLOSING;
}

static void outcome(void *state, const struct order *order, int err)
{
    struct carrefour *c = state;
    c->real += !err && (order->reason == CARREFOUR_REPLICATE || order->reason == CARREFOUR_MIGRATE);
}

static const struct policy_param params[] = {
    {"epoch_ns", 1, 1000000000, POLICY_NS_MAX, "ns", "time between two looks at the machine"},
    {"maptu", 0, 50, 1000000, "misses", "DRAM accesses per microsecond from which anything is done"},
    {"read", 0, 95, 100, "percent", "reads of all accesses from which pages are replicated"},
    {"memory", 0, 25, 100, "percent", "frames in use up to which pages are replicated"},
    {"local", 0, 80, 101, "percent", "local accesses below which pages are migrated"},
    {"imbalance", 0, 35, 10000, "percent", "deviation of the nodes' traffic above which pages are interleaved"},
    {"latch", 0, 500, UINT64_MAX, "pages", "candidates in an epoch that set replication going, once and for all"},
    {"cheap", 1, 4, 32768, "", "sampling at the cheap rate, in the run's periods, a power of two"},
    {"accurate", 1, 1, 32768, "", "sampling at the accurate rate, in the run's periods, a power of two"},
    {"seed", 0, 1, UINT64_MAX, "", "of the random draws"},
    {0},
};

const struct policy_class policy_carrefour = {
    .name = "carrefour",
    .summary = "replicate, migrate or interleave sampled pages, as the machine's traffic asks for it each second",
    .source = "Dashti et al., ASPLOS 2013; carrefour-runtime e48bfda, carrefour-module 5d6fa8d",
    .fidelity = "left out: samples of cache hits, sampling by cycles; copies go to the nodes that were sampled",
    .params = params,
    .signals = SIGNAL_MISSES | SIGNAL_LOAD,
    .wants = WANT_ACCESSES,
    .tick_ns = 1000000,
    .state_size = state_size,
    .slot_size = slot_size,
    .init = init,
    .place = touch_place,
    .observe = observe,
    .tick = tick,
    .outcome = outcome,
};
