/* SPDX-License-Identifier: BSD-2-Clause
 *
 * pmap against naive models under random operations.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "pmap/frames.h"
#include "pmap/memmap.h"
#include "pmap/radix.h"
#include "tests/core/fixture.h"

/* A place as an array of truths. */
struct naive {
    bool copy[NODE_MAX];
    int home; /* -1: empty */
};

static unsigned copies_of(const struct naive *n)
{
    unsigned count = 0;
    for (int i = 0; i < NODE_MAX; i++)
        count += n->copy[i];
    return count;
}

static void same_place(const struct place *p, const struct naive *n)
{
    for (int i = 0; i < NODE_MAX; i++)
        cr_assert_eq(nodeset_has(p->copies, (node_t)i), n->copy[i]);
    cr_assert_eq(p->home, n->home < 0 ? NODE_NONE : n->home);
    cr_assert_eq(memmap_count(p), copies_of(n));
    cr_assert_eq(!!(p->flags & PLACE_PRESENT), n->home >= 0);
    cr_assert_eq(!!(p->flags & PLACE_REPLICATED), copies_of(n) > 1);
    cr_assert(memmap_sound(p, NODE_MAX));
}

static void naive_remove(struct naive *n, node_t node, node_t heir, bool *done)
{
    *done = n->copy[node] && copies_of(n) > 1 && (n->home != node || (heir != node && n->copy[heir]));
    if (!*done)
        return;
    n->copy[node] = false;
    if (n->home == node)
        n->home = heir;
}

static void step_place(struct place *p, struct naive *n, uint64_t *seed)
{
    node_t a = (node_t)fixture_below(seed, NODE_MAX), b = (node_t)fixture_below(seed, NODE_MAX);
    bool done;
    if (n->home < 0) {
        memmap_first(p, a);
        n->copy[a] = true;
        n->home = a;
        return;
    }
    switch (fixture_below(seed, 20)) {
    case 0:
        memmap_clear(p);
        *n = (struct naive){.home = -1};
        break;
    case 1:
        memmap_only(p, a);
        *n = (struct naive){.home = a};
        n->copy[a] = true;
        break;
    case 2:
        cr_assert_eq(memmap_set_home(p, a), n->copy[a]);
        n->home = n->copy[a] ? a : n->home;
        break;
    case 3 ... 9:
        naive_remove(n, a, b, &done);
        cr_assert_eq(memmap_remove(p, a, b), done);
        break;
    default:
        cr_assert_eq(memmap_add(p, a), !n->copy[a]);
        n->copy[a] = true;
    }
}

Test(pmap, memmap_is_a_set_with_a_home)
{
    uint64_t seed = 1;
    struct place p = {.stamp = 77};
    struct naive n = {.home = -1};
    memmap_clear(&p);
    for (int i = 0; i < 20000; i++) {
        step_place(&p, &n, &seed);
        same_place(&p, &n);
    }
    cr_assert_eq(p.stamp, 77, "the stamp is the engine's");
}

Test(pmap, nearest_copy_by_latency_then_home_then_number)
{
    struct fixture_shape s;
    fixture_shape(&s, 4, 4, 1); /* remote latency grows with the distance of numbers */
    struct place p = {0};
    memmap_first(&p, 3);
    cr_assert_eq(memmap_nearest(&p, &s.topology, 0, NODE_NONE), 3);
    cr_assert_eq(memmap_nearest(&p, &s.topology, 0, 3), NODE_NONE);
    memmap_add(&p, 1);
    cr_assert_eq(memmap_nearest(&p, &s.topology, 0, NODE_NONE), 1);
    cr_assert_eq(memmap_nearest(&p, &s.topology, 2, NODE_NONE), 3, "1 and 3 are equally far: the home");
    memmap_add(&p, 0);
    cr_assert_eq(memmap_nearest(&p, &s.topology, 0, NODE_NONE), 0);
    cr_assert_eq(memmap_nearest(&p, &s.topology, 2, 3), 1);
}

Test(pmap, unsound_places_are_told)
{
    struct place p = {.home = NODE_NONE};
    cr_assert(memmap_sound(&p, 4));
    p = (struct place){.copies = 2, .home = 1, .flags = PLACE_PRESENT};
    cr_assert(memmap_sound(&p, 4));
    cr_assert_not(memmap_sound(&p, 1), "node 1 of a machine of one node");
    p.home = 0;
    cr_assert_not(memmap_sound(&p, 4), "home without a copy");
    p = (struct place){.copies = 3, .home = 1, .flags = PLACE_PRESENT};
    cr_assert_not(memmap_sound(&p, 4), "two copies, not marked");
    p = (struct place){.copies = 0x21, .home = 0, .flags = PLACE_PRESENT | PLACE_REPLICATED};
    cr_assert_not(memmap_sound(&p, 4), "a copy on node 5 of 4");
}

Test(pmap, frames_are_taken_once_and_given_back_once)
{
    enum { COUNT = 97, BASE = 1000 };
    struct frames f;
    bool taken[COUNT] = {0};
    uint32_t out = 0;
    uint64_t seed = 2;
    uint32_t *memory = malloc(frames_size(COUNT));
    memset(memory, 0xff, frames_size(COUNT));
    frames_init(&f, BASE, COUNT, memory);
    for (int i = 0; i < 50000; i++) {
        uint64_t frame = BASE - 2 + fixture_below(&seed, COUNT + 4);
        bool ours = frame >= BASE && frame < BASE + COUNT;
        if (fixture_below(&seed, 100) < (i / 500 % 2 ? 70u : 30u)) {
            uint64_t got = frames_take(&f);
            cr_assert_eq(got == FRAMES_NONE, out == COUNT);
            if (got == FRAMES_NONE)
                continue;
            cr_assert(got >= BASE && got < BASE + COUNT && !taken[got - BASE]);
            taken[got - BASE] = true;
            out++;
        } else {
            int err = frames_give(&f, frame);
            cr_assert_eq(err, !ours ? ERR_INVAL : !taken[frame - BASE] ? ERR_EXIST : 0);
            if (!err) {
                taken[frame - BASE] = false;
                out--;
            }
        }
        cr_assert_eq(f.free, COUNT - out);
    }
    free(memory);
}

enum { TABLES = 60, KEYS = 600 };

/* Keys in clusters, so that tables fill and run empty, and at the ends of the range. */
static uint64_t some_key(uint64_t *seed)
{
    static const uint64_t base[] = {0,
                                    1000,
                                    UINT64_C(1) << 20,
                                    (UINT64_C(1) << 30) - 20,
                                    RADIX_KEYS / 2,
                                    RADIX_KEYS - 30,
                                    UINT64_C(0x123456789),
                                    UINT64_C(0x1ffffff)};
    return base[fixture_below(seed, 8)] + fixture_below(seed, 40);
}

static page_t naive_lookup(const uint64_t *key, const page_t *page, uint32_t n, uint64_t wanted, uint32_t *at)
{
    for (*at = 0; *at < n; ++*at)
        if (key[*at] == wanted)
            return page[*at];
    return PAGE_NONE;
}

static void same_walk(const struct radix *r, const void *memory, const uint64_t *key, const page_t *page, uint32_t n)
{
    uint64_t at = 0, last = 0;
    uint32_t seen = 0, where;
    for (page_t got; (got = radix_next(r, memory, &at)) != PAGE_NONE; at++, seen++) {
        cr_assert(!seen || at > last);
        last = at;
        cr_assert_eq(naive_lookup(key, page, n, at, &where), got);
    }
    cr_assert_eq(seen, n);
}

Test(pmap, radix_is_a_map_and_uses_empty_tables_again)
{
    static uint64_t key[KEYS];
    static page_t page[KEYS];
    uint32_t n = 0, at;
    uint64_t seed = 3;
    struct radix r;
    void *memory = calloc(1, radix_size(TABLES));
    radix_init(&r, TABLES);
    for (int i = 0; i < 30000; i++) {
        uint64_t k = some_key(&seed);
        page_t p = fixture_below(&seed, 5) ? (page_t)fixture_random(&seed) : 0, there = PAGE_NONE;
        there = naive_lookup(key, page, n, k, &at);
        cr_assert_eq(radix_lookup(&r, memory, k), there);
        if (fixture_below(&seed, 100) < (i / 3000 % 2 ? 30u : 60u)) {
            int err = radix_insert(&r, memory, k, p);
            cr_assert_eq(err, k >= RADIX_KEYS || p == PAGE_NONE ? ERR_INVAL : there != PAGE_NONE ? ERR_EXIST : 0);
            if (!err) {
                key[n] = k;
                page[n++] = p;
            }
        } else {
            cr_assert_eq(radix_remove(&r, memory, k), there);
            if (there != PAGE_NONE) {
                key[at] = key[--n];
                page[at] = page[n];
            }
        }
        cr_assert_eq(r.entries, n);
        if (i % 100 == 0)
            same_walk(&r, memory, key, page, n);
    }
    while (n)
        cr_assert_neq(radix_remove(&r, memory, key[--n]), PAGE_NONE);
    cr_assert_eq(r.free, TABLES - 1, "every table but the root is free again");
    free(memory);
}

Test(pmap, radix_that_is_full_changes_nothing)
{
    struct radix r;
    void *memory = calloc(1, radix_size(RADIX_LEVELS + 1));
    radix_init(&r, RADIX_LEVELS + 1);
    cr_assert_eq(radix_insert(&r, memory, 5, 50), 0);
    cr_assert_eq(r.free, 1);
    cr_assert_eq(radix_insert(&r, memory, UINT64_C(1) << 20, 51), ERR_NOMEM, "two tables wanted, one left");
    cr_assert_eq(r.free, 1);
    cr_assert_eq(radix_lookup(&r, memory, UINT64_C(1) << 20), PAGE_NONE);
    cr_assert_eq(radix_insert(&r, memory, 1024, 52), 0, "one table is enough for the next leaf");
    cr_assert_eq(radix_remove(&r, memory, 5), 50);
    cr_assert_eq(radix_lookup(&r, memory, 1024), 52);
    free(memory);
}
