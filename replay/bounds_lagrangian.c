/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/bounds_lagrangian.h"

#include <errno.h>
#include <stdio.h>

enum { SCALE = 6, SCALES = 13 }; /* prices are tried from 1/6 to 12/6 of the static ones; 13 is a Fibonacci number */

struct evaluation {
    struct bounds_rent rent;
    int32_t *pages;
    size_t words;
    unsigned shards;
    uint32_t npages;
    unsigned char *present; /* [pages] already touched */
    int64_t certain[BOUNDS_SHARDS];
};

static void take(void *context, unsigned shard, uint64_t first, const struct bounds_access *a, size_t n)
{
    enum { AHEAD = 16, LINE = 16 };
    struct evaluation *e = context;
    int64_t certain = 0;
    for (size_t i = 0; i < n; i++) {
        const int32_t *next = e->pages + a[i + AHEAD < n ? i + AHEAD : i].page * e->words;
        for (size_t word = 0; word < e->words; word += LINE)
            __builtin_prefetch(next + word, 1);
        int32_t *state = e->pages + a[i].page * e->words;
        uint64_t at = first + a[i].index;
        if (!e->present[a[i].page]) {
            e->present[a[i].page] = 1;
            bounds_rent_touch(&e->rent, state, at);
        }
        certain += a[i].write ? bounds_rent_write(&e->rent, state, a[i].node, a[i].weight, at)
                              : bounds_rent_read(&e->rent, state, a[i].node, a[i].weight, at);
    }
    e->certain[shard] += certain;
}

static int64_t finish(struct evaluation *e)
{
    int64_t sum = 0;
    int shards = (int)e->shards;
#pragma omp parallel for num_threads(shards) reduction(+ : sum) if (shards > 1)
    for (uint32_t p = 0; p < e->npages; p++)
        if (e->present[p])
            sum += bounds_rent_finish(&e->rent, e->pages + p * e->words);
    for (int s = 0; s < BOUNDS_SHARDS; s++)
        sum += e->certain[s];
    return sum;
}

static void set_prices(const struct bounds_lagrangian *l, struct bounds_rent *rent, unsigned scale)
{
    uint64_t records = trace_meta(l->pass->trace)->records;
    for (uint32_t n = 0; n < rent->nodes; n++) {
        unsigned __int128 price = (unsigned __int128)l->price[n] * scale << BOUNDS_RENT_SHIFT;
        price /= (unsigned __int128)records * SCALE;
        bounds_rent_price(rent, (node_t)n, price < UINT64_MAX ? (uint64_t)price : UINT64_MAX);
    }
}

/* The dual function at one scale of the prices, ps; may be negative. */
static int evaluate(const struct bounds_lagrangian *l, unsigned scale, int64_t *bound, struct trace_error *error)
{
    struct evaluation e = {.npages = trace_meta(l->pass->trace)->pages, .shards = l->pass->shards};
    struct bounds_sink sink = {.context = &e, .take = take};
    bounds_rent_init(&e.rent, l->topology, l->active, l->costs, trace_meta(l->pass->trace)->records * l->pass->repeat);
    set_prices(l, &e.rent, scale);
    e.words = bounds_rent_words(&e.rent);
    e.pages = bounds_pass_table(e.npages, e.words * sizeof(*e.pages));
    e.present = bounds_pass_table(e.npages, 1);
    int err = -ENOMEM;
    if (e.pages && e.present)
        err = bounds_pass_run(l->pass, &sink, error);
    else
        snprintf(error->text, sizeof(error->text), "bounds: out of memory for the prices of %u pages", e.npages);
    if (!err)
        *bound = (int64_t)l->base_ps + finish(&e) - (int64_t)bounds_rent_frames(&e.rent, l->frames);
    bounds_pass_table_free(e.pages, e.npages, e.words * sizeof(*e.pages));
    bounds_pass_table_free(e.present, e.npages, 1);
    return err;
}

static bool priced(const struct bounds_lagrangian *l)
{
    for (uint32_t n = 0; n < l->topology->nodes; n++)
        if (l->price[n])
            return true;
    return false;
}

/* Fibonacci search for the top of a concave function on 1 .. SCALES - 1. */
static int search(const struct bounds_lagrangian *l, int64_t *best, struct trace_error *error)
{
    unsigned low = 0, step = 5,
             wide = 8; /* inner points: low + step, low + wide; the interval is step + wide = SCALES */
    int64_t left, right;
    int err = evaluate(l, low + step, &left, error);
    err = err ? err : evaluate(l, low + wide, &right, error);
    while (!err) {
        int64_t top = left > right ? left : right;
        *best = top > *best ? top : *best;
        unsigned narrow = wide - step;
        if (step == 1)
            return 0;
        if (left < right) {
            low += step;
            left = right;
            wide = step;
            step = narrow;
            err = evaluate(l, low + wide, &right, error);
        } else {
            right = left;
            wide = step;
            step = narrow;
            err = evaluate(l, low + step, &left, error);
        }
    }
    return err;
}

int bounds_lagrangian_solve(const struct bounds_lagrangian *l, uint64_t *bound_ps, struct trace_error *error)
{
    int64_t best = (int64_t)l->optimum_ps;
    int err = 0;
    if (priced(l)) {
        l->pass->total += l->pass->total * BOUNDS_LAGRANGIAN_PASSES;
        err = search(l, &best, error);
        l->pass->done = l->pass->total;
    }
    *bound_ps = (uint64_t)best;
    return err;
}
