/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/migrep_rule.h"

struct slot {
    uint32_t interval;
    uint8_t writes, moves;
    uint8_t reserved[2];
    union {
        uint8_t small[8];
        uint16_t wide[4];
    } misses; /* goes on for as many counters as there are nodes */
};

enum { HEAD_BYTES = offsetof(struct slot, misses) };

size_t migrep_rule_slot_size(uint32_t nodes, uint64_t trigger, uint64_t sharing)
{
    bool wide = trigger > MIGREP_SMALL_MAX || sharing > MIGREP_SMALL_MAX;
    return (HEAD_BYTES + (size_t)nodes * (wide ? 2 : 1) + 7) & ~(size_t)7;
}

int migrep_rule_init(struct migrep_rule *r, const struct view *v, const struct migrep_limits *limits)
{
    if (!limits->migrates && !limits->replicates)
        return ERR_INVAL;
    r->limits = *limits;
    r->interval_end = limits->reset_ns;
    r->wide = limits->trigger > MIGREP_SMALL_MAX || limits->sharing > MIGREP_SMALL_MAX;
    r->slot_bytes = (uint32_t)migrep_rule_slot_size(v->topology->nodes, limits->trigger, limits->sharing);
    return 0;
}

node_t migrep_rule_place(void *state, const struct view *v, page_t page, node_t toucher)
{
    (void)state;
    (void)v;
    (void)page;
    return toucher;
}

static inline uint8_t *misses8(struct slot *s)
{
    return (uint8_t *)s + HEAD_BYTES;
}

static inline uint16_t *misses16(struct slot *s)
{
    return (uint16_t *)(void *)((uint8_t *)s + HEAD_BYTES);
}

static void __attribute__((noinline)) next_interval(struct migrep_rule *r, uint64_t time)
{
    uint64_t reset = r->limits.reset_ns, start = time - time % reset;
    r->interval = (uint32_t)(time / reset);
    r->interval_end = start > UINT64_MAX - reset ? UINT64_MAX : start + reset;
}

/* Words of constant size, by the builtin: no call. */
static inline void start_again(struct slot *s, uint32_t bytes, uint32_t interval)
{
    for (uint32_t i = 0; i < bytes; i += 8)
        __builtin_memset((uint8_t *)s + i, 0, 8);
    s->interval = interval;
}

static bool is_shared(const struct migrep_rule *r, struct slot *s, uint32_t nodes, node_t node)
{
    for (uint32_t i = 0; i < nodes; i++) {
        uint32_t misses = r->wide ? misses16(s)[i] : misses8(s)[i];
        if (i != node && misses >= r->limits.sharing)
            return true;
    }
    return false;
}

static void __attribute__((noinline))
hot(struct migrep_rule *r, const struct view *v, struct slot *s, page_t page, node_t node, struct orders *orders)
{
    const struct migrep_limits *l = &r->limits;
    if (nodeset_has(view_copies(v, page), node) || !v->free[node])
        return;
    if (l->migrates && !is_shared(r, s, v->topology->nodes, node)) {
        if (s->moves >= l->migrate)
            return;
        s->moves++;
        order_push(orders, ORDER_MOVE, page, node, MIGREP_PRIVATE);
    } else if (l->replicates && s->writes < l->write) {
        order_push(orders, ORDER_COPY, page, node, MIGREP_READ_SHARED);
    }
}

static inline uint32_t at_most(uint32_t value, uint32_t max)
{
    return value < max ? value : max;
}

/* The replay's hottest loop. Compiled twice, so that the width of counters is a constant; what it needs of the state is
 * in locals, since the compiler has to assume that counters alias it; no branch on what no predictor learns. */
static inline __attribute__((always_inline)) void observe_as(bool wide, struct migrep_rule *r, const struct view *v,
                                                             const struct event *event, size_t n, struct orders *orders)
{
    const uint32_t trigger = r->limits.trigger, bytes = r->slot_bytes, max = wide ? UINT16_MAX : UINT8_MAX;
    const bool sampled = v->sampling > 1;
    unsigned char *const slots = v->slots;
    const size_t stride = v->stride;
    uint32_t interval = r->interval;
    uint64_t end = r->interval_end;
    for (const struct event *e = event; e < event + n; e++) {
        struct slot *s = (struct slot *)(void *)(slots + e->page * stride);
        uint32_t kind = e->what & 15u, weight = event_weight(e), missed = weight;
        if (__builtin_expect(kind > EVENT_WRITE, 0)) {
            if (kind != EVENT_COLLAPSED || !sampled)
                continue;
            missed = 0;
        }
        if (__builtin_expect(e->time >= end, 0)) {
            next_interval(r, e->time);
            interval = r->interval;
            end = r->interval_end;
        }
        if (s->interval != interval)
            start_again(s, bytes, interval);
        s->writes = (uint8_t)at_most(s->writes + (weight & -(uint32_t)(kind != EVENT_READ)), UINT8_MAX);
        uint32_t before = wide ? misses16(s)[e->node] : misses8(s)[e->node];
        uint32_t after = at_most(before + missed, max);
        if (wide)
            misses16(s)[e->node] = (uint16_t)after;
        else
            misses8(s)[e->node] = (uint8_t)after;
        /* before < trigger <= before + missed, in one comparison. */
        if (__builtin_expect(trigger - 1 - before < missed, 0))
            hot(r, v, s, e->page, e->node, orders);
    }
}

void migrep_rule_observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct migrep_rule *r = state;
    if (r->wide)
        observe_as(true, r, v, event, n, orders);
    else
        observe_as(false, r, v, event, n, orders);
}
