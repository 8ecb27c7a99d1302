/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/nested.h"

enum { LEAF_SHIFT = 12, LEVEL_BITS = 9 };

/* Level 0 is the table of leaves, NESTED_LEVELS - 1 the root. */
static uint64_t *entry_in(const struct memory *m, uint64_t table, unsigned level, uint64_t gpa)
{
    uint64_t *entries = memory_at(m, table);
    return &entries[gpa >> (LEAF_SHIFT + LEVEL_BITS * level) & (NESTED_FANOUT - 1)];
}

static uint64_t load(const uint64_t *entry)
{
    return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

uint64_t *nested_directory(const struct memory *m, uint64_t root, uint64_t gpa)
{
    if (gpa >= NESTED_LIMIT)
        return NULL;
    uint64_t table = root;
    for (unsigned level = NESTED_LEVELS - 1; level; level--) {
        uint64_t *entry = entry_in(m, table, level, gpa);
        uint64_t value = load(entry);
        if (!(value & NESTED_PRESENT))
            return NULL;
        if (level == 1)
            return entry;
        table = value & NESTED_ADDRESS;
    }
    return NULL;
}

uint64_t *nested_find(const struct memory *m, uint64_t root, uint64_t gpa)
{
    uint64_t *directory = nested_directory(m, root, gpa);
    return directory ? entry_in(m, load(directory) & NESTED_ADDRESS, 0, gpa) : NULL;
}

uint64_t *nested_make(const struct memory *m, uint64_t root, uint64_t gpa, const struct nested_source *source,
                      bool *made)
{
    *made = false;
    if (gpa >= NESTED_LIMIT)
        return NULL;
    uint64_t table = root;
    for (unsigned level = NESTED_LEVELS - 1; level; level--) {
        uint64_t *entry = entry_in(m, table, level, gpa);
        if (!(load(entry) & NESTED_PRESENT)) {
            uint64_t fresh = source->take(source->context);
            if (fresh == FRAMES_NONE)
                return NULL;
            /* After the zeroes of the new table: a walk on another CPU follows at once. */
            __atomic_store_n(entry, nested_leaf(fresh, true), __ATOMIC_RELEASE);
            *made = level == 1;
        }
        table = load(entry) & NESTED_ADDRESS;
    }
    return entry_in(m, table, 0, gpa);
}

uint64_t nested_tables(uint64_t bytes)
{
    uint64_t tables = 1;
    for (unsigned level = 1; level < NESTED_LEVELS; level++)
        tables += (bytes >> (LEAF_SHIFT + LEVEL_BITS * level)) + 1;
    return tables;
}
