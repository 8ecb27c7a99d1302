/* SPDX-License-Identifier: BSD-2-Clause
 *
 * migrate_only: the migrating half of migrep: pages that one node uses move there, shared pages stay.
 *
 * Rule: policy/migrep_rule.h without the leg that copies. First touch places.
 *
 * Parameters: reset_ns (100 ms), trigger (128 misses), sharing (32), migrate (1), as in migrep.
 *
 * Source: the policy Migr of Verghese, Devine, Gupta, Rosenblum, ASPLOS 1996.
 */
#include "policy/migrep_rule.h"

enum { RESET, TRIGGER, SHARING, MIGRATE };

static size_t slot_size(const struct view *v, const uint64_t *param)
{
    return migrep_rule_slot_size(v->topology->nodes, param[TRIGGER], param[SHARING]);
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct migrep_limits limits = {.reset_ns = param[RESET],
                                   .trigger = (uint32_t)param[TRIGGER],
                                   .sharing = (uint32_t)param[SHARING],
                                   .migrate = (uint32_t)param[MIGRATE],
                                   .migrates = true};
    return migrep_rule_init(state, v, &limits);
}

static const struct policy_param params[] = {
    MIGREP_RESET_PARAM, MIGREP_TRIGGER_PARAM, MIGREP_SHARING_PARAM, MIGREP_MIGRATE_PARAM, {0},
};

const struct policy_class policy_migrate_only = {
    .name = "migrate_only",
    .summary = "migrate private pages, nothing else",
    .source = "the policy Migr of Verghese et al., ASPLOS 1996",
    .fidelity = "recollected: base values as secondary accounts give them; Disco prints none",
    .params = params,
    .signals = SIGNAL_MISSES,
    .state_bytes = sizeof(struct migrep_rule),
    .slot_size = slot_size,
    .init = init,
    .place = migrep_rule_place,
    .observe = migrep_rule_observe,
};
