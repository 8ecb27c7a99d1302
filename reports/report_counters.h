/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The counters that were read while a trace was recorded (datasets/trace_collect.h), for the page's chart. They are in
 * the trace, not in the result set: where the trace is no longer at its path, or is another one now, there are none.
 */
#ifndef REPORTS_REPORT_COUNTERS_H
#define REPORTS_REPORT_COUNTERS_H

#include <jansson.h>

#include "reports/result.h"

enum { REPORT_COUNTERS = 12, REPORT_COUNTER_POINTS = 200 };

/* An array of {spec, series: {time_ms, share}}: per name the sum over CPUs, as its rate relative to its own peak, which
 * spec tells. Counters that never counted are left out. New reference; null when out of memory. */
json_t *report_counters(const struct result_set *);

#endif
