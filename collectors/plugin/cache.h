/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One set-associative cache with LRU: which lines it holds and in what state. A line is an address divided by the line
 * size. No level, no coherence: model.h puts caches together.
 */
#ifndef COLLECTORS_PLUGIN_CACHE_H
#define COLLECTORS_PLUGIN_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum cache_state { CACHE_INVALID, CACHE_SHARED, CACHE_EXCLUSIVE, CACHE_MODIFIED };
enum { CACHE_WAYS_MAX = 32 };

/* A set is `ways` words, line << 2 | state, the most recently used first and empty ones (0) last. */
struct cache {
    uint64_t *word;
    uint64_t mask; /* sets - 1 */
    uint32_t ways;
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

/* The line's word without making it the most recently used; null when it is not held. Good until the next change. */
static inline uint64_t *cache_peek(const struct cache *c, uint64_t line)
{
    uint64_t *set = c->word + (line & c->mask) * c->ways;
    for (uint32_t i = 0; i < c->ways; i++)
        if (set[i] >> 2 == line && set[i])
            return set + i;
    return NULL;
}

/* The same, and now it is the most recently used. The words are moved one by one: they are few, and most lines are
 * found near the front, so a call of memmove, which compilers like to make of the loop, would take longer. */
static inline uint64_t *cache_find(struct cache *c, uint64_t line)
{
    uint64_t *set = c->word + (line & c->mask) * c->ways, *at = cache_peek(c, line);
    if (!at)
        return NULL;
    uint64_t word = *at;
    for (; at != set; at--) {
        *at = at[-1];
        __asm__ volatile("" ::: "memory");
    }
    *set = word;
    return set;
}

/* Takes in a line that is not held, as the most recently used. The word that had to go, or 0. */
static inline uint64_t cache_put(struct cache *c, uint64_t line, enum cache_state state)
{
    uint64_t *set = c->word + (line & c->mask) * c->ways, gone = set[c->ways - 1];
    memmove(set + 1, set, (c->ways - 1) * sizeof *set);
    *set = cache_word(line, state);
    return gone;
}

/* The line goes. Its word, or 0 when it was not held. */
uint64_t cache_drop(struct cache *, uint64_t line);

#endif
