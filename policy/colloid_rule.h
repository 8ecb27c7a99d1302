/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Colloid's principle, shared by the classes colloid and colloid_tpp: pages are placed so that the loaded latencies of
 * the default (fast) tier and of the alternate (slow) one are equal.
 *
 * Per tier and loop: inserts I (misses) and occupancy O (the sum of their latencies), both smoothed by x += (new - x) /
 * 2^shift once per loop, not by time. The latency is L = O / I (Little's law); of a tier without misses the idle one.
 * Two formulas for how much of the traffic should change tiers:
 *
 *   binary search (the paper's text [R])  p = I_d / (I_d + I_a). Nothing while |L_d - L_a| < delta L_d. L_d < L_a: p_lo
 *       = p, else p_hi = p; where that crosses the other bound, the other is reset (to 1, to 0). When p_hi - p_lo <
 *       epsilon the bound on the side to go is reset. Then |(p_lo + p_hi) / 2 - p|. It begins with [0, 1].
 *   closed form (the artifact's default [S])  |O_d - b O_a| / ((I_d + I_a) (b O_a / I_a + O_d / I_d)), b = I_d / I_a
 *
 * Towards the default tier where L_d < L_a, else away from it.
 *
 * Source: Vuppalapati, Agarwal, SOSP 2024; webglider/hemem, branch sosp24ae, 1b442e5.
 */
#ifndef POLICY_COLLOID_RULE_H
#define POLICY_COLLOID_RULE_H

#include "policy/tier.h"

enum { COLLOID_DEFAULT, COLLOID_ALTERNATE };
enum colloid_formula { COLLOID_SEARCH = 0, COLLOID_CLOSED = 1 };
enum { COLLOID_ALL = 1000000 }; /* shares of traffic are in millionths */

/* Part of a class's state. */
struct colloid_rule {
    uint32_t formula, smoothing, delta, epsilon;   /* delta, epsilon: millionths */
    uint32_t low, high;                            /* p_lo, p_hi */
    uint64_t fresh_inserts[2], fresh_occupancy[2]; /* of the loop under way; occupancy in ps */
    uint64_t inserts[2], occupancy[2];             /* smoothed, times 256 */
    uint64_t idle[2];                              /* ps */
};

void colloid_rule_init(struct colloid_rule *, uint32_t formula, uint32_t smoothing, uint32_t delta, uint32_t epsilon);

/* Once per window: adds the view's traffic and latencies. */
void colloid_rule_window(struct colloid_rule *, const struct tier *, const struct view *);

/* Once per loop: smooths. */
void colloid_rule_loop(struct colloid_rule *);

/* Smoothed latency of a tier, ps. */
uint64_t colloid_rule_latency(const struct colloid_rule *, unsigned tier);

/* Millionths of the traffic that should change tiers, and whether towards the default one. */
uint64_t colloid_rule_change(struct colloid_rule *, bool *up);

#endif
