/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One run of one policy for a Criterion test: a machine, parameters by name, time in steps. Batch 1: a decision is
 * carried out before the next miss.
 */
#ifndef TESTS_CORE_POLICY_RIG_H
#define TESTS_CORE_POLICY_RIG_H

#include "tests/core/fixture.h"

enum { POLICY_RIG_CAPS = MACHINE_REPLICAS | MACHINE_WATCH };

struct policy_rig_param {
    const char *name;
    uint64_t value;
};

/* Set up by the test before it begins, by fixture_shape and perhaps fixture_tiers. */
extern struct fixture_shape policy_rig_shape;
extern struct fixture_run policy_rig;

/* `param` ends with a null name; null: defaults. */
void policy_rig_begin(const char *policy, uint32_t npages, const struct policy_rig_param *param);
void policy_rig_begin_on(const char *policy, uint32_t npages, const struct policy_rig_param *param, uint32_t caps);

/* Ends the run; no guard byte may have changed, no rule of the machine broken. */
void policy_rig_end(void);

/* A window and a tick at this time, with what SIGNAL_ACCESSED harvests before it. */
void policy_rig_tick(uint64_t now);

/* Asserts that the copies of the page, after all that is queued, are these. */
void policy_rig_is_on(page_t, nodeset_t);

#endif
