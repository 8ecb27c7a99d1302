/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Vectors of one line: a policy with its parameters, a machine, and what happens on it, as words.
 *
 *   r2.5*300   node 2 misses 300 times on page 5, reading; without * once; w2.5*300: writing
 *   r2.5-9*3   3 times on each of pages 5 to 9, one page after the other
 *   p2.5-9     accesses by node 2 that no miss is seen of: first touches, hints; p2.5-9/7: by task 7, else task 0
 *   @80ms      the time from now on, after the run's begin; ns, us, ms or s
 *   t80ms      the same, then a window ends and the policy's tick comes; t80ms/100/400: as if the memories of nodes 0
 *              and 1 had had latencies of 100 and 400 ns in that window
 *   f5         page 5 is freed
 *   5=0x3      page 5 has copies on nodes 0 and 1, no others, after all that is queued
 *   5!2        the last order about page 5, carried out or refused, gave the class's code 2 as its reason; 0: there was
 *              none; sampling!5: the last SAMPLE order
 *   moves=7    so many moves so far; copies=, watches=, refused= (orders that the engine turned down) alike;
 * sampling=256: of 256 misses one is seen from now on
 *
 * A miss of a node on an untouched page is its first touch. Node numbers in misses are decimal.
 */
#ifndef TESTS_CORE_SCRIPT_H
#define TESTS_CORE_SCRIPT_H

#include "tests/core/policy_rig.h"

struct script {
    const char *policy;   /* "migrep:trigger=64" */
    uint32_t nodes;       /* one CPU each */
    uint32_t slow;        /* first node of a slow tier without CPUs; 0: one tier */
    uint64_t frames;      /* of each node, of the fast tier where there are two; 0: unbounded */
    uint32_t npages;      /* 0: 16 */
    uint32_t page_size;   /* 0: 4096 */
    uint32_t budget;      /* moves and copies per window; 0: no limit */
    uint32_t sampling;    /* 0: 1 */
    uint64_t slow_frames; /* of each slow node; 0: unbounded */
    struct costs costs;   /* page_ns 0: not known */
    const char *words;
};

/* Such parameters do not fit together: init says so. */
void script_is_invalid(const char *policy);

/* Runs it; fails the test with the word that did not hold. */
void script_run(const struct script *);

/* Runs a list that ends with a null policy. */
void script_run_all(const struct script *);

#endif
