/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/bounds_rent.h"

#include <string.h>

/* A page's words: time of the last update (two words), then four rows over the nodes.
 *   home   excess of having only that copy just after the last write, above the cheapest
 * and, for the interval of reads since that write, with `oo` the node's cost when it held no copy at its start and
 * holds none now:
 *   oi     held none, holds one now      minus oo
 *   io     held one, holds none now      minus oo
 *   ii     held one, holds one now       minus oo
 * The sum of all oo is paid in every schedule and has been returned already. Every row stays within copy + drop. */
enum { WORDS_TIME = 2 };

struct rows {
    int32_t *home, *oi, *io, *ii;
};

static struct rows rows_of(const struct bounds_rent *r, int32_t *state)
{
    int32_t *first = state + WORDS_TIME;
    return (struct rows){first, first + r->nodes, first + 2 * r->nodes, first + 3 * r->nodes};
}

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static void set_row(struct bounds_rent *r, const struct topology *t, node_t n)
{
    uint32_t base = UINT32_MAX, *row = &r->write[(size_t)n * r->nodes], nearest = UINT32_MAX;
    for (uint32_t m = 0; m < r->nodes; m++)
        base = topology_latency(t, n, (node_t)m) < base ? topology_latency(t, n, (node_t)m) : base;
    for (uint32_t m = 0; m < r->nodes; m++) {
        row[m] = topology_latency(t, n, (node_t)m) - base;
        if (m != n)
            nearest = row[m] < nearest ? row[m] : nearest;
    }
    r->gap[n] = r->nodes == 1 || row[n] ? 0 : nearest;
}

void bounds_rent_init(struct bounds_rent *r, const struct topology *t, nodeset_t active,
                      const struct bounds_costs *costs, uint64_t end)
{
    const uint64_t most = 1 << 29; /* a row of copy + drop plus one rent stays within 32 bits */
    memset(r, 0, sizeof(*r));
    r->nodes = t->nodes;
    r->end = end;
    r->copy = (int32_t)(costs->copy_ps < most ? costs->copy_ps : most);
    r->drop = (int32_t)(costs->drop_ps < most ? costs->drop_ps : most);
    for (uint32_t n = 0; n < t->nodes; n++)
        if (nodeset_has(active, (node_t)n))
            set_row(r, t, (node_t)n);
}

void bounds_rent_price(struct bounds_rent *r, node_t node, uint64_t price)
{
    r->price[node] = price;
    if (price)
        r->priced[r->npriced++] = node;
}

static void open_interval(const struct bounds_rent *r, struct rows w)
{
    for (uint32_t n = 0; n < r->nodes; n++) {
        w.oi[n] = r->copy;
        w.io[n] = r->drop;
        w.ii[n] = 0;
    }
}

void bounds_rent_touch(const struct bounds_rent *r, int32_t *state, uint64_t at)
{
    struct rows w = rows_of(r, state);
    memcpy(state, &at, sizeof(at));
    memset(w.home, 0, r->nodes * sizeof(*w.home));
    open_interval(r, w);
}

/* Time passes: whoever holds a copy pays; a rent over copy + drop is never paid, since to drop and copy again is
 * cheaper. */
static void pass(const struct bounds_rent *r, int32_t *state, struct rows w, uint64_t at)
{
    uint64_t then;
    memcpy(&then, state, sizeof(then));
    memcpy(state, &at, sizeof(at));
    uint64_t gone = at - then;
    if (!gone)
        return;
    int32_t swap = r->copy + r->drop;
    /* Where memory is free nothing changes. */
    for (uint32_t i = 0; i < r->npriced; i++) {
        uint32_t n = r->priced[i];
        uint64_t rent;
        if (__builtin_mul_overflow(r->price[n], gone, &rent) || rent >> BOUNDS_RENT_SHIFT > (uint64_t)swap)
            rent = (uint64_t)swap << BOUNDS_RENT_SHIFT;
        int32_t ps = (int32_t)(rent >> BOUNDS_RENT_SHIFT);
        w.oi[n] = least(w.oi[n] + ps, r->copy);
        w.ii[n] = least(w.ii[n] + ps, w.io[n] + r->copy);
    }
}

int64_t bounds_rent_read(const struct bounds_rent *r, int32_t *state, node_t node, uint32_t weight, uint64_t at)
{
    struct rows w = rows_of(r, state);
    pass(r, state, w, at);
    int64_t step = (int64_t)((uint64_t)weight * r->gap[node] < INT32_MAX ? (uint64_t)weight * r->gap[node] : INT32_MAX);
    /* To hold none now costs at most a drop more than to hold one. */
    int64_t oo = step, oi = w.oi[node], io = w.io[node] + step, ii = w.ii[node];
    oo = oi + r->drop < oo ? oi + r->drop : oo;
    io = ii + r->drop < io ? ii + r->drop : io;
    w.oi[node] = (int32_t)(oi - oo);
    w.io[node] = (int32_t)(io - oo);
    w.ii[node] = (int32_t)(ii - oo);
    return oo;
}

int64_t bounds_rent_write(const struct bounds_rent *r, int32_t *state, node_t node, uint32_t weight, uint64_t at)
{
    struct rows w = rows_of(r, state);
    int64_t home[NODE_MAX], floor = INT64_MAX, left = INT64_MAX, swap = (int64_t)r->copy + r->drop;
    pass(r, state, w, at);
    for (uint32_t n = 0; n < r->nodes; n++)
        left = (int64_t)w.home[n] + w.io[n] < left ? (int64_t)w.home[n] + w.io[n] : left;
    /* To leave a node and come back to it is never cheaper than ii, so `left` may be of the same node. */
    for (uint32_t n = 0; n < r->nodes; n++) {
        int64_t stay = (int64_t)w.home[n] + w.ii[n], come = left + w.oi[n];
        home[n] = (stay < come ? stay : come) + (int64_t)((uint64_t)weight * r->write[node * r->nodes + n]);
        floor = home[n] < floor ? home[n] : floor;
    }
    for (uint32_t n = 0; n < r->nodes; n++)
        w.home[n] = (int32_t)(home[n] - floor < swap ? home[n] - floor : swap);
    open_interval(r, w);
    return floor;
}

int64_t bounds_rent_finish(const struct bounds_rent *r, int32_t *state)
{
    struct rows w = rows_of(r, state);
    int64_t none = 0, best = INT64_MAX;
    pass(r, state, w, r->end);
    for (uint32_t n = 0; n < r->nodes; n++)
        none += least(w.oi[n], 0);
    for (uint32_t n = 0; n < r->nodes; n++) {
        int64_t begun = w.home[n] + least(w.ii[n], w.io[n]) - least(w.oi[n], 0);
        best = begun < best ? begun : best;
    }
    return best + none;
}

uint64_t bounds_rent_frames(const struct bounds_rent *r, const uint64_t *frames)
{
    unsigned __int128 sum = 0;
    for (uint32_t n = 0; n < r->nodes; n++)
        if (r->price[n])
            sum += (unsigned __int128)r->price[n] * r->end * frames[n];
    sum = (sum + ((1u << BOUNDS_RENT_SHIFT) - 1)) >> BOUNDS_RENT_SHIFT;
    return sum > UINT64_MAX / 4 ? UINT64_MAX / 4 : (uint64_t)sum;
}
