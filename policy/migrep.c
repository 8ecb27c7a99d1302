/* SPDX-License-Identifier: BSD-2-Clause
 *
 * migrep: migrates pages that one node uses, replicates pages that several nodes read, leaves write-shared pages alone.
 *
 * Rule: policy/migrep_rule.h. First touch places.
 *
 * Parameters: reset_ns (100 ms), trigger (128 misses), sharing (32, a quarter of trigger), write (1), migrate (1). The
 * defaults are the base values of Verghese et al., known from secondary accounts only; its study used trigger 96 for
 * the Engineering workload. Disco names no number. A trigger of 128 lies near the break-even of Disco's own costs: a
 * move of 67 us pays after 112 misses that save 600 ns each.
 *
 * Source: Verghese, Devine, Gupta, Rosenblum, ASPLOS 1996; Bugnion, Devine, Rosenblum, SOSP 1997, section 4.2.
 */
#include "policy/migrep_rule.h"

enum { RESET, TRIGGER, SHARING, WRITE, MIGRATE };

static size_t slot_size(const struct view *v, const uint64_t *param)
{
    return migrep_rule_slot_size(v->topology->nodes, param[TRIGGER], param[SHARING]);
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct migrep_limits limits = {.reset_ns = param[RESET],
                                   .trigger = (uint32_t)param[TRIGGER],
                                   .sharing = (uint32_t)param[SHARING],
                                   .write = (uint32_t)param[WRITE],
                                   .migrate = (uint32_t)param[MIGRATE],
                                   .migrates = true,
                                   .replicates = true};
    return migrep_rule_init(state, v, &limits);
}

static const struct policy_param params[] = {
    MIGREP_RESET_PARAM, MIGREP_TRIGGER_PARAM, MIGREP_SHARING_PARAM, MIGREP_WRITE_PARAM, MIGREP_MIGRATE_PARAM, {0},
};

const struct policy_class policy_migrep = {
    .name = "migrep",
    .summary = "migrate private pages, replicate read-shared ones",
    .source = "Verghese et al., ASPLOS 1996; Bugnion et al. (Disco), SOSP 1997, section 4.2",
    .fidelity =
        "recollected: the decision tree and its base values as secondary accounts give them; Disco prints no number",
    .params = params,
    .signals = SIGNAL_MISSES,
    .state_bytes = sizeof(struct migrep_rule),
    .slot_size = slot_size,
    .init = init,
    .place = migrep_rule_place,
    .observe = migrep_rule_observe,
};
