/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The arithmetic of Memtis (Lee et al., SOSP 2023; its kernel's htmm files): the histogram of access counts, the
 * threshold of the hot set, and the watermarks of the fast tier.
 */
#ifndef POLICY_MEMTIS_RULE_H
#define POLICY_MEMTIS_RULE_H

#include "policy/numa.h"

enum {
    MEMTIS_BINS = 16,
    MEMTIS_UNIT = 512,         /* what one sample adds to a base page, so that base and huge pages share one scale */
    MEMTIS_HOT_LEAST = 1,      /* the hot threshold never falls below this bin */
    MEMTIS_PERIOD_LEAST = 256, /* powers of two nearest to the ends of the ladder of sampling periods, 199 and 19997 */
    MEMTIS_PERIOD_MOST = 16384,
};

/* The bin of an access count: floor(log2(count + 1)), at most 15. */
static inline unsigned memtis_bin(uint32_t count)
{
    unsigned bin = 63u - (unsigned)__builtin_clzll((uint64_t)count + 1);
    return bin < MEMTIS_BINS ? bin : MEMTIS_BINS - 1;
}

/* A watermark of the fast tier, in bytes: `percent` of it, at least `floor`, at most `ceiling`. The published floor of
 * 50 MB was chosen for tiers of many gigabytes; on a tier less than ten times as large it is left out. */
static inline uint64_t memtis_watermark(uint64_t tier, uint64_t percent, uint64_t floor, uint64_t ceiling)
{
    uint64_t mark = tier / 100 * percent + tier % 100 * percent / 100;
    if (mark < floor && floor <= tier / 10)
        return floor;
    return mark < ceiling ? mark : ceiling;
}

/* The lowest bin such that all pages from it upwards are at most `capacity` (counting bins from the top; 15 when not
 * even the top bin fits). *sum: pages from there upwards, which fit. */
static inline unsigned memtis_threshold(const uint64_t *histogram, uint64_t capacity, uint64_t *sum)
{
    unsigned bin = MEMTIS_BINS;
    for (*sum = 0; bin && *sum + histogram[bin - 1] <= capacity; bin--)
        *sum += histogram[bin - 1];
    bin = bin < MEMTIS_BINS ? bin : MEMTIS_BINS - 1;
    return bin > MEMTIS_HOT_LEAST ? bin : MEMTIS_HOT_LEAST;
}

/* CPU time of sampling in permil of `ns`, rounded down. */
static inline uint64_t memtis_share(uint64_t samples, uint64_t sample_ns, uint64_t ns)
{
    return (uint64_t)((unsigned __int128)samples * sample_ns * 1000 / ns);
}

/* The next sampling period: one step away from the present one when the share is off the quota by more than slack. */
static inline uint32_t memtis_period(uint32_t period, uint64_t share, uint64_t quota, uint64_t slack)
{
    if (share > quota + slack && period < MEMTIS_PERIOD_MOST)
        return period * 2;
    if (share + slack < quota && period > MEMTIS_PERIOD_LEAST)
        return period / 2;
    return period;
}

#endif
