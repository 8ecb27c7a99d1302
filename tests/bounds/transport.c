/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The best static placement against every assignment of pages to nodes.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "replay/bounds_transport.h"
#include "tests/bounds/brute.h"

struct small {
    struct bounds_transport t;
    uint64_t misses[7 * 3], frames[3];
    uint32_t latency[9];
};

static bool alive(const struct small *s, uint32_t page)
{
    uint64_t sum = 0;
    for (uint32_t n = 0; n < s->t.nodes; n++)
        sum += s->misses[page * s->t.nodes + n];
    return sum > 0;
}

static uint64_t cost(const struct small *s, uint32_t page, uint32_t node)
{
    uint64_t sum = 0;
    for (uint32_t n = 0; n < s->t.nodes; n++)
        sum += s->misses[page * s->t.nodes + n] * s->latency[n * s->t.nodes + node];
    return sum;
}

static uint64_t brute(const struct small *s, uint32_t page, uint64_t *room)
{
    uint64_t best = UINT64_MAX;
    if (page == s->t.pages)
        return 0;
    if (!alive(s, page))
        return brute(s, page + 1, room);
    for (uint32_t n = 0; n < s->t.nodes; n++) {
        if (!room[n])
            continue;
        room[n]--;
        uint64_t rest = brute(s, page + 1, room);
        room[n]++;
        if (rest != UINT64_MAX && rest + cost(s, page, n) < best)
            best = rest + cost(s, page, n);
    }
    return best;
}

static uint64_t brute_with(const struct small *s, uint32_t node)
{
    uint64_t room[3];
    for (uint32_t n = 0; n < 3; n++)
        room[n] = s->frames[n] + (n == node);
    return brute(s, 0, room);
}

static void random_small(struct small *s, uint64_t *seed)
{
    *s = (struct small){.t = {.pages = 1 + brute_below(seed, 7), .nodes = 2 + brute_below(seed, 2)}};
    s->t.stride = s->t.nodes;
    s->t.misses = s->misses;
    s->t.latency_ps = s->latency;
    s->t.frames = s->frames;
    for (uint32_t i = 0; i < s->t.pages * s->t.nodes; i++)
        s->misses[i] = brute_below(seed, 3) ? brute_below(seed, 40) : 0;
    for (uint32_t i = 0; i < s->t.nodes * s->t.nodes; i++)
        s->latency[i] = brute_below(seed, 100);
    for (uint32_t n = 0; n < s->t.nodes; n++)
        s->frames[n] = brute_below(seed, 5);
}

static void check(const struct small *s, const node_t *home, uint64_t truth)
{
    uint64_t sum = 0, held[3] = {0};
    for (uint32_t p = 0; p < s->t.pages; p++) {
        cr_assert_eq(home[p] != NODE_NONE, alive(s, p));
        if (home[p] == NODE_NONE)
            continue;
        sum += cost(s, p, home[p]);
        held[home[p]]++;
    }
    for (uint32_t n = 0; n < s->t.nodes; n++)
        cr_assert_leq(held[n], s->frames[n]);
    cr_assert_eq(sum, truth);
}

Test(transport, agrees_with_every_assignment)
{
    uint64_t seed = 11;
    uint32_t full = 0, priced = 0;
    for (int i = 0; i < 4000; i++) {
        struct small s;
        node_t home[7];
        uint64_t price[NODE_MAX], truth;
        random_small(&s, &seed);
        truth = brute_with(&s, NODE_NONE);
        int err = bounds_transport_solve(&s.t, NULL, home, price);
        cr_assert_eq(err, truth == UINT64_MAX ? -ENOSPC : 0, "case %d: %d", i, err);
        full += err != 0;
        if (err)
            continue;
        check(&s, home, truth);
        for (uint32_t n = 0; n < s.t.nodes; n++) {
            cr_assert_eq(price[n], truth - brute_with(&s, n), "case %d node %u", i, n);
            priced += price[n] > 0;
        }
    }
    cr_assert_gt(full, 100);
    cr_assert_gt(priced, 500);
}

/* Two tiers: the k pages with most misses get the fast frames. */
Test(transport, two_tiers_are_the_hottest_pages)
{
    enum { PAGES = 3000, FAST = 1000 };
    uint64_t *misses = calloc(2 * PAGES, sizeof(*misses)), frames[2] = {FAST, FRAMES_UNBOUNDED}, seed = 9;
    uint32_t latency[4] = {80, 250, 0, 0};
    node_t home[PAGES];
    for (uint32_t p = 0; p < PAGES; p++)
        misses[2 * p] = 1 + (uint64_t)p * 7919 % PAGES;
    struct bounds_transport t = {
        .pages = PAGES, .nodes = 2, .stride = 2, .misses = misses, .latency_ps = latency, .frames = frames};
    cr_assert_eq(bounds_transport_solve(&t, NULL, home, NULL), 0);
    for (uint32_t p = 0; p < PAGES; p++)
        cr_assert_eq(home[p], misses[2 * p] > PAGES - FAST ? 0 : 1, "page %u", p);
    (void)seed;
    free(misses);
}

Test(transport, a_tie_goes_to_the_preferred_node)
{
    uint64_t misses[2] = {5, 5}, frames[2] = {FRAMES_UNBOUNDED, FRAMES_UNBOUNDED};
    uint32_t latency[4] = {1, 3, 3, 1};
    node_t home[1], prefer[1] = {1};
    struct bounds_transport t = {
        .pages = 1, .nodes = 2, .stride = 2, .misses = misses, .latency_ps = latency, .frames = frames};
    cr_assert_eq(bounds_transport_solve(&t, prefer, home, NULL), 0);
    cr_assert_eq(home[0], 1);
    cr_assert_eq(bounds_transport_solve(&t, NULL, home, NULL), 0);
    cr_assert_eq(home[0], 0);
}
