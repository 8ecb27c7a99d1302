/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/zone.h"

enum { SCALE_UNIT = 1000, MIN_FREE_KIB = 128, MAX_FREE_KIB = 262144, RESERVE_MOST = 100 };

static uint64_t root(uint64_t x)
{
    uint64_t r = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
        if ((r + bit) * (r + bit) <= x)
            r += bit;
    return r;
}

static uint64_t limited(const struct topology *t)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < t->nodes; i++)
        if (t->frames[i] != FRAMES_UNBOUNDED)
            sum += t->frames[i] < UINT32_MAX ? t->frames[i] : UINT32_MAX;
    return sum;
}

static void set_marks(struct zone *z, uint32_t node, uint64_t frames, uint64_t min)
{
    uint64_t most = frames / RESERVE_MOST;
    min = min < most ? min : most;
    uint64_t part = frames / SCALE_UNIT, gap = min / 4 > part ? min / 4 : part;
    gap += !gap;
    z->min[node] = min;
    z->low[node] = min + gap;
    z->high[node] = min + 2 * gap;
    z->promo[node] = min + 3 * gap;
}

void zone_init(struct zone *z, const struct topology *t)
{
    uint64_t sum = limited(t), kib = sum * (t->page_size / 1024 ? t->page_size / 1024 : 1);
    uint64_t reserve = 4 * root(kib);
    reserve = reserve < MIN_FREE_KIB ? MIN_FREE_KIB : reserve > MAX_FREE_KIB ? MAX_FREE_KIB : reserve;
    for (uint32_t i = 0; i < t->nodes; i++)
        if (t->frames[i] != FRAMES_UNBOUNDED && sum)
            set_marks(z, i, t->frames[i],
                      (uint64_t)((unsigned __int128)reserve * 1024 / t->page_size * t->frames[i] / sum));
}

node_t zone_place(const struct zone *z, const struct view *v, node_t toucher)
{
    const struct topology *t = v->topology;
    if (v->free[toucher] > z->low[toucher])
        return toucher;
    node_t best = NODE_NONE;
    for (uint32_t i = 0; i < t->nodes; i++) {
        node_t n = (node_t)i;
        if (v->free[n] <= z->low[n])
            continue;
        if (best == NODE_NONE || topology_latency(t, toucher, n) < topology_latency(t, toucher, best))
            best = n;
    }
    return best == NODE_NONE ? toucher : best;
}
