/* SPDX-License-Identifier: BSD-2-Clause
 *
 * weighted_interleave: pages go round the nodes in proportion to weights that follow from the machine, as the kernel
 * derives them.
 *
 * Going round: policy/interleave_rule.h. Weights: of each node weightiness x bandwidth / sum of bandwidths, at least 1,
 * all divided by their greatest common divisor. Where the machine does not say the bandwidth of every node's memory,
 * the reciprocal of the node's mean latency from the CPUs takes its place (ours: the kernel leaves all weights at 1).
 *
 * Parameters: by (0: in order of first touch, the form for tasks), weightiness (32), w0..w15: a weight above 0 replaces
 * the derived one of that node, as writing to sysfs does.
 *
 * Source: Linux 6.16 mm/mempolicy.c; the kernel takes the smaller of read and write bandwidth from HMAT or CDAT, a
 * description of a machine has one figure.
 */
#include "policy/interleave_rule.h"

enum { BY, WEIGHTINESS, WEIGHT };

static uint64_t mean_latency(const struct topology *t, uint32_t node)
{
    uint64_t sum = 0;
    for (uint32_t cpu = 0; cpu < t->cpus; cpu++)
        sum += topology_latency(t, t->cpu_node[cpu], (node_t)node);
    sum /= t->cpus;
    return sum ? sum : 1;
}

static bool has_bandwidths(const struct topology *t)
{
    for (uint32_t i = 0; t->bandwidth && i < t->nodes; i++)
        if (!t->bandwidth[i])
            return false;
    return t->bandwidth != NULL;
}

/* What the weights are in proportion to; at most 2^48 each, so that sums and products hold. */
static void measure(const struct topology *t, bool known, uint64_t *share)
{
    const uint64_t most = UINT64_C(1) << 48;
    for (uint32_t i = 0; i < t->nodes; i++) {
        share[i] = known ? t->bandwidth[i] : (UINT64_C(1) << 40) / mean_latency(t, i);
        share[i] = share[i] < most ? share[i] : most;
    }
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void derive(const struct topology *t, uint64_t weightiness, uint32_t *weight)
{
    uint64_t share[NODE_MAX], sum = 0;
    uint32_t divisor = 0;
    bool known = has_bandwidths(t);
    measure(t, known, share);
    for (uint32_t i = 0; i < t->nodes; i++)
        sum += share[i];
    /* Reciprocals are not exact: rounded to the nearest weight, not down. */
    uint64_t half = known ? 0 : sum / 2;
    for (uint32_t i = 0; i < t->nodes; i++) {
        uint64_t w = sum ? (weightiness * share[i] + half) / sum : 1;
        weight[i] = w ? (uint32_t)w : 1;
        divisor = common_divisor(weight[i], divisor);
    }
    for (uint32_t i = 0; i < t->nodes; i++)
        weight[i] /= divisor;
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    uint32_t weight[NODE_MAX];
    derive(v->topology, param[WEIGHTINESS], weight);
    for (uint32_t i = 0; i < v->topology->nodes && i < INTERLEAVE_PARAMS; i++)
        if (param[WEIGHT + i])
            weight[i] = (uint32_t)param[WEIGHT + i];
    return interleave_rule_init(state, v->topology, param[BY], weight);
}

static const struct policy_param params[] = {
    INTERLEAVE_BY_PARAM,
    {"weightiness", 1, 32, 255, "", "sum of the weights before they are divided by their common divisor"},
    INTERLEAVE_WEIGHTS(0, "weight of the node of this number; 0: derived"),
    {0},
};

const struct policy_class policy_weighted_interleave = {
    .name = "weighted_interleave",
    .summary = "round robin over the nodes, weighted by the bandwidth of their memory",
    .source = "Linux 6.16 mm/mempolicy.c, automatic weights of MPOL_WEIGHTED_INTERLEAVE",
    .fidelity =
        "recollected: the order of rounding in the weights; one bandwidth per node stands for reads and writes; "
        "latencies stand in where bandwidths are not known",
    .params = params,
    .state_size = interleave_rule_state_size,
    .init = init,
    .place = interleave_rule_place,
};
