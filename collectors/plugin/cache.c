/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/plugin/cache.h"

#include <errno.h>
#include <stdlib.h>

uint32_t cache_sets(uint64_t bytes, uint32_t ways, uint32_t line_size)
{
    if (!ways || ways > CACHE_WAYS_MAX || !line_size || bytes % ((uint64_t)ways * line_size))
        return 0;
    uint64_t sets = bytes / ways / line_size;
    return sets && sets <= 1u << 15 && !(sets & (sets - 1)) ? (uint32_t)sets : 0;
}

int cache_init(struct cache *c, uint32_t sets, uint32_t ways)
{
    c->mask = sets - 1;
    c->ways = ways;
    c->word = calloc((size_t)sets * ways, sizeof *c->word);
    return c->word ? 0 : -ENOMEM;
}

void cache_free(struct cache *c)
{
    free(c->word);
    c->word = NULL;
}

uint64_t cache_drop(struct cache *c, uint64_t line)
{
    uint64_t *set = c->word + (line & c->mask) * c->ways, *at = cache_peek(c, line);
    if (!at)
        return 0;
    uint64_t word = *at;
    memmove(at, at + 1, (size_t)((char *)(set + c->ways - 1) - (char *)at));
    set[c->ways - 1] = 0;
    return word;
}
