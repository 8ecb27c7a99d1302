/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A counting Bloom filter of 4-bit counters in blocks of one cache line, as HybridTier (ASPLOS 2025, its
 * frequency_sketch_block.hpp) keeps access counts of pages: four counters per page, all of them counted up, the least
 * is the estimate. Never below the true count (to 15) since the last ageing. When as much has been added as the window
 * says, all counters are halved.
 */
#ifndef POLICY_SKETCH_H
#define POLICY_SKETCH_H

#include "policy/numa.h"

enum { SKETCH_MOST = 15, SKETCH_BLOCK_WORDS = 8, SKETCH_WORD_COUNTERS = 16 };

/* The words of counters lie where the caller says, 8-byte aligned and zeroed. */
struct sketch {
    uint64_t added, window;          /* since the last ageing, less what it halved; ages when added reaches window */
    uint32_t words;                  /* a power of two, at least a block */
    uint64_t pages[SKETCH_MOST + 1]; /* estimate -> pages seen with it; not of 0 */
};

/* Words for at least `counters` counters. */
uint32_t sketch_words(uint64_t counters);

void sketch_init(struct sketch *, uint32_t words, uint64_t window);

/* By what a page is known to the functions below, in sketches of any size (the finaliser of splitmix64). */
static inline uint64_t sketch_hash(page_t page)
{
    uint64_t z = (page + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* The page's block of words. */
static inline uint32_t sketch_block(const struct sketch *s, uint64_t hash)
{
    return ((uint32_t)(hash >> 32) & (s->words / SKETCH_BLOCK_WORDS - 1)) * SKETCH_BLOCK_WORDS;
}

/* One access more: the new estimate. */
uint32_t sketch_add(struct sketch *, uint64_t *words, uint64_t hash);

/* The estimate. */
uint32_t sketch_count(const struct sketch *, const uint64_t *words, uint64_t hash);

/* Takes one from each of the page's counters that has any. */
void sketch_take(struct sketch *, uint64_t *words, uint64_t hash);

/* Its counters, `most` at most. */
static inline uint64_t sketch_counters(const struct sketch *s, uint64_t most)
{
    uint64_t counters = (uint64_t)s->words * SKETCH_WORD_COUNTERS;
    return counters < most ? counters : most;
}

/* Halves every counter. */
void sketch_age(struct sketch *, uint64_t *words);

/* Pages seen whose estimate is `least` or more. */
uint64_t sketch_pages(const struct sketch *, uint32_t least);

#endif
