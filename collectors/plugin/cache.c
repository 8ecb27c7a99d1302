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
    c->ways = ways;
    c->rows = (ways + CACHE_LANES - 1) / CACHE_LANES;
    c->all = UINT32_MAX >> (CACHE_WAYS_MAX - ways);
    c->last = cache_all((int8_t)(ways - 1));
    size_t bytes = c->rows * sizeof(struct cache_row) + ways * sizeof(uint64_t), whole = sizeof(struct cache_row);
    c->stride = (uint32_t)((bytes + whole - 1) / whole * whole);
    c->set = room((size_t)sets * c->stride);
    for (uint32_t i = 0; c->set && i < sets; i++)
        set_ages(c, cache_rows(c, i));
    return c->set ? 0 : -ENOMEM;
}

void cache_free(struct cache *c)
{
    free(c->set);
    c->set = NULL;
}

/* The way becomes the oldest: those that were older are one younger. */
static void retire(const struct cache *c, struct cache_row *r, uint32_t way)
{
    int8_t age = *cache_age(r, way), ways = (int8_t)c->ways;
    for (uint32_t i = 0; i < c->rows; i++)
        r[i].age += (r[i].age > age) & (r[i].age < ways);
    *cache_age(r, way) = (int8_t)(ways - 1);
}

uint64_t cache_empty(struct cache *c, struct cache_row *r, uint32_t way)
{
    uint64_t *at = cache_words(c, r) + way, word = *at;
    *at = 0;
    retire(c, r, way);
    return word;
}
