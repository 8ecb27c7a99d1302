/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/bounds_optimum.h"

#include <string.h>

enum { SETS = 1 << BOUNDS_SUBSET_NODES };

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool active_memory_beats(const struct topology *t, nodeset_t active, node_t better, node_t worse)
{
    for (uint32_t n = 0; n < t->nodes; n++)
        if (nodeset_has(active, (node_t)n) &&
            topology_latency(t, (node_t)n, better) > topology_latency(t, (node_t)n, worse))
            return false;
    return true;
}

/* A copy on a node whose memory another node beats for every accessor can be moved there in any schedule at no loss, so
 * with unbounded memory that node never matters. */
static nodeset_t worth_keeping(const struct topology *t, nodeset_t active)
{
    nodeset_t kept = t->nodes == NODE_MAX ? ~(nodeset_t)0 : ((nodeset_t)1 << t->nodes) - 1;
    for (uint32_t m = 0; m < t->nodes; m++)
        for (uint32_t b = 0; b < t->nodes; b++)
            if (b != m && !nodeset_has(active, (node_t)m) && nodeset_has(kept, (node_t)b) &&
                active_memory_beats(t, active, (node_t)b, (node_t)m)) {
                kept &= ~nodeset_of((node_t)m);
                break;
            }
    return kept;
}

/* The read excess of a node that holds no copy: its nearest other node. A node whose own memory is not its nearest gets
 * 0, which keeps the bound below the truth. */
static void set_gap(struct bounds_optimum *o, uint32_t n, bool *two_level)
{
    const uint32_t *row = &o->write[(size_t)n * o->kept];
    uint32_t nearest = UINT32_MAX, farthest = 0;
    for (uint32_t m = 0; m < o->kept; m++) {
        if (m == n)
            continue;
        nearest = row[m] < nearest ? row[m] : nearest;
        farthest = row[m] > farthest ? row[m] : farthest;
    }
    o->gap[n] = o->kept == 1 || row[n] ? 0 : nearest;
    if (o->kept > 1 && (row[n] || nearest != farthest))
        *two_level = false;
}

/* Beyond this many reads in one interval a copy at the reader's best node costs no more than to do without it, so
 * counting on changes nothing. */
static uint32_t enough_reads(const struct bounds_optimum *o, uint32_t n)
{
    const uint32_t *row = &o->write[(size_t)n * o->kept];
    uint64_t step = UINT64_MAX;
    for (uint32_t a = 0; a < o->kept; a++)
        for (uint32_t b = 0; b < o->kept; b++)
            if (row[a] > row[b])
                step = least(step, row[a] - row[b]);
    return step == UINT64_MAX ? 0 : (uint32_t)((o->swap + step - 1) / step);
}

static void set_subsets(struct bounds_optimum *o)
{
    for (uint32_t n = 0; n < o->kept; n++)
        for (uint32_t set = 1; set < 1u << o->kept; set++) {
            uint32_t nearest = UINT32_MAX;
            for (uint32_t m = 0; m < o->kept; m++)
                if (set >> m & 1)
                    nearest = (uint32_t)least(nearest, o->write[n * o->kept + m]);
            o->read[n][set] = nearest;
        }
}

/* Only active nodes get real rows: the others make no accesses. */
static void set_rows(struct bounds_optimum *o, const struct topology *t, nodeset_t active)
{
    bool two_level = true;
    for (uint32_t n = 0; n < t->nodes; n++) {
        uint32_t row = o->kept_of[n];
        if (!nodeset_has(active, (node_t)n) || row == NODE_NONE)
            continue;
        for (uint32_t m = 0; m < t->nodes; m++)
            if (o->kept_of[m] != NODE_NONE)
                o->write[row * o->kept + o->kept_of[m]] =
                    topology_latency(t, (node_t)n, (node_t)m) - (uint32_t)o->base_ps[n];
        set_gap(o, row, &two_level);
    }
    o->method = two_level ? BOUNDS_TWO_LEVEL : o->kept <= BOUNDS_SUBSET_NODES ? BOUNDS_SUBSETS : BOUNDS_NEAREST;
    o->exact = o->exact && o->method != BOUNDS_NEAREST;
}

void bounds_optimum_init(struct bounds_optimum *o, const struct topology *t, nodeset_t active,
                         const struct bounds_costs *costs)
{
    memset(o, 0, sizeof(*o));
    o->nodes = t->nodes;
    o->copy = least(costs->copy_ps, BOUNDS_COST_MAX);
    o->drop = least(costs->drop_ps, BOUNDS_COST_MAX);
    o->swap = o->copy + o->drop;
    o->exact = o->copy == costs->copy_ps && o->drop == costs->drop_ps;
    nodeset_t kept = worth_keeping(t, active);
    for (uint32_t n = 0; n < t->nodes; n++) {
        o->kept_of[n] = nodeset_has(kept, (node_t)n) ? (node_t)o->kept++ : (node_t)NODE_NONE;
        o->base_ps[n] = UINT64_MAX;
        for (uint32_t m = 0; m < t->nodes; m++)
            o->base_ps[n] = least(o->base_ps[n], topology_latency(t, (node_t)n, (node_t)m));
    }
    set_rows(o, t, active);
    if (o->method == BOUNDS_SUBSETS)
        set_subsets(o);
    for (uint32_t n = 0; n < o->kept; n++)
        o->full[n] = o->method == BOUNDS_SUBSETS ? enough_reads(o, n) : (uint32_t)o->swap;
}

/* home[] := the cheapest way to end the interval of reads with only the copy on each node, before the write. */
static void close_separable(const struct bounds_optimum *o, const uint32_t *state, uint64_t *home)
{
    const uint32_t *reads = state + o->kept;
    uint64_t sum = 0;
    int64_t moved = INT64_MAX;
    for (uint32_t n = 0; n < o->kept; n++) {
        int64_t before = (int64_t)state[n] - reads[n];
        sum += reads[n];
        moved = before < moved ? before : moved;
    }
    moved += (int64_t)o->swap;
    for (uint32_t n = 0; n < o->kept; n++) {
        int64_t stay = state[n];
        home[n] = (uint64_t)((int64_t)(sum - reads[n]) + (stay < moved ? stay : moved));
    }
}

/* cost[set] := cheapest way through the interval with exactly this set, from the cheapest home within it. */
static void weigh_sets(const struct bounds_optimum *o, const uint32_t *state, uint64_t extra, uint64_t *cost)
{
    uint32_t sets = 1u << o->kept;
    cost[0] = UINT64_MAX / 2;
    for (uint32_t set = 1; set < sets; set++)
        cost[set] = least(cost[set & (set - 1)], state[__builtin_ctz(set)]);
    for (uint32_t set = 1; set < sets; set++)
        cost[set] += extra * (unsigned)(__builtin_popcount(set) - 1);
    for (uint32_t n = 0; n < o->kept; n++) {
        uint64_t reads = state[o->kept + n];
        const uint32_t *read = o->read[n];
        if (reads)
            for (uint32_t set = 0; set < sets; set++)
                cost[set] += reads * read[set];
    }
}

static void close_subsets(const struct bounds_optimum *o, const uint32_t *state, uint64_t *home)
{
    uint64_t cost[SETS];
    weigh_sets(o, state, o->swap, cost);
    for (uint32_t n = 0; n < o->kept; n++)
        home[n] = UINT64_MAX;
    for (uint32_t set = 1; set < 1u << o->kept; set++)
        for (uint32_t n = 0; n < o->kept; n++)
            if (set >> n & 1)
                home[n] = least(home[n], cost[set]);
}

/* Writes that follow a write: nothing but the home can have changed. */
static void close_empty(const struct bounds_optimum *o, const uint32_t *state, uint64_t *home)
{
    for (uint32_t n = 0; n < o->kept; n++)
        home[n] = state[n];
}

uint64_t bounds_optimum_write(const struct bounds_optimum *o, uint32_t *state, node_t node, uint32_t weight)
{
    uint64_t home[NODE_MAX], floor = UINT64_MAX;
    uint32_t *reads = state + o->kept, any = 0;
    for (uint32_t n = 0; n < o->kept; n++)
        any |= reads[n];
    if (!any)
        close_empty(o, state, home);
    else if (o->method == BOUNDS_SUBSETS)
        close_subsets(o, state, home);
    else
        close_separable(o, state, home);
    const uint32_t *write = &o->write[(size_t)o->kept_of[node] * o->kept];
    for (uint32_t n = 0; n < o->kept; n++) {
        home[n] += (uint64_t)write[n] * weight;
        floor = least(floor, home[n]);
    }
    for (uint32_t n = 0; n < o->kept; n++) {
        state[n] = (uint32_t)least(home[n] - floor, o->swap);
        reads[n] = 0;
    }
    return floor;
}

uint64_t bounds_optimum_finish(const struct bounds_optimum *o, const uint32_t *state)
{
    uint64_t best = UINT64_MAX, sum = 0;
    if (o->method == BOUNDS_SUBSETS) {
        uint64_t cost[SETS];
        weigh_sets(o, state, o->copy, cost);
        for (uint32_t set = 1; set < 1u << o->kept; set++)
            best = least(best, cost[set]);
        return best;
    }
    for (uint32_t n = 0; n < o->kept; n++)
        sum += least(state[o->kept + n], o->copy);
    for (uint32_t n = 0; n < o->kept; n++)
        best = least(best, state[n] + sum - least(state[o->kept + n], o->copy));
    return best;
}
