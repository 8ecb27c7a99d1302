/* SPDX-License-Identifier: BSD-2-Clause
 *
 * competitive: a page moves to a node whose misses exceed those of the page's home by a threshold; pages that bounce
 * are frozen for a while. Migration only.
 *
 * Rule, on every miss of a node without the page:
 *   - its counter > the home's counter + threshold: a request; all counters of the page start again from zero;
 *   - the page is frozen: nothing, until melt_ns have passed since its last move;
 *   - dampening: so many requests of the same node in a row are let pass before one is granted;
 *   - no frame free on the node: nothing;
 *   - granted: MOVE. A move within melt_ns of the one before counts as a bounce; `freeze` moves in such a row
 *     freeze the page.
 * So a page moves at most `freeze` times in any melt_ns (exact to within 1.05 ms: the time of a move is kept
 * in steps of 2^20 ns). When a counter reaches 2 x threshold - 1, all counters of the page are halved: the threshold is
 * half of the counter's range, and what lies further back counts less.
 *
 * Parameters: threshold (128 misses: near the break-even of Disco's costs, a move of 67 us against 600 ns saved per
 * miss; IRIX has 50 % of an 11-bit counter, that is 1024), dampening (1; IRIX allows up to 3), freeze (4 moves, after
 * Bolosky's pin; IRIX counts up to 7 bounces), melt_ns (1 s, the defrost period of PLATINUM).
 *
 * Counts misses (the weight of events). Slot: 8 bytes and one counter per node, 8 bits wide up to a threshold of 128.
 *
 * Source: SGI IRIX manual page migration(5); Black, Sleator, CMU-CS-89-201; Bolosky et al., SOSP 1989; Cox, Fowler
 * (PLATINUM), SOSP 1989.
 */
#include "policy/policy.h"

enum { THRESHOLD, DAMPENING, FREEZE, MELT };
enum { THRESHOLD_SMALL = 128, THRESHOLD_MAX = 32768, TIME_SHIFT = 20 };

/* Reason in orders. */
enum competitive_reason { COMPETITIVE_EXCESS = 1 /* misses exceed the home's by more than the threshold */ };

struct competitive {
    uint64_t melt_ns;
    uint32_t threshold, dampening, freeze;
    uint32_t full; /* a counter that reaches it is halved */
    bool wide;
};

struct slot {
    uint32_t moved; /* 1 + (time >> TIME_SHIFT) of the last move ordered; 0: never */
    uint8_t bounces;
    uint8_t asked; /* requests in a row */
    node_t asker;
    uint8_t reserved;
    union {
        uint8_t small[8];
        uint16_t wide[4];
    } misses; /* goes on for as many counters as there are nodes */
};

enum { HEAD_BYTES = offsetof(struct slot, misses) };

static size_t slot_size(const struct view *v, const uint64_t *param)
{
    return (HEAD_BYTES + v->topology->nodes * (param[THRESHOLD] > THRESHOLD_SMALL ? 2u : 1u) + 7) & ~(size_t)7;
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct competitive *c = state;
    (void)v;
    c->threshold = (uint32_t)param[THRESHOLD];
    c->dampening = (uint32_t)param[DAMPENING];
    c->freeze = (uint32_t)param[FREEZE];
    c->melt_ns = param[MELT];
    c->full = 2 * c->threshold - 1;
    c->wide = c->threshold > THRESHOLD_SMALL;
    return 0;
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    (void)state;
    (void)v;
    (void)page;
    return toucher;
}

static inline uint32_t misses(bool wide, const struct slot *s, uint32_t node)
{
    const unsigned char *counters = (const unsigned char *)s + HEAD_BYTES;
    return wide ? ((const uint16_t *)(const void *)counters)[node] : counters[node];
}

static inline void set_misses(bool wide, struct slot *s, uint32_t node, uint32_t value)
{
    unsigned char *counters = (unsigned char *)s + HEAD_BYTES;
    if (wide)
        ((uint16_t *)(void *)counters)[node] = (uint16_t)value;
    else
        counters[node] = (unsigned char)value;
}

static void shift_all(const struct competitive *c, struct slot *s, uint32_t nodes, unsigned shift)
{
    for (uint32_t i = 0; i < nodes; i++)
        set_misses(c->wide, s, i, misses(c->wide, s, i) >> shift);
}

/* Time since the last move, or `never`. In steps of 2^TIME_SHIFT ns, so that a slot needs 4 bytes for it. */
static uint64_t since_move(const struct slot *s, uint64_t now, uint64_t never)
{
    if (!s->moved)
        return never;
    return (uint64_t)((uint32_t)(now >> TIME_SHIFT) + 1 - s->moved) << TIME_SHIFT;
}

static void request(const struct competitive *c, const struct view *v, struct slot *s, const struct event *e,
                    struct orders *orders)
{
    shift_all(c, s, v->topology->nodes, 16);
    bool rested = since_move(s, e->time, UINT64_MAX) >= c->melt_ns;
    if (rested)
        s->bounces = 0;
    if (s->bounces >= c->freeze || !v->free[e->node])
        return;
    if (s->asker != e->node)
        s->asked = 0;
    s->asker = e->node;
    if (s->asked < c->dampening) {
        s->asked++;
        return;
    }
    s->asked = 0;
    s->bounces++;
    s->moved = (uint32_t)(e->time >> TIME_SHIFT) + 1;
    order_push(orders, ORDER_MOVE, e->page, e->node, COMPETITIVE_EXCESS);
}

/* Compiled twice, so that the width of counters is a constant. Locals, since counters alias whatever the view holds. */
static inline __attribute__((always_inline)) void observe_as(bool wide, const struct competitive *c,
                                                             const struct view *v, const struct event *event, size_t n,
                                                             struct orders *orders)
{
    const uint32_t full = c->full, threshold = c->threshold;
    unsigned char *const slots = v->slots;
    const unsigned char *const places = v->places;
    const size_t stride = v->stride;
    for (const struct event *e = event; e < event + n; e++) {
        if (__builtin_expect(event_kind(e) > EVENT_WRITE, 0))
            continue;
        size_t at = e->page * stride;
        struct slot *s = (struct slot *)(void *)(slots + at);
        node_t home = ((const struct place *)(const void *)(places + at))->home, base = home == NODE_NONE ? 0 : home;
        uint32_t count = misses(wide, s, e->node) + event_weight(e), rival = misses(wide, s, base);
        count = count < full ? count : full;
        set_misses(wide, s, e->node, count);
        if (__builtin_expect((count > rival + threshold) & (home != e->node) & (home != NODE_NONE), 0))
            request(c, v, s, e, orders);
        else if (__builtin_expect(count == full, 0))
            shift_all(c, s, v->topology->nodes, 1);
    }
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    const struct competitive *c = state;
    if (c->wide)
        observe_as(true, c, v, event, n, orders);
    else
        observe_as(false, c, v, event, n, orders);
}

static const struct policy_param params[] = {
    {"threshold", 2, 128, THRESHOLD_MAX, "misses", "a node's lead over the home that asks for a move"},
    {"dampening", 0, 1, 255, "requests", "requests in a row that are let pass before one is granted"},
    {"freeze", 1, 4, 255, "moves", "moves in a row that freeze a page"},
    {"melt_ns", 1048576, 1000000000, UINT64_C(1) << 40, "ns", "a frozen page may move again after this time of rest"},
    {0},
};

const struct policy_class policy_competitive = {
    .name = "competitive",
    .summary = "move to the node that leads the home by a threshold; freeze pages that bounce",
    .source = "SGI IRIX migration(5); Black and Sleator, CMU-CS-89-201",
    .fidelity = "ours: every default; simplified: a page freezes and thaws by time, not by counting requests",
    .params = params,
    .signals = SIGNAL_MISSES,
    .state_bytes = sizeof(struct competitive),
    .slot_size = slot_size,
    .init = init,
    .place = place,
    .observe = observe,
};
