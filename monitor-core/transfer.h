/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The machine's protocol, spoken by the engine only: how a page gets its first frame, how a batch of moves, copies,
 * drops and watches passes through map, sync, fill and drop with at most two shootdowns, and how each of them is undone
 * when the machine fails in between. Whatever fails, afterwards the places tell the truth, every frame is accounted for
 * and no CPU reaches a copy that is gone.
 */
#ifndef MONITOR_CORE_TRANSFER_H
#define MONITOR_CORE_TRANSFER_H

#include "monitor-core/engine.h"

/* The engine's own, writable record of a page. */
static inline struct place *transfer_place_of(const struct engine *e, page_t page)
{
    return (struct place *)(uintptr_t)view_place(&e->view, page);
}

/* Takes a frame of the node from the engine's account. False: there is none. */
bool transfer_reserve(struct engine *, node_t node);

/* First touch: a zeroed frame on node, writable from everywhere. 0, ERR_NOMEM, or what the machine said. */
int transfer_touch(struct engine *, page_t, node_t node);

/* Carries out a batch of distinct, present pages, n <= ENGINE_MOVES_MAX; the orders are valid and the frame of every
 * copy to be made is reserved. Sets err of each; gives the frames of failed ones back. */
void transfer_batch(struct engine *, struct move *, uint32_t n);

/* All copies but the one on `keep` go and the page is writable again. 0, or what sync said: nothing has changed. */
int transfer_collapse(struct engine *, page_t, node_t keep);

/* Every copy goes; the place is empty. 0, or what sync said: nothing has changed. */
int transfer_free(struct engine *, page_t);

/* Takes a watch away: every view may again do what the place allows. */
void transfer_unwatch(struct engine *, page_t);

#endif
