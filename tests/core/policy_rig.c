/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/core/policy_rig.h"

#include <criterion/criterion.h>
#include <string.h>

struct fixture_shape policy_rig_shape;
struct fixture_run policy_rig;

void policy_rig_begin_on(const char *policy, uint32_t npages, const struct policy_rig_param *param, uint32_t caps)
{
    struct engine_config config = fixture_config(policy_find(policy), &policy_rig_shape, npages);
    config.batch = 1;
    for (; param && param->name; param++) {
        int at = policy_param_index(config.policy, param->name, strlen(param->name));
        cr_assert_geq(at, 0, "%s has no %s", policy, param->name);
        config.param[at] = param->value;
    }
    cr_assert_eq(fixture_begin(&policy_rig, &config, caps), 0);
}

void policy_rig_begin(const char *policy, uint32_t npages, const struct policy_rig_param *param)
{
    policy_rig_begin_on(policy, npages, param, POLICY_RIG_CAPS);
}

void policy_rig_end(void)
{
    engine_flush(policy_rig.engine);
    machine_check_compare(&policy_rig.check, policy_rig.engine);
    cr_expect_eq(policy_rig.check.breaches, 0, "%s", policy_rig.check.first);
    cr_expect(fixture_guarded(&policy_rig), "wrote outside its memory");
    fixture_end(&policy_rig);
}

void policy_rig_tick(uint64_t now)
{
    policy_rig.now = now;
    fixture_window(&policy_rig);
    if (policy_rig.config.policy->signals & SIGNAL_ACCESSED)
        observe_harvest(&policy_rig.observe);
    engine_tick(policy_rig.engine, now);
}

void policy_rig_is_on(page_t page, nodeset_t copies)
{
    engine_flush(policy_rig.engine);
    nodeset_t found = view_copies(&policy_rig.engine->view, page);
    cr_assert_eq(found, copies, "page %u is on %#llx, not %#llx", page, (unsigned long long)found,
                 (unsigned long long)copies);
}
