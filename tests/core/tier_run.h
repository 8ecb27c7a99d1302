/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the tests of the tiering classes share besides tests/core/policy_rig.h: the rig on a machine of two nodes, node
 * 0 fast with all CPUs and few frames, node 1 slow and without a limit; and steps of a test in a word each.
 */
#ifndef TESTS_CORE_TIER_RUN_H
#define TESTS_CORE_TIER_RUN_H

#include "tests/core/policy_rig.h"

enum { TIER_FAST, TIER_SLOW };

/* Ends with policy_rig_end. */
void tier_run_begin(const char *policy, uint64_t fast_frames, uint32_t npages, const struct policy_rig_param *);

/* First touches of the pages first .. first + n - 1, in this order, without a sample or an accessed bit. */
void tier_run_place(page_t first, uint32_t n);

void tier_run_free(page_t);

/* `n` misses on the page, all at the present time. */
void tier_run_reads(page_t, uint32_t n);
void tier_run_writes(page_t, uint32_t n);

/* `ns` later: a window, the harvest, the tick, and what it ordered. */
void tier_run_tick(uint64_t ns);

/* Fails unless the page is on the tier's node. */
void tier_run_is(page_t, node_t);

/* Moves carried out so far. */
uint64_t tier_run_moves(void);

#endif
