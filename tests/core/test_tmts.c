/* SPDX-License-Identifier: BSD-2-Clause
 *
 * tmts against runs worked out by hand from its rule (constants of webglider/hemem, branch tmts, 5d6cf7d): harvests
 * every 30 s, cold after 120 s, up at one sample.
 */
#include <criterion/criterion.h>

#include "tests/core/policy_rig.h"

#define HARVEST UINT64_C(30000000000)
enum { PAGES = 4993, LAST = PAGES - 1, ORDERS = 4096 }; /* the last page is the first bit of a word */

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

/* The harvest that holds its access, and four without. */
static void goes_with_the_fifth_harvest(void)
{
    harvest();
    for (unsigned i = 0; i < 3; i++) {
        harvest();
        policy_rig_is_on(0, 0x1);
    }
    harvest();
    policy_rig_is_on(0, 0x2);
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

/* 100 s are three harvests and a third of one: not before the fourth. */
Test(tmts, the_cold_age_is_whole_harvests)
{
    const struct policy_rig_param param[] = {{"cold_ns", UINT64_C(100000000000)}, {0}};
    begin(16, param);
    use(0);
    goes_with_the_fifth_harvest();
    policy_rig_end();
}

/* Pages used in each harvest stay, whoever used them and whichever they are. Cold after one harvest, the others go at
 * the second one. */
Test(tmts, pages_in_use_stay)
{
    const struct policy_rig_param param[] = {{"cold_ns", HARVEST}, {0}};
    fixture_shape(&policy_rig_shape, 3, 3, FRAMES_UNBOUNDED);
    fixture_tiers(&policy_rig_shape, 2, FRAMES_UNBOUNDED);
    policy_rig_begin("tmts", PAGES, param);
    fixture_misses(&policy_rig, 1, 0, false, 1);
    use(100);
    use(101);
    use(LAST);
    for (unsigned i = 0; i < 3; i++) {
        fixture_misses(&policy_rig, 1, 0, false, 1);
        use(100);
        use(LAST);
        harvest();
    }
    policy_rig_is_on(0, 0x2);
    policy_rig_is_on(100, 0x1);
    policy_rig_is_on(101, 0x4);
    policy_rig_is_on(LAST, 0x1);
    policy_rig_end();
}

static void one_sample(bool write)
{
    begin(16, NULL);
    use(0);
    for (unsigned i = 0; i < 5; i++)
        harvest();
    policy_rig_is_on(0, 0x2);
    fixture_misses(&policy_rig, 0, 0, write, 1);
    policy_rig_is_on(0, 0x1);
    use(0);
    engine_flush(policy_rig.engine);
    for (unsigned why = 0; why < REFUSED_REASONS; why++)
        cr_expect_eq(policy_rig.engine->stats.refused[why], 0, "a page that is fast is left alone");
    policy_rig_end();
}

Test(tmts, one_sample_brings_a_page_back)
{
    one_sample(false);
    one_sample(true);
}

/* Two fast frames are free, and a delivery has two samples of page 0, one of page 1 and one of page 2: two orders. */
Test(tmts, a_delivery_orders_a_page_once_and_as_many_as_fit)
{
    fixture_shape(&policy_rig_shape, 2, 2, 4);
    fixture_tiers(&policy_rig_shape, 1, FRAMES_UNBOUNDED);
    struct engine_config config = fixture_config(policy_find("tmts"), &policy_rig_shape, PAGES);
    cr_assert_eq(fixture_begin(&policy_rig, &config, POLICY_RIG_CAPS), 0);
    for (page_t page = 0; page < 3; page++)
        use(page);
    for (unsigned i = 0; i < 5; i++)
        harvest();
    use(3);
    use(4);
    for (page_t page = 0; page < 3; page++)
        policy_rig_is_on(page, 0x2);
    use(0);
    for (page_t page = 0; page < 3; page++)
        use(page);
    policy_rig_is_on(0, 0x1);
    policy_rig_is_on(1, 0x1);
    policy_rig_is_on(2, 0x2);
    for (unsigned why = 0; why < REFUSED_REASONS; why++)
        cr_expect_eq(policy_rig.engine->stats.refused[why], 0);
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

/* More cold pages than orders: the deliveries that follow order the others, 256 looks each; a page that is new by then
 * is none of them. */
Test(tmts, a_pass_goes_on_with_the_events)
{
    begin(FRAMES_UNBOUNDED, NULL);
    for (page_t page = 0; page < LAST; page++)
        use(page);
    for (unsigned i = 0; i < 5; i++)
        harvest();
    cr_expect_eq(policy_rig.engine->stats.moves, ORDERS);
    policy_rig_is_on(ORDERS, 0x1);
    use(LAST);
    for (unsigned i = 0; i < (LAST - ORDERS + 255) / 256 + 1; i++)
        use(LAST);
    engine_flush(policy_rig.engine);
    cr_expect_eq(policy_rig.engine->stats.moves, LAST);
    policy_rig_is_on(LAST, 0x1);
    cr_expect_eq(policy_rig.engine->stats.refused[REFUSED_ROOM], 0);
    policy_rig_end();
}

/* A touch that no harvest sees counts as one of the next: the page goes with the fourth harvest after that. */
Test(tmts, the_first_touch_is_an_access)
{
    begin(FRAMES_UNBOUNDED, NULL);
    for (unsigned i = 0; i < 10; i++)
        harvest();
    cr_assert_eq(engine_access(policy_rig.engine, 0, 0, 0, false, policy_rig.now), 0);
    goes_with_the_fifth_harvest();
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
