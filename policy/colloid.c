/* SPDX-License-Identifier: BSD-2-Clause
 *
 * colloid: pages change tiers until the loaded latencies of both tiers are equal; over HeMem's sampling.
 *
 * Which way and how much: policy/colloid_rule.h, every `loop_ns` (10 ms). Which pages: each page has HeMem's counter of
 * samples with its lazy cooling (a counter above `cooling` halves all), and lies in a list of the pages of its tier
 * with that count. Of the tier to be left, pages go from the greatest count down whose share of all samples still fits
 * into what is to change. Where the other tier is full, a page of it with the least count leaves it for each, and the
 * difference of the two counts is what fits; the frame so cleared is used in the next loop. Per loop at most
 * `pass_bytes` (50 x 2 MiB), and at most what that share of the loop's misses transfers (`line` bytes each), a page at
 * least.
 *
 * Parameters: formula (1: closed form, the artifact's default; 0: the paper's binary search), delta 5 %, epsilon 1 %
 * [S], smoothing 4 (1/16) [S], cooling 18 as in its fork of HeMem [S].
 *
 * The original sorts the pages by frequency each time and takes the best pair; lists by count are the same to within
 * one count. Its page is 2 MiB, here it is the machine's. Latency and occupancy come from the window counters instead
 * of the CPU's home agents. Counts samples; the original samples retired stores, not store misses.
 *
 * Slot: 8 bytes. State: 8 bytes per page. Source: Vuppalapati, Agarwal, SOSP 2024; webglider/hemem, branch sosp24ae,
 * 1b442e5.
 */
#include "policy/colloid_rule.h"
#include "policy/pagelist.h"

enum { FORMULA, DELTA, EPSILON, SMOOTHING, LOOP, COOLING, PASS_BYTES, LINE, TICK };
enum { COUNTS = 32, COOLING_MAX = 30, PERCENT = COLLOID_ALL / 100, REASON_BITS = 8 };

struct colloid {
    struct tier tier;
    struct colloid_rule rule;
    uint64_t loop_ns, begun;
    uint64_t pass_pages, line;
    uint64_t misses; /* of this loop */
    uint64_t total;  /* samples of all pages, halved with them */
    uint32_t npages, cooling, clock;
    struct pagelist_link l[]; /* npages + 2 x COUNTS */
};

struct slot {
    uint8_t count;
    uint8_t reserved[3];
    uint32_t clock; /* coolings that the count has seen */
};

/* What is still to change in this loop. */
struct change {
    bool up;
    uint64_t samples; /* that the pages may have together */
    uint64_t pages;
    uint64_t room; /* frames of the tier to go to */
};

static size_t state_size(const struct view *v, const uint64_t *param)
{
    (void)param;
    return sizeof(struct colloid) + ((size_t)v->npages + 2 * COUNTS) * sizeof(struct pagelist_link);
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct colloid *c = state;
    tier_init(&c->tier, v->topology);
    colloid_rule_init(&c->rule, (uint32_t)param[FORMULA], (uint32_t)param[SMOOTHING], (uint32_t)param[DELTA] * PERCENT,
                      (uint32_t)param[EPSILON] * PERCENT);
    c->loop_ns = param[LOOP];
    c->cooling = (uint32_t)param[COOLING];
    c->pass_pages = tier_pages(v, param[PASS_BYTES]);
    c->line = param[LINE];
    c->npages = v->npages;
    pagelist_init(c->l, v->npages + 2 * COUNTS);
    return 0;
}

static uint32_t list_of(const struct colloid *c, bool fast, uint32_t count)
{
    return c->npages + (fast ? 0 : COUNTS) + count;
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    struct colloid *c = state;
    node_t node = tier_place(&c->tier, v, toucher);
    if (c->tier.slow)
        pagelist_append(c->l, list_of(c, tier_is_fast(&c->tier, node), 0), page);
    return node;
}

/* All counts are halved: every list joins that of half its count. */
static void cool(struct colloid *c)
{
    for (unsigned fast = 0; fast < 2; fast++)
        for (uint32_t count = 1; count < COUNTS; count++)
            pagelist_join(c->l, list_of(c, fast, count / 2), list_of(c, fast, count));
    c->total /= 2;
    c->clock++;
}

static void sample(struct colloid *c, const struct view *v, page_t page)
{
    struct slot *s = view_slot(v, page);
    uint32_t behind = c->clock - s->clock, count = s->count + 1u;
    count = behind < REASON_BITS ? count >> behind : 0;
    s->count = (uint8_t)count;
    s->clock = c->clock;
    c->total++;
    pagelist_append(c->l, list_of(c, tier_is_fast(&c->tier, view_home(v, page)), count), page);
    if (count > c->cooling)
        cool(c);
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct colloid *c = state;
    (void)orders;
    if (!c->tier.slow)
        return;
    for (const struct event *e = event; e < event + n; e++) {
        if (event_kind(e) <= EVENT_WRITE)
            sample(c, v, e->page);
        else if (event_kind(e) == EVENT_FREED)
            pagelist_take(c->l, e->page);
    }
}

/* The move of a page between tiers; its list goes along, and the order tells its count, should it fail. */
static bool shift(struct colloid *c, const struct view *v, page_t page, uint32_t count, bool up, struct orders *o)
{
    if (!(up ? tier_promote(&c->tier, v, page, o) : tier_demote(&c->tier, v, page, o))) {
        /* A page that the engine had to place elsewhere than asked is listed where it is. */
        pagelist_append(c->l, list_of(c, tier_is_fast(&c->tier, view_home(v, page)), count), page);
        return false;
    }
    o->list[o->n - 1].reason |= (uint16_t)(count << REASON_BITS);
    pagelist_append(c->l, list_of(c, up, count), page);
    return true;
}

/* The page with the least count of a tier, and that count; PAGE_NONE: the tier is empty. */
static uint32_t coldest(const struct colloid *c, bool fast, uint32_t *count)
{
    for (*count = 0; *count < COUNTS; ++*count) {
        uint32_t list = list_of(c, fast, *count), page = pagelist_first(c->l, list);
        if (page != list)
            return page;
    }
    return PAGE_NONE;
}

/* The tier to go to is full: for the next page that would come, its coldest one leaves. False: that would not fit. */
static bool clear_one(struct colloid *c, const struct view *v, uint32_t count, struct change *ch, struct orders *o)
{
    uint32_t least, page = coldest(c, ch->up, &least);
    if (page == PAGE_NONE || least >= count || count - least > ch->samples || !shift(c, v, page, least, !ch->up, o))
        return false;
    ch->samples -= count - least;
    return true;
}

/* Pages of one count, as far as they fit. False: no more pages at all. */
static bool change_count(struct colloid *c, const struct view *v, uint32_t count, struct change *ch, struct orders *o)
{
    uint32_t list = list_of(c, !ch->up, count), next;
    for (uint32_t page = pagelist_first(c->l, list); page != list && ch->pages; page = next, ch->pages--) {
        next = c->l[page].next;
        if (!ch->room) {
            if (!clear_one(c, v, count, ch, o))
                return o->n < o->max;
            continue;
        }
        if (count > ch->samples)
            return true;
        if (!shift(c, v, page, count, ch->up, o))
            continue;
        ch->samples -= count;
        ch->room--;
    }
    return ch->pages && o->n < o->max;
}

static void loop(struct colloid *c, const struct view *v, struct orders *o)
{
    struct change ch = {0};
    colloid_rule_loop(&c->rule);
    unsigned __int128 share = colloid_rule_change(&c->rule, &ch.up);
    uint64_t bytes = (uint64_t)(share * c->misses / COLLOID_ALL) * c->line, pages = tier_pages(v, bytes);
    c->misses = 0;
    ch.samples = (uint64_t)(share * c->total / COLLOID_ALL);
    ch.pages = pages < c->pass_pages ? pages : c->pass_pages;
    ch.room = tier_free(v, ch.up ? c->tier.fast : c->tier.slow);
    for (uint32_t count = COUNTS - 1; count && ch.samples; count--)
        if (!change_count(c, v, count, &ch, o))
            return;
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct colloid *c = state;
    if (!c->tier.slow)
        return;
    uint64_t before = c->rule.fresh_inserts[0] + c->rule.fresh_inserts[1];
    colloid_rule_window(&c->rule, &c->tier, v);
    c->misses += c->rule.fresh_inserts[0] + c->rule.fresh_inserts[1] - before;
    if (now - c->begun < c->loop_ns)
        return;
    c->begun = now;
    loop(c, v, orders);
}

/* A move that failed leaves the page where it was. */
static void outcome(void *state, const struct order *order, int err)
{
    struct colloid *c = state;
    bool was_fast = (order->reason & ((1 << REASON_BITS) - 1)) == TIER_DEMOTE;
    if (err && order->op == ORDER_MOVE)
        pagelist_append(c->l, list_of(c, was_fast, order->reason >> REASON_BITS), order->page);
}

static const struct policy_param params[] = {
    {"formula", 0, 1, 1, "", "1: the artifact's closed form; 0: the paper's binary search"},
    {"delta", 0, 5, 100, "percent", "binary search: latencies nearer to each other than this are equal"},
    {"epsilon", 0, 1, 100, "percent", "binary search: an interval shorter than this is opened again"},
    {"smoothing", 0, 4, 16, "", "each loop counts 1 / 2^smoothing"},
    {"loop_ns", 1, 10000000, POLICY_NS_MAX, "ns", "time between two decisions"},
    {"cooling", 1, 18, COOLING_MAX, "samples", "a counter above it halves all"},
    {"pass_bytes", 1, 104857600, UINT64_MAX, "bytes", "moved per loop at most"},
    {"line", 1, 64, 65536, "bytes", "what a miss transfers"},
    {"tick_ns", 1000, 1000000, POLICY_NS_MAX, "ns", "time between two looks at the traffic"},
    {0},
};

const struct policy_class policy_colloid = {
    .name = "colloid",
    .summary = "tiers: pages change until both tiers' loaded latencies are equal; over HeMem's sampling",
    .source = "Vuppalapati, Agarwal (Colloid), SOSP 2024; webglider/hemem, branch sosp24ae, 1b442e5",
    .fidelity = "left out: pages of 2 MiB, small allocations kept fast; recollected: the binary search",
    .params = params,
    .signals = SIGNAL_MISSES | SIGNAL_LOAD,
    .wants = WANT_STORES,
    .tick_ns = 1000000,
    .state_size = state_size,
    .slot_bytes = sizeof(struct slot),
    .init = init,
    .place = place,
    .observe = observe,
    .tick = tick,
    .outcome = outcome,
};
