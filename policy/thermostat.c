/* SPDX-License-Identifier: BSD-2-Clause
 *
 * thermostat: pages whose total rate of accesses costs less than a tolerated slowdown lie in the slow tier.
 *
 * Rule, in rounds of three phases of a third of round_ns each, over groups of group_bytes (the original's huge pages):
 *   look      `sample` percent of the groups in the fast tier, chosen at random, and all groups in the slow one;
 *             accessed bits are gathered
 *   count     up to `poison` of each chosen group's accessed pages, at random, are watched; every access to them is a
 *             fault, counted for the group and the page watched again
 *   classify  rate of a group = faults x its accessed pages / its watched pages / time. Of the sampled groups, in
 *             ascending order of rate, those go down whose rates add up to at most the budget = slowdown / slow_ns
 *             (3 % / 1 us = 30000 accesses per second). While the groups of the slow tier together exceed the budget,
 *             the one with the highest rate comes up.
 * A group belongs to the tier that has most of its pages. First touch: the fast tier while it has room.
 *
 * The class saves fast memory, it does not ration it: nothing here looks at free frames, so that where the fast tier is
 * full what exceeds the budget can come up only as far as cold groups went down.
 *
 * Watches and moves are given as the array of orders has room, tick by tick; a group's time counts from its own watch.
 * Where watching is not possible (ERR_NOSUP) the class does nothing, since all would look cold.
 *
 * State: 36 bytes per group, a bit per page. No slots. Randomness from `seed`.
 * Recollected from the paper; its code was not seen. Differs: base pages that lie together stand for a huge page, so
 * nothing is split; in the slow tier as well `poison` pages are counted, the original counts all of a slow page.
 *
 * Source: Agarwal, Wenisch, ASPLOS 2017.
 */
#include "policy/accessed.h"
#include "policy/random.h"
#include "policy/tier.h"

enum { GROUP_BYTES, SAMPLE, POISON, SLOWDOWN, SLOW, ROUND, SEED, TICK };
enum { LOOK, COUNT, CLASSIFY, PHASES };
enum { GROUP_MOST = 4096 }; /* pages: as many as an array of orders holds */
enum { GROUP_COLD = 1, GROUP_CHOSEN = 2, GROUP_WATCHED = 4, GROUP_MOVES = 8 };

struct group {
    uint64_t since; /* watched from this time on */
    uint32_t faults, accessed, watched;
    uint32_t rate; /* accesses per second */
    uint8_t flags;
};

struct thermostat {
    struct tier tier;
    uint64_t seed, budget, phase_ns, phase_end, looked;
    uint32_t npages, group_pages, groups, poison, sample;
    uint32_t watching, moving; /* the next group to be watched, to be moved */
    uint8_t phase;
    bool blind;
    struct group g[]; /* groups; behind them the order of groups by rate, u32 each, and a bit per page: accessed */
};

static uint32_t group_pages(const struct view *v, const uint64_t *param)
{
    uint64_t pages = tier_pages(v, param[GROUP_BYTES]);
    return pages < GROUP_MOST ? (uint32_t)pages : GROUP_MOST;
}

static uint32_t groups(const struct view *v, const uint64_t *param)
{
    uint32_t each = group_pages(v, param);
    return (uint32_t)(((uint64_t)v->npages + each - 1) / each);
}

/* The ranks and the bits lie on multiples of 8. */
static size_t ranks_bytes(uint32_t n)
{
    return ((size_t)n * sizeof(uint32_t) + 7) & ~(size_t)7;
}

static size_t state_size(const struct view *v, const uint64_t *param)
{
    uint32_t n = groups(v, param);
    return sizeof(struct thermostat) + n * sizeof(struct group) + ranks_bytes(n) + accessed_bytes(v->npages);
}

static uint32_t *ranks(struct thermostat *t)
{
    return (uint32_t *)(void *)&t->g[t->groups];
}

static uint64_t *accessed(struct thermostat *t)
{
    return (uint64_t *)(void *)((unsigned char *)ranks(t) + ranks_bytes(t->groups));
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct thermostat *t = state;
    tier_init(&t->tier, v->topology);
    t->seed = param[SEED];
    t->budget = param[SLOWDOWN] * 1000000 / param[SLOW];
    t->phase_ns = param[ROUND] / PHASES;
    t->npages = v->npages;
    t->group_pages = group_pages(v, param);
    t->groups = groups(v, param);
    t->poison = (uint32_t)param[POISON];
    t->sample = (uint32_t)param[SAMPLE];
    t->phase = CLASSIFY;
    t->watching = t->groups;
    t->moving = 2 * t->groups;
    return 0;
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    const struct thermostat *t = state;
    (void)page;
    return tier_place(&t->tier, v, toucher);
}

static page_t group_end(const struct thermostat *t, uint32_t group)
{
    uint64_t end = (uint64_t)(group + 1) * t->group_pages;
    return end < t->npages ? (page_t)end : t->npages;
}

/* Pages of the group that are in use; *slow: in the slow tier. */
static uint32_t in_use(const struct thermostat *t, const struct view *v, uint32_t group, uint32_t *slow)
{
    uint32_t used = 0;
    *slow = 0;
    for (page_t page = group * t->group_pages; page < group_end(t, group); page++) {
        node_t home = view_home(v, page);
        used += home != NODE_NONE;
        *slow += home < NODE_MAX && nodeset_has(t->tier.slow, home);
    }
    return used;
}

static void begin_look(struct thermostat *t, const struct view *v)
{
    for (uint32_t i = 0; i < t->groups; i++) {
        uint32_t slow, used = in_use(t, v, i, &slow);
        bool cold = slow > used - slow, chosen = used && (cold || random_below(&t->seed, 100) < t->sample);
        t->looked += chosen ? used : 0;
        t->g[i] = (struct group){.flags = (uint8_t)((cold ? GROUP_COLD : 0) | (chosen ? GROUP_CHOSEN : 0))};
    }
    __builtin_memset(accessed(t), 0, accessed_bytes(t->npages));
}

/* Watches up to `poison` of the group's accessed pages; each set of them is as likely as any other. */
static void watch_group(struct thermostat *t, uint32_t group, uint64_t now, struct orders *orders)
{
    struct group *g = &t->g[group];
    for (page_t page = group * t->group_pages; page < group_end(t, group); page++)
        g->accessed += accessed_is(accessed(t), page);
    t->looked += group_end(t, group) - group * t->group_pages;
    uint32_t left = g->accessed, wanted = left < t->poison ? left : t->poison;
    for (page_t page = group * t->group_pages; wanted && page < group_end(t, group); page++) {
        if (!accessed_is(accessed(t), page) || random_below(&t->seed, left--) >= wanted)
            continue;
        wanted--;
        g->watched++;
        order_push(orders, ORDER_WATCH, page, 0, 0);
    }
    g->since = now;
    g->flags |= GROUP_WATCHED;
}

static void watch_some(struct thermostat *t, uint64_t now, struct orders *orders)
{
    for (; t->watching < t->groups; t->watching++) {
        if (!(t->g[t->watching].flags & GROUP_CHOSEN))
            continue;
        if (orders->max - orders->n < t->poison && orders->n)
            return;
        watch_group(t, t->watching, now, orders);
    }
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct thermostat *t = state;
    (void)v;
    for (const struct event *e = event; e < event + n; e++) {
        if (event_kind(e) != EVENT_HINT || t->phase != COUNT)
            continue;
        struct group *g = &t->g[e->page / t->group_pages];
        if (!(g->flags & GROUP_WATCHED))
            continue;
        g->faults += g->faults < UINT32_MAX;
        order_push(orders, ORDER_WATCH, e->page, 0, 0);
    }
}

static uint32_t rate(const struct group *g, uint64_t now)
{
    uint64_t time = now - g->since;
    if (!g->watched || !time)
        return 0;
    unsigned __int128 rate = (unsigned __int128)g->faults * g->accessed * 1000000000 / g->watched / time;
    return rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
}

static void sift(const struct thermostat *t, uint32_t *heap, uint32_t n, uint32_t at)
{
    for (uint32_t child = 2 * at + 1; child < n; at = child, child = 2 * at + 1) {
        if (child + 1 < n && t->g[heap[child + 1]].rate > t->g[heap[child]].rate)
            child++;
        if (t->g[heap[child]].rate <= t->g[heap[at]].rate)
            return;
        uint32_t swapped = heap[at];
        heap[at] = heap[child];
        heap[child] = swapped;
    }
}

/* The watched groups of one tier that stay so far, by ascending rate; how many there are. */
static uint32_t rank(struct thermostat *t, bool cold)
{
    uint32_t *heap = ranks(t), n = 0;
    for (uint32_t i = 0; i < t->groups; i++)
        if ((t->g[i].flags & (GROUP_WATCHED | GROUP_MOVES | GROUP_COLD)) == (GROUP_WATCHED | (cold ? GROUP_COLD : 0)))
            heap[n++] = i;
    for (uint32_t i = n / 2; i--;)
        sift(t, heap, n, i);
    for (uint32_t i = n; i-- > 1;) {
        uint32_t highest = heap[0];
        heap[0] = heap[i];
        heap[i] = highest;
        sift(t, heap, i, 0);
    }
    return n;
}

static void classify(struct thermostat *t, uint64_t now)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < t->groups; i++) {
        t->g[i].rate = rate(&t->g[i], now);
        sum += t->g[i].flags & GROUP_COLD ? t->g[i].rate : 0;
    }
    const uint32_t *by_rate = ranks(t);
    for (uint32_t n = rank(t, true); n-- && sum > t->budget; sum -= t->g[by_rate[n]].rate)
        t->g[by_rate[n]].flags ^= GROUP_COLD | GROUP_MOVES;
    sum = 0;
    for (uint32_t i = 0, n = rank(t, false); i < n; i++) {
        struct group *g = &t->g[by_rate[i]];
        sum += g->rate;
        if (sum > t->budget)
            return;
        g->flags |= GROUP_COLD | GROUP_MOVES;
    }
}

/* The marked groups: those that go down first, then, in the next tick, when their frames are free, those that come up.
 */
static void move_some(struct thermostat *t, const struct view *v, struct orders *orders)
{
    for (; t->moving < 2 * t->groups; t->moving++) {
        uint32_t group = t->moving % t->groups;
        bool down = t->moving < t->groups, marked = t->g[group].flags & GROUP_MOVES;
        if (orders->n && (t->moving == t->groups || orders->max - orders->n < t->group_pages))
            return;
        if (!marked || !(t->g[group].flags & GROUP_COLD) == down)
            continue;
        for (page_t page = group * t->group_pages; page < group_end(t, group); page++)
            (down ? tier_demote : tier_promote)(&t->tier, v, page, orders);
    }
}

static void next_phase(struct thermostat *t, const struct view *v, uint64_t now)
{
    t->phase_end = now + t->phase_ns;
    t->phase = (uint8_t)((t->phase + 1) % PHASES);
    if (t->phase == LOOK) {
        begin_look(t, v);
    } else if (t->phase == COUNT) {
        t->watching = 0;
    } else {
        classify(t, now);
        t->moving = 0;
    }
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct thermostat *t = state;
    if (!t->tier.slow || t->blind)
        return;
    if (t->phase == LOOK)
        accessed_gather(accessed(t), v);
    if (now >= t->phase_end)
        next_phase(t, v, now);
    if (t->phase == COUNT)
        watch_some(t, now, orders);
    if (t->phase == CLASSIFY)
        move_some(t, v, orders);
}

/* A chosen group's bits are cleared when a look begins and read when it ends. */
static uint64_t looked(void *state)
{
    struct thermostat *t = state;
    uint64_t pages = t->looked;
    t->looked = 0;
    return pages;
}

static void outcome(void *state, const struct order *order, int err)
{
    struct thermostat *t = state;
    if (order->op == ORDER_WATCH && err == ERR_NOSUP)
        t->blind = true;
}

static const struct policy_param params[] = {
    {"group_bytes", 1, 2097152, 16777216, "bytes", "what is judged as one page: a huge page's size"},
    {"sample", 0, 5, 100, "percent", "of the groups in the fast tier looked at per round"},
    {"poison", 1, 50, 4096, "pages", "of a group watched at most"},
    {"slowdown", 0, 30, 1000, "permil", "slowdown that is tolerated"},
    {"slow_ns", 1, 1000, 1000000, "ns", "cost of an access to the slow tier"},
    {"round_ns", 3000, 30000000000, POLICY_NS_MAX, "ns", "a round of three phases"},
    {"seed", 0, 1, UINT64_MAX, "", "of the choice of groups and pages"},
    {"tick_ns", 1000, 100000000, POLICY_NS_MAX, "ns", "watches and moves are given in portions, one per tick"},
    {0},
};

const struct policy_class policy_thermostat = {
    .name = "thermostat",
    .summary = "tiers: cold groups down as far as a tolerated slowdown goes, by counted faults",
    .source = "Agarwal and Wenisch (Thermostat), ASPLOS 2017",
    .fidelity = "recollected: rule and constants are from the paper by memory; groups of pages stand for huge pages",
    .params = params,
    .signals = SIGNAL_ACCESSED | SIGNAL_HINTS,
    .tick_ns = 100000000,
    .state_size = state_size,
    .init = init,
    .place = place,
    .observe = observe,
    .tick = tick,
    .looked = looked,
    .outcome = outcome,
};
