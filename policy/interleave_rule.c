/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/interleave_rule.h"

size_t interleave_rule_state_size(const struct view *v, const uint64_t *param)
{
    (void)v;
    (void)param;
    return sizeof(struct interleave_rule);
}

int interleave_rule_init(struct interleave_rule *s, const struct topology *t, uint64_t by, const uint32_t *weight)
{
    s->by = (uint32_t)by;
    s->nodes = t->nodes;
    for (uint32_t i = 0; i < s->nodes; i++) {
        s->weight[i] = weight[i];
        s->total += weight[i];
    }
    return s->total ? 0 : ERR_INVAL;
}

static node_t next_in_turn(struct interleave_rule *s)
{
    while (s->used >= s->weight[s->node]) {
        s->node = s->node + 1 < s->nodes ? s->node + 1 : 0;
        s->used = 0;
    }
    s->used++;
    return (node_t)s->node;
}

node_t interleave_rule_place(void *state, const struct view *v, page_t page, node_t toucher)
{
    struct interleave_rule *s = state;
    (void)v;
    (void)toucher;
    if (s->by == 0)
        return next_in_turn(s);
    uint32_t target = page % s->total, node = 0;
    while (target >= s->weight[node])
        target -= s->weight[node++];
    return (node_t)node;
}
