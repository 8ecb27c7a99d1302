/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the classes share that follow view.advice: placements known before the run starts. Both decide at first touch
 * alone and have no state.
 */
#ifndef POLICY_ADVICE_H
#define POLICY_ADVICE_H

#include "policy/policy.h"

/* init: ERR_INVAL without advice. */
static inline int advice_init(void *state, const struct view *v, const uint64_t *param)
{
    (void)state;
    (void)param;
    return v->advice ? 0 : ERR_INVAL;
}

/* place: the advice; where it names no node, the toucher's. */
static inline node_t advice_place(void *state, const struct view *v, page_t page, node_t toucher)
{
    (void)state;
    node_t advice = v->advice[page];
    return advice < v->topology->nodes ? advice : toucher;
}

#endif
