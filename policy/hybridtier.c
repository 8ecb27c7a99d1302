/* SPDX-License-Identifier: BSD-2-Clause
 *
 * hybridtier: pages with many accesses in a long time (frequency) or a short one (momentum), by sketches, go up.
 *
 * Rule (policy/sketch.h: 4-bit counters). A sample counts in both sketches. That of frequency has 20.43 counters per
 * page of the fast tier (false positives 0.001 with 4 hashes) and is halved after 160 samples per such page; that of
 * momentum has a hundredth of it and is halved after 1100000 samples, or, on tiers smaller than 16 GiB, where that
 * number would never let it come to 0, after as many as it has counters. Each `batch` samples, pages sampled in it that
 * reached `hot` or `momentum` go up while the fast tier has room. Then, if at most 1.25 % of it is free, pages go down
 * until 5 % are: pages given a second chance more than second_ns ago, if their frequency has not changed; by address,
 * from where the last scan ended: of momentum 0 and frequency below `hot`, down; of momentum 0 and frequency from `hot`
 * on, a second chance (10000 pages at most). Above 100 MiB/s of demotion the class sleeps a second after it. When,
 * after `after` batches, `plateau` batches moved up at most plateau_bytes: if the hot pages fill less than 80 % of the
 * fast tier `hot` falls by one, to 3 at least; else, or when two scans in a row ran to the end of memory and found too
 * little, sampling stops: after settle_ns the share of accesses that the fast tier serves is taken every point_ns,
 * until a line through the last five falls by more than 0.01 per point; then both sketches are halved and all begins
 * again.
 *
 * Counts samples, not misses. Differs: the run's sampling period (the original: 100001 per second and CPU); samples
 * count at once; moves and scans take several ticks. Not certain: the 60 s between points (another reading of the
 * artifact has a look every 10 s) [R]. State: some 10 bytes per page of the fast tier, 2 bits per page.
 *
 * Source: Song et al., ASPLOS 2025, and the artifact's tiering_runtime/hybridtier.cpp.
 */
#include "policy/load.h"
#include "policy/sketch.h"
#include "policy/tier.h"
#include "policy/trend.h"

enum { BATCH, HOT, MOMENTUM, MOMENTUM_WINDOW, AFTER, PLATEAU, PLATEAU_BYTES, SECOND, SETTLE, POINT, TICK };
enum { HOT_LEAST = 3, SECOND_MOST = 10000, SCAN_PAGES = 65536, PERIOD_MOST = 32768 };
enum { COUNTERS_PER_100_PAGES = 2043, WINDOW_PER_PAGE = 160, MOMENTUM_SHARE = 100, MOMENTUM_MOST = 1100000 };
static const uint64_t throttle_above = UINT64_C(100) << 20, throttle_below = UINT64_C(10) << 20, nap_ns = 1000000000;

enum batch { BATCH_NOW, BATCH_LAST };
/* What the ticks are busy with. */
enum stage { STAGE_SAMPLE, STAGE_PROMOTE, STAGE_SECOND, STAGE_SCAN, STAGE_PLATEAU, STAGE_MONITOR };

struct hybridtier {
    struct tier tier;
    struct sketch frequency, momentum;
    uint64_t batch, after, plateau, plateau_pages, second_ns, settle_ns, point_ns;
    uint64_t in_batch, batches, promoted;         /* promoted: since the last look for a plateau */
    uint64_t second_since, demoted_at, nap_until; /* times */
    uint64_t wanted, found;                       /* pages to go down */
    uint64_t next_point, misses, fast_misses;
    struct trend share;                            /* of the fast tier in all misses, millionths */
    uint32_t hot_first, hot, momentum_hot, period; /* period: to go back to after monitoring */
    uint32_t npages, cursor;                       /* cursor: word of candidates */
    page_t scan_at;                                /* where the next scan begins */
    uint32_t seconds, second_at;                   /* pages in the queue; looked at so far */
    uint8_t stage;
    bool batch_done, short_before, naps, settled;
    uint64_t words[]; /* of both sketches; then candidates of this batch and the last, a bit per page; the queue */
};

struct second {
    page_t page;
    uint32_t frequency;
};

static uint32_t sketch_words_for(const struct view *v, uint64_t share)
{
    return sketch_words(tier_fast_pages(v) * COUNTERS_PER_100_PAGES / 100 / share);
}

static uint32_t bitmap_words(uint32_t npages)
{
    return npages / 64 + 1;
}

static uint32_t second_most(uint32_t npages)
{
    return npages < SECOND_MOST ? npages : SECOND_MOST;
}

static size_t state_size(const struct view *v, const uint64_t *param)
{
    (void)param;
    size_t words = (size_t)sketch_words_for(v, 1) + sketch_words_for(v, MOMENTUM_SHARE) + 2 * bitmap_words(v->npages);
    return sizeof(struct hybridtier) + words * sizeof(uint64_t) + second_most(v->npages) * sizeof(struct second);
}

static uint64_t *momentum_words(struct hybridtier *h)
{
    return h->words + h->frequency.words;
}

/* Candidates for promotion, a bit per page. */
static uint64_t *candidates(struct hybridtier *h, enum batch batch)
{
    return momentum_words(h) + h->momentum.words + (batch == BATCH_LAST ? bitmap_words(h->npages) : 0);
}

static struct second *queue(struct hybridtier *h)
{
    return (struct second *)(void *)(candidates(h, BATCH_LAST) + bitmap_words(h->npages));
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct hybridtier *h = state;
    tier_init(&h->tier, v->topology);
    sketch_init(&h->frequency, sketch_words_for(v, 1), tier_fast_pages(v) * WINDOW_PER_PAGE);
    sketch_init(&h->momentum, sketch_words_for(v, MOMENTUM_SHARE), param[MOMENTUM_WINDOW]);
    if (!h->momentum.window)
        h->momentum.window = sketch_counters(&h->momentum, MOMENTUM_MOST);
    h->batch = param[BATCH];
    h->hot = h->hot_first = (uint32_t)param[HOT];
    h->momentum_hot = (uint32_t)param[MOMENTUM];
    h->after = param[AFTER];
    h->plateau = param[PLATEAU];
    h->plateau_pages = tier_pages(v, param[PLATEAU_BYTES]);
    h->second_ns = param[SECOND];
    h->settle_ns = param[SETTLE];
    h->point_ns = param[POINT];
    h->npages = v->npages;
    return 0;
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    (void)page;
    return tier_place(&((const struct hybridtier *)state)->tier, v, toucher);
}

static inline void sample(struct hybridtier *h, page_t page)
{
    uint64_t hash = sketch_hash(page);
    uint32_t frequency = sketch_add(&h->frequency, h->words, hash);
    uint32_t momentum = sketch_add(&h->momentum, momentum_words(h), hash);
    if (frequency >= h->hot || momentum >= h->momentum_hot)
        candidates(h, BATCH_NOW)[page / 64] |= (uint64_t)1 << page % 64;
    if (++h->in_batch < h->batch)
        return;
    h->in_batch = 0;
    h->batches++;
    h->batch_done = true;
    for (uint32_t i = 0; i < bitmap_words(h->npages); i++) {
        candidates(h, BATCH_LAST)[i] |= candidates(h, BATCH_NOW)[i];
        candidates(h, BATCH_NOW)[i] = 0;
    }
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct hybridtier *h = state;
    (void)v, (void)orders;
    if (!h->tier.slow || h->stage == STAGE_MONITOR)
        return;
    /* The sketch is larger than a cache: the blocks of a batch are fetched together. */
    for (const struct event *e = event; e < event + n; e++) {
        const uint64_t *block = &h->words[sketch_block(&h->frequency, sketch_hash(e->page))];
        __builtin_prefetch(block, 1);
        __builtin_prefetch(block + SKETCH_BLOCK_WORDS - 1, 1);
    }
    for (const struct event *e = event; e < event + n; e++)
        if (event_kind(e) <= EVENT_WRITE && e->time >= h->nap_until)
            sample(h, e->page);
}

/* A stage's work; each answers with the stage of the next tick. */
static enum stage promote(struct hybridtier *h, const struct view *v, uint64_t now, struct orders *orders)
{
    (void)now;
    uint64_t room = tier_free(v, h->tier.fast);
    for (; h->cursor < bitmap_words(h->npages); h->cursor++) {
        for (uint64_t *word = &candidates(h, BATCH_LAST)[h->cursor]; *word; *word &= *word - 1) {
            if (orders->n == orders->max)
                return STAGE_PROMOTE;
            page_t page = h->cursor * 64 + (page_t)__builtin_ctzll(*word);
            bool ordered = room && tier_promote(&h->tier, v, page, orders);
            room -= ordered;
            h->promoted += ordered;
        }
    }
    h->second_at = 0;
    return STAGE_SECOND;
}

static enum stage second_chance(struct hybridtier *h, const struct view *v, uint64_t now, struct orders *orders)
{
    uint64_t free = tier_free(v, h->tier.fast), frames = h->tier.frames;
    if (!h->second_at) {
        if (free > frames / 80)
            return STAGE_PLATEAU;
        h->wanted = frames / 20 > free ? frames / 20 - free : 0;
        h->found = 0;
    }
    if (h->seconds && now - h->second_since > h->second_ns) {
        for (; h->second_at < h->seconds; h->second_at++) {
            const struct second *s = &queue(h)[h->second_at];
            if (orders->n == orders->max)
                return STAGE_SECOND;
            if (sketch_count(&h->frequency, h->words, sketch_hash(s->page)) == s->frequency)
                h->wanted -= tier_demote(&h->tier, v, s->page, orders) && h->wanted;
        }
        h->second_since = now;
        h->seconds = 0;
    }
    return STAGE_SCAN;
}

static void give_second_chance(struct hybridtier *h, page_t page, uint32_t frequency)
{
    if (h->seconds == second_most(h->npages))
        return;
    /* A full counter would not show further accesses. */
    if (frequency == SKETCH_MOST)
        sketch_take(&h->frequency, h->words, sketch_hash(page));
    queue(h)[h->seconds++] = (struct second){page, frequency - (frequency == SKETCH_MOST)};
}

static enum stage stop_sampling(struct hybridtier *h, const struct view *v, uint64_t now, struct orders *orders)
{
    h->period = v->sampling;
    h->next_point = now + h->settle_ns;
    h->settled = false;
    h->share.n = 0;
    order_push(orders, ORDER_SAMPLE, PERIOD_MOST, 0, 0);
    return STAGE_MONITOR;
}

static enum stage after_scan(struct hybridtier *h, const struct view *v, uint64_t now, struct orders *orders)
{
    bool too_little = h->found < h->wanted, again = too_little && h->short_before;
    uint64_t time = now > h->demoted_at ? now - h->demoted_at : 1;
    unsigned __int128 moved = (unsigned __int128)h->found * v->topology->page_size * 1000000000;
    if (h->scan_at >= h->npages)
        h->scan_at = 0;
    h->naps = moved >= (unsigned __int128)time * (h->naps ? throttle_below : throttle_above);
    h->nap_until = h->naps ? now + nap_ns : 0;
    h->demoted_at = now;
    h->short_before = too_little;
    return again ? stop_sampling(h, v, now, orders) : STAGE_PLATEAU;
}

static enum stage scan(struct hybridtier *h, const struct view *v, uint64_t now, struct orders *orders)
{
    uint32_t left = SCAN_PAGES;
    for (; h->scan_at < h->npages && h->found < h->wanted; h->scan_at++) {
        page_t page = h->scan_at;
        if (!left-- || orders->n == orders->max)
            return STAGE_SCAN;
        uint64_t hash = sketch_hash(page);
        if (!tier_is_fast(&h->tier, view_home(v, page)) || sketch_count(&h->momentum, momentum_words(h), hash))
            continue;
        uint32_t frequency = sketch_count(&h->frequency, h->words, hash);
        if (frequency < h->hot)
            h->found += tier_demote(&h->tier, v, page, orders);
        else
            give_second_chance(h, page, frequency);
    }
    return after_scan(h, v, now, orders);
}

static enum stage plateau(struct hybridtier *h, const struct view *v, uint64_t now, struct orders *orders)
{
    if (h->batches % h->plateau != h->plateau - 1)
        return STAGE_SAMPLE;
    bool flat = h->batches > h->after && h->promoted <= h->plateau_pages;
    h->promoted = 0;
    if (!flat)
        return STAGE_SAMPLE;
    if (h->hot <= HOT_LEAST || sketch_pages(&h->frequency, h->hot) >= h->tier.frames / 5 * 4)
        return stop_sampling(h, v, now, orders);
    h->hot--;
    return STAGE_SAMPLE;
}

static void count_misses(struct hybridtier *h, const struct view *v)
{
    uint32_t nodes = v->topology->nodes;
    for (uint32_t i = 0; i < nodes * nodes; i++) {
        uint64_t misses = load_reads(v, i / nodes, i % nodes) + load_writes(v, i / nodes, i % nodes);
        h->misses += misses;
        h->fast_misses += tier_is_fast(&h->tier, (node_t)(i % nodes)) ? misses : 0;
    }
}

static enum stage monitor(struct hybridtier *h, const struct view *v, uint64_t now, struct orders *orders)
{
    count_misses(h, v);
    if (now < h->next_point)
        return STAGE_MONITOR;
    if (h->settled && h->misses)
        trend_push(&h->share, (int64_t)((unsigned __int128)h->fast_misses * 1000000 / h->misses));
    h->next_point = now + h->point_ns;
    h->settled = true;
    h->misses = h->fast_misses = 0;
    /* A fall by more than 0.01 per point, in millionths. */
    if (h->share.n <= TREND_POINTS || trend_slope(&h->share) >= -10000 * TREND_SCALE)
        return STAGE_MONITOR;
    sketch_age(&h->frequency, h->words);
    sketch_age(&h->momentum, momentum_words(h));
    h->hot = h->hot_first;
    h->seconds = 0;
    h->short_before = false;
    order_push(orders, ORDER_SAMPLE, h->period, 0, 0);
    return STAGE_SAMPLE;
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct hybridtier *h = state;
    if (!h->tier.slow || h->tier.frames == FRAMES_UNBOUNDED)
        return;
    if (h->stage == STAGE_SAMPLE && h->batch_done) {
        h->batch_done = false;
        h->cursor = 0;
        h->stage = STAGE_PROMOTE;
    }
    static enum stage (*const work[])(struct hybridtier *, const struct view *, uint64_t, struct orders *) = {
        [STAGE_PROMOTE] = promote, [STAGE_SECOND] = second_chance, [STAGE_SCAN] = scan,
        [STAGE_PLATEAU] = plateau, [STAGE_MONITOR] = monitor,
    };
    if (work[h->stage])
        h->stage = (uint8_t)work[h->stage](h, v, now, orders);
}

static const struct policy_param params[] = {
    {"batch", 1, 100000, UINT64_MAX, "samples", "between two rounds of promotion and demotion"},
    {"hot", HOT_LEAST, 5, SKETCH_MOST, "samples", "frequency from which a page is hot"},
    {"momentum", 1, 3, SKETCH_MOST, "samples", "momentum from which a page is hot"},
    {"momentum_window", 0, 0, UINT64_MAX, "samples",
     "after which momenta are halved; 0: 1100000, or as many as counters"},
    {"after", 0, 500, UINT64_MAX, "batches", "before plateaus are looked for"},
    {"plateau", 1, 20, UINT64_MAX, "batches", "over which promotions are counted"},
    {"plateau_bytes", 1, 102400000, UINT64_MAX, "bytes", "promoted in that time: no more is a plateau"},
    {"second_ns", 0, 60000000000, POLICY_NS_MAX, "ns", "time of a second chance"},
    {"settle_ns", 0, 120000000000, POLICY_NS_MAX, "ns", "rest when sampling stops"},
    {"point_ns", 1000, 60000000000, POLICY_NS_MAX, "ns", "between two points of the fast tier's share then"},
    {"tick_ns", 1000, 10000000, POLICY_NS_MAX, "ns", "time between two looks for finished batches"},
    {0},
};

const struct policy_class policy_hybridtier = {
    .name = "hybridtier",
    .summary = "tiers: pages of high frequency or momentum, kept in small sketches, up; cold ones down",
    .source = "Song et al. (HybridTier), ASPLOS 2025; tiering_runtime/hybridtier.cpp of its artifact",
    .fidelity = "left out: sampling frequencies per tier, giving up after ten scans; stores count as well as loads; "
                "recollected: point_ns",
    .params = params,
    .signals = SIGNAL_MISSES | SIGNAL_LOAD,
    .tick_ns = 10000000,
    .state_size = state_size,
    .init = init,
    .place = place,
    .observe = observe,
    .tick = tick,
};
