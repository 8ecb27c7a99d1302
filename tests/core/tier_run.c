/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/core/tier_run.h"

#include <criterion/criterion.h>

void tier_run_begin(const char *policy, uint64_t fast_frames, uint32_t npages, const struct policy_rig_param *param)
{
    fixture_shape(&policy_rig_shape, 2, 2, fast_frames);
    fixture_tiers(&policy_rig_shape, 1, FRAMES_UNBOUNDED);
    policy_rig_begin(policy, npages, param);
}

void tier_run_place(page_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        cr_assert_eq(engine_access(policy_rig.engine, first + i, TIER_FAST, 0, false, policy_rig.now), 0);
}

void tier_run_free(page_t page)
{
    cr_assert_eq(engine_free(policy_rig.engine, page, policy_rig.now), 0);
}

/* Flushed after each, so that a page that is watched again misses no access. */
static void misses(page_t page, bool write, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        fixture_misses(&policy_rig, TIER_FAST, page, write, 1);
        engine_flush(policy_rig.engine);
    }
}

void tier_run_reads(page_t page, uint32_t n)
{
    misses(page, false, n);
}

void tier_run_writes(page_t page, uint32_t n)
{
    misses(page, true, n);
}

void tier_run_tick(uint64_t ns)
{
    policy_rig_tick(policy_rig.now + ns);
}

void tier_run_is(page_t page, node_t node)
{
    node_t home = view_home(&policy_rig.engine->view, page);
    cr_assert_eq(home, node, "page %u is on node %u", page, home);
}

uint64_t tier_run_moves(void)
{
    return policy_rig.engine->stats.moves;
}
