/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bounds/brute.h"

#include <stdlib.h>

#define FAR (UINT64_MAX / 4)

uint64_t brute_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed * 0x2545f4914f6cdd1dull;
}

uint32_t brute_below(uint64_t *seed, uint32_t n)
{
    return (uint32_t)((brute_random(seed) >> 33) % n);
}

static uint64_t change(const struct brute_case *c, uint32_t from, uint32_t to)
{
    return c->copy * (unsigned)__builtin_popcount(to & ~from) + c->drop * (unsigned)__builtin_popcount(from & ~to);
}

static uint64_t serve(const struct brute_case *c, const struct brute_access *a, uint32_t set)
{
    uint64_t best = FAR;
    if (a->write && __builtin_popcount(set) != 1)
        return FAR;
    for (uint32_t m = 0; m < c->nodes; m++)
        if (set >> m & 1 && c->latency[a->node * c->nodes + m] < best)
            best = c->latency[a->node * c->nodes + m];
    return best == FAR ? FAR : best * a->weight;
}

uint64_t brute_page(const struct brute_case *c)
{
    uint32_t sets = 1u << c->nodes;
    uint64_t *now = calloc(sets, sizeof(*now)), *next = calloc(sets, sizeof(*next)), best = FAR;
    for (uint32_t s = 1; s < sets; s++)
        now[s] = __builtin_popcount(s) == 1 ? 0 : FAR;
    for (uint32_t i = 0; i < c->naccesses; i++) {
        for (uint32_t to = 1; to < sets; to++) {
            uint64_t least = FAR, cost = serve(c, &c->access[i], to);
            for (uint32_t from = 1; from < sets && cost < FAR; from++) {
                uint64_t sum = now[from] + change(c, from, to) + cost;
                least = sum < least ? sum : least;
            }
            next[to] = least;
        }
        uint64_t *swap = now;
        now = next;
        next = swap;
    }
    for (uint32_t s = 1; s < sets; s++)
        best = now[s] < best ? now[s] : best;
    free(now);
    free(next);
    return best;
}

static uint64_t enumerate(const struct brute_case *c, uint32_t i, uint32_t set)
{
    uint64_t best = FAR;
    if (i == c->naccesses)
        return 0;
    for (uint32_t to = 1; to < 1u << c->nodes; to++) {
        uint64_t cost = change(c, set, to) + serve(c, &c->access[i], to);
        if (cost < FAR)
            cost += enumerate(c, i + 1, to);
        best = cost < best ? cost : best;
    }
    return best;
}

uint64_t brute_enumerate(const struct brute_case *c)
{
    uint64_t best = FAR;
    for (uint32_t home = 0; home < c->nodes; home++) {
        uint64_t cost = enumerate(c, 0, 1u << home);
        best = cost < best ? cost : best;
    }
    return best;
}

static bool fits(const struct brute_case *c, uint32_t joint)
{
    for (uint32_t n = 0; n < c->nodes; n++) {
        uint64_t held = 0;
        for (uint32_t p = 0; p < c->npages; p++)
            held += joint >> (p * c->nodes + n) & 1;
        if (held > c->frames[n])
            return false;
    }
    return true;
}

static uint32_t part(const struct brute_case *c, uint32_t joint, uint32_t page)
{
    return joint >> (page * c->nodes) & ((1u << c->nodes) - 1);
}

/* A page that is touched for the first time comes for nothing, as one copy; the others change as they like. */
static uint64_t joint_change(const struct brute_case *c, uint32_t from, uint32_t to, uint32_t touched, uint32_t fresh)
{
    uint64_t sum = 0;
    for (uint32_t p = 0; p < c->npages; p++) {
        uint32_t a = part(c, from, p), b = part(c, to, p);
        bool after = (touched | fresh) >> p & 1;
        if (after != (b != 0))
            return FAR;
        if (fresh >> p & 1)
            sum += c->copy * (unsigned)(__builtin_popcount(b) - 1);
        else
            sum += change(c, a, b);
    }
    return sum;
}

uint64_t brute_joint(const struct brute_case *c)
{
    uint32_t states = 1u << (c->nodes * c->npages), touched = 0;
    uint64_t *now = malloc(states * sizeof(*now)), *next = malloc(states * sizeof(*next)), best = FAR;
    for (uint32_t s = 0; s < states; s++)
        now[s] = s ? FAR : 0;
    for (uint32_t i = 0; i < c->naccesses; i++) {
        uint32_t page = c->access[i].page, fresh = 1u << page & ~touched;
        for (uint32_t to = 0; to < states; to++) {
            next[to] = FAR;
            uint64_t cost = serve(c, &c->access[i], part(c, to, page));
            if (cost == FAR || !fits(c, to))
                continue;
            for (uint32_t from = 0; from < states; from++) {
                uint64_t sum = now[from] < FAR ? now[from] + joint_change(c, from, to, touched, fresh) + cost : FAR;
                next[to] = sum < next[to] ? sum : next[to];
            }
        }
        touched |= fresh;
        uint64_t *swap = now;
        now = next;
        next = swap;
    }
    for (uint32_t s = 0; s < states; s++)
        best = now[s] < best ? now[s] : best;
    free(now);
    free(next);
    return best == FAR ? UINT64_MAX : best;
}

static uint64_t rented(const struct brute_case *c, const uint64_t *rent, uint32_t set)
{
    uint64_t sum = 0;
    for (uint32_t n = 0; n < c->nodes; n++)
        sum += set >> n & 1 ? rent[n] : 0;
    return sum;
}

static uint64_t serve_relaxed(const struct brute_case *c, const struct brute_access *a, uint32_t set)
{
    if (a->write)
        return serve(c, a, set);
    uint64_t nearest = FAR, own = c->latency[a->node * c->nodes + a->node];
    for (uint32_t m = 0; m < c->nodes; m++)
        if (m != a->node && c->latency[a->node * c->nodes + m] < nearest)
            nearest = c->latency[a->node * c->nodes + m];
    return (set >> a->node & 1 ? own : nearest) * a->weight;
}

/* Sets may change before an access and after it; rent falls due in between, and to `end` after the last. */
uint64_t brute_rent(const struct brute_case *c, const uint64_t *rent, uint32_t end)
{
    uint32_t sets = 1u << c->nodes;
    uint64_t now[256], next[256], best = FAR;
    for (uint32_t s = 0; s < sets; s++)
        now[s] = __builtin_popcount(s) == 1 ? 0 : FAR;
    for (uint32_t i = 0; i < c->naccesses; i++) {
        for (uint32_t to = 0; to < sets; to++) {
            next[to] = FAR;
            for (uint32_t from = 0; from < sets; from++) {
                uint64_t sum = now[from] + change(c, from, to) + serve_relaxed(c, &c->access[i], to);
                next[to] = sum < next[to] ? sum : next[to];
            }
        }
        uint32_t slots = i + 1 == c->naccesses ? end - i : 1;
        for (uint32_t to = 0; to < sets; to++) {
            now[to] = FAR;
            for (uint32_t from = 0; from < sets; from++) {
                uint64_t sum = next[from] + change(c, from, to) + slots * rented(c, rent, to);
                now[to] = sum < now[to] ? sum : now[to];
            }
        }
    }
    for (uint32_t s = 0; s < sets; s++)
        best = now[s] < best ? now[s] : best;
    return best;
}
