/* SPDX-License-Identifier: BSD-2-Clause
 *
 * interleave: pages go round the nodes, in proportion to weights.
 *
 * Rule: by = 0, in order of first touch: stay on a node until its weight is used up, then the next node (the task form
 * of MPOL_WEIGHTED_INTERLEAVE; with equal weights, round robin). by = 1, by page number: the position of page modulo
 * the sum of weights decides (the form for memory areas), so that the node depends on the address alone.
 *
 * Parameters: w0..w15, the weights of nodes 0..15, 1 by default as in the kernel; nodes above 15 weigh 1. A weight of 0
 * leaves a node out; all 0 makes no sense (ERR_INVAL). On a machine with fewer nodes the weights above are ignored.
 *
 * Source: Linux 6.9 mm/mempolicy (Documentation of MPOL_INTERLEAVE and MPOL_WEIGHTED_INTERLEAVE).
 */
#include "policy/policy.h"

enum { BY, WEIGHT, WEIGHTS = 16 };

struct interleave {
    uint32_t by, nodes, total;
    uint32_t node, used; /* where the next page goes, and how much of that node's weight is used */
    uint32_t weight[NODE_MAX];
};

static size_t state_size(const struct view *v, const uint64_t *param)
{
    (void)v;
    (void)param;
    return sizeof(struct interleave);
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct interleave *s = state;
    s->by = (uint32_t)param[BY];
    s->nodes = v->topology->nodes;
    for (uint32_t i = 0; i < s->nodes; i++) {
        s->weight[i] = i < WEIGHTS ? (uint32_t)param[WEIGHT + i] : 1;
        s->total += s->weight[i];
    }
    return s->total ? 0 : ERR_INVAL;
}

static node_t next_in_turn(struct interleave *s)
{
    while (s->used >= s->weight[s->node]) {
        s->node = s->node + 1 < s->nodes ? s->node + 1 : 0;
        s->used = 0;
    }
    s->used++;
    return (node_t)s->node;
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    struct interleave *s = state;
    (void)v;
    (void)toucher;
    if (s->by == 0)
        return next_in_turn(s);
    uint32_t target = page % s->total, node = 0;
    while (target >= s->weight[node])
        target -= s->weight[node++];
    return (node_t)node;
}

#define WEIGHT_PARAM(n)                             \
    {                                               \
        "w" #n, 0, 1, 255, "", "weight of node " #n \
    }

static const struct policy_param params[] = {
    {"by", 0, 0, 1, "", "0: in order of first touch; 1: by page number"},
    WEIGHT_PARAM(0),
    WEIGHT_PARAM(1),
    WEIGHT_PARAM(2),
    WEIGHT_PARAM(3),
    WEIGHT_PARAM(4),
    WEIGHT_PARAM(5),
    WEIGHT_PARAM(6),
    WEIGHT_PARAM(7),
    WEIGHT_PARAM(8),
    WEIGHT_PARAM(9),
    WEIGHT_PARAM(10),
    WEIGHT_PARAM(11),
    WEIGHT_PARAM(12),
    WEIGHT_PARAM(13),
    WEIGHT_PARAM(14),
    WEIGHT_PARAM(15),
    {0},
};

const struct policy_class policy_interleave = {
    .name = "interleave",
    .summary = "round robin over the nodes, weighted",
    .source = "Linux 6.9 MPOL_INTERLEAVE, MPOL_WEIGHTED_INTERLEAVE",
    .params = params,
    .state_size = state_size,
    .init = init,
    .place = place,
};
