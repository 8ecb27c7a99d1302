/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/bounds_transport.h"

#include <errno.h>
#include <stdlib.h>

#define FAR INT64_MAX

/* A page that could go from one node to another, and what that would cost more. */
struct offer {
    int64_t cost;
    page_t page;
};

struct heap {
    struct offer *offer;
    size_t n, room;
};

/* heap[i * nodes + j]: pages on i by the cost of taking them to j. Only a full node's heaps exist: nobody passes
 * through a node with room. Offers of pages that have left are skipped when they come up. */
struct solver {
    const struct bounds_transport *t;
    node_t *home;
    uint64_t held[NODE_MAX];
    struct heap *heap;
    bool built[NODE_MAX];
};

static bool heap_push(struct heap *h, struct offer offer)
{
    if (h->n == h->room) {
        size_t room = h->room ? 2 * h->room : 64;
        struct offer *more = realloc(h->offer, room * sizeof(*more));
        if (!more)
            return false;
        h->offer = more;
        h->room = room;
    }
    size_t i = h->n++;
    for (; i > 0 && (h->offer[(i - 1) / 2].cost > offer.cost ||
                     (h->offer[(i - 1) / 2].cost == offer.cost && h->offer[(i - 1) / 2].page > offer.page));
         i = (i - 1) / 2)
        h->offer[i] = h->offer[(i - 1) / 2];
    h->offer[i] = offer;
    return true;
}

static bool offer_before(struct offer a, struct offer b)
{
    return a.cost < b.cost || (a.cost == b.cost && a.page < b.page);
}

static void heap_pop(struct heap *h)
{
    struct offer last = h->offer[--h->n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < h->n; i = child) {
        if (child + 1 < h->n && offer_before(h->offer[child + 1], h->offer[child]))
            child++;
        if (!offer_before(h->offer[child], last))
            break;
        h->offer[i] = h->offer[child];
    }
    if (h->n)
        h->offer[i] = last;
}

static bool offer_page(struct solver *s, page_t page, uint32_t from)
{
    uint32_t nodes = s->t->nodes;
    uint64_t cost[NODE_MAX];
    bounds_transport_costs(s->t, page, cost);
    for (uint32_t to = 0; to < nodes; to++) {
        struct offer offer = {(int64_t)(cost[to] - cost[from]), page};
        if (to != from && !heap_push(&s->heap[from * nodes + to], offer))
            return false;
    }
    return true;
}

static bool build(struct solver *s, uint32_t node)
{
    s->built[node] = true;
    for (page_t p = 0; p < s->t->pages; p++)
        if (s->home[p] == node && !offer_page(s, p, node))
            return false;
    return true;
}

/* The cheapest page to take from one node to another; FAR when there is none. */
static int64_t cheapest(struct solver *s, uint32_t from, uint32_t to, page_t *page)
{
    struct heap *h = &s->heap[from * s->t->nodes + to];
    while (h->n && s->home[h->offer[0].page] != from)
        heap_pop(h);
    if (!h->n)
        return FAR;
    *page = h->offer[0].page;
    return h->offer[0].cost;
}

/* Shortest paths from `source` (Bellman-Ford: offers may be negative once pages have been pushed about, but no cycle
 * is). before[n]: the node ahead of n on its path. */
static void shortest(struct solver *s, uint32_t source, int64_t *distance, uint32_t *before)
{
    uint32_t nodes = s->t->nodes;
    int64_t edge[NODE_MAX * NODE_MAX];
    page_t page;
    for (uint32_t i = 0; i < nodes * nodes; i++)
        edge[i] = i / nodes != i % nodes && s->built[i / nodes] ? cheapest(s, i / nodes, i % nodes, &page) : FAR;
    for (uint32_t n = 0; n < nodes; n++)
        distance[n] = n == source ? 0 : FAR;
    bool changed = true;
    for (uint32_t round = 0; changed && round < nodes; round++) {
        changed = false;
        for (uint32_t i = 0; i < nodes * nodes; i++) {
            uint32_t from = i / nodes, to = i % nodes;
            if (distance[from] == FAR || edge[i] == FAR || distance[from] + edge[i] >= distance[to])
                continue;
            distance[to] = distance[from] + edge[i];
            before[to] = from;
            changed = true;
        }
    }
}

/* Pages go one step each along the path that ends at `to`. */
static bool shift(struct solver *s, uint32_t source, uint32_t to, const uint32_t *before)
{
    for (; to != source; to = before[to]) {
        page_t page;
        if (cheapest(s, before[to], to, &page) == FAR)
            return false;
        heap_pop(&s->heap[before[to] * s->t->nodes + to]);
        s->home[page] = (node_t)to;
        s->held[to]++;
        s->held[before[to]]--;
        if (s->built[to] && !offer_page(s, page, to))
            return false;
    }
    return true;
}

/* One page too many leaves `node`, along the cheapest path to a node with room. */
static int relieve(struct solver *s, uint32_t node)
{
    int64_t distance[NODE_MAX];
    uint32_t before[NODE_MAX], best = node;
    shortest(s, node, distance, before);
    for (uint32_t n = 0; n < s->t->nodes; n++)
        if (s->held[n] < s->t->frames[n] && distance[n] != FAR && (best == node || distance[n] < distance[best]))
            best = n;
    if (best == node)
        return -ENOSPC;
    if (!shift(s, node, best, before))
        return -ENOMEM;
    if (s->held[best] == s->t->frames[best] && !s->built[best] && !build(s, best))
        return -ENOMEM;
    return 0;
}

static void place_best(struct solver *s, const node_t *prefer)
{
    for (page_t p = 0; p < s->t->pages; p++) {
        uint64_t cost[NODE_MAX];
        uint32_t best = 0;
        s->home[p] = NODE_NONE;
        if (!bounds_transport_costs(s->t, p, cost))
            continue;
        for (uint32_t n = 1; n < s->t->nodes; n++)
            best = cost[n] < cost[best] ? n : best;
        if (prefer && prefer[p] < s->t->nodes && cost[prefer[p]] == cost[best])
            best = prefer[p];
        s->home[p] = (node_t)best;
        s->held[best]++;
    }
}

static int solve(struct solver *s)
{
    uint32_t nodes = s->t->nodes;
    for (uint32_t n = 0; n < nodes; n++)
        if (s->held[n] >= s->t->frames[n] && !build(s, n))
            return -ENOMEM;
    for (uint32_t n = 0; n < nodes; n++)
        while (s->held[n] > s->t->frames[n]) {
            int err = relieve(s, n);
            if (err)
                return err;
        }
    return 0;
}

/* A frame more on a node saves the cheapest (most negative) chain of pages that ends there, wherever it starts. */
static void find_prices(const struct solver *s, uint64_t *price)
{
    uint32_t nodes = s->t->nodes;
    int64_t edge[NODE_MAX * NODE_MAX], gain[NODE_MAX] = {0};
    bool full = false;
    for (uint32_t n = 0; n < nodes; n++) {
        price[n] = 0;
        full |= s->held[n] >= s->t->frames[n];
    }
    if (!full)
        return;
    for (uint32_t i = 0; i < nodes * nodes; i++)
        edge[i] = FAR;
    for (page_t p = 0; p < s->t->pages; p++) {
        uint64_t cost[NODE_MAX];
        uint32_t here = s->home[p];
        if (here == NODE_NONE)
            continue;
        bounds_transport_costs(s->t, p, cost);
        for (uint32_t to = 0; to < nodes; to++) {
            int64_t more = (int64_t)(cost[to] - cost[here]);
            int64_t *e = &edge[here * nodes + to];
            *e = more < *e ? more : *e;
        }
    }
    for (uint32_t round = 0; round < nodes; round++)
        for (uint32_t i = 0; i < nodes * nodes; i++)
            if (edge[i] != FAR && gain[i / nodes] + edge[i] < gain[i % nodes])
                gain[i % nodes] = gain[i / nodes] + edge[i];
    for (uint32_t n = 0; n < nodes; n++)
        price[n] = (uint64_t)-gain[n];
}

int bounds_transport_solve(const struct bounds_transport *t, const node_t *prefer, node_t *home, uint64_t *price)
{
    struct solver s = {.t = t, .home = home};
    s.heap = calloc((size_t)t->nodes * t->nodes, sizeof(*s.heap));
    if (!s.heap)
        return -ENOMEM;
    place_best(&s, prefer);
    int err = solve(&s);
    if (!err && price)
        find_prices(&s, price);
    for (uint32_t i = 0; i < t->nodes * t->nodes; i++)
        free(s.heap[i].offer);
    free(s.heap);
    return err;
}
