/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The columns and attributes of a result file, one list per table, for writing and reading alike
 * (docs/result-format.md describes them for people).
 */
#ifndef REPORTS_LAYOUT_H
#define REPORTS_LAYOUT_H

#include "reports/hdf.h"
#include "reports/result.h"

enum { LAYOUT_VERSION = 1, LAYOUT_RUNS_MAX = 16384, LAYOUT_SETS_MAX = 4096, LAYOUT_SERIES_FIXED = 9 };

/* /summary: one row per run. Texts and shares that repeat an input are there for whoever opens only this table. */
struct layout_summary {
    uint32_t set;
    char group[16], trace[TRACE_TEXT], trace_digest[20], machine[64];
    uint8_t inactive, is_static;
    double local_share, to_optimum; /* NaN when undefined */
    uint64_t refused;
    char labels[RESULT_LABELS * 50]; /* joined by "; " */
    struct result_run run;
};

/* Attributes of /inputs/NNN: the set, with what the struct holds in types of the language only. */
struct layout_inputs {
    uint8_t contention;
    uint32_t trace_columns, trace_labels;
    struct result_set set;
};

struct layout_bounds {
    uint32_t set;
    uint8_t optimum_exact;
    struct result_bounds bounds;
};

struct layout_node {
    uint32_t node, cpus, tier;
    uint64_t bytes_per_second, frames;
};

struct layout_link {
    uint32_t from, to, latency_ps;
    uint64_t bytes_per_second;
};

struct layout_point {
    uint32_t utilisation_ppm, factor_ppm;
};

struct layout_cpu {
    uint32_t cpu, node;
};

struct layout_named {
    char name[32];
    uint64_t value;
};

struct layout_use {
    uint32_t node, mean_ppm, peak_ppm;
};

struct layout_traffic {
    uint32_t from, to;
    uint64_t reads, writes;
};

struct layout_execution {
    uint32_t run, threads_group;
};

/* /paper: one row per check, of all sets. */
struct layout_check {
    uint32_t set;
    uint8_t judged, within;
    struct result_check check;
};

extern const struct hdf_member layout_summary[], layout_inputs[], layout_bounds[], layout_node[], layout_link[],
    layout_point[], layout_cpu[], layout_parameter[], layout_overhead[], layout_refused[], layout_use[],
    layout_traffic[], layout_execution[], layout_run[], layout_check[];

/* Columns of a run's series on a machine with so many nodes; `names` holds the generated ones. */
struct layout_series {
    struct hdf_member member[LAYOUT_SERIES_FIXED + NODE_MAX + 1];
    char names[NODE_MAX][40];
};
void layout_series(struct layout_series *, uint32_t nodes);

#endif
