/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Nested page tables (AMD64 APM volume 2, 5.3 and 15.25): four levels, leaves of 4 KiB, the hardware's own format. A
 * nested walk is a user access, so every entry has U set. The hardware sets accessed (every level) and dirty (leaves)
 * bits at any time; everything else is written by the monitor only, whose callers serialise.
 */
#ifndef MONITOR_CORE_X86_NESTED_H
#define MONITOR_CORE_X86_NESTED_H

#include "monitor-core/x86/memory.h"

enum { NESTED_FANOUT = 512, NESTED_LEVELS = 4 };
#define NESTED_PRESENT UINT64_C(0x1)
#define NESTED_WRITE UINT64_C(0x2)
#define NESTED_USER UINT64_C(0x4)
#define NESTED_ACCESSED UINT64_C(0x20)
#define NESTED_DIRTY UINT64_C(0x40)
#define NESTED_ADDRESS UINT64_C(0x000ffffffffff000)
#define NESTED_REGION (UINT64_C(1) << 21) /* bytes under one table of leaves */
#define NESTED_LIMIT (UINT64_C(1) << 48)  /* guest physical addresses are below */

/* Frames for tables: `take` answers a physical address, zeroed, or FRAMES_NONE. */
struct nested_source {
    uint64_t (*take)(void *context);
    void *context;
};

/* A leaf that maps the frame. */
static inline uint64_t nested_leaf(uint64_t physical, bool write)
{
    return physical | NESTED_PRESENT | NESTED_USER | (write ? NESTED_WRITE : 0);
}

/* The entry that leads to the table of leaves around gpa; null when there is no such table. */
uint64_t *nested_directory(const struct memory *, uint64_t root, uint64_t gpa);

/* The leaf of gpa; null when there is no table around it. */
uint64_t *nested_find(const struct memory *, uint64_t root, uint64_t gpa);

/* The same, with the tables made that are missing; *made: the table of leaves is new. Null: no frame for a table (those
 * made on the way stay, empty). */
uint64_t *nested_make(const struct memory *, uint64_t root, uint64_t gpa, const struct nested_source *, bool *made);

/* Most tables that a root over so many bytes in one piece needs, itself included. */
uint64_t nested_tables(uint64_t bytes);

#endif
