/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Priced memory: one page against value iteration, many pages against the joint optimum under frames.
 */
#include <criterion/criterion.h>

#include "replay/bounds_optimum.h"
#include "replay/bounds_rent.h"
#include "tests/bounds/brute.h"

static void random_case(struct brute_case *c, uint64_t *seed, bool two_levels)
{
    for (uint32_t n = 0; n < c->nodes; n++) {
        uint32_t own = brute_below(seed, 300), other = own + brute_below(seed, 900);
        for (uint32_t m = 0; m < c->nodes; m++)
            c->latency[n * c->nodes + m] = m == n ? own : two_levels ? other : own + brute_below(seed, 900);
    }
    c->copy = brute_below(seed, 1500);
    c->drop = brute_below(seed, 3) ? brute_below(seed, 400) : 0;
    uint32_t writes = brute_below(seed, 4);
    for (uint32_t i = 0; i < c->naccesses; i++)
        c->access[i] = (struct brute_access){.page = brute_below(seed, c->npages),
                                             .node = (node_t)brute_below(seed, c->nodes),
                                             .write = brute_below(seed, 5) < writes,
                                             .weight = 1 + brute_below(seed, 3)};
}

static void set_up(const struct brute_case *c, struct bounds_rent *r, uint64_t end)
{
    struct topology t = {.nodes = c->nodes, .latency_ps = c->latency};
    struct bounds_costs costs = {c->copy, c->drop};
    bounds_rent_init(r, &t, ((nodeset_t)1 << c->nodes) - 1, &costs, end);
}

static uint64_t base(const struct brute_case *c)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < c->naccesses; i++) {
        uint32_t least = UINT32_MAX;
        for (uint32_t m = 0; m < c->nodes; m++)
            if (c->latency[c->access[i].node * c->nodes + m] < least)
                least = c->latency[c->access[i].node * c->nodes + m];
        sum += (uint64_t)least * c->access[i].weight;
    }
    return sum;
}

/* One page's cost with rent; its accesses are at their own positions. */
static int64_t one_page(const struct brute_case *c, const struct bounds_rent *r, uint32_t page)
{
    int32_t state[4 * NODE_MAX + 2];
    int64_t sum = 0;
    bool touched = false;
    for (uint32_t i = 0; i < c->naccesses; i++) {
        const struct brute_access *a = &c->access[i];
        if (a->page != page)
            continue;
        if (!touched)
            bounds_rent_touch(r, state, i);
        touched = true;
        sum += a->write ? bounds_rent_write(r, state, a->node, a->weight, i)
                        : bounds_rent_read(r, state, a->node, a->weight, i);
    }
    return touched ? sum + bounds_rent_finish(r, state) : 0;
}

Test(rent, one_page_agrees_with_brute_force)
{
    uint64_t seed = 21;
    static struct bounds_rent r;
    for (int i = 0; i < 4000; i++) {
        struct brute_case c = {
            .nodes = 1 + brute_below(&seed, 3), .npages = 1, .naccesses = 1 + brute_below(&seed, 12)};
        uint64_t rent[3];
        uint32_t end = c.naccesses + brute_below(&seed, 5);
        random_case(&c, &seed, brute_below(&seed, 2));
        if (c.nodes == 1)
            c.latency[0] = 100;
        set_up(&c, &r, end);
        for (uint32_t n = 0; n < c.nodes; n++) {
            rent[n] = brute_below(&seed, 3) ? brute_below(&seed, 600) : 0;
            bounds_rent_price(&r, (node_t)n, rent[n] << BOUNDS_RENT_SHIFT);
        }
        if (c.nodes == 1)
            continue;
        int64_t got = (int64_t)base(&c) + one_page(&c, &r, 0);
        uint64_t truth = brute_rent(&c, rent, end);
        cr_assert_eq(got, (int64_t)truth, "case %d: %ld, brute force %lu", i, got, truth);
    }
}

/* Time runs from 0, the first access comes at 0: with all prices 0 the two recurrences are one. */
Test(rent, no_prices_give_the_optimum)
{
    uint64_t seed = 22;
    static struct bounds_rent r;
    for (int i = 0; i < 2000; i++) {
        struct brute_case c = {
            .nodes = 2 + brute_below(&seed, 3), .npages = 1, .naccesses = 1 + brute_below(&seed, 14)};
        random_case(&c, &seed, true);
        set_up(&c, &r, c.naccesses);
        cr_assert_eq((int64_t)base(&c) + one_page(&c, &r, 0), (int64_t)brute_page(&c), "case %d", i);
    }
}

/* Weak duality: whatever the prices, no joint schedule under the frames is cheaper. */
Test(rent, bounds_the_joint_optimum_for_any_prices)
{
    uint64_t seed = 23;
    static struct bounds_rent r;
    uint32_t tight = 0;
    for (int i = 0; i < 300; i++) {
        struct brute_case c = {.nodes = 2, .npages = 2 + brute_below(&seed, 2), .naccesses = 3 + brute_below(&seed, 8)};
        random_case(&c, &seed, brute_below(&seed, 2));
        c.frames[0] = 1 + brute_below(&seed, 2);
        c.frames[1] = c.npages;
        uint64_t truth = brute_joint(&c);
        int64_t best = 0;
        for (int trial = 0; trial < 40; trial++) {
            set_up(&c, &r, c.naccesses);
            for (uint32_t n = 0; n < c.nodes; n++)
                bounds_rent_price(&r, (node_t)n,
                                  trial ? (uint64_t)brute_below(&seed, 400) << (BOUNDS_RENT_SHIFT - (unsigned)trial % 4)
                                        : 0);
            int64_t bound = (int64_t)base(&c) - (int64_t)bounds_rent_frames(&r, c.frames);
            for (uint32_t p = 0; p < c.npages; p++)
                bound += one_page(&c, &r, p);
            cr_assert_leq(bound, (int64_t)truth, "case %d: bound %ld, optimum %lu", i, bound, truth);
            best = bound > best ? bound : best;
        }
        tight += best * 100 >= (int64_t)truth * 97;
    }
    cr_assert_gt(tight, 100, "within 3 %% in %u of 300", tight);
}
