/* SPDX-License-Identifier: BSD-2-Clause
 *
 * memtis: a histogram of access counts decides from which count on a page is hot, so that the hot set just fits into
 * the fast tier. Base pages only.
 *
 * Rule. A sample adds 512 to its page's count, which moves it through 16 bins of powers of two. Every `adapt_samples`
 * the hot threshold is set to the lowest bin such that everything from it upwards fits into the fast tier less its
 * promotion watermark; there it may rise; it falls by one bin only, and only after a cooling. A cooling, every
 * `cool_samples` or when the memory in use has grown by `cool_bytes`, halves all counts. A new page counts as hot
 * (2 ^ (threshold + 1)) and is passed over by its first cooling. Where the hot set fills less than 75 % of the
 * tier, the bin below the threshold is warm.
 * Every tick: active pages (bin >= threshold) of the slow tier go up while the fast tier has more free than the
 * promotion watermark. When those that wait do not fit, or less than the demotion watermark is free, inactive pages of
 * the fast tier below the warm threshold go down, oldest first; when too few are found the warm pages lose their
 * protection until the next adaptation.
 * Sampling: every `quota_ns` the CPU time of sampling (samples x `sample_ns`, of one CPU) is compared with the quota,
 * `quota` -+ `slack` permil, and the period doubled or halved within 256..16384: the powers of two nearest to the ends
 * of the published ladder 199..19997. `sample_ns` is assumed, not published.
 *
 * Watermarks: promotion 3 % (to 1500 MiB), demotion 2 % (to 1000 MiB), both at least 50 MiB (policy/memtis_rule.h).
 *
 * Counts samples, not misses. The original samples retired stores, with a period of their own. A cooling and a change
 * of the threshold go through all pages at once, as the original's kernel thread does. Slot: 8 bytes. State: 9 per
 * page.
 *
 * Source: Lee et al., SOSP 2023; linux/mm/htmm_*.c of its published code, commit 032e051.
 */
#include "policy/memtis_rule.h"
#include "policy/pagelist.h"
#include "policy/tier.h"

enum { ADAPT, COOL, COOL_BYTES, PROMOTE, DEMOTE, FLOOR, QUOTA, SLACK, QUOTA_NS, SAMPLE_NS, PERIOD, TICK };
enum { FAST_INACTIVE, FAST_ACTIVE, SLOW_INACTIVE, SLOW_ACTIVE, LISTS };
enum { BIN_NONE = 0xff, WARM_PERCENT = 75 };
static const uint64_t promote_most = UINT64_C(1500) << 20, demote_most = UINT64_C(1000) << 20;

struct memtis {
    struct tier tier;
    uint64_t adapt_samples, cool_samples, cool_pages;
    uint64_t promote_mark, demote_mark; /* pages */
    uint64_t quota, slack, quota_ns, sample_ns;
    uint64_t samples, samples_at_quota; /* so far; when the quota was last looked at */
    uint64_t next_adapt, next_cool;     /* in samples */
    uint64_t used, used_at_cool;        /* pages in use, now and at the last cooling by growth */
    uint64_t next_quota;                /* time; 0: not begun */
    uint64_t histogram[MEMTIS_BINS];
    uint32_t npages, period;
    uint32_t active, warm;    /* thresholds, bins */
    struct pagelist_link l[]; /* npages + LISTS; behind them the bin of each page, a byte */
};

struct slot {
    uint32_t count;
    uint8_t bin, active, is_new, reserved;
};

static size_t state_size(const struct view *v, const uint64_t *param)
{
    (void)param;
    return sizeof(struct memtis) + ((size_t)v->npages + LISTS) * sizeof(struct pagelist_link) + v->npages;
}

static uint8_t *bins(struct memtis *m)
{
    return (uint8_t *)&m->l[m->npages + LISTS];
}

static uint64_t watermark(const struct memtis *m, const struct view *v, const uint64_t *param, unsigned percent,
                          uint64_t most)
{
    uint32_t page = v->topology->page_size;
    if (m->tier.frames > UINT64_MAX / page)
        return 0;
    return memtis_watermark(m->tier.frames * page, param[percent], param[FLOOR], most) / page;
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct memtis *m = state;
    if (param[PERIOD] & (param[PERIOD] - 1) || param[SLACK] > param[QUOTA])
        return ERR_INVAL;
    tier_init(&m->tier, v->topology);
    m->adapt_samples = m->next_adapt = param[ADAPT];
    m->cool_samples = m->next_cool = param[COOL];
    m->cool_pages = tier_pages(v, param[COOL_BYTES]);
    m->promote_mark = watermark(m, v, param, PROMOTE, promote_most);
    m->demote_mark = watermark(m, v, param, DEMOTE, demote_most);
    m->quota = param[QUOTA];
    m->slack = param[SLACK];
    m->quota_ns = param[QUOTA_NS];
    m->sample_ns = param[SAMPLE_NS];
    m->period = (uint32_t)param[PERIOD];
    m->npages = v->npages;
    m->active = m->warm = MEMTIS_HOT_LEAST;
    pagelist_init(m->l, v->npages + LISTS);
    __builtin_memset(bins(m), BIN_NONE, v->npages);
    return 0;
}

static uint32_t list_of(const struct memtis *m, bool fast, bool active)
{
    return m->npages + (fast ? FAST_INACTIVE : SLOW_INACTIVE) + active;
}

static void enter_bin(struct memtis *m, struct slot *s, page_t page)
{
    uint8_t *bin = &bins(m)[page];
    if (*bin != BIN_NONE)
        m->histogram[*bin]--;
    else
        m->used++;
    s->bin = *bin = (uint8_t)memtis_bin(s->count);
    m->histogram[s->bin]++;
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    struct memtis *m = state;
    struct slot *s = view_slot(v, page);
    node_t node = tier_place(&m->tier, v, toucher);
    if (!m->tier.slow)
        return node;
    *s = (struct slot){.count = (uint32_t)2 << m->active, .active = true, .is_new = true};
    enter_bin(m, s, page);
    pagelist_append(m->l, list_of(m, tier_is_fast(&m->tier, node), true), page);
    return node;
}

static void list_anew(struct memtis *m, const struct view *v, struct slot *s, page_t page)
{
    s->active = s->bin >= m->active;
    pagelist_append(m->l, list_of(m, tier_is_fast(&m->tier, view_home(v, page)), s->active), page);
}

/* After the threshold changed. */
static void list_all(struct memtis *m, const struct view *v)
{
    for (page_t page = 0; page < m->npages; page++) {
        struct slot *s = view_slot(v, page);
        if (bins(m)[page] != BIN_NONE && s->active != (s->bin >= m->active))
            list_anew(m, v, s, page);
    }
}

static void halve_all(struct memtis *m, const struct view *v)
{
    for (page_t page = 0; page < m->npages; page++) {
        struct slot *s = view_slot(v, page);
        if (bins(m)[page] == BIN_NONE)
            continue;
        s->count >>= s->is_new ? 0 : 1;
        s->is_new = false;
        enter_bin(m, s, page);
    }
}

static void adapt(struct memtis *m, const struct view *v, bool cooled)
{
    uint64_t capacity = m->tier.frames - m->promote_mark, sum;
    unsigned fits = memtis_threshold(m->histogram, capacity, &sum), before = m->active;
    if (!cooled && fits > m->active)
        m->active = fits;
    else if (cooled && fits < m->active)
        m->active--;
    m->warm = m->active - (sum < capacity / 100 * WARM_PERCENT + capacity % 100 * WARM_PERCENT / 100);
    if (cooled || m->active != before)
        list_all(m, v);
}

static void cool(struct memtis *m, const struct view *v)
{
    halve_all(m, v);
    adapt(m, v, true);
}

static inline void sample(struct memtis *m, const struct view *v, page_t page)
{
    struct slot *s = view_slot(v, page);
    s->count += s->count <= UINT32_MAX - MEMTIS_UNIT ? MEMTIS_UNIT : 0;
    if (memtis_bin(s->count) != s->bin) {
        enter_bin(m, s, page);
        if (s->bin >= m->active && !s->active)
            list_anew(m, v, s, page);
    }
    bool cools = ++m->samples == m->next_cool, adapts = m->samples == m->next_adapt;
    m->next_adapt += adapts ? m->adapt_samples : 0;
    m->next_cool += cools ? m->cool_samples : 0;
    if (__builtin_expect(cools, 0))
        cool(m, v);
    else if (__builtin_expect(adapts, 0))
        adapt(m, v, false);
}

static void forget(struct memtis *m, page_t page)
{
    uint8_t *bin = &bins(m)[page];
    pagelist_take(m->l, page);
    if (*bin == BIN_NONE)
        return;
    m->histogram[*bin]--;
    m->used--;
    *bin = BIN_NONE;
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct memtis *m = state;
    (void)orders;
    if (!m->tier.slow)
        return;
    for (const struct event *e = event; e < event + n; e++) {
        if (event_kind(e) <= EVENT_WRITE)
            sample(m, v, e->page);
        else if (event_kind(e) == EVENT_FREED)
            forget(m, e->page);
    }
}

static void cool_when_grown(struct memtis *m, const struct view *v)
{
    if (m->used < m->used_at_cool)
        m->used_at_cool = m->used;
    if (m->used - m->used_at_cool < m->cool_pages)
        return;
    m->used_at_cool = m->used;
    cool(m, v);
}

static uint64_t promote(struct memtis *m, const struct view *v, struct orders *orders)
{
    uint32_t head = list_of(m, false, true), next;
    uint64_t free = tier_free(v, m->tier.fast), moved = 0;
    uint64_t room = free > m->promote_mark ? free - m->promote_mark : 0;
    for (uint32_t page = pagelist_first(m->l, head); page != head && moved < room; page = next) {
        next = m->l[page].next;
        bool ordered = tier_promote(&m->tier, v, page, orders);
        if (!ordered && !tier_is_fast(&m->tier, view_home(v, page)))
            break;
        pagelist_append(m->l, list_of(m, true, true), page);
        moved += ordered;
    }
    return moved;
}

/* How many pages should leave the fast tier, of which `*waiting` (`most` at most) for others that wait to come in. */
static uint64_t excess(const struct memtis *m, const struct view *v, uint64_t promoted, uint64_t most,
                       uint64_t *waiting)
{
    uint32_t head = list_of(m, false, true);
    uint64_t free = tier_free(v, m->tier.fast) - promoted;
    *waiting = 0;
    for (uint32_t page = pagelist_first(m->l, head); page != head && *waiting < most; page = m->l[page].next)
        ++*waiting;
    if (*waiting ? free >= *waiting + m->promote_mark : free >= m->demote_mark)
        return 0;
    return *waiting + m->promote_mark - free;
}

static void demote(struct memtis *m, const struct view *v, uint64_t promoted, struct orders *orders)
{
    uint64_t waiting, due = excess(m, v, promoted, orders->max, &waiting), moved = 0;
    uint32_t head = list_of(m, true, false), last = m->l[head].prev, page = pagelist_first(m->l, head), next;
    for (bool more = page != head; more && moved < due; page = next) {
        const struct slot *s = view_slot(v, page);
        more = page != last;
        next = m->l[page].next;
        bool fast = tier_is_fast(&m->tier, view_home(v, page)), cold = s->bin < m->warm;
        if (fast && cold && !tier_demote(&m->tier, v, page, orders))
            return;
        moved += fast && cold;
        pagelist_append(m->l, list_of(m, fast && !cold, false), page);
    }
    if (moved < due && moved < waiting)
        m->warm = m->active;
}

static void keep_quota(struct memtis *m, const struct view *v, uint64_t now, struct orders *orders)
{
    if (now < m->next_quota)
        return;
    uint64_t share = memtis_share(m->samples - m->samples_at_quota, m->sample_ns, m->quota_ns);
    uint32_t period = memtis_period(v->sampling, share, m->quota, m->slack);
    if (!m->next_quota)
        period = m->period ? m->period : v->sampling;
    m->next_quota = now + m->quota_ns;
    m->samples_at_quota = m->samples;
    if (period != v->sampling)
        order_push(orders, ORDER_SAMPLE, period, 0, 0);
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct memtis *m = state;
    if (!m->tier.slow || m->tier.frames == FRAMES_UNBOUNDED)
        return;
    keep_quota(m, v, now, orders);
    cool_when_grown(m, v);
    demote(m, v, promote(m, v, orders), orders);
}

/* A move that failed leaves the page where it was. */
static void outcome(void *state, const struct order *order, int err)
{
    struct memtis *m = state;
    if (!err || order->op != ORDER_MOVE)
        return;
    bool promotion = order->reason == TIER_PROMOTE;
    pagelist_append(m->l, list_of(m, !promotion, promotion), order->page);
}

static const struct policy_param params[] = {
    {"adapt_samples", 1, 100000, UINT64_MAX, "samples", "between two settings of the hot threshold"},
    {"cool_samples", 1, 2000000, UINT64_MAX, "samples", "between two coolings, which halve all counts"},
    {"cool_bytes", 1, 10737418240, UINT64_MAX, "bytes", "growth of the memory in use that cools as well"},
    {"promote_mark", 0, 3, 50, "percent", "of the fast tier that promotion leaves free"},
    {"demote_mark", 0, 2, 50, "percent", "of the fast tier; less free than that begins demotion"},
    {"floor_bytes", 0, 52428800, UINT64_MAX, "bytes", "the least watermark, on a fast tier ten times as large"},
    {"quota", 0, 30, 1000, "permil", "CPU time that sampling may cost, of one CPU"},
    {"slack", 0, 5, 1000, "permil", "distance from the quota at which the sampling period changes"},
    {"quota_ns", 1000, 15000000000, POLICY_NS_MAX, "ns", "between two looks at the quota"},
    {"sample_ns", 0, 1000, 1000000, "ns", "CPU time of one sample (assumed)"},
    {"period", 0, 0, 32768, "misses", "first sampling period, a power of two (published: 199); 0: the run's"},
    {"tick_ns", 1000, 500000000, POLICY_NS_MAX, "ns", "time between two passes of promotion and demotion"},
    {0},
};

const struct policy_class policy_memtis = {
    .name = "memtis",
    .summary = "tiers: a histogram of samples sets how hot a page must be to fit the fast tier",
    .source = "Lee et al. (Memtis), SOSP 2023; its kernel code at 032e051",
    .fidelity = "left out: huge pages and their splitting; a period of its own for stores. Assumed: cost of a sample",
    .params = params,
    .signals = SIGNAL_MISSES,
    .wants = WANT_STORES,
    .tick_ns = 500000000,
    .state_size = state_size,
    .slot_bytes = sizeof(struct slot),
    .init = init,
    .place = place,
    .observe = observe,
    .tick = tick,
    .outcome = outcome,
};
