/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Result sets for a terminal or a program: the table with the paper's break-down (Disco, SOSP'97 Figure 8), CSV, JSON.
 */
#ifndef REPORTS_SHOW_H
#define REPORTS_SHOW_H

#include <stdio.h>

#include "reports/result.h"

/* Table sorted by elapsed time; the yardsticks below; the answer as last line. */
void show_table(FILE *, const struct result_set *, bool colour);
void show_csv(FILE *, const struct result_set *sets, uint32_t nsets);

/* One object for one set; an array of objects for several. Members as documented in docs/formats.md. 0 or -ENOMEM. */
int show_json(FILE *, const struct result_set *sets, uint32_t nsets);

/* The self-contained page. 0 or -errno with a line. */
int report_write(const char *path, const struct result_set *sets, uint32_t nsets, struct trace_error *);

#endif
