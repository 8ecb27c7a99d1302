/* SPDX-License-Identifier: BSD-2-Clause
 *
 * multiclock: CLOCK lists in each tier, and one list more in the slow one: pages that were seen referenced once more
 * when they were active and referenced already go up.
 *
 * Rule. Each tier has an inactive and an active list, the slow tier a promote list. A page enters the inactive list
 * unreferenced. Every tick up to `scan` pages from the old end of each list are looked at, and the accessed bit taken:
 *   accessed      inactive -> inactive, referenced -> active -> active, referenced -> promote (slow tier only)
 *   not accessed  referenced -> unreferenced; active, unreferenced -> inactive
 * Pages of the promote list go up while the fast tier has a free frame; those that find none and were not accessed
 * again go back to the active list. When less than `low` of the fast tier is free, unreferenced pages that were not
 * accessed go down from the old end of its inactive list until `high` is free.
 *
 * Accessed bits stay set until a page is looked at, as they do in page tables: the harvest of each tick is added to the
 * class's own bitmap, word by word. Slot: 1 byte (referenced). State: 8 bytes and a bit per page. There is no
 * observation of single events, so a page that was freed leaves its list when it is looked at.
 *
 * Recollected from the paper, its code was not to be had: period 1 s and 1024 pages, the chain of states. Assumed: the
 * two watermarks (the original has Linux's), where a new page begins.
 *
 * Source: Maruf, Ghosh, Bhimani, Campello, Rangaswami, HPCA 2022.
 */
#include "policy/accessed.h"
#include "policy/pagelist.h"
#include "policy/tier.h"

enum { SCAN, LOW, HIGH, TICK };
enum { FAST_INACTIVE, FAST_ACTIVE, SLOW_INACTIVE, SLOW_ACTIVE, SLOW_PROMOTE, LISTS };

struct multiclock {
    struct tier tier;
    uint64_t low, high; /* pages */
    uint64_t looked;
    uint32_t scan, npages;
    struct pagelist_link l[]; /* npages + LISTS; behind them, 8-byte aligned, a bit per page: accessed, not looked at */
};

struct slot {
    uint8_t referenced;
};

static size_t state_size(const struct view *v, const uint64_t *param)
{
    (void)param;
    return sizeof(struct multiclock) + ((size_t)v->npages + LISTS) * sizeof(struct pagelist_link) +
           accessed_bytes(v->npages);
}

static uint64_t *accessed(struct multiclock *m)
{
    return (uint64_t *)(void *)&m->l[m->npages + LISTS];
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct multiclock *m = state;
    if (param[LOW] > param[HIGH])
        return ERR_INVAL;
    tier_init(&m->tier, v->topology);
    m->low = m->tier.frames / 1000 * param[LOW] + m->tier.frames % 1000 * param[LOW] / 1000;
    m->high = m->tier.frames / 1000 * param[HIGH] + m->tier.frames % 1000 * param[HIGH] / 1000;
    m->scan = (uint32_t)param[SCAN];
    m->npages = v->npages;
    pagelist_init(m->l, v->npages + LISTS);
    return 0;
}

static void enlist(struct multiclock *m, uint32_t list, page_t page)
{
    pagelist_append(m->l, m->npages + list, page);
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    struct multiclock *m = state;
    node_t node = tier_place(&m->tier, v, toucher);
    if (m->tier.slow)
        enlist(m, tier_is_fast(&m->tier, node) ? FAST_INACTIVE : SLOW_INACTIVE, page);
    return node;
}

static bool look(struct multiclock *m, page_t page)
{
    m->looked++;
    return accessed_take(accessed(m), page);
}

/* The list to which a page of `list` goes after it was looked at. */
static uint32_t step(uint32_t list, struct slot *s, bool was_accessed)
{
    bool referenced = s->referenced, active = list == FAST_ACTIVE || list == SLOW_ACTIVE;
    if (!was_accessed) {
        s->referenced = false;
        return active && !referenced ? list - 1 : list;
    }
    if (!referenced || list == FAST_ACTIVE) {
        s->referenced = true;
        return list;
    }
    s->referenced = active;
    return list + 1;
}

/* False: the page has been freed, and is in no list now. */
static bool listed(struct multiclock *m, const struct view *v, page_t page)
{
    if (view_home(v, page) != NODE_NONE)
        return true;
    pagelist_take(m->l, page);
    return false;
}

/* Is the page where the list says? One that the engine placed or moved elsewhere begins anew there. */
static bool in_tier(struct multiclock *m, const struct view *v, uint32_t list, page_t page)
{
    bool fast = tier_is_fast(&m->tier, view_home(v, page));
    if (fast == (list <= FAST_ACTIVE))
        return true;
    enlist(m, fast ? FAST_INACTIVE : SLOW_INACTIVE, page);
    return false;
}

/* Up to `last`, the list's end as the tick began: who came since has taken its step. */
static void scan(struct multiclock *m, const struct view *v, uint32_t list, uint32_t last)
{
    uint32_t head = m->npages + list, left = m->scan;
    bool more = last != head;
    while (more && left--) {
        uint32_t page = pagelist_first(m->l, head);
        more = page != last;
        if (listed(m, v, page) && in_tier(m, v, list, page))
            enlist(m, step(list, view_slot(v, page), look(m, page)), page);
    }
}

static void promote(struct multiclock *m, const struct view *v, struct orders *orders)
{
    uint32_t head = m->npages + SLOW_PROMOTE, next, left = m->scan;
    uint64_t room = tier_free(v, m->tier.fast);
    for (uint32_t page = pagelist_first(m->l, head); page != head && left--; page = next) {
        next = m->l[page].next;
        if (!listed(m, v, page) || !in_tier(m, v, SLOW_PROMOTE, page))
            continue;
        struct slot *s = view_slot(v, page);
        if (room && tier_promote(&m->tier, v, page, orders)) {
            room--;
            s->referenced = false;
            enlist(m, FAST_ACTIVE, page);
        } else if (!look(m, page)) {
            s->referenced = false;
            enlist(m, SLOW_ACTIVE, page);
        }
    }
}

/* False: enough was free. */
static bool demote(struct multiclock *m, const struct view *v, uint32_t last, struct orders *orders)
{
    uint32_t head = m->npages + FAST_INACTIVE, left = m->scan;
    uint64_t free = tier_free(v, m->tier.fast);
    if (free >= m->low)
        return false;
    bool more = last != head;
    while (more && left-- && free < m->high) {
        uint32_t page = pagelist_first(m->l, head);
        more = page != last;
        if (!listed(m, v, page) || !in_tier(m, v, FAST_INACTIVE, page))
            continue;
        struct slot *s = view_slot(v, page);
        bool was_accessed = look(m, page);
        if (was_accessed || s->referenced) {
            enlist(m, step(FAST_INACTIVE, s, was_accessed), page);
            continue;
        }
        if (!tier_demote(&m->tier, v, page, orders))
            break;
        free++;
        enlist(m, SLOW_INACTIVE, page);
    }
    return true;
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct multiclock *m = state;
    (void)now;
    if (!m->tier.slow || m->tier.frames == FRAMES_UNBOUNDED)
        return;
    accessed_gather(accessed(m), v);
    uint32_t last[LISTS];
    for (uint32_t list = 0; list < LISTS; list++)
        last[list] = m->l[m->npages + list].prev;
    promote(m, v, orders);
    for (uint32_t list = SLOW_INACTIVE; list <= SLOW_ACTIVE; list++)
        scan(m, v, list, last[list]);
    if (!demote(m, v, last[FAST_INACTIVE], orders))
        scan(m, v, FAST_INACTIVE, last[FAST_INACTIVE]);
    scan(m, v, FAST_ACTIVE, last[FAST_ACTIVE]);
}

static uint64_t looked(void *state)
{
    struct multiclock *m = state;
    uint64_t pages = m->looked;
    m->looked = 0;
    return pages;
}

/* A move that failed leaves the page where it was. */
static void outcome(void *state, const struct order *order, int err)
{
    struct multiclock *m = state;
    if (err && order->op == ORDER_MOVE)
        enlist(m, order->reason == TIER_PROMOTE ? SLOW_PROMOTE : FAST_INACTIVE, order->page);
}

static const struct policy_param params[] = {
    {"scan", 1, 1024, UINT32_MAX, "pages", "of each list looked at per tick at most"},
    {"low", 0, 10, 1000, "permil", "of the fast tier; less free than that begins demotion (assumed)"},
    {"high", 0, 20, 1000, "permil", "of the fast tier; demotion ends when so much is free (assumed)"},
    {"tick_ns", 1000, 1000000000, POLICY_NS_MAX, "ns", "time between two passes"},
    {0},
};

const struct policy_class policy_multiclock = {
    .name = "multiclock",
    .summary = "tiers: CLOCK lists; pages referenced again when active and referenced go up",
    .source = "Maruf et al. (MULTI-CLOCK), HPCA 2022",
    .fidelity = "recollected: states, period and pages per scan are from the paper by memory; watermarks are assumed",
    .params = params,
    .signals = SIGNAL_ACCESSED,
    .tick_ns = 1000000000,
    .state_size = state_size,
    .slot_bytes = sizeof(struct slot),
    .init = init,
    .place = place,
    .tick = tick,
    .looked = looked,
    .outcome = outcome,
};
