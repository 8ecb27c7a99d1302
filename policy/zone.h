/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A node's memory as Linux watches it: the watermarks of free frames, and first touch by the zone list.
 *
 *   min    4 x sqrt(all memory in KiB) KiB, 128 KiB to 256 MiB, dealt to the nodes by size (mm/page_alloc.c,
 *          init_per_zone_wmark_min; recollected). At most 1 % of a node, so that the small fast tier of a trace is not
 *          all reserve: on nodes of 16 GiB and more the kernel's own value is below that.
 *   low    min + gap      gap: the larger of min / 4 and a 1000th of the node (watermark_scale_factor, 10 in 10000)
 *   high   min + 2 gap    a page moves to a node only while more than this is free there
 *   promo  min + 3 gap    until so much is free a tiered node demotes
 *
 * Nodes without a limit have all marks 0 and are always free. Source: Linux 6.3 mm/page_alloc.c, mm/migrate.c.
 */
#ifndef POLICY_ZONE_H
#define POLICY_ZONE_H

#include "policy/numa.h"

/* Part of a class's state; frames. */
struct zone {
    uint64_t min[NODE_MAX], low[NODE_MAX], high[NODE_MAX], promo[NODE_MAX];
};

void zone_init(struct zone *, const struct topology *);

/* First touch: of the nodes with more than `low` free the one nearest to the toucher; where none has, the toucher's. */
node_t zone_place(const struct zone *, const struct view *, node_t toucher);

/* Would the kernel let a page move there: is more than `high` and the page itself free? */
static inline bool zone_admits(const struct zone *z, const struct view *v, node_t node)
{
    return v->free[node] > z->high[node] + 1;
}

#endif
