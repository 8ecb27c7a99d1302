/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One set-associative cache with LRU: which lines it holds and in what state. A line is an address divided by the line
 * size. No level, no coherence: model.h puts caches together.
 *
 * Every access of the program that is captured comes through here, so a look touches few lines of the host's own
 * caches: eight ways at a time are compared by eight bits of their lines, held in one word, and their places in the
 * order of use are the bytes of another.
 */
#ifndef COLLECTORS_PLUGIN_CACHE_H
#define COLLECTORS_PLUGIN_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cache_state { CACHE_INVALID, CACHE_SHARED, CACHE_EXCLUSIVE, CACHE_MODIFIED };
enum { CACHE_WAYS_MAX = 32, CACHE_EIGHT = 8 };

/* Of eight ways, a byte each. age: 0 the most recently used, ways - 1 the least; empty ways are the oldest. Ages of
 * ways beyond the cache's number mean nothing: the search for the oldest meets the true one before them. */
struct cache_eight {
    uint64_t hint, age;
};
enum { CACHE_NO_WAY = CACHE_WAYS_MAX };

struct cache {
    uint64_t *word;            /* [sets][ways] line << 2 | state; 0: empty */
    struct cache_eight *eight; /* [sets][eights] */
    uint64_t mask;             /* sets - 1 */
    uint32_t ways, eights;
    uint32_t shift; /* log2 of the sets */
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

/* --- eight bytes at a time --- */

#define CACHE_BYTES(b) ((uint64_t)(b)*UINT64_C(0x0101010101010101))
#define CACHE_HIGH CACHE_BYTES(0x80)

/* The high bit of each byte of x that equals b; of bytes above the first such one perhaps also where it does not. */
static inline uint64_t cache_equal(uint64_t x, unsigned b)
{
    uint64_t same = x ^ CACHE_BYTES(b);
    return (same - CACHE_BYTES(1)) & ~same & CACHE_HIGH;
}

/* 1 in each byte of x, all below 0x80, that is at least b. */
static inline uint64_t cache_at_least(uint64_t x, unsigned b)
{
    return (((x | CACHE_HIGH) - CACHE_BYTES(b)) & CACHE_HIGH) >> 7;
}

static inline unsigned cache_first(uint64_t high_bits)
{
    return (unsigned)__builtin_ctzll(high_bits) / 8;
}

static inline unsigned cache_age(const struct cache_eight *e, uint32_t way)
{
    return e[way / CACHE_EIGHT].age >> way % CACHE_EIGHT * 8 & 0xff;
}

/* --- --- */

static inline struct cache_eight *cache_eights(const struct cache *c, uint64_t line)
{
    return c->eight + (line & c->mask) * c->eights;
}

static inline unsigned cache_hint(const struct cache *c, uint64_t line)
{
    return (line >> c->shift ^ line >> (c->shift + 8)) & 0xff;
}

/* The line's way, or CACHE_NO_WAY. */
static inline uint32_t cache_way(const struct cache *c, uint64_t line)
{
    const struct cache_eight *e = cache_eights(c, line);
    const uint64_t *set = c->word + (line & c->mask) * c->ways;
    unsigned hint = cache_hint(c, line);
    for (uint32_t i = 0; i < c->eights; i++)
        for (uint64_t same = cache_equal(e[i].hint, hint); same; same &= same - 1) {
            uint32_t way = CACHE_EIGHT * i + cache_first(same);
            if (way < c->ways && set[way] >> 2 == line && set[way])
                return way;
        }
    return CACHE_NO_WAY;
}

/* The way is the most recently used; those that were are one older. No branch depends on its age, which nobody can
 * foresee. */
static inline void cache_touch(const struct cache *c, struct cache_eight *e, uint32_t way)
{
    unsigned age = cache_age(e, way);
    uint64_t others = ~((uint64_t)0xff << way % CACHE_EIGHT * 8);
    if (c->eights == 1) {
        e->age = (e->age + CACHE_BYTES(1) - cache_at_least(e->age, age)) & others;
        return;
    }
    for (uint32_t i = 0; i < c->eights; i++)
        e[i].age += CACHE_BYTES(1) - cache_at_least(e[i].age, age);
    e[way / CACHE_EIGHT].age &= others;
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
    cache_touch(c, cache_eights(c, line), way);
    return c->word + (line & c->mask) * c->ways + way;
}

/* The least recently used way of the line's set, or an empty one: which a line that is put there takes. */
static inline uint64_t *cache_oldest(const struct cache *c, uint64_t line)
{
    const struct cache_eight *e = cache_eights(c, line);
    uint32_t i = 0;
    uint64_t same;
    while (!(same = cache_equal(e[i].age, c->ways - 1)))
        i++;
    return c->word + (line & c->mask) * c->ways + CACHE_EIGHT * i + cache_first(same);
}

/* Takes in a line that is not held, as the most recently used. The word that had to go, or 0. */
static inline uint64_t cache_put(struct cache *c, uint64_t line, enum cache_state state)
{
    struct cache_eight *e = cache_eights(c, line);
    uint64_t *at = cache_oldest(c, line), gone = *at;
    uint32_t way = (uint32_t)(at - (c->word + (line & c->mask) * c->ways));
    uint64_t *hint = &e[way / CACHE_EIGHT].hint;
    unsigned bit = way % CACHE_EIGHT * 8;
    *at = cache_word(line, state);
    *hint = (*hint & ~((uint64_t)0xff << bit)) | (uint64_t)cache_hint(c, line) << bit;
    cache_touch(c, e, way);
    return gone;
}

/* The line goes. Its word, or 0 when it was not held. */
uint64_t cache_drop(struct cache *, uint64_t line);

#endif
