/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The monitor of DAMON (Linux mm/damon): page ids are covered by regions whose pages are taken to be accessed alike; at
 * each sample one random page of each region is looked at. At the end of an aggregation neighbours that were accessed
 * alike are merged, and all are split again at random, so that the regions follow the accesses.
 *
 * Randomness comes from the seed in the state. Sizes are in pages.
 */
#ifndef POLICY_DAMON_REGION_H
#define POLICY_DAMON_REGION_H

#include "policy/numa.h"

enum { DAMON_SCORE_MAX = 99 };

struct damon_region {
    page_t start, end;   /* end: exclusive */
    uint32_t accesses;   /* samples of this aggregation that found the page accessed */
    uint32_t aggregated; /* the same of the last whole aggregation */
    uint32_t age;        /* aggregations since the accesses changed much, or an action was taken */
    page_t sampled;      /* the page looked at next */
};

struct damon_regions {
    uint64_t seed;
    uint32_t npages, n, least, most; /* least, most: the number of regions aimed at */
    uint32_t n_before;               /* regions before the last split */
    uint32_t samples;                /* per aggregation: the most accesses there can be */
    uint32_t capacity;
    struct damon_region r[]; /* 2 * capacity: the second half is working room */
};

/* Bytes for `most` regions over npages pages. */
size_t damon_region_size(uint32_t npages, uint64_t most);

/* Sets up `least` regions of equal size. `samples` per aggregation, 1 or more. */
void damon_region_init(struct damon_regions *, uint32_t npages, uint32_t least, uint64_t most, uint32_t samples,
                       uint64_t seed);

/* One sample: looks at the chosen pages in the view's last harvest, and chooses others. */
void damon_region_sample(struct damon_regions *, const struct view *);

/* The end of an aggregation: ages, merges, begins a new aggregation, splits. */
void damon_region_aggregate(struct damon_regions *);

/* Cuts a region in two at the page, unless there is no room or the page is not inside. */
void damon_region_cut(struct damon_regions *, uint32_t which, page_t at);

/* How hot a region is, 0..99: its frequency in percent of the most, and the logarithm of its age in seconds (which
 * speaks for cold where the frequency is 0), weighted. 99 less that is how cold it is. */
static inline uint32_t damon_region_score(uint32_t accesses, uint32_t most, uint64_t age_seconds, uint64_t weight_freq,
                                          uint64_t weight_age)
{
    uint64_t frequency = (uint64_t)accesses * 100 / most;
    int64_t bits = 0;
    for (; bits < 32 && age_seconds; bits++)
        age_seconds >>= 1;
    uint64_t age = (uint64_t)(frequency ? 32 + bits : 32 - bits) * 100 / 64;
    uint64_t weights = weight_freq + weight_age;
    uint64_t hot = weight_freq * frequency + weight_age * age;
    return (uint32_t)((weights ? hot / weights : hot) * DAMON_SCORE_MAX / 100);
}

/* The next input of a feedback loop whose score should be 10000: as much more or less as the score is off. */
static inline uint64_t damon_region_feedback(uint64_t input, uint64_t score)
{
    const uint64_t goal = 10000, least = 10000;
    if (score >= 2 * goal)
        return least;
    uint64_t off = score > goal ? score - goal : goal - score;
    uint64_t change = (uint64_t)((unsigned __int128)input * off / goal);
    if (score <= goal)
        return input < UINT64_MAX - change ? input + change : UINT64_MAX;
    return input - change > least ? input - change : least;
}

#endif
