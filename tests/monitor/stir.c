/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/stir.h"

enum { PAGES, SEEN, TICK_NS };

struct stir {
    uint64_t random;
    uint32_t pages;
    bool seen;
    page_t hand; /* where the next tick goes on */
};

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct stir *s = state;
    (void)v;
    s->pages = (uint32_t)param[PAGES];
    s->seen = param[SEEN];
    return 0;
}

/* splitmix64 */
static uint32_t random_below(struct stir *s, uint32_t below)
{
    uint64_t x = s->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((x ^ x >> 31) >> 32) % below;
}

static bool was_seen(const struct view *v, page_t page)
{
    for (uint32_t node = 0; node < v->topology->nodes; node++)
        if (view_accessed(v, (node_t)node, page))
            return true;
    return false;
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *o)
{
    struct stir *s = state;
    uint32_t nodes = v->topology->nodes;
    (void)now;
    for (uint32_t looked = 0, ordered = 0; nodes > 1 && looked < v->npages && ordered < s->pages; looked++) {
        page_t page = s->hand;
        s->hand = page + 1 < v->npages ? page + 1 : 0;
        if (!(view_place(v, page)->flags & PLACE_PRESENT) || (s->seen && !was_seen(v, page)))
            continue;
        node_t to = (node_t)((view_home(v, page) + 1 + random_below(s, nodes - 1)) % nodes);
        order_push(o, random_below(s, 4) ? ORDER_MOVE : ORDER_COPY, page, to, 0);
        ordered++;
    }
}

static const struct policy_param params[] = {
    {"pages", 1, 64, 4096, "pages", "pages ordered about per tick"},
    {"seen", 0, 0, 1, "", "1: only pages that were used since the last tick"},
    {"tick_ns", 1000000, 10000000, UINT64_MAX, "ns", "period"},
    {0},
};

const struct policy_class policy_stir = {
    .name = "stir",
    .summary = "every page moved again and again, for tests",
    .source = "this project's tests",
    .params = params,
    .signals = SIGNAL_ACCESSED,
    .tick_ns = 10000000,
    .state_bytes = sizeof(struct stir),
    .init = init,
    .tick = tick,
};
