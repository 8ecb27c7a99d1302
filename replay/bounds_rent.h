/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The offline optimum of one page when memory has a price: a copy on node n pays rent for as long as it is held. The
 * sum over pages minus the rent of all frames is a lower bound on every schedule that keeps to the frames, whatever the
 * prices (weak duality). Time is counted in records, from 0 to `end`.
 *
 * Relaxations, each towards the cheaper side: between two writes a page may have no copy at all; a read without a copy
 * of its own pays the nearest other node. Prices of zero give bounds_optimum's result for machines of two levels.
 * docs/bounds.md has the recurrence.
 */
#ifndef REPLAY_BOUNDS_RENT_H
#define REPLAY_BOUNDS_RENT_H

#include "policy/numa.h"
#include "replay/bounds.h"

enum { BOUNDS_RENT_SHIFT = 24 }; /* prices are in 2^-24 ps per copy and record */

struct bounds_rent {
    uint32_t nodes;
    int32_t copy, drop;
    uint64_t end;             /* records */
    uint64_t price[NODE_MAX]; /* per copy and record, fixed point; set by bounds_rent_price */
    uint32_t npriced;         /* nodes whose price is not 0 */
    node_t priced[NODE_MAX];
    uint32_t gap[NODE_MAX];              /* excess of a read without an own copy, ps */
    uint32_t write[NODE_MAX * NODE_MAX]; /* [from * nodes + home] excess of a write, ps */
};

/* Prices are zeroed. `active`: nodes that make accesses. */
void bounds_rent_init(struct bounds_rent *, const struct topology *, nodeset_t active, const struct bounds_costs *,
                      uint64_t end);

/* Sets the price of a node's frames. Once per node at most. */
void bounds_rent_price(struct bounds_rent *, node_t, uint64_t price);

/* 32-bit words of state per page; the state starts with bounds_rent_touch. */
static inline uint32_t bounds_rent_words(const struct bounds_rent *r)
{
    return 4 * r->nodes + 2;
}

/* The page comes into being at time `at`; its first access follows at the same time. */
void bounds_rent_touch(const struct bounds_rent *, int32_t *state, uint64_t at);

/* An access; times do not go backwards. Each returns what became certain, ps (a read's may be taken back later:
 * negative). */
int64_t bounds_rent_read(const struct bounds_rent *, int32_t *state, node_t, uint32_t weight, uint64_t at);
int64_t bounds_rent_write(const struct bounds_rent *, int32_t *state, node_t, uint32_t weight, uint64_t at);

/* The rest of a touched page's cost, to the end of time. */
int64_t bounds_rent_finish(const struct bounds_rent *, int32_t *state);

/* What all frames could earn at most: the sum over nodes of price x frames x time, ps, rounded up. Nodes with unbounded
 * memory must have price 0. */
uint64_t bounds_rent_frames(const struct bounds_rent *, const uint64_t *frames);

#endif
