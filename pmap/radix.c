/* SPDX-License-Identifier: BSD-2-Clause */
#include "pmap/radix.h"

/* An entry is 0 when absent. Inner tables hold the number of a table (never 0: that is the root); leaves hold ~page, so
 * that PAGE_NONE is absence. The memory is all tables, then the number of entries in use of each. */
struct table {
    uint32_t entry[RADIX_FANOUT];
};

static struct table *table_at(void *memory, uint32_t i)
{
    return (struct table *)memory + i;
}

static const struct table *table_in(const void *memory, uint32_t i)
{
    return (const struct table *)memory + i;
}

static uint32_t *used(const struct radix *r, void *memory, uint32_t i)
{
    return (uint32_t *)(void *)table_at(memory, r->tables) + i;
}

static uint32_t digit(uint64_t key, unsigned level)
{
    return (uint32_t)(key >> (RADIX_BITS * (RADIX_LEVELS - 1 - level))) & (RADIX_FANOUT - 1);
}

size_t radix_size(uint32_t tables)
{
    return tables * (sizeof(struct table) + sizeof(uint32_t));
}

void radix_init(struct radix *r, uint32_t tables)
{
    *r = (struct radix){.tables = tables, .free = tables ? tables - 1 : 0, .fresh = 1};
}

static uint32_t take_table(struct radix *r, void *memory)
{
    uint32_t i = r->spare;
    if (i) {
        r->spare = table_at(memory, i)->entry[0];
        table_at(memory, i)->entry[0] = 0;
    } else {
        i = r->fresh++;
    }
    r->free--;
    return i;
}

static void give_table(struct radix *r, void *memory, uint32_t i)
{
    table_at(memory, i)->entry[0] = r->spare;
    r->spare = i;
    r->free++;
}

/* Tables on the way to the key, as far as there are any: path[0] is the root. Their number. */
static unsigned follow(const struct radix *r, const void *memory, uint64_t key, uint32_t path[RADIX_LEVELS])
{
    unsigned n = 1;
    path[0] = 0;
    if (key >= RADIX_KEYS || !r->tables)
        return 0;
    while (n < RADIX_LEVELS) {
        uint32_t next = table_in(memory, path[n - 1])->entry[digit(key, n - 1)];
        if (!next)
            break;
        path[n++] = next;
    }
    return n;
}

int radix_insert(struct radix *r, void *memory, uint64_t key, page_t page)
{
    uint32_t path[RADIX_LEVELS];
    if (key >= RADIX_KEYS || page == PAGE_NONE)
        return ERR_INVAL;
    unsigned n = follow(r, memory, key, path);
    if (!n || r->free < RADIX_LEVELS - n)
        return ERR_NOMEM;
    for (; n < RADIX_LEVELS; n++) {
        path[n] = take_table(r, memory);
        table_at(memory, path[n - 1])->entry[digit(key, n - 1)] = path[n];
        ++*used(r, memory, path[n - 1]);
    }
    uint32_t *leaf = &table_at(memory, path[n - 1])->entry[digit(key, n - 1)];
    if (*leaf)
        return ERR_EXIST;
    *leaf = ~page;
    ++*used(r, memory, path[n - 1]);
    r->entries++;
    return 0;
}

page_t radix_lookup(const struct radix *r, const void *memory, uint64_t key)
{
    uint32_t path[RADIX_LEVELS];
    if (follow(r, memory, key, path) < RADIX_LEVELS)
        return PAGE_NONE;
    return ~table_in(memory, path[RADIX_LEVELS - 1])->entry[digit(key, RADIX_LEVELS - 1)];
}

page_t radix_remove(struct radix *r, void *memory, uint64_t key)
{
    uint32_t path[RADIX_LEVELS];
    page_t page = radix_lookup(r, memory, key);
    if (page == PAGE_NONE)
        return PAGE_NONE;
    follow(r, memory, key, path);
    r->entries--;
    for (unsigned level = RADIX_LEVELS; level--;) {
        table_at(memory, path[level])->entry[digit(key, level)] = 0;
        if (--*used(r, memory, path[level]) || !level)
            break;
        give_table(r, memory, path[level]);
    }
    return page;
}

/* First used entry of a table at or after `from`; RADIX_FANOUT when there is none. */
static uint32_t scan(const struct table *t, uint32_t from)
{
    while (from < RADIX_FANOUT && !t->entry[from])
        from++;
    return from;
}

page_t radix_next(const struct radix *r, const void *memory, uint64_t *key)
{
    uint32_t path[RADIX_LEVELS];
    while (*key < RADIX_KEYS) {
        unsigned level = follow(r, memory, *key, path);
        if (!level)
            return PAGE_NONE;
        level--;
        unsigned below = RADIX_BITS * (RADIX_LEVELS - 1 - level);
        uint32_t at = digit(*key, level), found = scan(table_in(memory, path[level]), at);
        if (level == RADIX_LEVELS - 1 && found == at)
            return ~table_in(memory, path[level])->entry[at];
        /* On to the subtree found, or past the end of this table, which carries into the digit above. */
        *key = ((*key >> below) + (found - at)) << below;
    }
    return PAGE_NONE;
}
