/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pages go round the nodes in proportion to weights: what interleave and weighted_interleave share.
 *
 *   by 0   in order of first touch: stay on a node until its weight is used up, then the next node (the form for tasks;
 *          with equal weights, round robin)
 *   by 1   by page number: its position modulo the sum of weights decides (the form for memory areas), so that the node
 *          depends on the address alone
 *
 * Source: Linux 6.9 mm/mempolicy.c (MPOL_INTERLEAVE, MPOL_WEIGHTED_INTERLEAVE).
 */
#ifndef POLICY_INTERLEAVE_RULE_H
#define POLICY_INTERLEAVE_RULE_H

#include "policy/policy.h"

/* The state of a run. */
struct interleave_rule {
    uint32_t by, nodes, total;
    uint32_t node, used; /* where the next page goes, and how much of that node's weight is used */
    uint32_t weight[NODE_MAX];
};

enum { INTERLEAVE_PARAMS = 16 }; /* nodes whose weight is a parameter */

/* `weight` of each node of the machine. 0, or ERR_INVAL when all are 0. */
int interleave_rule_init(struct interleave_rule *, const struct topology *, uint64_t by, const uint32_t *weight);

/* The classes' state_size and place. */
size_t interleave_rule_state_size(const struct view *, const uint64_t *param);
node_t interleave_rule_place(void *state, const struct view *, page_t, node_t toucher);

/* One line each in the classes' tables. */
#define INTERLEAVE_BY_PARAM                                                \
    {                                                                      \
        "by", 0, 0, 1, "", "0: in order of first touch; 1: by page number" \
    }
#define INTERLEAVE_WEIGHT(n, preset, help)   \
    {                                        \
        "w" #n, 0, (preset), 255, "", (help) \
    }
#define INTERLEAVE_WEIGHTS(preset, help)                                                                               \
    INTERLEAVE_WEIGHT(0, preset, help), INTERLEAVE_WEIGHT(1, preset, help), INTERLEAVE_WEIGHT(2, preset, help),        \
        INTERLEAVE_WEIGHT(3, preset, help), INTERLEAVE_WEIGHT(4, preset, help), INTERLEAVE_WEIGHT(5, preset, help),    \
        INTERLEAVE_WEIGHT(6, preset, help), INTERLEAVE_WEIGHT(7, preset, help), INTERLEAVE_WEIGHT(8, preset, help),    \
        INTERLEAVE_WEIGHT(9, preset, help), INTERLEAVE_WEIGHT(10, preset, help), INTERLEAVE_WEIGHT(11, preset, help),  \
        INTERLEAVE_WEIGHT(12, preset, help), INTERLEAVE_WEIGHT(13, preset, help), INTERLEAVE_WEIGHT(14, preset, help), \
        INTERLEAVE_WEIGHT(15, preset, help)

#endif
