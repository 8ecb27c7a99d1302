/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The per-page optimum against value iteration over all sets of nodes, on thousands of random cases.
 */
#include <criterion/criterion.h>

#include "replay/bounds_optimum.h"
#include "tests/bounds/brute.h"

static void shape(const struct brute_case *c, struct topology *t)
{
    *t = (struct topology){.nodes = c->nodes, .latency_ps = c->latency};
}

/* The answer under test, base included. `active`: nodes that may make accesses. */
static uint64_t optimum(const struct brute_case *c, nodeset_t active, struct bounds_optimum *o)
{
    struct topology t;
    struct bounds_costs costs = {c->copy, c->drop};
    uint32_t state[2 * NODE_MAX] = {0};
    uint64_t sum = 0;
    shape(c, &t);
    bounds_optimum_init(o, &t, active, &costs);
    for (uint32_t i = 0; i < c->naccesses; i++) {
        const struct brute_access *a = &c->access[i];
        sum += o->base_ps[a->node] * a->weight;
        if (a->write)
            sum += bounds_optimum_write(o, state, a->node, a->weight);
        else
            bounds_optimum_read(o, state, a->node, a->weight);
    }
    return sum + bounds_optimum_finish(o, state);
}

static void random_accesses(struct brute_case *c, uint32_t actives, uint64_t *seed)
{
    c->naccesses = 1 + brute_below(seed, 14);
    uint32_t writes = brute_below(seed, 4);
    for (uint32_t i = 0; i < c->naccesses; i++)
        c->access[i] = (struct brute_access){.node = (node_t)brute_below(seed, actives),
                                             .write = brute_below(seed, 5) < writes,
                                             .weight = brute_below(seed, 8) ? 1 + brute_below(seed, 3) : 1000};
}

static void random_costs(struct brute_case *c, uint64_t *seed)
{
    c->copy = brute_below(seed, 6) ? brute_below(seed, 3000) : 0;
    c->drop = brute_below(seed, 3) ? brute_below(seed, 1000) : 0;
}

static void two_levels(struct brute_case *c, uint64_t *seed)
{
    for (uint32_t n = 0; n < c->nodes; n++) {
        uint32_t own = brute_below(seed, 300), other = own + brute_below(seed, 900);
        for (uint32_t m = 0; m < c->nodes; m++)
            c->latency[n * c->nodes + m] = m == n ? own : other;
    }
}

static void any_levels(struct brute_case *c, uint64_t *seed)
{
    for (uint32_t i = 0; i < c->nodes * c->nodes; i++)
        c->latency[i] = brute_below(seed, 4) ? 100 * brute_below(seed, 12) : brute_below(seed, 1000);
    if (brute_below(seed, 2))
        for (uint32_t n = 0; n < c->nodes; n++)
            c->latency[n * c->nodes + n] = 50;
}

Test(optimum, brute_force_agrees_with_enumeration)
{
    uint64_t seed = 5;
    for (int i = 0; i < 200; i++) {
        struct brute_case c = {.nodes = 2 + (uint32_t)(i & 1)};
        any_levels(&c, &seed);
        random_costs(&c, &seed);
        random_accesses(&c, c.nodes, &seed);
        c.naccesses = c.naccesses > 5 ? 5 : c.naccesses;
        cr_assert_eq(brute_page(&c), brute_enumerate(&c), "case %d", i);
    }
}

Test(optimum, two_levels_agree_with_brute_force)
{
    uint64_t seed = 1;
    static struct bounds_optimum o;
    for (int i = 0; i < 4000; i++) {
        struct brute_case c = {.nodes = 1 + brute_below(&seed, 4)};
        two_levels(&c, &seed);
        random_costs(&c, &seed);
        random_accesses(&c, c.nodes, &seed);
        uint64_t got = optimum(&c, ((nodeset_t)1 << c.nodes) - 1, &o);
        cr_assert_eq(o.method, BOUNDS_TWO_LEVEL);
        cr_assert(o.exact);
        cr_assert_eq(got, brute_page(&c), "case %d: %lu, brute force %lu", i, got, brute_page(&c));
    }
}

Test(optimum, any_latencies_agree_with_brute_force)
{
    uint64_t seed = 2;
    static struct bounds_optimum o;
    uint32_t subsets = 0;
    for (int i = 0; i < 4000; i++) {
        struct brute_case c = {.nodes = 2 + brute_below(&seed, 3)};
        any_levels(&c, &seed);
        random_costs(&c, &seed);
        random_accesses(&c, c.nodes, &seed);
        uint64_t got = optimum(&c, ((nodeset_t)1 << c.nodes) - 1, &o);
        subsets += o.method == BOUNDS_SUBSETS;
        cr_assert(o.exact);
        cr_assert_eq(got, brute_page(&c), "case %d: %lu, brute force %lu", i, got, brute_page(&c));
    }
    cr_assert_gt(subsets, 2000);
}

/* Nodes without CPUs: some are beaten by another memory and left out, some are not. */
Test(optimum, memory_only_nodes_agree_with_brute_force)
{
    uint64_t seed = 3;
    static struct bounds_optimum o;
    uint32_t left_out = 0;
    for (int i = 0; i < 3000; i++) {
        struct brute_case c = {.nodes = 2 + brute_below(&seed, 3)};
        uint32_t actives = 1 + brute_below(&seed, c.nodes - 1);
        any_levels(&c, &seed);
        random_costs(&c, &seed);
        random_accesses(&c, actives, &seed);
        uint64_t got = optimum(&c, ((nodeset_t)1 << actives) - 1, &o);
        left_out += o.kept < c.nodes;
        cr_assert(o.exact);
        cr_assert_eq(got, brute_page(&c), "case %d: %lu, brute force %lu", i, got, brute_page(&c));
    }
    cr_assert_gt(left_out, 1000);
}

Test(optimum, nine_nodes_of_many_levels_give_a_lower_bound)
{
    uint64_t seed = 4;
    static struct bounds_optimum o;
    uint32_t below = 0;
    for (int i = 0; i < 12; i++) {
        struct brute_case c = {.nodes = 9};
        any_levels(&c, &seed);
        random_costs(&c, &seed);
        random_accesses(&c, c.nodes, &seed);
        uint64_t got = optimum(&c, ((nodeset_t)1 << c.nodes) - 1, &o), truth = brute_page(&c);
        cr_assert_eq(o.method, BOUNDS_NEAREST);
        cr_assert_not(o.exact);
        cr_assert_leq(got, truth, "case %d", i);
        below += got < truth;
    }
    cr_assert_gt(below, 0);
}

/* Weights as large as a file can hold: counters stop where more changes nothing. */
Test(optimum, greatest_weights_agree_with_brute_force)
{
    uint64_t seed = 6;
    static struct bounds_optimum o;
    for (int i = 0; i < 1000; i++) {
        struct brute_case c = {.nodes = 3};
        if (i & 1)
            any_levels(&c, &seed);
        else
            two_levels(&c, &seed);
        c.copy = 30000000 + brute_below(&seed, 1 << 20);
        c.drop = brute_below(&seed, 1000000);
        random_accesses(&c, c.nodes, &seed);
        for (uint32_t a = 0; a < c.naccesses; a++)
            c.access[a].weight = brute_below(&seed, 2) ? UINT32_MAX : brute_below(&seed, 300000) + 1;
        cr_assert_eq(optimum(&c, 7, &o), brute_page(&c), "case %d", i);
    }
}

/* A cost over the cap counts as the cap: lower, so still a bound, and said so. */
Test(optimum, dear_copies_are_capped_and_labelled)
{
    struct brute_case c = {.nodes = 2, .naccesses = 2, .copy = (uint64_t)1 << 40, .drop = 0};
    static struct bounds_optimum o;
    c.latency[1] = c.latency[2] = 4000000;
    c.access[0] = (struct brute_access){.node = 0, .weight = 1000};
    c.access[1] = (struct brute_access){.node = 1, .weight = 1000};
    uint64_t got = optimum(&c, 3, &o);
    cr_assert_not(o.exact);
    cr_assert_eq(got, BOUNDS_COST_MAX); /* truth: 1000 remote reads of 4 us, 4e9 ps */
    cr_assert_lt(got, brute_page(&c));
}
