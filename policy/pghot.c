/* SPDX-License-Identifier: BSD-2-Clause
 *
 * pghot: a byte of hotness per page of the slow tier, fed by sampled accesses; pages that were seen often enough within
 * a window are promoted in batches by a thread per slow node (kmigrated).
 *
 * Rule, for each observed miss to a page whose home is in the slow tier:
 *   time since the last one > window    frequency 1
 *   else                                frequency + 1, at most the greatest that its bits hold
 *   frequency >= threshold              ready
 * Each tick takes the ready pages: the record is cleared, and the page moves to the target, where more than the high
 * watermark is free there (policy/zone.h). Nothing else ages a record: its time wraps, and a page that rests for a
 * multiple of the wrap looks as if just used.
 *
 *                  record     frequency   time                       window   target
 *   precise = 0    1 byte     2 bits      5 bits of 128 ms: 4.1 s    3 s      target
 *   precise = 1    4 bytes    3 bits      14 bits of 1 ms: 16.4 s    5 s      node of the last access
 *
 * pghot demotes nothing; the kernel beneath does where demotion is enabled: a promotion that finds no room wakes it,
 * and it demotes (policy/lru.h) until more than the promo mark is free.
 *
 * Parameters: precise (0), threshold (2), window_ns (0: 3 s or 5 s), bucket_ns (0: 128 ms, 128 jiffies at 1000 Hz, or
 * 1 ms), target (node 0), demote (1), tick_ns (100 ms: the thread's sleep). The batch of 512 pages has no counterpart:
 * a tick takes what the array of orders holds.
 *
 * Counts observed misses, not their weights, as the original counts its hints. It ships with all sources off; here the
 * source of hardware hints is on, that of hint faults is left out.
 *
 * Slot: 3 or 8 bytes. State: 1 bit per page, and 1 per 64. Source: linux-mm mm/pghot.c, mm/pghot-default.c,
 * mm/pghot-precise.c (a series under review, not merged).
 */
#include "policy/lru.h"
#include "policy/zone.h"

enum { TICK, PRECISE, THRESHOLD, WINDOW, BUCKET, TARGET, DEMOTE };
enum { WORD = 64, TAKES = 1024 };

/* What the two modes differ in. */
static const struct mode {
    unsigned frequency_max, time_bits;
    uint64_t bucket_ns, window_ns;
} modes[2] = {{3, 5, 128000000, 3000000000}, {7, 14, 1000000, 5000000000}};

struct pghot {
    struct zone zone;
    struct lru lru;
    uint64_t bucket_ns, window_ns;
    uint32_t threshold, frequency_max, time_mask;
    uint32_t section; /* where the next tick goes on */
    node_t target;
    bool precise, demotes, wanting;
    uint64_t bitmaps[]; /* pages accessed, then sections of 64 pages that have a ready one */
};

struct slot {
    uint8_t lru;
    uint8_t ready_frequency; /* bit 7: ready */
    uint16_t time;           /* buckets */
    node_t last;
};

enum { READY = 0x80, FREQUENCY = 0x7f };

static size_t bitmap_bytes(uint32_t npages)
{
    return accessed_bytes(npages) + accessed_bytes(npages / WORD + 1);
}

static size_t state_size(const struct view *v, const uint64_t *param)
{
    (void)param;
    return sizeof(struct pghot) + bitmap_bytes(v->npages);
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct pghot *s = state;
    const struct mode *mode = &modes[param[PRECISE]];
    zone_init(&s->zone, v->topology);
    lru_init(&s->lru, v->topology);
    s->precise = param[PRECISE];
    s->bucket_ns = param[BUCKET] ? param[BUCKET] : mode->bucket_ns;
    s->window_ns = param[WINDOW] ? param[WINDOW] : mode->window_ns;
    s->threshold = (uint32_t)param[THRESHOLD];
    s->frequency_max = mode->frequency_max;
    s->time_mask = (UINT32_C(1) << mode->time_bits) - 1;
    s->target = (node_t)param[TARGET];
    s->demotes = param[DEMOTE];
    return s->target < v->topology->nodes && s->threshold <= s->frequency_max ? 0 : ERR_INVAL;
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    struct pghot *s = state;
    (void)page;
    return zone_place(&s->zone, v, toucher);
}

static uint64_t *ready_sections(struct pghot *s, const struct view *v)
{
    return s->bitmaps + accessed_bytes(v->npages) / sizeof(uint64_t);
}

static void record(struct pghot *s, const struct view *v, const struct event *e)
{
    struct slot *slot = view_slot(v, e->page);
    uint32_t time = (uint32_t)(e->time / s->bucket_ns) & s->time_mask, frequency = slot->ready_frequency & FREQUENCY;
    uint32_t rest = (time - slot->time) & s->time_mask;
    frequency = rest > s->window_ns / s->bucket_ns ? 1 : frequency < s->frequency_max ? frequency + 1 : frequency;
    bool ready = frequency >= s->threshold;
    slot->ready_frequency = (uint8_t)(frequency | (ready ? READY : 0));
    slot->time = (uint16_t)time;
    slot->last = e->node;
    if (ready)
        ready_sections(s, v)[e->page / WORD / WORD] |= (uint64_t)1 << (e->page / WORD % WORD);
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct pghot *s = state;
    (void)orders;
    for (const struct event *e = event; e < event + n; e++) {
        node_t home = view_home(v, e->page);
        if (event_kind(e) <= EVENT_WRITE && home != NODE_NONE && nodeset_has(s->lru.tier.slow, home))
            record(s, v, e);
    }
}

static void promote(struct pghot *s, const struct view *v, page_t page, uint64_t *taken, struct orders *orders)
{
    struct slot *slot = view_slot(v, page);
    node_t to = s->precise ? slot->last : s->target, home = view_home(v, page);
    slot->ready_frequency = 0;
    slot->time = 0;
    if (home == NODE_NONE || home == to || !nodeset_has(s->lru.tier.slow, home))
        return;
    if (v->free[to] <= s->zone.high[to] + 1 + taken[to]) {
        s->wanting = true;
        return;
    }
    taken[to]++;
    order_push(orders, ORDER_MOVE, page, to, TIER_PROMOTE);
}

/* One section: its ready pages are taken while orders have room. False: they had none. */
static bool take(struct pghot *s, const struct view *v, uint32_t section, uint64_t *taken, struct orders *orders)
{
    uint32_t end = (section + 1) * WORD < v->npages ? (section + 1) * WORD : v->npages;
    for (page_t page = section * WORD; page < end; page++) {
        const struct slot *slot = view_slot(v, page);
        if (!(slot->ready_frequency & READY))
            continue;
        if (orders->n == orders->max)
            return false;
        promote(s, v, page, taken, orders);
    }
    return true;
}

static void migrate(struct pghot *s, const struct view *v, struct orders *orders)
{
    uint32_t sections = v->npages / WORD + 1, takes = 0;
    uint64_t *ready = ready_sections(s, v), taken[NODE_MAX] = {0};
    for (uint32_t i = 0; i < sections && takes < TAKES; i++) {
        uint32_t section = s->section;
        uint64_t *word = &ready[section / WORD], bit = (uint64_t)1 << (section % WORD);
        if (*word & bit) {
            if (!take(s, v, section, taken, orders))
                return;
            *word &= ~bit;
            takes++;
        }
        s->section = section + 1 < sections ? section + 1 : 0;
    }
}

static void demote(struct pghot *s, const struct view *v, struct orders *orders)
{
    accessed_gather(s->bitmaps, v);
    if (!s->wanting)
        return;
    s->wanting = false;
    for (uint32_t i = 0; i < v->topology->nodes; i++) {
        if (!tier_is_fast(&s->lru.tier, (node_t)i) || v->free[i] > s->zone.promo[i])
            continue;
        uint64_t frames = s->zone.promo[i] + 1 - v->free[i];
        s->wanting |= lru_demote(&s->lru, s->bitmaps, v, (node_t)i, frames, orders) < frames;
    }
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct pghot *s = state;
    (void)now;
    if (s->demotes)
        demote(s, v, orders);
    migrate(s, v, orders);
}

static uint64_t looked(void *state)
{
    struct pghot *s = state;
    return lru_looked(&s->lru);
}

static const struct policy_param params[] = {
    {"tick_ns", 1, 100000000, POLICY_NS_MAX, "ns", "sleep of the migrating thread; accessed bits are harvested"},
    {"precise", 0, 0, 1, "", "0: a byte per page, one target; 1: 4 bytes, the node of the last access"},
    {"threshold", 1, 2, 7, "accesses", "seen in a window that make a page hot; at most 3 unless precise"},
    {"window_ns", 0, 0, POLICY_NS_MAX, "ns", "of the frequency; 0: 3 s, or 5 s when precise"},
    {"bucket_ns", 0, 0, POLICY_NS_MAX, "ns", "resolution of times; 0: 128 ms, or 1 ms when precise"},
    {"target", 0, 0, NODE_MAX - 1, "", "node to which pages move unless precise"},
    {"demote", 0, 1, 1, "", "1: demotion_enabled; 0, as shipped: a full fast tier stays as it is"},
    {0},
};

const struct policy_class policy_pghot = {
    .name = "pghot",
    .summary = "promote pages of the slow tier that were seen twice in a window: a byte per page",
    .source = "linux-mm mm/pghot.c, mm/pghot-default.c, mm/pghot-precise.c (not merged)",
    .fidelity =
        "recollected: LRU lists and demotion (a clock over accessed bits), formula of the watermarks; left out: "
        "hint faults as a source",
    .params = params,
    .signals = SIGNAL_MISSES | SIGNAL_ACCESSED,
    .tick_ns = 100000000,
    .state_size = state_size,
    .slot_bytes = sizeof(struct slot),
    .init = init,
    .place = place,
    .observe = observe,
    .tick = tick,
    .looked = looked,
};
