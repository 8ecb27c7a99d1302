/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/run_counts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

_Static_assert((int)RESULT_REFUSALS == (int)REFUSED_REASONS, "refusals as the engine counts them");
_Static_assert((int)RESULT_PARAMS == (int)POLICY_PARAMS_MAX, "as many as a class can have");

bool run_counts_spec(const struct policy_class *class, const uint64_t *param, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s", class->name);
    char before = ':';
    for (unsigned i = 0; i < policy_param_count(class) && used < size; i++) {
        if (param[i] == class->params[i].preset)
            continue;
        used += (size_t)snprintf(text + used, size - used, "%c%s=%" PRIu64, before, class->params[i].name, param[i]);
        before = ',';
    }
    return used < size;
}

void run_counts_policy(struct result_run *out, const struct policy_class *class, const uint64_t *param)
{
    snprintf(out->policy, sizeof out->policy, "%s", class->name);
    run_counts_spec(class, param, out->spec, sizeof out->spec);
    out->nparams = policy_param_count(class);
    for (uint32_t i = 0; i < out->nparams; i++) {
        snprintf(out->param_name[i], sizeof out->param_name[i], "%s", class->params[i].name);
        out->param[i] = param[i];
    }
    out->is_static = !class->observe && !class->tick;
    out->to_optimum_ppm = RESULT_NONE;
}

static uint64_t orders_issued(const struct engine_stats *s)
{
    uint64_t n = s->moves + s->copies + s->drops + s->watches + s->samplings;
    for (unsigned i = 0; i < REFUSED_REASONS; i++)
        n += s->refused[i];
    return n;
}

void run_counts_fill(struct result_run *out, const struct engine_stats *s, uint32_t page_size)
{
    out->moves = s->moves;
    out->copies = s->copies;
    out->collapses = s->collapses;
    out->drops = s->drops;
    out->hints = s->hints;
    out->touches = s->touches;
    out->fallbacks = s->fallbacks;
    memcpy(out->refused_by, s->refused, sizeof out->refused_by);
    out->moved_bytes = s->moves * page_size;
    out->copied_bytes = s->copies * page_size;
    out->replica_bytes_peak = s->replicas_peak * page_size;
    out->inactive = !out->is_static && orders_issued(s) == 0;
}
