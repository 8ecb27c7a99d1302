/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the tests of carrefour share besides tests/core/policy_rig.h: the rig on a machine of four nodes, epochs of 1
 * ms, and switches set out of reach.
 */
#ifndef TESTS_CORE_CARREFOUR_RUN_H
#define TESTS_CORE_CARREFOUR_RUN_H

#include "tests/core/policy_rig.h"

enum { CARREFOUR_NODES = 4, CARREFOUR_EPOCH = 1000000 /* ns */ };

/* Parameters: every test begins with the first; any switch that it does not want it sets out of reach. */
#define CARREFOUR_PLAIN                          \
    {"epoch_ns", CARREFOUR_EPOCH}, {"maptu", 0}, \
    {                                            \
        "cheap", 1                               \
    }
#define CARREFOUR_NO_REPLICAS \
    {                         \
        "latch", UINT64_MAX   \
    }
#define CARREFOUR_NO_MIGRATION \
    {                          \
        "local", 0             \
    }
#define CARREFOUR_NO_INTERLEAVING \
    {                             \
        "imbalance", 10000        \
    }

/* One CPU per node, frames without a limit. Ends with policy_rig_end. */
void carrefour_run_begin(uint32_t npages, const struct policy_rig_param *);

/* `n` misses of the node on the page. */
void carrefour_run_misses(node_t node, page_t, bool write, uint32_t n);

/* What the window's traffic was, whatever was missed on: reads per destination, all from node 3. */
void carrefour_run_traffic(const uint64_t to[CARREFOUR_NODES]);

/* The epoch's end, and as many ticks as its decisions take. The next epoch begins. */
void carrefour_run_epoch(void);

#endif
