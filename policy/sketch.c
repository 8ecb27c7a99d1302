/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/sketch.h"

enum { COUNTERS = 4, COUNTER_BITS = 4 };

/* One counter: its word and its place in it. */
struct counter {
    uint32_t word;
    unsigned shift;
};

uint32_t sketch_words(uint64_t counters)
{
    uint64_t words = SKETCH_BLOCK_WORDS;
    while (words * SKETCH_WORD_COUNTERS < counters && words < (uint64_t)1 << 31)
        words *= 2;
    return (uint32_t)words;
}

void sketch_init(struct sketch *s, uint32_t words, uint64_t window)
{
    *s = (struct sketch){.words = words, .window = window};
}

/* Where the i-th counter is in the page's block: in one of the words 2 i and 2 i + 1. */
static inline struct counter counter(uint64_t hash, unsigned i)
{
    uint32_t place = (uint32_t)(hash >> 8 * i) & 31;
    return (struct counter){2 * i + (place & 1), (place >> 1) * COUNTER_BITS};
}

static inline uint32_t value(const uint64_t *block, struct counter c)
{
    return (uint32_t)(block[c.word] >> c.shift) & SKETCH_MOST;
}

uint32_t sketch_count(const struct sketch *s, const uint64_t *words, uint64_t hash)
{
    const uint64_t *block = words + sketch_block(s, hash);
    uint32_t least = SKETCH_MOST;
    for (unsigned i = 0; i < COUNTERS; i++) {
        uint32_t here = value(block, counter(hash, i));
        least = here < least ? here : least;
    }
    return least;
}

static void seen_as(struct sketch *s, uint32_t before, uint32_t now)
{
    if (now == before)
        return;
    s->pages[now]++;
    s->pages[before] -= before && s->pages[before];
}

uint32_t sketch_add(struct sketch *s, uint64_t *words, uint64_t hash)
{
    uint64_t *block = words + sketch_block(s, hash);
    uint32_t before = SKETCH_MOST, now = SKETCH_MOST;
    for (unsigned i = 0; i < COUNTERS; i++) {
        struct counter c = counter(hash, i);
        uint32_t here = value(block, c), more = here < SKETCH_MOST;
        block[c.word] += (uint64_t)more << c.shift;
        before = here < before ? here : before;
        now = here + more < now ? here + more : now;
    }
    seen_as(s, before, now);
    if (++s->added < s->window)
        return now;
    sketch_age(s, words);
    return now / 2;
}

void sketch_take(struct sketch *s, uint64_t *words, uint64_t hash)
{
    uint64_t *block = words + sketch_block(s, hash);
    for (unsigned i = 0; i < COUNTERS; i++) {
        struct counter c = counter(hash, i);
        block[c.word] -= (uint64_t)(value(block, c) > 0) << c.shift;
    }
}

void sketch_age(struct sketch *s, uint64_t *words)
{
    for (uint32_t i = 0; i < s->words; i++)
        words[i] = words[i] >> 1 & UINT64_C(0x7777777777777777);
    s->added /= 2;
    for (unsigned i = 1; i <= SKETCH_MOST; i++)
        s->pages[i] = 2 * i <= SKETCH_MOST ? s->pages[2 * i] + s->pages[2 * i + 1] : 0;
}

uint64_t sketch_pages(const struct sketch *s, uint32_t from)
{
    uint64_t sum = 0;
    for (uint32_t i = from; i <= SKETCH_MOST; i++)
        sum += s->pages[i];
    return sum;
}
