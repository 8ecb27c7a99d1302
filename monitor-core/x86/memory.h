/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The machine's memory: found in the multiboot map and SRAT, an allocator of frames per range of one node, all of it
 * reachable through one direct map. Two phases: `memory_reserve` hands out contiguous blocks while the monitor sets
 * itself up; after `memory_seal` the rest is frames (pmap/frames.h), taken and given back one at a time.
 */
#ifndef MONITOR_CORE_X86_MEMORY_H
#define MONITOR_CORE_X86_MEMORY_H

#include "pmap/frames.h"

enum { MEMORY_RANGES = 256, MEMORY_FRAME = 4096 };

struct memory_range {
    uint64_t start, end; /* as given by memory_add */
    node_t node;
    struct frames frames; /* what is left of it */
};

struct memory_node {
    uint64_t total;   /* bytes of RAM that SRAT gives the node */
    uint64_t monitor; /* of these taken for the monitor itself: image, tables, blocks, nested tables (counted) */
};

struct memory {
    unsigned char *base; /* of the direct map: physical address p is at base + p */
    uint32_t nodes, ranges;
    struct memory_range range[MEMORY_RANGES];
    struct memory_node node[NODE_MAX];
    uint64_t refused; /* given back though not taken: an error of the monitor's own, 0 in a sound one */
};

static inline void *memory_at(const struct memory *m, uint64_t physical)
{
    return m->base + physical;
}

static inline uint64_t memory_physical(const struct memory *m, const void *p)
{
    return (uint64_t)((const unsigned char *)p - m->base);
}

/* Empty, with the direct map at `base`. */
void memory_init(struct memory *, unsigned char *base, uint32_t nodes);

/* Free RAM of a node, before anything is reserved, ascending; rounded inwards to frames. What lies beyond 8 TiB or does
 * not fit any more is left out. */
void memory_add(struct memory *, node_t, uint64_t start, uint64_t end);

/* Zeroed, contiguous whole frames from the low end; before memory_seal only. Falls back to other nodes. Null: none
 * left.
 */
void *memory_reserve(struct memory *, node_t, uint64_t bytes);
void memory_seal(struct memory *);

/* After memory_seal. A frame's physical address, not zeroed; FRAMES_NONE. No lock: the pager's lock serialises (the
 * nested tables and the pager are the only users then). */
uint64_t memory_take(struct memory *, node_t);
void memory_give(struct memory *, uint64_t physical);
node_t memory_node_of(const struct memory *, uint64_t physical); /* NODE_NONE: nobody's */
uint64_t memory_free(const struct memory *, node_t);             /* frames */

#endif
