/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The pager's own: what its two halves share. pager.c serves faults and the monitor's accesses; pager_run.c observes
 * and lets the policy run.
 */
#ifndef MONITOR_CORE_PAGER_RUN_H
#define MONITOR_CORE_PAGER_RUN_H

#include "monitor-core/pager.h"

static inline void pager_enter(struct pager *p, uint64_t now)
{
    lock_take(&p->lock);
    if (now > p->now)
        p->now = now;
}

static inline void pager_leave(struct pager *p)
{
    lock_give(&p->lock);
}

static inline const struct place *pager_place(const struct pager *p, page_t page)
{
    return view_place(&p->engine.view, page);
}

/* Hands one observation to whoever listens. */
void pager_run_record(struct pager *, uint32_t slot, node_t node, uint8_t what);

#endif
