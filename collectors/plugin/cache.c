/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/plugin/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_LINE = 64 };

uint32_t cache_sets(uint64_t bytes, uint32_t ways, uint32_t line_size)
{
    if (!ways || ways > CACHE_WAYS_MAX || !line_size || bytes % ((uint64_t)ways * line_size))
        return 0;
    uint64_t sets = bytes / ways / line_size;
    return sets && sets <= 1u << 15 && !(sets & (sets - 1)) ? (uint32_t)sets : 0;
}

/* Zeroed, and at the start of a line of the host's, so that small sets do not lie across two. */
static void *room(size_t bytes)
{
    size_t whole = (bytes + HOST_LINE - 1) & ~(size_t)(HOST_LINE - 1);
    void *p = aligned_alloc(HOST_LINE, whole);
    return p ? memset(p, 0, whole) : NULL;
}

static void set_ages(struct cache *c, struct cache_eight *e)
{
    for (uint32_t way = 0; way < CACHE_EIGHT * c->eights; way++)
        e[way / CACHE_EIGHT].age |= (uint64_t)way << way % CACHE_EIGHT * 8;
}

int cache_init(struct cache *c, uint32_t sets, uint32_t ways)
{
    c->mask = sets - 1;
    c->shift = (uint32_t)__builtin_ctz(sets);
    c->ways = ways;
    c->eights = (ways + CACHE_EIGHT - 1) / CACHE_EIGHT;
    c->word = room((size_t)sets * ways * sizeof *c->word);
    c->eight = room((size_t)sets * c->eights * sizeof *c->eight);
    for (uint32_t i = 0; c->eight && i < sets; i++)
        set_ages(c, c->eight + (size_t)i * c->eights);
    return c->word && c->eight ? 0 : -ENOMEM;
}

void cache_free(struct cache *c)
{
    free(c->word);
    free(c->eight);
    c->word = NULL;
    c->eight = NULL;
}

/* The way becomes the oldest: those that were older are one younger. */
static void retire(const struct cache *c, struct cache_eight *e, uint32_t way)
{
    unsigned age = cache_age(e, way), bit = way % CACHE_EIGHT * 8;
    for (uint32_t i = 0; i < c->eights; i++)
        e[i].age -= cache_at_least(e[i].age, age + 1);
    uint64_t *own = &e[way / CACHE_EIGHT].age;
    *own = (*own & ~((uint64_t)0xff << bit)) | (uint64_t)(c->ways - 1) << bit;
}

uint64_t cache_drop(struct cache *c, uint64_t line)
{
    uint32_t way = cache_way(c, line);
    if (way == CACHE_NO_WAY)
        return 0;
    uint64_t *at = c->word + (line & c->mask) * c->ways + way, word = *at;
    *at = 0;
    retire(c, cache_eights(c, line), way);
    return word;
}
