/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ace: pages that are only read are replicated, pages that are written move to their writer; a page that has moved
 * four times is pinned where it is.
 *
 * Rule: the faults of policy/coherent_rule.h. A page counts its write faults (moves between processors). After `moves`
 * of them it is pinned, for good: no order any more. A pinned page is one copy, since the last fault was a write. (The
 * IBM ACE had local memories and a global one; pinned pages went to the global memory, as far from all. Here they
 * stay.)
 *
 * Parameters: moves (4) [R].
 *
 * Slot: 8 bytes. Source: Bolosky, Fitzgerald, Scott, SOSP 1989; rule and limit as secondary accounts give them [R].
 */
#include "policy/coherent_rule.h"
#include "policy/touch.h"

enum { MOVES };

struct ace {
    struct coherent_rule rule;
    uint32_t moves;
};

struct slot {
    struct coherent_slot rule;
    uint8_t moves;
};

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct ace *a = state;
    (void)v;
    a->moves = (uint32_t)param[MOVES];
    return 0;
}

static void fault(const struct ace *a, const struct view *v, const struct event *e, unsigned kind,
                  struct orders *orders)
{
    struct slot *s = view_slot(v, e->page);
    if (s->moves >= a->moves || !coherent_rule_open(&a->rule, &s->rule, v, e->page))
        return;
    s->moves = (uint8_t)(s->moves + (kind == COHERENT_WRITE));
    coherent_rule_serve(&a->rule, &s->rule, v, e, kind, orders);
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct ace *a = state;
    a->rule.delivery++;
    for (const struct event *e = event; e < event + n; e++) {
        unsigned kind = coherent_rule_fault(v, e);
        if (__builtin_expect(kind != 0, 0))
            fault(a, v, e, kind, orders);
    }
}

static const struct policy_param params[] = {
    {"moves", 0, 4, 255, "moves", "write faults after which a page is pinned"},
    {0},
};

const struct policy_class policy_ace = {
    .name = "ace",
    .summary = "replicate what is read, move what is written, pin after four moves",
    .source = "Bolosky, Fitzgerald, Scott (IBM ACE), SOSP 1989",
    .fidelity =
        "recollected: rule and move limit; misses stand for mapping faults; pinned pages stay, there is no global "
        "memory",
    .params = params,
    .signals = SIGNAL_MISSES,
    .state_bytes = sizeof(struct ace),
    .slot_bytes = sizeof(struct slot),
    .init = init,
    .place = touch_place,
    .observe = observe,
};
