/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Conformance vectors of what classes share: hashes and random numbers against the published outputs of splitmix64,
 * sketches and the ageing of regions against values worked out by hand from their headers.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "policy/damon_region.h"
#include "policy/random.h"
#include "policy/sketch.h"

/* The first outputs of splitmix64 from the seed 0. */
static const uint64_t splitmix64[] = {UINT64_C(0xe220a8397b1dcdaf), UINT64_C(0x6e789e6aa1b965f4),
                                      UINT64_C(0x06c45d188009454f), UINT64_C(0xf88bb8a8724c81ec)};

Test(rule_vectors, random_numbers_and_hashes_are_splitmix64)
{
    uint64_t state = 0, again = 0;
    for (page_t i = 0; i < 4; i++) {
        cr_expect_eq(random_next(&state), splitmix64[i], "%u", i);
        cr_expect_eq(random_below(&again, 1000), splitmix64[i] % 1000, "%u", i);
        cr_expect_eq(sketch_hash(i), splitmix64[i], "%u", i);
    }
}

/* 16 counters a word, a block of 8 words at least, powers of two. */
Test(rule_vectors, sketch_sizes)
{
    struct sketch s;
    cr_expect_eq(sketch_words(1), 8);
    cr_expect_eq(sketch_words(128), 8);
    cr_expect_eq(sketch_words(129), 16);
    cr_expect_eq(sketch_words(256), 16);
    cr_expect_eq(sketch_words(UINT64_C(1) << 40), UINT32_C(1) << 31, "as many as there can be");
    sketch_init(&s, 16, 100);
    cr_expect_eq(sketch_counters(&s, 1000), 256);
    cr_expect_eq(sketch_counters(&s, 255), 255);
    for (page_t page = 0; page < 100; page++) {
        uint32_t block = sketch_block(&s, sketch_hash(page));
        cr_expect_eq(block, (sketch_hash(page) >> 32 & 1) * 8, "one of two blocks, by the upper half's last bit");
    }
}

/* Fifteen pages in a sketch of 65536 counters, seen once to 15 times. Halved, e becomes e / 2: from k on there were 16
 * - k pages, then as many as from 2 k on before. */
Test(rule_vectors, sketch_knows_how_many_pages_it_has_seen_how_often)
{
    struct sketch s;
    uint64_t *words = calloc(4096, sizeof *words);
    sketch_init(&s, 4096, 1000000);
    for (page_t page = 0; page < 15; page++)
        for (uint32_t i = 1; i <= page + 1; i++)
            cr_assert_eq(sketch_add(&s, words, sketch_hash(page)), i);
    for (uint32_t k = 1; k <= 15; k++)
        cr_expect_eq(sketch_pages(&s, k), 16 - k, "%u", k);
    for (page_t page = 0; page < 15; page++)
        cr_expect_eq(sketch_count(&s, words, sketch_hash(page)), page + 1);
    cr_expect_eq(s.added, 120);
    sketch_age(&s, words);
    for (uint32_t k = 1; k <= 15; k++)
        cr_expect_eq(sketch_pages(&s, k), k < 8 ? 16 - 2 * k : 0, "%u", k);
    for (page_t page = 0; page < 15; page++)
        cr_expect_eq(sketch_count(&s, words, sketch_hash(page)), (page + 1) / 2);
    cr_expect_eq(s.added, 60);
    sketch_take(&s, words, sketch_hash(0));
    cr_expect_eq(sketch_count(&s, words, sketch_hash(0)), 0, "nothing to take");
    uint64_t sum = 0;
    sketch_take(&s, words, sketch_hash(14));
    cr_expect_eq(sketch_count(&s, words, sketch_hash(14)), 6);
    for (uint32_t i = 0; i < 4096; i++)
        for (unsigned shift = 0; shift < 64; shift += 4)
            sum += words[i] >> shift & 15;
    cr_expect_eq(sum, 4 * (2 * (1 + 2 + 3 + 4 + 5 + 6 + 7) - 1), "four counters a page: %lu", sum);
    free(words);
}

/* The i-th counter of a page lies in word 2 i or 2 i + 1 of its block. */
Test(rule_vectors, sketch_spreads_a_page_over_its_block)
{
    for (page_t page = 0; page < 200; page++) {
        struct sketch s;
        uint64_t words[8] = {0};
        sketch_init(&s, 8, 1000);
        sketch_add(&s, words, sketch_hash(page));
        for (unsigned i = 0; i < 4; i++) {
            uint64_t both = words[2 * i] | words[2 * i + 1];
            cr_assert(both && !(both & (both - 1)) && !(words[2 * i] && words[2 * i + 1]), "page %u, counter %u", page,
                      i);
            cr_assert_eq(both & UINT64_C(0x1111111111111111), both, "the first bit of a counter");
        }
    }
}

/* Two regions of a page each. The second has the most accesses, 20: a tenth, 2, is no great change. */
Test(rule_vectors, regions_age_while_little_changes)
{
    static const struct {
        uint32_t accesses, age;
    } step[] = {{10, 0}, {10, 1}, {12, 2}, {10, 3}, {13, 0}, {13, 1}, {10, 0}, {2, 0}, {0, 0}, {0, 1}, {1, 0}, {0, 0}};
    struct damon_regions *d = calloc(1, damon_region_size(2, 3));
    damon_region_init(d, 2, 2, 3, 20, 1);
    for (unsigned i = 0; i < sizeof step / sizeof *step; i++) {
        d->r[0].accesses = step[i].accesses;
        d->r[1].accesses = 20;
        damon_region_aggregate(d);
        cr_assert_eq(d->n, 2);
        cr_expect_eq(d->r[0].age, step[i].age, "step %u: %u", i, d->r[0].age);
        cr_expect_eq(d->r[1].age, i);
        cr_expect_eq(d->r[0].aggregated, step[i].accesses);
        cr_expect_eq(d->r[0].accesses, 0);
    }
    free(d);
}
