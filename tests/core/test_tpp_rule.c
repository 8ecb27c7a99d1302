/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the classes over TPP share, by itself: a promotion keeps off a node that is down to its min watermark, and the
 * scanner hears of those that were ordered (Linux 6.3: migrate_balanced_pgdat, task_numa_fault).
 */
#include <criterion/criterion.h>

#include "policy/tpp_rule.h"
#include "tests/core/fixture.h"

Test(tpp_rule, a_promotion_needs_a_frame_above_the_min_watermark)
{
    static struct fixture_shape shape;
    static struct tpp_rule rule;
    struct order list[4];
    struct orders orders = {.list = list, .max = 4};
    uint64_t free[2] = {3, 100};
    fixture_shape(&shape, 2, 2, 1000);
    fixture_tiers(&shape, 1, 1000);
    struct view view = {.topology = &shape.topology, .free = free};
    struct event fault = {.page = 7, .node = 0, .what = EVENT_HINT};
    rule.zone.min[0] = 3;
    tpp_rule_promote(&rule, &view, &fault, ORDER_MOVE, &orders);
    cr_assert_eq(orders.n, 0, "3 free, all of them below the mark");
    cr_assert_eq(rule.scan.faults.remote, 0, "what was not ordered is not counted");
    free[0] = 4;
    tpp_rule_promote(&rule, &view, &fault, ORDER_COPY, &orders);
    cr_assert_eq(orders.n, 1);
    cr_assert_eq(list[0].page, 7);
    cr_assert_eq(list[0].op, ORDER_COPY);
    cr_assert_eq(list[0].node, 0);
    cr_assert_eq(list[0].reason, TIER_PROMOTE);
    cr_assert_eq(rule.scan.faults.remote, 1);
    cr_assert_eq(rule.scan.faults.private, 1);
}
