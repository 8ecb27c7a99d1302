/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Made-up result sets for the tests of reports/: every field filled, figures consistent with each other.
 */
#ifndef TESTS_REPORTS_SAMPLE_H
#define TESTS_REPORTS_SAMPLE_H

#include "reports/result.h"

/* Eight runs on an eight-node machine, one of them inactive; no checks; to be freed with result_free. */
void sample_set(struct result_set *, const char *trace_name);

/* Gives the set checks of the paper, of one or two workloads: within and outside of their tolerance, not judged, and
 * one for which the paper has no figure. */
void sample_checks(struct result_set *, const char *workload);

/* A sweep of n runs of one policy over two parameters. */
void sample_sweep(struct result_set *, uint32_t n);

#endif
