/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Result sets for a person or a program: the terminal table with the paper's break-down (Disco, SOSP'97 Figure 8), CSV,
 * JSON, and the page to show around. Foreign names are cleaned of control characters on the way out.
 */
#ifndef REPORTS_SHOW_H
#define REPORTS_SHOW_H

#include <stdio.h>

#include "reports/result.h"

/* What was compared: trace, records, machine, options that differ from the defaults, labels of the trace; one or two
 * lines. The functions below do not print it. */
void show_context(FILE *, const struct result_set *);

/* Table sorted by elapsed time, inactive runs unranked below a rule; the yardsticks below; the answer as last line. On
 * a terminal the least important columns are left out until it fits. */
void show_table(FILE *, const struct result_set *, bool colour);

/* One run's full break-down: time by component and cause, actions, refusals, nodes, traffic. */
void show_run(FILE *, const struct result_set *, uint32_t run, bool colour);

/* The same for a run of the monitor: what moved, the VMs, their exits, memory, disks, and one sentence. show_table and
 * show_run do this by themselves. */
void show_monitor(FILE *, const struct result_set *, bool colour);

/* Like show_table with the varied parameters as the first columns. `varied` has n names of parameters. */
void show_sweep(FILE *, const struct result_set *, const char *const *varied, unsigned n, bool colour);

/* A line of names, then one line per run of every set. */
void show_csv(FILE *, const struct result_set *sets, uint32_t nsets);

/* One object for one set; an array of objects for several. Members as documented in docs/result-format.md. 0 or
 * -ENOMEM. */
int show_json(FILE *, const struct result_set *sets, uint32_t nsets);

/* The checks of all sets beside the publication's figures, one block per workload, and how many lie within their
 * tolerance; a line per check; one object {"rows": [...]}, 0 or -ENOMEM. */
void show_checks(FILE *, const struct result_set *sets, uint32_t nsets);
void show_checks_csv(FILE *, const struct result_set *sets, uint32_t nsets);
int show_checks_json(FILE *, const struct result_set *sets, uint32_t nsets);

/* The self-contained page (reports/report/), published under `path` only when complete. 0 or -errno with a line. */
int report_write(const char *path, const struct result_set *sets, uint32_t nsets, struct trace_error *);

#endif
