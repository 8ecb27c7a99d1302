/* SPDX-License-Identifier: BSD-2-Clause
 *
 * nbt: Linux NUMA balancing as memory tiering, mode 2: pages of the slow tier that fault soon after they were marked
 * move up; the fast tier is kept free by demoting what is not used.
 *
 * Scanner, periods and the clock: policy/hint_scan.h, over pages of the slow tier only. Marking a page keeps the time,
 * in thousandths of the hot threshold (ms by default), in time_bits bits.
 *
 * A hint fault on a page of the slow tier, by a CPU of node dst:
 *   free on dst > promo mark + max(1 GiB, a 16th of dst)   promote; dst's threshold is the default again
 *   time since the mark >= threshold                       stay
 *   else it is a candidate                                 promote, unless the candidates of this rate window exceed it
 *
 * Every adjust_ns, with ref = rate limit x adjust_ns: more than 1.1 ref candidates make the threshold less by an 8th of
 * the default, fewer than 0.9 ref more by as much; an 8th to twice the default. A move is ordered only while dst has
 * more than its high watermark free; else dst is demoted (policy/lru.h) at the next ticks until more than the promo
 * mark is free. Candidates count whether or not they move.
 *
 * rate_mbps is 65536 as shipped, which is no limit: candidates never reach 0.9 ref, and the threshold drifts to twice
 * its default, 2 s after 8 minutes. A realistic limit is 30, which the authors of Memtis set.
 *
 * Faults of pages that stay slow do not enter the scanner's statistics; promoted ones count as remote and private, so
 * that each scan with a promotion doubles the period (the first change is at the first promotion after a scan).
 *
 * Parameters besides the scanner's: hot_threshold_ns (1 s), adjust_ns (60 s, scan_period_max), rate_mbps,
 * rate_window_ns (1 s), time_bits (21: 8 of a task and 13 of a CPU on kernels for 8192 CPUs; 12 at least), demote (1:
 * demotion_enabled, which the kernel ships off; without it a full fast tier stays as it is), tick_ns (20 ms: each tick
 * harvests accessed bits for the demotion).
 *
 * Slot: 8 bytes. Source: Linux 6.3 kernel/sched/fair.c, mm/migrate.c, mm/vmscan.c.
 */
#include "policy/hint_scan.h"
#include "policy/lru.h"
#include "policy/zone.h"

enum { TICK, SCAN, HOT = SCAN + 7, ADJUST, RATE, RATE_WINDOW, TIME_BITS, DEMOTE };
enum { STEPS = 8, UNITS = 1000, MIB = 1 << 20, SECOND = 1000000000, GIB_SHIFT = 30, ENOUGH_SHIFT = 4 };

/* A node that pages are promoted to. */
struct promotion {
    uint64_t threshold; /* units; 0: the default */
    uint64_t candidates;
    uint64_t adjusted_at, adjusted_candidates; /* when the threshold was last looked at */
    uint64_t window_at, window_candidates;     /* when the rate window began */
    bool wanting;                              /* a promotion found no room */
};

struct nbt {
    struct hint_scan scan;
    struct zone zone;
    struct lru lru;
    struct promotion promotion[NODE_MAX];
    uint64_t unit_ns, adjust_ns, window_ns;
    uint64_t limit_window, limit_adjust; /* pages */
    uint32_t time_mask;
    bool demotes;
    uint64_t accessed[]; /* bitmap over pages */
};

struct slot {
    uint8_t lru;
    uint8_t reserved[3];
    uint32_t marked; /* units */
};

static size_t state_size(const struct view *v, const uint64_t *param)
{
    (void)param;
    return sizeof(struct nbt) + accessed_bytes(v->npages);
}

static uint64_t pages_in(uint64_t mbps, uint64_t ns, uint64_t page_size)
{
    return (uint64_t)((unsigned __int128)mbps * MIB * ns / SECOND / page_size);
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct nbt *s = state;
    hint_scan_init(&s->scan, param + SCAN);
    zone_init(&s->zone, v->topology);
    lru_init(&s->lru, v->topology);
    s->unit_ns = param[HOT] / UNITS;
    s->adjust_ns = param[ADJUST];
    s->window_ns = param[RATE_WINDOW];
    s->limit_window = pages_in(param[RATE], s->window_ns, v->topology->page_size);
    s->limit_adjust = pages_in(param[RATE], s->adjust_ns, v->topology->page_size);
    s->time_mask = (uint32_t)((UINT64_C(1) << param[TIME_BITS]) - 1);
    s->demotes = param[DEMOTE];
    return 0;
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    struct nbt *s = state;
    (void)page;
    hint_scan_touch(&s->scan);
    return zone_place(&s->zone, v, toucher);
}

static bool enough_free(const struct nbt *s, const struct view *v, node_t node)
{
    uint64_t gib = (UINT64_C(1) << GIB_SHIFT) / v->topology->page_size,
             part = v->topology->frames[node] >> ENOUGH_SHIFT;
    return v->free[node] > s->zone.promo[node] + (gib > part ? gib : part);
}

static void adjust(const struct nbt *s, struct promotion *p, uint64_t now)
{
    if (now - p->adjusted_at <= s->adjust_ns)
        return;
    const uint64_t step = 2 * UNITS / (2 * STEPS), ref = s->limit_adjust;
    uint64_t candidates = p->candidates - p->adjusted_candidates, threshold = p->threshold ? p->threshold : UNITS;
    if (candidates > ref * 11 / 10)
        threshold = threshold > 2 * step ? threshold - step : step;
    else if (candidates < ref * 9 / 10)
        threshold = threshold + step < 2 * UNITS ? threshold + step : 2 * UNITS;
    p->threshold = threshold;
    p->adjusted_at = now;
    p->adjusted_candidates = p->candidates;
}

/* Counts a candidate. True: over the limit of this window. */
static bool limited(const struct nbt *s, struct promotion *p, uint64_t now)
{
    p->candidates++;
    if (now - p->window_at > s->window_ns) {
        p->window_at = now;
        p->window_candidates = p->candidates;
    }
    return p->candidates - p->window_candidates >= s->limit_window;
}

static bool hot(struct nbt *s, const struct view *v, const struct event *e)
{
    struct promotion *p = &s->promotion[e->node];
    const struct slot *slot = view_slot(v, e->page);
    if (enough_free(s, v, e->node)) {
        p->threshold = 0;
        return true;
    }
    adjust(s, p, e->time);
    uint32_t latency = ((uint32_t)(e->time / s->unit_ns) - slot->marked) & s->time_mask;
    return latency < (p->threshold ? p->threshold : UNITS) && !limited(s, p, e->time);
}

static void fault(struct nbt *s, const struct view *v, const struct event *e, struct orders *orders)
{
    node_t home = view_home(v, e->page);
    if (home == NODE_NONE || home == e->node || tier_is_fast(&s->lru.tier, home) || !hot(s, v, e))
        return;
    if (!zone_admits(&s->zone, v, e->node)) {
        s->promotion[e->node].wanting = true;
        return;
    }
    hint_scan_promoted(&s->scan, v->topology);
    order_push(orders, ORDER_MOVE, e->page, e->node, TIER_PROMOTE);
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct nbt *s = state;
    for (const struct event *e = event; e < event + n; e++) {
        hint_scan_event(&s->scan, e);
        if (event_kind(e) == EVENT_HINT)
            fault(s, v, e, orders);
    }
}

static void demote(struct nbt *s, const struct view *v, struct orders *orders)
{
    accessed_gather(s->accessed, v);
    for (uint32_t i = 0; i < v->topology->nodes; i++) {
        struct promotion *p = &s->promotion[i];
        if (!p->wanting || !tier_is_fast(&s->lru.tier, (node_t)i))
            continue;
        uint64_t mark = s->zone.promo[i] + 1, frames = mark > v->free[i] ? mark - v->free[i] : 0;
        p->wanting = lru_demote(&s->lru, s->accessed, v, (node_t)i, frames, orders) < frames;
    }
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct nbt *s = state;
    if (s->demotes)
        demote(s, v, orders);
    uint32_t first = orders->n;
    hint_scan_tick(&s->scan, v, now, s->lru.tier.slow, orders);
    for (uint32_t i = first; i < orders->n; i++)
        ((struct slot *)view_slot(v, orders->list[i].page))->marked = (uint32_t)(now / s->unit_ns);
}

static uint64_t looked(void *state)
{
    struct nbt *s = state;
    return lru_looked(&s->lru);
}

static const struct policy_param params[] = {
    {"tick_ns", 1, 20000000, POLICY_NS_MAX, "ns", "accessed bits are harvested, pages watched and demoted"},
    HINT_SCAN_PARAMS,
    {"hot_threshold_ns", 1000, 1000000000, HINT_SCAN_LONGEST, "ns",
     "default of the time from mark to fault of a hot page"},
    {"adjust_ns", 1000, 60000000000, HINT_SCAN_LONGEST, "ns", "the threshold is adjusted so often"},
    {"rate_mbps", 0, 65536, UINT64_C(1) << 32, "MB/s",
     "limit of promotion per node; 65536 as shipped, 30 in Memtis's runs"},
    {"rate_window_ns", 1000, 1000000000, HINT_SCAN_LONGEST, "ns", "the limit holds over such windows"},
    {"time_bits", 12, 21, 32, "bits", "of the mark's time, in thousandths of hot_threshold_ns; it wraps"},
    {"demote", 0, 1, 1, "", "1: demotion_enabled; 0, as shipped: a full fast tier stays as it is"},
    {0},
};

const struct policy_class policy_nbt = {
    .name = "nbt",
    .summary = "Linux memory tiering: promote what faults soon after it was marked",
    .source = "Linux 6.3 kernel/sched/fair.c, mm/migrate.c (numa_balancing = 2)",
    .fidelity =
        "recollected: LRU lists and demotion (a clock over accessed bits), formula of the watermarks; left out: "
        "all tasks are one process, no VMA rules; assumed: the cost of marking a page",
    .params = params,
    .signals = SIGNAL_HINTS | SIGNAL_ACCESSED | SIGNAL_LOAD,
    .tick_ns = 20000000,
    .state_size = state_size,
    .slot_bytes = sizeof(struct slot),
    .init = init,
    .place = place,
    .observe = observe,
    .tick = tick,
    .looked = looked,
};
