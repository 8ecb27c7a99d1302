/* SPDX-License-Identifier: BSD-2-Clause
 *
 * First touch, for classes that place so and decide only later.
 */
#ifndef POLICY_TOUCH_H
#define POLICY_TOUCH_H

#include "policy/policy.h"

/* A class's place: the toucher's node. */
node_t touch_place(void *state, const struct view *, page_t, node_t toucher);

#endif
