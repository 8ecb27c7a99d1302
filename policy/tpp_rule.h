/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The base of TPP that others are built on (classes nomad, colloid_tpp): hint faults from Linux's scanner
 * (policy/hint_scan.h), lists of pages as accessed bits show them (policy/lru.h), watermarks (policy/zone.h), and
 * demotion ahead of need: at each tick, where less than the demotion mark is free on a fast node, inactive pages of it
 * are demoted until it is. The mark is demote_scale ten-thousandths of the node, at least twice its high watermark, so
 * that first touch, which stops at the low one, finds room.
 *
 * Source: as policy/tpp.c.
 */
#ifndef POLICY_TPP_RULE_H
#define POLICY_TPP_RULE_H

#include "policy/hint_scan.h"
#include "policy/lru.h"
#include "policy/zone.h"

/* First member of a class's state. The bitmap that lru.h wants follows the state: accessed_bytes(npages). */
struct tpp_rule {
    struct hint_scan scan;
    struct zone zone;
    struct lru lru;
    uint64_t demote_below[NODE_MAX]; /* frames free; 0 where a node is not fast or has no limit */
};

/* The first parameters of a class, in this order: tick_ns, the scanner's, demote_scale. */
enum { TPP_RULE_TICK, TPP_RULE_SCAN, TPP_RULE_SCALE = TPP_RULE_SCAN + 7, TPP_RULE_PARAM_COUNT };

void tpp_rule_init(struct tpp_rule *, const struct view *, const uint64_t *param);

/* The classes' place: first touch by the zone list. And their looked. */
node_t tpp_rule_place(void *state, const struct view *, page_t, node_t toucher);
uint64_t tpp_rule_looked(void *state);

/* May a page be brought to the node? Down to its min watermark. */
static inline bool tpp_rule_room(const struct tpp_rule *r, const struct view *v, node_t node)
{
    return v->free[node] > r->zone.min[node];
}

/* Orders the faulting page to the node of its fault by ORDER_MOVE or ORDER_COPY, and counts it for the scanner, if
 * there is room. */
void tpp_rule_promote(struct tpp_rule *, const struct view *, const struct event *, enum order_op, struct orders *);

/* At each tick: gathers accessed bits, and orders demotions where the mark asks for them. */
void tpp_rule_demote(struct tpp_rule *, uint64_t *bitmap, const struct view *, struct orders *);

#define TPP_RULE_PARAMS                                                                                      \
    {"tick_ns", 1, 20000000, POLICY_NS_MAX, "ns", "accessed bits are harvested, pages watched and demoted"}, \
        HINT_SCAN_PARAMS,                                                                                    \
    {                                                                                                        \
        "demote_scale", 0, 200, 10000, "1/10000", "of a fast node kept free (demote_scale_factor)"           \
    }

#endif
