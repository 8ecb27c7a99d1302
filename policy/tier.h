/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the tiering classes share: the two tiers of a machine, room in them, where a page is put first, and the two
 * kinds of order that such a class gives.
 *
 * The fast tier is all nodes of the least tier number, the slow tier all others together. Where every node is of the
 * same tier there is no slow one, and a tiering class leaves every page where it is.
 */
#ifndef POLICY_TIER_H
#define POLICY_TIER_H

#include "policy/policy.h"

/* Reasons in orders of every tiering class. */
enum tier_reason {
    TIER_PROMOTE = 1, /* to the fast tier */
    TIER_DEMOTE = 2,  /* to the slow tier */
};

/* Part of a class's state. */
struct tier {
    nodeset_t fast, slow; /* slow: empty where the machine has one tier */
    uint64_t frames;      /* of the fast tier; FRAMES_UNBOUNDED where a node has no limit */
};

void tier_init(struct tier *, const struct topology *);

static inline bool tier_is_fast(const struct tier *t, node_t node)
{
    return node < NODE_MAX && nodeset_has(t->fast, node);
}

/* Pages that the fast tier can hold of those that there are. */
uint64_t tier_fast_pages(const struct view *);

/* Frames free on the nodes of the set; FRAMES_UNBOUNDED where one has no limit. */
uint64_t tier_free(const struct view *, nodeset_t set);

/* Of the nodes of the set that have a free frame, the one with the least latency from `from`; NODE_NONE: none has. */
node_t tier_nearest(const struct view *, nodeset_t set, node_t from);

/* First touch: the fast tier while it has a frame, then the slow one; within a tier the nearest node. */
node_t tier_place(const struct tier *, const struct view *, node_t toucher);

/* Orders the move of a page to the nearest node of the other tier that has a free frame. False: no frame is free there,
 * the array of orders is full, or the page is not in the tier it should leave; then nothing was ordered. The view is
 * frozen: whoever orders several moves counts the frames himself. */
bool tier_promote(const struct tier *, const struct view *, page_t, struct orders *);
bool tier_demote(const struct tier *, const struct view *, page_t, struct orders *);

/* Pages that `bytes` bytes make, at least one. */
uint64_t tier_pages(const struct view *, uint64_t bytes);

#endif
