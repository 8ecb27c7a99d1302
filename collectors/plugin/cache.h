/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One set-associative cache with LRU: which lines it holds and in what state. A line is an address divided by the line
 * size. No level, no coherence: model.h puts caches together.
 *
 * Every access of the program that is captured comes through here, so a look touches few lines of the host's own
 * caches, and has few branches: sixteen ways at a time are compared by eight bits of their lines, and their places in
 * the order of use are changed, in one vector register each.
 */
#ifndef COLLECTORS_PLUGIN_CACHE_H
#define COLLECTORS_PLUGIN_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum cache_state { CACHE_INVALID, CACHE_SHARED, CACHE_EXCLUSIVE, CACHE_MODIFIED };
enum { CACHE_WAYS_MAX = 32, CACHE_LANES = 16, CACHE_NO_WAY = CACHE_WAYS_MAX };

typedef int8_t cache_lanes __attribute__((vector_size(CACHE_LANES)));

/* Of sixteen ways, a byte each. age: 0 the most recently used, ways - 1 the least; empty ways are the oldest. Bytes
 * beyond the cache's ways have an age that none of these reaches. */
struct cache_row {
    cache_lanes hint, age;
};

struct cache {
    char *set; /* [sets], stride bytes each: struct cache_row [rows], then words [ways]: line << 2 | state; 0: empty */
    uint64_t mask;    /* sets - 1 */
    cache_lanes last; /* ways - 1 in each byte */
    uint32_t stride, ways, rows;
    uint32_t all; /* a bit for each way */
};

/* Sets of a cache of that size, or 0: not a power of two of at least 1 and at most 2^15, or too many ways. */
uint32_t cache_sets(uint64_t bytes, uint32_t ways, uint32_t line_size);

/* sets from cache_sets. 0 or -ENOMEM. */
int cache_init(struct cache *, uint32_t sets, uint32_t ways);
void cache_free(struct cache *);

static inline uint64_t cache_word(uint64_t line, enum cache_state state)
{
    return line << 2 | state;
}

static inline uint64_t cache_line_of(uint64_t word)
{
    return word >> 2;
}

static inline enum cache_state cache_state_of(uint64_t word)
{
    return (enum cache_state)(word & 3);
}

/* --- sixteen bytes at a time --- */

static inline cache_lanes cache_all(int8_t b)
{
    return (cache_lanes){b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b};
}

/* A bit for each byte of a that equals b's. */
static inline uint32_t cache_equal(cache_lanes a, cache_lanes b)
{
    cache_lanes same = a == b;
#ifdef __SSE2__
    return (uint32_t)_mm_movemask_epi8((__m128i)same);
#else
    uint32_t bits = 0;
    for (unsigned i = 0; i < CACHE_LANES; i++)
        bits |= (uint32_t)(same[i] & 1) << i;
    return bits;
#endif
}

/* --- a set --- */

static inline struct cache_row *cache_rows(const struct cache *c, uint64_t line)
{
    return (struct cache_row *)(c->set + (line & c->mask) * c->stride);
}

static inline uint64_t *cache_words(const struct cache *c, struct cache_row *r)
{
    return (uint64_t *)(r + c->rows);
}

static inline int8_t *cache_age(struct cache_row *r, uint32_t way)
{
    return (int8_t *)&r[way / CACHE_LANES].age + way % CACHE_LANES;
}

/* The upper bits of a multiplication's result depend on all of the line's (Knuth, The Art of Computer Programming 6.4);
 * the factor is 2^64 divided by the golden ratio. */
static inline int8_t cache_hint(uint64_t line)
{
    return (int8_t)(line * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

/* The line's way in its set, or CACHE_NO_WAY. An empty way's word less one is no line's. */
static inline uint32_t cache_way(const struct cache *c, struct cache_row *r, uint64_t line)
{
    int8_t hint = cache_hint(line);
    uint32_t hinted = cache_equal(r->hint, cache_all(hint));
    if (c->rows > 1)
        hinted |= cache_equal(r[1].hint, cache_all(hint)) << CACHE_LANES;
    for (hinted &= c->all; hinted; hinted &= hinted - 1) {
        uint32_t way = (uint32_t)__builtin_ctz(hinted);
        if ((cache_words(c, r)[way] - 1) >> 2 == line)
            return way;
    }
    return CACHE_NO_WAY;
}

/* Those younger than that age, in each byte, are one older. No branch depends on an age, which nobody can foresee. */
static inline void cache_older(const struct cache *c, struct cache_row *r, cache_lanes age)
{
    r->age -= r->age < age;
    if (c->rows > 1)
        r[1].age -= r[1].age < age;
}

/* The way is the most recently used. */
static inline void cache_touch(const struct cache *c, struct cache_row *r, uint32_t way)
{
    cache_older(c, r, cache_all(*cache_age(r, way)));
    *cache_age(r, way) = 0;
}

/* The least recently used way, or an empty one: which a line that is put there takes. */
static inline uint32_t cache_oldest(const struct cache *c, const struct cache_row *r)
{
    uint32_t oldest = cache_equal(r->age, c->last);
    if (c->rows > 1)
        oldest |= cache_equal(r[1].age, c->last) << CACHE_LANES;
    return (uint32_t)__builtin_ctz(oldest);
}

/* Takes in a line of this set that is not held, as the most recently used. The word that had to go, or 0. */
static inline uint64_t cache_take(struct cache *c, struct cache_row *r, uint64_t line, enum cache_state state)
{
    uint32_t way = cache_oldest(c, r);
    uint64_t *at = cache_words(c, r) + way, gone = *at;
    *at = cache_word(line, state);
    *((int8_t *)&r[way / CACHE_LANES].hint + way % CACHE_LANES) = cache_hint(line);
    cache_older(c, r, c->last);
    *cache_age(r, way) = 0;
    return gone;
}

/* The way is empty, and the oldest. Its word. */
uint64_t cache_empty(struct cache *, struct cache_row *, uint32_t way);

/* --- a line, wherever it is --- */

/* The line's word without making it the most recently used; null when it is not held. Good until the next change. */
static inline uint64_t *cache_peek(const struct cache *c, uint64_t line)
{
    struct cache_row *r = cache_rows(c, line);
    uint32_t way = cache_way(c, r, line);
    return way == CACHE_NO_WAY ? NULL : cache_words(c, r) + way;
}

/* The same, and now it is the most recently used. */
static inline uint64_t *cache_find(struct cache *c, uint64_t line)
{
    struct cache_row *r = cache_rows(c, line);
    uint32_t way = cache_way(c, r, line);
    if (way == CACHE_NO_WAY)
        return NULL;
    cache_touch(c, r, way);
    return cache_words(c, r) + way;
}

static inline uint64_t cache_put(struct cache *c, uint64_t line, enum cache_state state)
{
    return cache_take(c, cache_rows(c, line), line, state);
}

/* The line goes. Its word, or 0 when it was not held. */
static inline uint64_t cache_drop(struct cache *c, uint64_t line)
{
    struct cache_row *r = cache_rows(c, line);
    uint32_t way = cache_way(c, r, line);
    return way == CACHE_NO_WAY ? 0 : cache_empty(c, r, way);
}

#endif
