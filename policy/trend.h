/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The trend of the last five points of a series: the slope of the line that fits them best (least squares), in
 * integers.
 */
#ifndef POLICY_TREND_H
#define POLICY_TREND_H

#include "policy/numa.h"

enum { TREND_POINTS = 5, TREND_SCALE = 50 };

struct trend {
    int64_t point[TREND_POINTS]; /* the oldest first */
    uint32_t n;                  /* points seen so far, 6 at most */
};

static inline void trend_push(struct trend *t, int64_t value)
{
    for (unsigned i = 1; i < TREND_POINTS; i++)
        t->point[i - 1] = t->point[i];
    t->point[TREND_POINTS - 1] = value;
    t->n += t->n <= TREND_POINTS;
}

/* TREND_SCALE times the slope per point: 5 sum(x y) - 10 sum(y) over x = 0..4. */
static inline int64_t trend_slope(const struct trend *t)
{
    int64_t products = 0, sum = 0;
    for (unsigned x = 0; x < TREND_POINTS; x++) {
        products += (int64_t)x * t->point[x];
        sum += t->point[x];
    }
    return 5 * products - 10 * sum;
}

#endif
