/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The last window's traffic, as classes with SIGNAL_LOAD sum it up. A view without a matrix has no traffic.
 */
#ifndef POLICY_LOAD_H
#define POLICY_LOAD_H

#include "policy/policy.h"

/* Misses of CPUs of `from` in memory of `to`: those that only read, and those that wrote. */
static inline uint64_t load_reads(const struct view *v, uint32_t from, uint32_t to)
{
    return v->traffic ? v->traffic[((size_t)from * v->topology->nodes + to) * 2] : 0;
}

static inline uint64_t load_writes(const struct view *v, uint32_t from, uint32_t to)
{
    return v->traffic ? v->traffic[((size_t)from * v->topology->nodes + to) * 2 + 1] : 0;
}

#endif
