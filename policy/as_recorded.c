/* SPDX-License-Identifier: BSD-2-Clause
 *
 * as_recorded: every page on the node where it was while the trace was recorded, for good.
 *
 * Parameters: none. The placement comes as view.advice, read from the trace; a page whose node the trace does not tell
 * is placed by first touch. Traces that tell nothing have no advice, and the class cannot run.
 *
 * Source: the recorded machine itself.
 */
#include "policy/advice.h"

const struct policy_class policy_as_recorded = {
    .name = "as_recorded",
    .summary = "where the trace found it",
    .source = "the recorded machine",
    .signals = SIGNAL_ADVICE,
    .init = advice_init,
    .place = advice_place,
};
