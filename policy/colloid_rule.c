/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/colloid_rule.h"

#include "policy/load.h"

enum { SCALE_BITS = 8, INSERT_BITS = 20, OCCUPANCY_BITS = 40 };

void colloid_rule_init(struct colloid_rule *r, uint32_t formula, uint32_t smoothing, uint32_t delta, uint32_t epsilon)
{
    *r = (struct colloid_rule){
        .formula = formula, .smoothing = smoothing, .delta = delta, .epsilon = epsilon, .high = COLLOID_ALL};
}

void colloid_rule_window(struct colloid_rule *r, const struct tier *t, const struct view *v)
{
    for (uint32_t to = 0; v->latency_ps && to < v->topology->nodes; to++) {
        unsigned tier = tier_is_fast(t, (node_t)to) ? COLLOID_DEFAULT : COLLOID_ALTERNATE;
        uint64_t misses = 0;
        for (uint32_t from = 0; from < v->topology->nodes; from++)
            misses += load_reads(v, from, to) + load_writes(v, from, to);
        r->fresh_inserts[tier] += misses;
        r->fresh_occupancy[tier] += misses * v->latency_ps[to];
        if (!misses)
            r->idle[tier] = v->latency_ps[to];
    }
}

void colloid_rule_loop(struct colloid_rule *r)
{
    for (unsigned tier = 0; tier < 2; tier++) {
        r->inserts[tier] += (r->fresh_inserts[tier] << SCALE_BITS >> r->smoothing) - (r->inserts[tier] >> r->smoothing);
        r->occupancy[tier] +=
            (r->fresh_occupancy[tier] << SCALE_BITS >> r->smoothing) - (r->occupancy[tier] >> r->smoothing);
        r->fresh_inserts[tier] = r->fresh_occupancy[tier] = 0;
    }
}

uint64_t colloid_rule_latency(const struct colloid_rule *r, unsigned tier)
{
    return r->inserts[tier] ? r->occupancy[tier] / r->inserts[tier] : r->idle[tier];
}

static uint64_t gap(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static uint64_t search(struct colloid_rule *r, bool up)
{
    uint64_t latency = colloid_rule_latency(r, COLLOID_DEFAULT);
    uint64_t apart = gap(latency, colloid_rule_latency(r, COLLOID_ALTERNATE));
    unsigned __int128 all = (unsigned __int128)r->inserts[0] + r->inserts[1];
    uint32_t share = (uint32_t)((unsigned __int128)r->inserts[COLLOID_DEFAULT] * COLLOID_ALL / all);
    if ((unsigned __int128)apart * COLLOID_ALL < (unsigned __int128)latency * r->delta)
        return 0;
    if (up)
        r->low = share;
    else
        r->high = share;
    if (r->low > r->high || r->high - r->low < r->epsilon) {
        if (up)
            r->high = COLLOID_ALL;
        else
            r->low = 0;
    }
    return gap((r->low + r->high) / 2, share);
}

/* |O_d I_a - O_a I_d| I_d I_a / ((I_d + I_a) (I_d^2 O_a + I_a^2 O_d)), with inserts cut to 20 bits and occupancies to
 * 40: the greatest product, times a million, has 120. A tier without misses counts as one miss at its idle latency. */
static uint64_t closed(const struct colloid_rule *r)
{
    uint64_t in[2] = {r->inserts[0], r->inserts[1]}, out[2] = {r->occupancy[0], r->occupancy[1]};
    while ((in[0] | in[1]) >> INSERT_BITS || (out[0] | out[1]) >> OCCUPANCY_BITS)
        for (unsigned tier = 0; tier < 2; tier++) {
            in[tier] >>= 1;
            out[tier] >>= 1;
        }
    for (unsigned tier = 0; tier < 2; tier++)
        if (!in[tier] || !out[tier]) {
            in[tier] = 1;
            out[tier] = colloid_rule_latency(r, tier);
        }
    unsigned __int128 a = (unsigned __int128)out[0] * in[1], b = (unsigned __int128)out[1] * in[0];
    unsigned __int128 apart = (a > b ? a - b : b - a) * in[0] * in[1];
    unsigned __int128 whole = (in[0] + in[1]) * (b * in[0] + a * in[1]);
    return whole ? (uint64_t)(apart * COLLOID_ALL / whole) : 0;
}

uint64_t colloid_rule_change(struct colloid_rule *r, bool *up)
{
    *up = colloid_rule_latency(r, COLLOID_DEFAULT) < colloid_rule_latency(r, COLLOID_ALTERNATE);
    if (!(r->inserts[0] + r->inserts[1]))
        return 0;
    return r->formula == COLLOID_SEARCH ? search(r, *up) : closed(r);
}
