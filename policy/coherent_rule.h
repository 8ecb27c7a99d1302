/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the software-coherent memories of 1989 share (classes ace and platinum): a page is replicated where it is read
 * and moves to where it is written, until the class says that it has done so too often.
 *
 * Their mechanism is the mapping fault of a processor that has no copy. Here the first observed miss of a node without
 * a copy stands for it:
 *
 *   a READ by a node without a copy          -> read fault: COPY to the node
 *   a WRITE by a node that is not the home   -> write fault: MOVE to the node
 *   a collapse (a write to a replicated page; the engine has taken the other copies away already)
 *                                            -> write fault: MOVE, when the writer had no copy of its own
 *
 * The class is asked before each; what it turns down stays where it is. A page is ordered about once per delivery. A
 * node without a free frame gets nothing.
 */
#ifndef POLICY_COHERENT_RULE_H
#define POLICY_COHERENT_RULE_H

#include "policy/policy.h"

/* Reasons in orders. */
enum coherent_reason { COHERENT_READ = 1, COHERENT_WRITE = 2 };

/* Part of a class's state and of its slot. */
struct coherent_rule {
    uint32_t delivery; /* number of the current one */
};

struct coherent_slot {
    uint32_t delivery; /* the last one in which the page was ordered about */
};

/* The fault that an event stands for: an enum coherent_reason, or 0. */
static inline unsigned coherent_rule_fault(const struct view *v, const struct event *e)
{
    const struct place *p = view_place(v, e->page);
    enum event_kind kind = event_kind(e);
    if (kind == EVENT_READ)
        return nodeset_has(p->copies, e->node) ? 0 : COHERENT_READ;
    if (kind == EVENT_WRITE)
        return p->home == e->node ? 0 : COHERENT_WRITE;
    return kind == EVENT_COLLAPSED ? COHERENT_WRITE : 0;
}

/* May this page be ordered about in this delivery? Once; and it must not have been freed since the event. */
static inline bool coherent_rule_open(const struct coherent_rule *r, const struct coherent_slot *s,
                                      const struct view *v, page_t page)
{
    return s->delivery != r->delivery && view_copies(v, page);
}

/* Leaves the order that answers the fault. */
static inline void coherent_rule_serve(const struct coherent_rule *r, struct coherent_slot *s, const struct view *v,
                                       const struct event *e, unsigned fault, struct orders *orders)
{
    s->delivery = r->delivery;
    if (view_home(v, e->page) == e->node || !v->free[e->node])
        return;
    order_push(orders, fault == COHERENT_READ ? ORDER_COPY : ORDER_MOVE, e->page, e->node, (uint16_t)fault);
}

#endif
