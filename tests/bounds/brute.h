/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Slow and obvious answers for small cases: value iteration over every state at every access, with no reduction.
 */
#ifndef TESTS_BOUNDS_BRUTE_H
#define TESTS_BOUNDS_BRUTE_H

#include "policy/numa.h"

enum { BRUTE_ACCESSES = 256, BRUTE_PAGES = 3 };

struct brute_access {
    page_t page;
    node_t node;
    bool write;
    uint32_t weight;
};

struct brute_case {
    uint32_t nodes, naccesses, npages;
    uint64_t copy, drop;
    uint32_t latency[NODE_MAX * NODE_MAX];
    uint64_t frames[NODE_MAX];
    struct brute_access access[BRUTE_ACCESSES];
};

/* Deterministic random numbers. */
uint64_t brute_random(uint64_t *seed);
uint32_t brute_below(uint64_t *seed, uint32_t n);

/* Cheapest schedule of page 0's accesses (all accesses are taken as its): states are the non-empty sets of nodes. */
uint64_t brute_page(const struct brute_case *);

/* The same by trying every sequence of states, one by one; few accesses only. */
uint64_t brute_enumerate(const struct brute_case *);

/* Cheapest joint schedule of all pages under the frames: the state is one set per page, empty before its first access.
 * UINT64_MAX: there is none. */
uint64_t brute_joint(const struct brute_case *);

/* Cheapest schedule of page 0 when a copy on node n costs rent[n] per access slot (from each access to the next, the
 * last one to `end`), no copy at all is allowed between writes, and a read without an own copy costs the nearest other
 * node. */
uint64_t brute_rent(const struct brute_case *, const uint64_t *rent, uint32_t end);

#endif
