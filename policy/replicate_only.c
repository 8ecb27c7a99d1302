/* SPDX-License-Identifier: BSD-2-Clause
 *
 * replicate_only: the replicating half of migrep: pages that are hot on a node and not written get a copy there.
 *
 * Rule: policy/migrep_rule.h without the leg that moves; a page need not be shared to be copied, since a copy is the
 * one way to make a private page local. First touch places.
 *
 * Parameters: reset_ns (100 ms), trigger (128 misses), write (1), as in migrep.
 *
 * Source: the policy Repl of Verghese, Devine, Gupta, Rosenblum, ASPLOS 1996.
 */
#include "policy/migrep_rule.h"

enum { RESET, TRIGGER, WRITE };

static size_t slot_size(const struct view *v, const uint64_t *param)
{
    return migrep_rule_slot_size(v->topology->nodes, param[TRIGGER], 0);
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct migrep_limits limits = {.reset_ns = param[RESET],
                                   .trigger = (uint32_t)param[TRIGGER],
                                   .write = (uint32_t)param[WRITE],
                                   .replicates = true};
    return migrep_rule_init(state, v, &limits);
}

static const struct policy_param params[] = {
    MIGREP_RESET_PARAM,
    MIGREP_TRIGGER_PARAM,
    MIGREP_WRITE_PARAM,
    {0},
};

const struct policy_class policy_replicate_only = {
    .name = "replicate_only",
    .summary = "replicate hot pages that are not written",
    .source = "the policy Repl of Verghese et al., ASPLOS 1996",
    .fidelity = "recollected: base values as secondary accounts give them; Disco prints none",
    .params = params,
    .signals = SIGNAL_MISSES,
    .state_bytes = sizeof(struct migrep_rule),
    .slot_size = slot_size,
    .init = init,
    .place = migrep_rule_place,
    .observe = migrep_rule_observe,
};
