/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Page tables (AMD64 APM volume 2, 5.3 and 15.25): four levels, leaves of 4 KiB, the hardware's own format, which the
 * nested tables of the VMs and the monitor's own tables (paging.c) share. A nested walk is a user access, so every
 * entry that nested_leaf makes has U set. The hardware sets accessed (every level) and dirty (leaves) bits at any time;
 * everything else is written by the monitor only, whose callers serialise.
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
#define NESTED_LIMIT (UINT64_C(1) << 48)  /* addresses are below */

/* An entry that leads to the frame: of a page in a leaf, of a table (writable) above. */
static inline uint64_t nested_leaf(uint64_t physical, bool write)
{
    return physical | NESTED_PRESENT | NESTED_USER | (write ? NESTED_WRITE : 0);
}

/* The entry for an address in its table of that level: 0 its leaf, 1 the entry that leads to the table of leaves, up to
 * NESTED_LEVELS - 1 in the root. Null: no root (0), or no table there yet. */
uint64_t *nested_entry(const struct memory *, uint64_t root, uint64_t address, unsigned level);

/* The same; tables that are missing on the way are made of frames from `take` (zeroed; physical address, 0: none is
 * left). Null: no root, or no frame; what was made before that stays, empty. */
uint64_t *nested_make(const struct memory *, uint64_t root, uint64_t address, unsigned level,
                      uint64_t (*take)(void *context, node_t), void *context, node_t);

/* Most tables that a root over so many bytes in one piece needs, itself included. */
uint64_t nested_tables(uint64_t bytes);

#endif
