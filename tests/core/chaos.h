/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A policy without sense: random orders, many of them invalid, at every event and tick. What it brings about is the
 * engine's and the machine's business alone.
 */
#ifndef TESTS_CORE_CHAOS_H
#define TESTS_CORE_CHAOS_H

#include "policy/policy.h"

extern const struct policy_class policy_chaos;

/* Runs the chaos on a checking machine with failures at every k-th fill, sync and item (once and lasting), on machines
 * with and without replicas, with memory to spare and with just a frame for each page. When the machine works again,
 * every page has to find a frame. The number of breaches; `first` receives the first one in words. */
uint64_t chaos_sweep(uint32_t k_max, char *first, unsigned long size);

#endif
