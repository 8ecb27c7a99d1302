/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Operations on struct place, the record of where one page's copies are (Disco's memmap, SOSP'97 section 4.2). A place
 * is sound when it is empty (no copies, home NODE_NONE, no flags), or present with its home among its copies; every
 * operation keeps it so.
 */
#ifndef PMAP_MEMMAP_H
#define PMAP_MEMMAP_H

#include "policy/numa.h"

/* Makes the place empty. */
void memmap_clear(struct place *);

/* The first copy: the page is present, its home is node. The place is empty. */
void memmap_first(struct place *, node_t node);

/* One copy more; the page counts as replicated. False: it is there already. */
bool memmap_add(struct place *, node_t node);

/* The copy on node goes. When it was the home, the home becomes `heir`, which holds a copy. False: there is no such
 * copy, it is the last one, or the heir holds none. Clears PLACE_REPLICATED when one copy is left. */
bool memmap_remove(struct place *, node_t node, node_t heir);

/* The only copy is on node from now on. */
void memmap_only(struct place *, node_t node);

/* The home becomes another copy. False: no copy on node. */
bool memmap_set_home(struct place *, node_t node);

static inline unsigned memmap_count(const struct place *p)
{
    return nodeset_count(p->copies);
}

/* The copy of `p` that is nearest to `node` by latency, not counting `except`; NODE_NONE when there is no other. Ties
 * go to the home, then to the lower node. */
node_t memmap_nearest(const struct place *, const struct topology *, node_t node, node_t except);

/* Is the place sound for a machine of so many nodes? */
bool memmap_sound(const struct place *, uint32_t nodes);

#endif
