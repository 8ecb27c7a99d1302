/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/core/carrefour_run.h"

void carrefour_run_begin(uint32_t npages, const struct policy_rig_param *param)
{
    fixture_shape(&policy_rig_shape, CARREFOUR_NODES, CARREFOUR_NODES, FRAMES_UNBOUNDED);
    policy_rig_begin("carrefour", npages, param);
}

void carrefour_run_misses(node_t node, page_t page, bool write, uint32_t n)
{
    fixture_misses(&policy_rig, node, page, write, n);
}

void carrefour_run_traffic(const uint64_t to[CARREFOUR_NODES])
{
    for (uint32_t i = 0; i < CARREFOUR_NODES * CARREFOUR_NODES * 2; i++)
        policy_rig.traffic[i] = 0;
    for (uint32_t i = 0; i < CARREFOUR_NODES; i++)
        policy_rig.traffic[(3 * CARREFOUR_NODES + i) * 2] = to[i];
}

void carrefour_run_epoch(void)
{
    uint64_t now = (policy_rig.now / CARREFOUR_EPOCH + 1) * CARREFOUR_EPOCH;
    for (unsigned i = 0; i < 12; i++)
        policy_rig_tick(now);
}
