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

static void set_ages(const struct cache *c, struct cache_row *r)
{
    for (uint32_t way = 0; way < CACHE_LANES * c->rows; way++)
        *cache_age(r, way) = way < c->ways ? (int8_t)way : INT8_MAX;
}

int cache_init(struct cache *c, uint32_t sets, uint32_t ways)
{
    c->mask = sets - 1;
    c->shift = (uint32_t)__builtin_ctz(sets);
    c->ways = ways;
    c->rows = (ways + CACHE_LANES - 1) / CACHE_LANES;
    c->all = UINT32_MAX >> (CACHE_WAYS_MAX - ways);
    c->word = room((size_t)sets * ways * sizeof *c->word);
    c->row = room((size_t)sets * c->rows * sizeof *c->row);
    for (uint32_t i = 0; c->row && i < sets; i++)
        set_ages(c, c->row + (size_t)i * c->rows);
    return c->word && c->row ? 0 : -ENOMEM;
}

void cache_free(struct cache *c)
{
    free(c->word);
    free(c->row);
    c->word = NULL;
    c->row = NULL;
}

/* The way becomes the oldest: those that were older are one younger. */
static void retire(const struct cache *c, struct cache_row *r, uint32_t way)
{
    int8_t age = *cache_age(r, way), ways = (int8_t)c->ways;
    for (uint32_t i = 0; i < c->rows; i++)
        r[i].age += (r[i].age > age) & (r[i].age < ways);
    *cache_age(r, way) = (int8_t)(ways - 1);
}

uint64_t cache_drop(struct cache *c, uint64_t line)
{
    uint32_t way = cache_way(c, line);
    if (way == CACHE_NO_WAY)
        return 0;
    uint64_t *at = c->word + (line & c->mask) * c->ways + way, word = *at;
    *at = 0;
    retire(c, cache_rows(c, line), way);
    return word;
}
