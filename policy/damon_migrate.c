/* SPDX-License-Identifier: BSD-2-Clause
 *
 * damon_migrate: regions found by DAMON; the hottest of the slow tier go up, the coldest of the fast tier go down,
 * within a quota of bytes that follows a goal.
 *
 * Monitor (policy/damon_region.h): one random page of each region is looked at per sample (tick_ns); an aggregation is
 * aggregation_ns / tick_ns samples. Schemes, every apply_ns at the end of an aggregation, down first:
 *   promote   regions accessed in at least `hot_percent` of the samples (and in one), hottest first
 *   demote    regions not accessed at all for cold_age_ns, coldest first
 * In each quota_ns a scheme may try `quota_bytes` at most. Regions are ranked by score: a histogram of sizes gives the
 * least score that still fits, and those from it upwards are taken in order of address; where the quota ends within a
 * region it is cut, and the next pass goes on there. An action sets a region's age to zero. A goal makes the quota
 * follow a score, that much more or less each quota_ns: promote until used_bp / 10000 of the fast tier are in use,
 * demote until free_bp / 10000 are free. With `young` a page goes up only if it was accessed since the last such look
 * at it, and down only if not.
 *
 * Defaults: samples/damon/mtier.c of Linux 6.16. HMSDK's (tools/gen_migpol.py) are
 *   tick_ns=100ms,aggregation_ns=2s,apply_ns=2s,min_regions=100,max_regions=10000,quota_bytes=50G,quota_ns=20s,
 *   hot_percent=5,cold_age_ns=30s,weight_freq=0,weight_age=1,used_bp=0,free_bp=0,young=0
 *
 * Differs: mtier runs one monitor per node over its physical addresses; here one monitor covers the page ids and each
 * scheme takes of a region what lies in the tier it empties, and is charged for those pages only. Left out: automatic
 * sampling intervals, quotas of time. A pass whose orders do not fit one tick's array goes on in the next ticks.
 * Pays for the bits it looks at: two per region and sample, and one per page tried with `young`.
 *
 * Source: Linux 6.16 mm/damon/{core,ops-common}.c, samples/damon/mtier.c; HMSDK.
 */
#include "policy/accessed.h"
#include "policy/damon_region.h"
#include "policy/tier.h"

enum {
    AGGREGATION,
    APPLY,
    MIN_REGIONS,
    MAX_REGIONS,
    QUOTA_BYTES,
    QUOTA,
    HOT,
    COLD_AGE,
    WEIGHT_FREQ,
    WEIGHT_AGE,
    USED,
    FREE,
    YOUNG,
    SEED,
    TICK
};
enum { DEMOTE, PROMOTE, SCHEMES };

struct scheme {
    uint64_t input; /* of the goal's loop: bytes times 10000 */
    uint64_t quota; /* pages that may be tried in this quota's time */
    uint64_t tried; /* so many were */
    uint64_t until; /* when the quota begins again, ns */
    uint32_t least; /* score of the regions that are taken in this pass */
    page_t from;    /* where the pass goes on */
    bool passing;
};

struct damon_migrate {
    struct tier tier;
    struct scheme scheme[SCHEMES];
    uint64_t aggregation_ns, apply_ns, quota_ns, quota_pages, cold_age_ns, weight_freq, weight_age;
    uint64_t next_apply, looked;
    uint32_t samples, sample; /* per aggregation; of this one so far */
    uint32_t used_bp, free_bp, hot;
    uint32_t page_size;
    bool young;
    size_t young_at; /* behind this struct are the regions, and at this offset of the state a bit per page: accessed
                      * since it was last taken note of */
};

static size_t regions_bytes(const struct view *v, const uint64_t *param)
{
    return (damon_region_size(v->npages, param[MAX_REGIONS]) + 7) & ~(size_t)7;
}

static size_t state_size(const struct view *v, const uint64_t *param)
{
    return sizeof(struct damon_migrate) + regions_bytes(v, param) + accessed_bytes(v->npages);
}

static struct damon_regions *regions(const struct damon_migrate *m)
{
    return (struct damon_regions *)(uintptr_t)(m + 1);
}

static uint64_t *young(struct damon_migrate *m)
{
    return (uint64_t *)(void *)((unsigned char *)m + m->young_at);
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct damon_migrate *m = state;
    if (param[MIN_REGIONS] > param[MAX_REGIONS] || param[TICK] > param[AGGREGATION])
        return ERR_INVAL;
    uint64_t samples = param[AGGREGATION] / param[TICK];
    tier_init(&m->tier, v->topology);
    m->samples = samples < UINT32_MAX ? (uint32_t)samples : UINT32_MAX;
    m->aggregation_ns = param[AGGREGATION];
    m->apply_ns = param[APPLY];
    m->quota_ns = param[QUOTA];
    m->quota_pages = tier_pages(v, param[QUOTA_BYTES]);
    m->cold_age_ns = param[COLD_AGE];
    m->weight_freq = param[WEIGHT_FREQ];
    m->weight_age = param[WEIGHT_AGE];
    m->used_bp = (uint32_t)param[USED];
    m->free_bp = (uint32_t)param[FREE];
    m->hot = (uint32_t)((param[HOT] * m->samples + 99) / 100);
    m->hot += !m->hot;
    m->page_size = v->topology->page_size;
    m->young = param[YOUNG];
    m->young_at = sizeof *m + regions_bytes(v, param);
    damon_region_init(regions(m), v->npages, (uint32_t)param[MIN_REGIONS], param[MAX_REGIONS], m->samples, param[SEED]);
    return 0;
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    const struct damon_migrate *m = state;
    (void)page;
    return tier_place(&m->tier, v, toucher);
}

/* How far the goal is reached, 10000: it is. */
static uint64_t goal_score(const struct damon_migrate *m, const struct view *v, unsigned which)
{
    uint64_t frames = m->tier.frames, free = tier_free(v, m->tier.fast);
    uint64_t now = which == PROMOTE ? frames - free : free;
    uint64_t goal = which == PROMOTE ? m->used_bp : m->free_bp;
    return (uint64_t)((unsigned __int128)now * 10000 / (frames ? frames : 1)) * 10000 / goal;
}

static void renew_quota(struct damon_migrate *m, const struct view *v, unsigned which, uint64_t now)
{
    struct scheme *s = &m->scheme[which];
    if (now < s->until)
        return;
    s->until = now + m->quota_ns;
    s->tried = 0;
    s->quota = m->quota_pages;
    if (!(which == PROMOTE ? m->used_bp : m->free_bp))
        return;
    s->input = damon_region_feedback(s->input > 10000 ? s->input : 10000, goal_score(m, v, which));
    uint64_t pages = s->input / 10000 / m->page_size;
    s->quota = pages < s->quota ? pages : s->quota;
}

static uint64_t age_ns(const struct damon_migrate *m, const struct damon_region *r)
{
    unsigned __int128 age = (unsigned __int128)r->age * m->aggregation_ns;
    return age < UINT64_MAX ? (uint64_t)age : UINT64_MAX;
}

static bool matches(const struct damon_migrate *m, const struct damon_region *r, unsigned which)
{
    if (which == PROMOTE)
        return r->aggregated >= m->hot;
    return !r->aggregated && age_ns(m, r) >= m->cold_age_ns;
}

static uint32_t score(const struct damon_migrate *m, const struct damon_region *r, unsigned which)
{
    uint32_t hot =
        damon_region_score(r->aggregated, m->samples, age_ns(m, r) / 1000000000, m->weight_freq, m->weight_age);
    return which == PROMOTE ? hot : DAMON_SCORE_MAX - hot;
}

/* The least score whose regions, with all that score more, still begin within the quota. */
static uint32_t least_score(const struct damon_migrate *m, unsigned which)
{
    const struct damon_regions *d = regions(m);
    uint64_t pages[DAMON_SCORE_MAX + 1] = {0}, sum = 0;
    for (uint32_t i = 0; i < d->n; i++)
        if (matches(m, &d->r[i], which))
            pages[score(m, &d->r[i], which)] += d->r[i].end - d->r[i].start;
    uint32_t least = DAMON_SCORE_MAX;
    for (sum = pages[least]; least && sum < m->scheme[which].quota; sum += pages[least])
        least--;
    return least;
}

static void begin_pass(struct damon_migrate *m, const struct view *v, uint64_t now)
{
    for (unsigned which = 0; which < SCHEMES; which++) {
        renew_quota(m, v, which, now);
        m->scheme[which].least = least_score(m, which);
        m->scheme[which].passing = m->scheme[which].quota > 0;
    }
}

/* Tries the pages of one region. False: the quota or the array of orders is at an end; the pass goes on at s->from. */
static bool act(struct damon_migrate *m, const struct view *v, unsigned which, uint32_t i, struct orders *orders)
{
    struct scheme *s = &m->scheme[which];
    struct damon_regions *d = regions(m);
    struct damon_region *r = &d->r[i];
    nodeset_t from = which == PROMOTE ? m->tier.slow : m->tier.fast;
    uint64_t tried = s->tried;
    page_t page = r->start > s->from ? r->start : s->from;
    for (; page < r->end && s->tried < s->quota && orders->n < orders->max; page++) {
        node_t home = view_home(v, page);
        if (home >= NODE_MAX || !nodeset_has(from, home))
            continue;
        s->tried++;
        m->looked += m->young;
        if (m->young && accessed_take(young(m), page) != (which == PROMOTE))
            continue;
        if (which == PROMOTE)
            tier_promote(&m->tier, v, page, orders);
        else
            tier_demote(&m->tier, v, page, orders);
    }
    s->from = page;
    bool whole = page == r->end;
    if (!whole)
        damon_region_cut(d, i, page);
    if (s->tried != tried)
        d->r[i].age = 0;
    return whole;
}

static void pass(struct damon_migrate *m, const struct view *v, unsigned which, struct orders *orders)
{
    struct scheme *s = &m->scheme[which];
    const struct damon_regions *d = regions(m);
    for (uint32_t i = 0; s->passing && i < d->n; i++) {
        const struct damon_region *r = &d->r[i];
        if (r->end <= s->from || !matches(m, r, which) || score(m, r, which) < s->least)
            continue;
        if (!act(m, v, which, i, orders)) {
            s->passing = s->tried < s->quota;
            return;
        }
    }
    s->passing = false;
    s->from = 0;
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct damon_migrate *m = state;
    if (!m->tier.slow || m->tier.frames == FRAMES_UNBOUNDED)
        return;
    if (m->young)
        accessed_gather(young(m), v);
    damon_region_sample(regions(m), v);
    m->looked += (uint64_t)2 * regions(m)->n; /* one bit read, another cleared */
    if (++m->sample >= m->samples) {
        m->sample = 0;
        damon_region_aggregate(regions(m));
        if (now >= m->next_apply) {
            m->next_apply = now + m->apply_ns;
            begin_pass(m, v, now);
        }
    }
    for (unsigned which = 0; which < SCHEMES; which++)
        if (m->scheme[which].passing)
            pass(m, v, which, orders);
}

static uint64_t looked(void *state)
{
    struct damon_migrate *m = state;
    uint64_t pages = m->looked;
    m->looked = 0;
    return pages;
}

static const struct policy_param params[] = {
    {"aggregation_ns", 1000, 100000000, POLICY_NS_MAX, "ns", "accesses of regions are counted over this time"},
    {"apply_ns", 1000, 1000000000, POLICY_NS_MAX, "ns", "time between two passes of the schemes"},
    {"min_regions", 1, 10, 1000000, "", "regions at least"},
    {"max_regions", 3, 1000, 1000000, "", "regions at most"},
    {"quota_bytes", 1, 209715200, UINT64_MAX, "bytes", "tried by each scheme per quota_ns at most"},
    {"quota_ns", 1000, 1000000000, POLICY_NS_MAX, "ns", "time for which a quota holds"},
    {"hot_percent", 0, 0, 100, "percent", "of the samples that find a hot region accessed; one is always needed"},
    {"cold_age_ns", 0, 0, POLICY_NS_MAX, "ns", "a region must have been cold for so long"},
    {"weight_freq", 0, 100, 1000000, "", "weight of the frequency in the score"},
    {"weight_age", 0, 100, 1000000, "", "weight of the age in the score"},
    {"used_bp", 0, 9970, 10000, "1/10000", "of the fast tier: the goal of promotion; 0: no goal"},
    {"free_bp", 0, 50, 10000, "1/10000", "of the fast tier: the goal of demotion; 0: no goal"},
    {"young", 0, 1, 1, "", "1: promote accessed pages only, demote others only"},
    {"seed", 0, 1, UINT64_MAX, "", "of the choice of pages and of splits"},
    {"tick_ns", 1000, 5000000, POLICY_NS_MAX, "ns", "time between two samples"},
    {0},
};

const struct policy_class policy_damon_migrate = {
    .name = "damon_migrate",
    .summary = "tiers: hot and cold regions, found by sampling accessed bits, move within quotas",
    .source = "Linux 6.16 mm/damon and samples/damon/mtier.c; HMSDK tools/gen_migpol.py",
    .fidelity = "left out: automatic intervals, quotas of time; one monitor over page ids instead of one per node",
    .params = params,
    .signals = SIGNAL_ACCESSED,
    .tick_ns = 5000000,
    .state_size = state_size,
    .init = init,
    .place = place,
    .tick = tick,
    .looked = looked,
};
