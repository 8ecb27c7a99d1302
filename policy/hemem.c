/* SPDX-License-Identifier: BSD-2-Clause
 *
 * hemem: pages with many samples go to the fast tier, in place of pages with few, on a machine of two tiers.
 *
 * Rule, per sample of a page: one of its three counters goes up (reads from fast memory, reads from slow memory,
 * writes). The page is hot when its writes reach `hot_write` or its reads of both kinds reach `hot_read`, else cold.
 * Then that counter, and only that one, is shifted right by the number of coolings since the page's last sample; if it
 * is above `cooling` still, a cooling begins: one global clock goes on. So the increment comes before the shift, and
 * one hot counter cools everybody, lazily.
 * Four first-in-first-out lists, {fast, slow} x {hot, cold}. Every tick: the hot pages of the slow tier in their order
 * (those that cooled in the meantime go to the cold list) to free fast frames; where none is left the first cold page
 * of the fast tier goes down in exchange; where there is none either, nothing: all of the fast tier is hot. After a
 * cooling the hot lists are swept, `sweep` pages each per tick, for pages whose cooled counters are no longer hot.
 * First touch: the fast tier while it has room.
 *
 * Three configurations are published under this name; `config` chooses, and each constant can be set by itself:
 *   1  artifact evaluation, commit 5e7c68f: hot at 8 reads or 8 writes, cooling 18, no sweep; 1 sample in 5003
 *   2  sosp-submission, commit 57fb561: 4, 4, 10, sweep of 8192 pages; 1 in 19997
 *   3  Colloid's fork (and the paper's text): 8, 4, 18, sweep of 8192 pages; 1 in 5003
 * All: a pass every 10 ms, at most 10 GB per pass.
 *
 * Counts samples, not misses: an event is 1 whatever its weight. The sampling period is the run's; `period` sets
 * another (4096 and 16384 are nearest to the published ones). The original samples retired stores, not store misses.
 * Two things differ. The original's page is 2 MiB, here it is the machine's. And the exchange takes two ticks, since
 * frames given back in one are free in the next.
 *
 * Slot: 8 bytes. State: 8 bytes per page for the lists.
 *
 * Source: Raybuck et al., SOSP 2021, and the published code named above.
 */
#include "policy/pagelist.h"
#include "policy/tier.h"

enum { CONFIG, HOT_READ, HOT_WRITE, COOLING, SWEEP, PASS_BYTES, PERIOD, TICK };
enum { READ_FAST, READ_SLOW, WRITES, COUNTERS };
enum { FAST_COLD, FAST_HOT, SLOW_COLD, SLOW_HOT, LISTS };
enum { COUNT_MAX = UINT8_MAX, COOLING_MAX = 250, SWEEP_OFF = UINT32_MAX };

struct hemem {
    struct tier tier;
    uint64_t pass_pages;
    uint32_t hot_read, hot_write, cooling, sweep, period;
    uint32_t npages;
    uint32_t clock;           /* coolings so far */
    uint32_t sweep_end[2];    /* fast, slow: the last page that the sweep under way looks at; PAGE_NONE: none */
    struct pagelist_link l[]; /* npages + LISTS */
};

struct slot {
    uint8_t count[COUNTERS];
    uint8_t hot;
    uint32_t clock;
};

static size_t state_size(const struct view *v, const uint64_t *param)
{
    (void)param;
    return sizeof(struct hemem) + ((size_t)v->npages + LISTS) * sizeof(struct pagelist_link);
}

/* The published constants of a configuration: hot_read, hot_write, cooling, sweep. */
static const uint16_t published[3][4] = {{8, 8, 18, 0}, {4, 4, 10, 8192}, {8, 4, 18, 8192}};

static uint32_t constant(const uint64_t *param, unsigned which, uint64_t as_published)
{
    return (uint32_t)(param[which] == as_published ? published[param[CONFIG] - 1][which - HOT_READ] : param[which]);
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct hemem *h = state;
    if (param[PERIOD] & (param[PERIOD] - 1))
        return ERR_INVAL;
    tier_init(&h->tier, v->topology);
    h->hot_read = constant(param, HOT_READ, 0);
    h->hot_write = constant(param, HOT_WRITE, 0);
    h->cooling = constant(param, COOLING, 0);
    h->sweep = constant(param, SWEEP, SWEEP_OFF);
    h->pass_pages = tier_pages(v, param[PASS_BYTES]);
    h->period = (uint32_t)param[PERIOD];
    h->npages = v->npages;
    h->sweep_end[0] = h->sweep_end[1] = PAGE_NONE;
    pagelist_init(h->l, v->npages + LISTS);
    return 0;
}

static uint32_t list_of(const struct hemem *h, bool fast, bool hot)
{
    return h->npages + (fast ? FAST_COLD : SLOW_COLD) + hot;
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    struct hemem *h = state;
    node_t node = tier_place(&h->tier, v, toucher);
    if (h->tier.slow)
        pagelist_append(h->l, list_of(h, tier_is_fast(&h->tier, node), false), page);
    return node;
}

static bool is_hot(const struct hemem *h, const struct slot *s, uint32_t shift)
{
    uint32_t writes = s->count[WRITES] >> shift;
    uint32_t reads = (uint32_t)(s->count[READ_FAST] >> shift) + (uint32_t)(s->count[READ_SLOW] >> shift);
    return writes >= h->hot_write || reads >= h->hot_read;
}

static uint32_t shift_of(const struct hemem *h, const struct slot *s)
{
    uint32_t shift = h->clock - s->clock;
    return shift < 8 ? shift : 8;
}

static void cool_everybody(struct hemem *h)
{
    h->clock++;
    if (!h->sweep)
        return;
    for (unsigned slow = 0; slow < 2; slow++) {
        uint32_t head = list_of(h, !slow, true), last = h->l[head].prev;
        if (h->sweep_end[slow] == PAGE_NONE && last != head)
            h->sweep_end[slow] = last;
    }
}

static inline void sample(struct hemem *h, const struct view *v, const struct event *e)
{
    struct slot *s = view_slot(v, e->page);
    bool fast = tier_is_fast(&h->tier, view_home(v, e->page));
    unsigned which = event_kind(e) == EVENT_WRITE ? WRITES : fast ? READ_FAST : READ_SLOW;
    uint8_t *count = &s->count[which];
    *count = (uint8_t)(*count + (*count < COUNT_MAX));
    bool hot = is_hot(h, s, 0);
    if (hot != s->hot) {
        s->hot = hot;
        pagelist_append(h->l, list_of(h, fast, hot), e->page);
    }
    *count = (uint8_t)(*count >> shift_of(h, s));
    s->clock = h->clock;
    if (*count > h->cooling)
        cool_everybody(h);
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct hemem *h = state;
    (void)orders;
    if (!h->tier.slow)
        return;
    for (const struct event *e = event; e < event + n; e++) {
        if (event_kind(e) <= EVENT_WRITE)
            sample(h, v, e);
        else if (event_kind(e) == EVENT_FREED)
            pagelist_take(h->l, e->page);
    }
}

/* The first cold page of the fast tier goes down. False: there is none, or no room below. */
static bool demote_one(struct hemem *h, const struct view *v, struct orders *orders)
{
    uint32_t cold = list_of(h, true, false), page = pagelist_first(h->l, cold);
    if (page == cold)
        return false;
    bool ordered = tier_demote(&h->tier, v, page, orders);
    /* A page that the engine had to place elsewhere than asked is listed where it is. */
    if (ordered || !tier_is_fast(&h->tier, view_home(v, page)))
        pagelist_append(h->l, list_of(h, false, false), page);
    return ordered;
}

static void promote(struct hemem *h, const struct view *v, struct orders *orders)
{
    uint32_t hot = list_of(h, false, true), next;
    uint64_t room = tier_free(v, h->tier.fast), left = h->pass_pages;
    for (uint32_t page = pagelist_first(h->l, hot); page != hot && left; page = next, left--) {
        struct slot *s = view_slot(v, page);
        next = h->l[page].next;
        s->hot = is_hot(h, s, 0);
        bool fast = tier_is_fast(&h->tier, view_home(v, page));
        if (!s->hot || fast) {
            pagelist_append(h->l, list_of(h, fast, s->hot), page);
        } else if (room && tier_promote(&h->tier, v, page, orders)) {
            room--;
            pagelist_append(h->l, list_of(h, true, true), page);
        } else if (room || !demote_one(h, v, orders)) {
            break;
        }
    }
}

static void sweep(struct hemem *h, const struct view *v, unsigned slow)
{
    uint32_t hot = list_of(h, !slow, true);
    for (uint32_t i = 0; i < h->sweep && h->sweep_end[slow] != PAGE_NONE; i++) {
        uint32_t page = pagelist_first(h->l, hot);
        if (page == h->sweep_end[slow] || page == hot)
            h->sweep_end[slow] = PAGE_NONE;
        if (page == hot)
            return;
        struct slot *s = view_slot(v, page);
        s->hot = is_hot(h, s, shift_of(h, s));
        pagelist_append(h->l, list_of(h, !slow, s->hot), page);
    }
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct hemem *h = state;
    (void)now;
    if (!h->tier.slow)
        return;
    if (h->period && v->sampling != h->period)
        order_push(orders, ORDER_SAMPLE, h->period, 0, 0);
    promote(h, v, orders);
    sweep(h, v, 0);
    sweep(h, v, 1);
}

/* A move that failed leaves the page where it was. Its heat is in its slot. */
static void outcome(void *state, const struct order *order, int err)
{
    struct hemem *h = state;
    if (!err || order->op != ORDER_MOVE)
        return;
    if (order->reason == TIER_PROMOTE)
        pagelist_append(h->l, list_of(h, false, true), order->page);
    else
        pagelist_append(h->l, list_of(h, true, false), order->page);
}

static const struct policy_param params[] = {
    {"config", 1, 1, 3, "", "published constants: 1 artifact evaluation, 2 sosp-submission, 3 Colloid's fork"},
    {"hot_read", 0, 0, COUNT_MAX, "samples", "reads that make a page hot; 0: as the configuration"},
    {"hot_write", 0, 0, COUNT_MAX, "samples", "writes that make a page hot; 0: as the configuration"},
    {"cooling", 0, 0, COOLING_MAX, "samples", "a counter above it halves all; 0: as the configuration"},
    {"sweep", 0, SWEEP_OFF, SWEEP_OFF, "pages",
     "hot pages looked at per tick after a cooling; 4294967295: as published"},
    {"pass_bytes", 1, 10000000000, UINT64_MAX, "bytes", "moved up per tick at most"},
    {"period", 0, 0, 32768, "misses", "sampling period that the class sets, a power of two; 0: leave the run's"},
    {"tick_ns", 1000, 10000000, POLICY_NS_MAX, "ns", "time between two passes"},
    {0},
};

const struct policy_class policy_hemem = {
    .name = "hemem",
    .summary = "tiers: pages with many samples up, cold ones down in exchange; global cooling",
    .source = "Raybuck et al. (HeMem), SOSP 2021; its code at 5e7c68f and 57fb561, Colloid's fork (SOSP 2024)",
    .fidelity = "left out: pages of 2 MiB, the queues between its two threads, small allocations kept fast",
    .params = params,
    .signals = SIGNAL_MISSES,
    .wants = WANT_STORES,
    .tick_ns = 10000000,
    .state_size = state_size,
    .slot_bytes = sizeof(struct slot),
    .init = init,
    .place = place,
    .observe = observe,
    .tick = tick,
    .outcome = outcome,
};
