/* SPDX-License-Identifier: BSD-2-Clause
 *
 * platinum: coherent memory: pages are replicated where they are read and move to where they are written; a page that
 * is invalidated twice within t1 is frozen until the defrost daemon comes by.
 *
 * Rule: the faults of policy/coherent_rule.h. A write fault invalidates the page's other mappings. When it comes less
 * than `freeze_ns` after the page's last invalidation, the page is frozen: this fault and all later ones leave it where
 * it is, reached remotely. The daemon thaws every frozen page at each multiple of `defrost_ns`; the next fault may
 * replicate or move it again.
 *
 * Parameters: freeze_ns (t1 = 10 ms), defrost_ns (t2 = 1 s) [R].
 *
 * Slot: 16 bytes. Source: Cox, Fowler, SOSP 1989; rule and clocks as secondary accounts give them [R].
 */
#include "policy/coherent_rule.h"
#include "policy/touch.h"

enum { FREEZE, DEFROST };

struct platinum {
    uint64_t freeze_ns, defrost_ns;
    struct coherent_rule rule;
};

struct slot {
    uint64_t invalidated; /* 1 + time of the last invalidation, ns; 0: never */
    struct coherent_slot rule;
    bool frozen; /* in the daemon's period of `invalidated` */
};

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct platinum *p = state;
    (void)v;
    p->freeze_ns = param[FREEZE];
    p->defrost_ns = param[DEFROST];
    return 0;
}

static bool is_frozen(const struct platinum *p, struct slot *s, uint64_t now)
{
    if (s->frozen && now / p->defrost_ns != (s->invalidated - 1) / p->defrost_ns)
        s->frozen = false;
    return s->frozen;
}

static void fault(const struct platinum *p, const struct view *v, const struct event *e, unsigned kind,
                  struct orders *orders)
{
    struct slot *s = view_slot(v, e->page);
    if (!coherent_rule_open(&p->rule, &s->rule, v, e->page) || is_frozen(p, s, e->time))
        return;
    if (kind == COHERENT_WRITE) {
        s->frozen = s->invalidated && e->time - (s->invalidated - 1) < p->freeze_ns;
        s->invalidated = e->time + 1;
    }
    if (!s->frozen)
        coherent_rule_serve(&p->rule, &s->rule, v, e, kind, orders);
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct platinum *p = state;
    p->rule.delivery++;
    for (const struct event *e = event; e < event + n; e++) {
        unsigned kind = coherent_rule_fault(v, e);
        if (__builtin_expect(kind != 0, 0))
            fault(p, v, e, kind, orders);
    }
}

static const struct policy_param params[] = {
    {"freeze_ns", 0, 10000000, POLICY_NS_MAX, "ns", "t1: a second invalidation within this time freezes a page"},
    {"defrost_ns", 1, 1000000000, POLICY_NS_MAX, "ns", "t2: period of the daemon that thaws frozen pages"},
    {0},
};

const struct policy_class policy_platinum = {
    .name = "platinum",
    .summary = "replicate what is read, move what is written, freeze what is written by turns",
    .source = "Cox, Fowler (PLATINUM), SOSP 1989",
    .fidelity = "recollected: rule and clocks; misses stand for mapping faults",
    .params = params,
    .signals = SIGNAL_MISSES,
    .state_bytes = sizeof(struct platinum),
    .slot_bytes = sizeof(struct slot),
    .init = init,
    .place = touch_place,
    .observe = observe,
};
