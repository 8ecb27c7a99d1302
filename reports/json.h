/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Result sets as JSON values (jansson), the form of `--format json` (docs/result-format.md). The page's data is the
 * same with more in it.
 */
#ifndef REPORTS_JSON_H
#define REPORTS_JSON_H

#include <jansson.h>

#include "reports/result.h"

/* Returned values are new references; null when out of memory. */
json_t *json_of_set(const struct result_set *);
json_t *json_of_run(const struct result_run *);
json_t *json_of_check(const struct result_check *); /* what is undefined or not judged: null */

json_t *json_of_monitor(const struct result_set *); /* null: it is no run of the monitor */

/* Numbers over INT64_MAX do not fit a JSON integer here: UINT64_MAX ("unbounded") becomes null, others a real. */
json_t *json_of_u64(uint64_t);
json_t *json_of_text(const char *); /* cleaned */

#endif
