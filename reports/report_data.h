/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The data of the page: what `--format json` prints, and besides the inputs and, for the runs that charts show, series,
 * utilisation and traffic.
 */
#ifndef REPORTS_REPORT_DATA_H
#define REPORTS_REPORT_DATA_H

#include <jansson.h>

#include "reports/result.h"

enum {
    REPORT_CHARTED = 16,      /* runs of a set that charts show: the best ones and first touch */
    REPORT_POINTS = 200,      /* points of a curve over time */
    REPORT_TRAFFIC = 1 << 14, /* cells of traffic matrices of a set */
};

/* New reference; null when out of memory. */
json_t *report_data(const struct result_set *sets, uint32_t nsets);

#endif
