/* SPDX-License-Identifier: BSD-2-Clause
 *
 * interleave: pages go round the nodes, in proportion to weights that the user gives.
 *
 * Rule: policy/interleave_rule.h.
 *
 * Parameters: by (0: in order of first touch), w0..w15, the weights of nodes 0..15, 1 by default as in the kernel;
 * nodes above 15 weigh 1. A weight of 0 leaves a node out; all 0 makes no sense (ERR_INVAL). On a machine with fewer
 * nodes the weights above are ignored.
 *
 * Source: Linux 6.9 mm/mempolicy (Documentation of MPOL_INTERLEAVE and MPOL_WEIGHTED_INTERLEAVE).
 */
#include "policy/interleave_rule.h"

enum { BY, WEIGHT };

static int init(void *state, const struct view *v, const uint64_t *param)
{
    uint32_t weight[NODE_MAX];
    for (uint32_t i = 0; i < v->topology->nodes; i++)
        weight[i] = i < INTERLEAVE_PARAMS ? (uint32_t)param[WEIGHT + i] : 1;
    return interleave_rule_init(state, v->topology, param[BY], weight);
}

static const struct policy_param params[] = {
    INTERLEAVE_BY_PARAM, INTERLEAVE_WEIGHTS(1, "weight of the node of this number"), {0}};

const struct policy_class policy_interleave = {
    .name = "interleave",
    .summary = "round robin over the nodes, weighted",
    .source = "Linux 6.9 MPOL_INTERLEAVE, MPOL_WEIGHTED_INTERLEAVE",
    .params = params,
    .state_size = interleave_rule_state_size,
    .init = init,
    .place = interleave_rule_place,
};
