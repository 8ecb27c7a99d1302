/* SPDX-License-Identifier: BSD-2-Clause
 *
 * first_touch: a page lives on the node of the CPU that touches it first, and stays there.
 *
 * Parameters: none. Source: the default placement of Linux (MPOL_LOCAL) and of IRIX; the usual base line.
 */
#include "policy/policy.h"

static node_t place(void *state, const struct view *view, page_t page, node_t toucher)
{
    (void)state;
    (void)view;
    (void)page;
    return toucher;
}

const struct policy_class policy_first_touch = {
    .name = "first_touch",
    .summary = "on the node of the first toucher, for good",
    .source = "Linux MPOL_LOCAL; base line of Verghese et al., ASPLOS 1996",
    .place = place,
};
