/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/nested.h"

enum { LEAF_SHIFT = 12, LEVEL_BITS = 9 };

uint64_t *nested_make(const struct memory *m, uint64_t root, uint64_t address, unsigned level,
                      uint64_t (*take)(void *context, node_t), void *context, node_t node)
{
    if (!root || address >= NESTED_LIMIT)
        return NULL;
    uint64_t table = root;
    for (unsigned at = NESTED_LEVELS - 1;; at--) {
        uint64_t *entries = memory_at(m, table);
        uint64_t *entry = &entries[address >> (LEAF_SHIFT + LEVEL_BITS * at) & (NESTED_FANOUT - 1)];
        if (at == level)
            return entry;
        uint64_t value = __atomic_load_n(entry, __ATOMIC_RELAXED);
        if (!(value & NESTED_PRESENT)) {
            table = take ? take(context, node) : 0;
            if (!table)
                return NULL;
            value = nested_leaf(table, true);
            /* After the zeroes of the new table: a walk on another CPU follows at once. */
            __atomic_store_n(entry, value, __ATOMIC_RELEASE);
        }
        table = value & NESTED_ADDRESS;
    }
}

uint64_t *nested_entry(const struct memory *m, uint64_t root, uint64_t address, unsigned level)
{
    return nested_make(m, root, address, level, NULL, NULL, NODE_NONE);
}

uint64_t nested_tables(uint64_t bytes)
{
    uint64_t tables = 1;
    for (unsigned level = 1; level < NESTED_LEVELS; level++)
        tables += (bytes >> (LEAF_SHIFT + LEVEL_BITS * level)) + 1;
    return tables;
}
