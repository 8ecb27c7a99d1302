/* SPDX-License-Identifier: BSD-2-Clause
 *
 * tmts against runs worked out by hand from its rule (constants of webglider/hemem, branch tmts, 5d6cf7d): harvests
 * every 30 s, cold after 120 s, up at one sample.
 */
#include <criterion/criterion.h>

#include "tests/core/policy_rig.h"

#define HARVEST UINT64_C(30000000000)
enum { PAGES = 600 };

static void begin(uint64_t fast, const struct policy_rig_param *param)
{
    fixture_shape(&policy_rig_shape, 2, 2, fast);
    fixture_tiers(&policy_rig_shape, 1, FRAMES_UNBOUNDED);
    policy_rig_begin("tmts", PAGES, param);
}

static void harvest(void)
{
    policy_rig_tick(policy_rig.now + HARVEST);
}

static void use(page_t page)
{
    fixture_misses(&policy_rig, 0, page, false, 1);
}

Test(tmts, four_harvests_without_an_access_are_cold)
{
    begin(16, NULL);
    use(0);
    use(1);
    harvest();
    for (unsigned i = 0; i < 3; i++) {
        use(1);
        harvest();
        policy_rig_is_on(0, 0x1);
    }
    harvest();
    policy_rig_is_on(0, 0x2);
    policy_rig_is_on(1, 0x1);
    policy_rig_end();
}

Test(tmts, one_sample_brings_a_page_back)
{
    begin(16, NULL);
    use(0);
    for (unsigned i = 0; i < 5; i++)
        harvest();
    policy_rig_is_on(0, 0x2);
    use(0);
    policy_rig_is_on(0, 0x1);
    policy_rig_end();
}

Test(tmts, a_full_fast_tier_takes_nothing)
{
    begin(1, NULL);
    use(0);
    use(1);
    policy_rig_is_on(1, 0x2);
    use(1);
    policy_rig_is_on(1, 0x2);
    cr_expect_eq(policy_rig.engine->stats.refused[REFUSED_MEMORY], 0);
    cr_expect_eq(policy_rig.engine->stats.refused[REFUSED_INVALID], 0);
    policy_rig_end();
}

Test(tmts, a_pass_demotes_so_much_at_most)
{
    const struct policy_rig_param param[] = {{"pass_bytes", 3 * 4096}, {0}};
    begin(FRAMES_UNBOUNDED, param);
    for (page_t page = 0; page < 10; page++)
        use(page);
    for (unsigned i = 0; i < 5; i++)
        harvest();
    cr_expect_eq(policy_rig.engine->stats.moves, 3);
    harvest();
    cr_expect_eq(policy_rig.engine->stats.moves, 6);
    policy_rig_end();
}

/* A page that is freed and touched again is a new one. */
Test(tmts, a_new_page_is_not_cold)
{
    begin(FRAMES_UNBOUNDED, NULL);
    for (unsigned i = 0; i < 10; i++)
        harvest();
    use(0);
    for (unsigned i = 0; i < 4; i++)
        harvest();
    policy_rig_is_on(0, 0x1);
    harvest();
    policy_rig_is_on(0, 0x2);
    policy_rig_end();
}

Test(tmts, does_nothing_on_a_machine_with_one_tier)
{
    fixture_shape(&policy_rig_shape, 2, 2, FRAMES_UNBOUNDED);
    policy_rig_begin("tmts", PAGES, NULL);
    use(0);
    for (unsigned i = 0; i < 10; i++)
        harvest();
    cr_expect_eq(policy_rig.engine->stats.moves, 0);
    policy_rig_end();
}
