/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Full memory: a replica is a luxury, a page is not. When a page that was never touched finds no free frame on any
 * node, the engine takes a replica back. Homes stay where they are, so that memory that held all pages without replicas
 * holds them with replicas too.
 */
#ifndef MONITOR_CORE_RECLAIM_H
#define MONITOR_CORE_RECLAIM_H

#include "monitor-core/engine.h"

/* Drops one replica on a node outside `except` and returns that node, which has a free frame now; NODE_NONE: there is
 * no such replica, or the machine let none go. The page is the next one that a clock hand over all pages finds; of its
 * replicas the one nearest to `node` goes. At most one round; the next search goes on where this one ended. */
node_t reclaim_frame(struct engine *, node_t node, nodeset_t except);

#endif
