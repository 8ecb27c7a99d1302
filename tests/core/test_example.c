/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The policy that docs/policies.md shows, compiled from there.
 */
#include <criterion/criterion.h>

#include "tests/core/fixture.h"

extern const struct policy_class policy_follow;

Test(example, the_policy_of_the_manual_works)
{
    struct fixture_shape shape;
    struct fixture_run run;
    fixture_shape(&shape, 4, 4, FRAMES_UNBOUNDED);
    struct engine_config config = fixture_config(&policy_follow, &shape, 2);
    config.batch = 1;
    config.param[0] = 10;
    config.param[1] = 2;
    cr_assert_eq(fixture_begin(&run, &config, MACHINE_REPLICAS), 0);
    fixture_misses(&run, 0, 0, false, 1);
    fixture_misses(&run, 2, 0, true, 9);
    fixture_misses(&run, 0, 0, false, 1);
    fixture_misses(&run, 2, 0, true, 9);
    cr_assert_eq(view_home(&run.engine->view, 0), 0);
    fixture_misses(&run, 2, 0, true, 1);
    cr_assert_eq(view_home(&run.engine->view, 0), 2);
    fixture_misses(&run, 3, 0, false, 10);
    cr_assert_eq(view_home(&run.engine->view, 0), 3);
    fixture_misses(&run, 1, 0, false, 100);
    cr_assert_eq(view_home(&run.engine->view, 0), 3, "twice is the limit");
    cr_assert_eq(run.check.breaches, 0);
    cr_assert(fixture_guarded(&run));
    fixture_end(&run);
}
