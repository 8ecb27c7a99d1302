/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the engine asks of a machine: four operations. The same engine drives the modelled machine of a replay, the bare
 * metal and a live Linux. A page has at most one copy per node, so (page, node) names a copy and frame numbers never
 * leave the machine.
 *
 *   first touch   fill(page, node, NODE_NONE); map(all, node, WRITE)
 *   move          map all READ; sync; fill; map all to the new copy READ; sync; drop the others; map all WRITE
 *   copy          map all as they are READ; sync; fill; map(node, node, READ)
 *   drop          map the views of that copy to another READ; sync; drop; one copy left: map all WRITE
 *   collapse      map all to the copy that stays READ; sync; drop the others; map all WRITE
 *   watch         map all NONE; sync. The first access gives one HINT, and all views are restored
 *   free          map all NONE; sync; drop every copy
 *
 * Moves, copies, drops and watches go in batches of up to ENGINE_MOVES_MAX pages that share their syncs: one, or two
 * when there are moves. What fails on the way is undone, which may take a sync of its own. Where the protocol grants
 * READ or WRITE, a watched page gets NONE.
 *
 * Widening rights needs no sync. A machine grants the smaller of prot and each mapping's own limit.
 */
#ifndef MONITOR_CORE_MACHINE_H
#define MONITOR_CORE_MACHINE_H

#include "policy/numa.h"

enum access { ACCESS_NONE = 0, ACCESS_READ = 1, ACCESS_WRITE = 2 };

enum machine_cap {
    MACHINE_REPLICAS = 1, /* several copies of a page can be mapped at once */
    MACHINE_WATCH = 2,    /* map NONE is possible */
};

/* One page of a batch on its way. err: 0 on entry; a machine that cannot move a page sets it in sync, and the engine
 * undoes it. A batch passes through sync up to twice (moves a second time); a page is in a batch once. */
struct move {
    page_t page;
    node_t to;  /* the copy being made; NODE_NONE when no copy is being made (watch, drop) */
    uint8_t op; /* enum order_op, or MOVE_COLLAPSE, MOVE_FREE */
    int16_t err;
    node_t restore; /* home before the batch: where views go back to when the move fails */
    node_t node;    /* the copy that the act is about: made, dropped, or (collapse) the one that stays */
    uint8_t reserved[6];
};

/* What the engine does of its own accord, in the `op` of a struct move. */
enum { MOVE_COLLAPSE = 0, MOVE_FREE = 15 };

struct machine;

struct machine_ops {
    uint32_t caps; /* enum machine_cap, or'ed */
    /* Accesses from node `view` (or NODE_ALL) shall reach the copy on `copy` with at most `access`. A restriction or a
     * change of copy holds on every CPU only after sync. Cannot fail. */
    void (*map)(struct machine *, page_t, node_t view, node_t copy, enum access);
    /* Everything mapped so far holds on every CPU. May set err of single moves: what was mapped for that page may hold
     * or not. 0, or a negative ERR_ when nothing was done. A machine without MACHINE_REPLICAS that sets err has left
     * the page where it was. */
    int (*sync)(struct machine *, struct move *, uint32_t n);
    /* Creates the copy on dst from src; src NODE_NONE: first touch, zeroed. ERR_NOMEM: no frame there. The page's bytes
     * must not be writable through any live mapping. */
    int (*fill)(struct machine *, page_t, node_t dst, node_t src);
    /* Frees the copy, which no CPU can reach. */
    void (*drop)(struct machine *, page_t, node_t copy);
};

/* A machine embeds this as its first member. */
struct machine {
    const struct machine_ops *ops;
};

#endif
