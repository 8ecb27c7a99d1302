/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/stir.h"

enum { PAGES, TICK_NS, SEED, COPIES };

struct stir {
    uint64_t random;
    uint32_t pages, copies;
    page_t hand; /* where the next tick goes on */
};

static size_t state_size(const struct view *v, const uint64_t *param)
{
    (void)v;
    (void)param;
    return sizeof(struct stir);
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct stir *s = state;
    (void)v;
    s->random = param[SEED];
    s->pages = (uint32_t)param[PAGES];
    s->copies = (uint32_t)param[COPIES];
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

static void stir_page(struct stir *s, const struct view *v, page_t page, struct orders *o)
{
    uint32_t nodes = v->topology->nodes;
    node_t to = (node_t)((view_home(v, page) + 1 + random_below(s, nodes - 1)) % nodes);
    bool copy = random_below(s, 100) < s->copies;
    order_push(o, copy ? ORDER_COPY : ORDER_MOVE, page, to, 0);
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *o)
{
    struct stir *s = state;
    (void)now;
    if (v->topology->nodes < 2)
        return;
    uint32_t left = s->pages;
    for (uint32_t looked = 0; looked < v->npages && left; looked++) {
        page_t page = s->hand;
        s->hand = page + 1 < v->npages ? page + 1 : 0;
        if (!(view_place(v, page)->flags & PLACE_PRESENT))
            continue;
        stir_page(s, v, page, o);
        left--;
    }
}

static const struct policy_param params[] = {
    {"pages", 1, 64, 4096, "pages", "pages ordered about per tick"},
    {"tick_ns", 1000000, 10000000, UINT64_MAX, "ns", "period"},
    {"seed", 0, 1, UINT64_MAX, "", "of the choice of nodes"},
    {"copies", 0, 25, 100, "percent", "share of pages that are replicated instead of moved"},
    {0},
};

const struct policy_class policy_stir = {
    .name = "stir",
    .summary = "every page moved again and again, for tests",
    .source = "this project's tests",
    .params = params,
    .tick_ns = 10000000,
    .state_size = state_size,
    .init = init,
    .tick = tick,
};
