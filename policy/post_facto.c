/* SPDX-License-Identifier: BSD-2-Clause
 *
 * post_facto: the best placement that never moves a page, decided afterwards from the whole trace: for each page the
 * node with the least total latency over all of its misses (capacity respected where it binds). No policy can know it;
 * it is the yardstick for static placement, and a dynamic policy may beat it.
 *
 * Parameters: none. The placement comes as view.advice from a first pass over the trace; without it the class cannot
 * run.
 *
 * Source: the post-facto placement (PF) of Verghese et al., ASPLOS 1996.
 */
#include "policy/advice.h"

const struct policy_class policy_post_facto = {
    .name = "post_facto",
    .summary = "the best static placement, known afterwards",
    .source = "post-facto placement of Verghese et al., ASPLOS 1996",
    .signals = SIGNAL_ADVICE,
    .init = advice_init,
    .place = advice_place,
};
