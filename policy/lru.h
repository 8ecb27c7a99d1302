/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Linux's two lists of pages and its demotion (kswapd with demotion_enabled), as far as accessed bits show them: shared
 * by the classes whose kernels demote from the inactive list.
 *
 * A page is active or inactive, and, inactive, referenced or not. It starts inactive. Two things move it up: a fault
 * that marks it accessed (inactive: referenced, then active), and the look of the demotion below at its accessed bit.
 * Demotion goes round the pages of a fast node like the hand of a clock:
 *
 *   accessed since the hand last came by   inactive: referenced, then active; active: stays
 *   not accessed                           active: inactive; inactive: demoted to the nearest node of the slow tier
 *
 * The lists themselves are not kept: the order is that of page numbers. The hand looks at 16384 pages a tick at most.
 * Accessed bits gather, over the ticks, in a bitmap of the class's state (policy/accessed.h).
 *
 * The first byte of the class's slot holds the flags.
 *
 * Source: Linux 6.3 mm/vmscan.c (page_check_references, shrink_active_list, demote_folio_list; recollected).
 */
#ifndef POLICY_LRU_H
#define POLICY_LRU_H

#include "policy/accessed.h"
#include "policy/tier.h"

enum lru_flag { LRU_REFERENCED = 1, LRU_ACTIVE = 2 };

/* Part of a class's state. */
struct lru {
    struct tier tier;
    page_t hand[NODE_MAX];
    uint64_t looked; /* pages that the hands have looked at since lru_looked */
};

void lru_init(struct lru *, const struct topology *);

/* A fault on the page marks it accessed. True when it was active already. */
bool lru_mark_accessed(const struct view *, page_t);

/* Demotes up to `frames` pages with a copy on a fast node. How many were ordered. */
uint64_t lru_demote(struct lru *, uint64_t *bitmap, const struct view *, node_t node, uint64_t frames, struct orders *);

/* For a class's `looked`: pages whose accessed bits were looked at since it was last asked. */
uint64_t lru_looked(struct lru *);

#endif
