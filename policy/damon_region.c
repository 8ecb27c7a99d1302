/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/damon_region.h"

#include "policy/random.h"

enum { SPARE = 8 }; /* regions that cuts may add between two merges */

static uint32_t capacity_for(uint32_t npages, uint64_t most)
{
    return (uint32_t)(most < npages ? most : npages) + SPARE;
}

size_t damon_region_size(uint32_t npages, uint64_t most)
{
    return sizeof(struct damon_regions) + (size_t)2 * capacity_for(npages, most) * sizeof(struct damon_region);
}

static void choose(struct damon_regions *d, struct damon_region *r)
{
    r->sampled = r->start + (page_t)random_below(&d->seed, r->end - r->start);
}

void damon_region_init(struct damon_regions *d, uint32_t npages, uint32_t least, uint64_t most, uint32_t samples,
                       uint64_t seed)
{
    uint32_t n = least < npages ? least : npages;
    *d = (struct damon_regions){.seed = seed,
                                .npages = npages,
                                .n = n,
                                .least = n ? n : 1,
                                .samples = samples,
                                .capacity = capacity_for(npages, most)};
    d->most = d->capacity - SPARE;
    for (uint32_t i = 0; i < n; i++) {
        d->r[i] = (struct damon_region){.start = (page_t)((uint64_t)npages * i / n),
                                        .end = (page_t)((uint64_t)npages * (i + 1) / n)};
        choose(d, &d->r[i]);
    }
}

static bool was_accessed(const struct view *v, page_t page)
{
    for (uint32_t node = 0; node < v->topology->nodes; node++)
        if (view_accessed(v, (node_t)node, page))
            return true;
    return false;
}

void damon_region_sample(struct damon_regions *d, const struct view *v)
{
    for (uint32_t i = 0; i < d->n; i++) {
        d->r[i].accesses += was_accessed(v, d->r[i].sampled);
        choose(d, &d->r[i]);
    }
}

static uint32_t difference(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

static uint32_t pages(const struct damon_region *r)
{
    return r->end - r->start;
}

static void grow_older(struct damon_regions *d, uint32_t threshold)
{
    for (uint32_t i = 0; i < d->n; i++) {
        struct damon_region *r = &d->r[i];
        bool changed = difference(r->accesses, r->aggregated) > threshold || !r->accesses != !r->aggregated;
        r->age = changed ? 0 : r->age + 1;
    }
}

static uint32_t mean(uint32_t a, uint32_t weight_a, uint32_t b, uint32_t weight_b)
{
    return (uint32_t)(((uint64_t)a * weight_a + (uint64_t)b * weight_b) / ((uint64_t)weight_a + weight_b));
}

static void join(struct damon_region *left, const struct damon_region *right)
{
    left->accesses = mean(left->accesses, pages(left), right->accesses, pages(right));
    left->age = mean(left->age, pages(left), right->age, pages(right));
    left->end = right->end;
}

static void merge(struct damon_regions *d, uint32_t threshold)
{
    uint32_t last = 0, limit = d->npages / d->least;
    for (uint32_t i = 1; i < d->n; i++) {
        struct damon_region *left = &d->r[last], *right = &d->r[i];
        if (difference(left->accesses, right->accesses) <= threshold && pages(left) + pages(right) <= limit)
            join(left, right);
        else
            d->r[++last] = *right;
    }
    d->n = d->n ? last + 1 : 0;
}

/* More and more is merged until there are few enough. */
static void merge_enough(struct damon_regions *d)
{
    uint32_t top = 0;
    for (uint32_t i = 0; i < d->n; i++)
        top = d->r[i].accesses > top ? d->r[i].accesses : top;
    uint32_t threshold = top / 10;
    grow_older(d, threshold);
    do {
        merge(d, threshold);
        threshold = threshold ? threshold * 2 : 1;
    } while (d->n > d->most && threshold / 2 < d->samples);
}

static void begin_anew(struct damon_regions *d)
{
    for (uint32_t i = 0; i < d->n; i++) {
        d->r[i].aggregated = d->r[i].accesses;
        d->r[i].accesses = 0;
    }
}

/* Appends `r`, cut into `parts` at random tenths of what is left; those to the right keep what is known of it. */
static uint32_t append_split(struct damon_regions *d, uint32_t n, struct damon_region r, uint32_t parts)
{
    uint32_t first = n;
    for (; parts > 1 && pages(&r) > 1; parts--) {
        uint32_t left = (uint32_t)(pages(&r) * (1 + random_below(&d->seed, 9)) / 10);
        if (!left)
            continue;
        d->r[n] = r;
        d->r[n++].start = r.start + left;
        r.end = r.start + left;
    }
    d->r[n++] = r;
    /* Cut off from the right, so in descending order. */
    for (uint32_t low = first, high = n - 1; low < high; low++, high--) {
        struct damon_region swapped = d->r[low];
        d->r[low] = d->r[high];
        d->r[high] = swapped;
    }
    return n;
}

static void split(struct damon_regions *d)
{
    uint32_t n = d->n, parts = n == d->n_before && n < d->most / 3 ? 3 : 2;
    struct damon_region *whole = &d->r[d->capacity];
    d->n_before = n;
    if (n > d->most / 2)
        return;
    __builtin_memcpy(whole, d->r, n * sizeof *whole);
    d->n = 0;
    for (uint32_t i = 0; i < n; i++)
        d->n = append_split(d, d->n, whole[i], parts);
    for (uint32_t i = 0; i < d->n; i++)
        choose(d, &d->r[i]);
}

void damon_region_aggregate(struct damon_regions *d)
{
    merge_enough(d);
    begin_anew(d);
    split(d);
}

void damon_region_cut(struct damon_regions *d, uint32_t which, page_t at)
{
    struct damon_region *r = &d->r[which];
    if (d->n == d->capacity || at <= r->start || at >= r->end)
        return;
    __builtin_memmove(r + 1, r, (d->n - which) * sizeof *r);
    d->n++;
    r[0].end = r[1].start = at;
    choose(d, &r[0]);
    choose(d, &r[1]);
}
