/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Under what an engine ran and what it counted, as a result tells it: alike for a run of the replay and for one of the
 * monitor.
 */
#ifndef REPLAY_RUN_COUNTS_H
#define REPLAY_RUN_COUNTS_H

#include "monitor-core/engine.h"
#include "reports/result.h"

/* "migrep:trigger=64": the class and every parameter that is not the default, as one would type it. False: it was cut
 * off. */
bool run_counts_spec(const struct policy_class *, const uint64_t *param, char *text, size_t size);

/* Fills in policy, spec, all parameters, is_static; and that the way to the optimum is not known. */
void run_counts_policy(struct result_run *, const struct policy_class *, const uint64_t *param);

/* Fills in what was carried out and refused, bytes and inactive; is_static has to be known. */
void run_counts_fill(struct result_run *, const struct engine_stats *, uint32_t page_size);

#endif
