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
    uint64_t *word;        /* [sets][ways] line << 2 | state; 0: empty */
    struct cache_row *row; /* [sets][rows] */
    uint64_t mask;         /* sets - 1 */
    uint32_t ways, rows;
    uint32_t shift; /* log2 of the sets */
    uint32_t all;   /* a bit for each way */
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

/* A bit for each byte of x that equals b. */
static inline uint32_t cache_equal(cache_lanes x, int8_t b)
{
    cache_lanes same = x == b;
#ifdef __SSE2__
    return (uint32_t)_mm_movemask_epi8((__m128i)same);
#else
    uint32_t bits = 0;
    for (unsigned i = 0; i < CACHE_LANES; i++)
        bits |= (uint32_t)(same[i] & 1) << i;
    return bits;
#endif
}

static inline struct cache_row *cache_rows(const struct cache *c, uint64_t line)
{
    return c->row + (line & c->mask) * c->rows;
}

/* A bit for each way of the line's set whose hint, or age, is that. */
static inline uint32_t cache_hinted(const struct cache *c, const struct cache_row *r, int8_t hint)
{
    uint32_t ways = cache_equal(r->hint, hint);
    return (c->rows == 1 ? ways : ways | cache_equal(r[1].hint, hint) << CACHE_LANES) & c->all;
}

static inline uint32_t cache_aged(const struct cache *c, const struct cache_row *r, int8_t age)
{
    uint32_t ways = cache_equal(r->age, age);
    return c->rows == 1 ? ways : ways | cache_equal(r[1].age, age) << CACHE_LANES;
}

static inline int8_t *cache_age(struct cache_row *r, uint32_t way)
{
    return (int8_t *)&r[way / CACHE_LANES].age + way % CACHE_LANES;
}

/* --- --- */

static inline int8_t cache_hint(const struct cache *c, uint64_t line)
{
    return (int8_t)(line >> c->shift ^ line >> (c->shift + 8));
}

/* The line's way, or CACHE_NO_WAY. An empty way's word less one is no line's. */
static inline uint32_t cache_way(const struct cache *c, uint64_t line)
{
    const uint64_t *set = c->word + (line & c->mask) * c->ways;
    uint32_t hinted = cache_hinted(c, cache_rows(c, line), cache_hint(c, line));
    for (; hinted; hinted &= hinted - 1) {
        uint32_t way = (uint32_t)__builtin_ctz(hinted);
        if ((set[way] - 1) >> 2 == line)
            return way;
    }
    return CACHE_NO_WAY;
}

/* The way is the most recently used; those that were are one older. No branch depends on its age, which nobody can
 * foresee. */
static inline void cache_touch(const struct cache *c, struct cache_row *r, uint32_t way)
{
    int8_t age = *cache_age(r, way);
    r->age -= r->age < age;
    if (c->rows > 1)
        r[1].age -= r[1].age < age;
    *cache_age(r, way) = 0;
}

/* The line's word without making it the most recently used; null when it is not held. Good until the next change. */
static inline uint64_t *cache_peek(const struct cache *c, uint64_t line)
{
    uint32_t way = cache_way(c, line);
    return way == CACHE_NO_WAY ? NULL : c->word + (line & c->mask) * c->ways + way;
}

/* The same, and now it is the most recently used. */
static inline uint64_t *cache_find(struct cache *c, uint64_t line)
{
    uint32_t way = cache_way(c, line);
    if (way == CACHE_NO_WAY)
        return NULL;
    cache_touch(c, cache_rows(c, line), way);
    return c->word + (line & c->mask) * c->ways + way;
}

/* The least recently used way of the line's set, or an empty one: which a line that is put there takes. */
static inline uint64_t *cache_oldest(const struct cache *c, uint64_t line)
{
    uint32_t oldest = cache_aged(c, cache_rows(c, line), (int8_t)(c->ways - 1));
    return c->word + (line & c->mask) * c->ways + __builtin_ctz(oldest);
}

/* Takes in a line that is not held, as the most recently used. The word that had to go, or 0. */
static inline uint64_t cache_put(struct cache *c, uint64_t line, enum cache_state state)
{
    struct cache_row *r = cache_rows(c, line);
    uint64_t *at = cache_oldest(c, line), gone = *at;
    uint32_t way = (uint32_t)(at - (c->word + (line & c->mask) * c->ways));
    *at = cache_word(line, state);
    *((int8_t *)&r[way / CACHE_LANES].hint + way % CACHE_LANES) = cache_hint(c, line);
    cache_touch(c, r, way);
    return gone;
}

/* The line goes. Its word, or 0 when it was not held. */
uint64_t cache_drop(struct cache *, uint64_t line);

#endif
