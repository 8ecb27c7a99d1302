/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Nothing in the file is believed: every count is bounded before it is used, every index checked, every text ended.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "datasets/guard.h"
#include "reports/layout.h"
#include "reports/layout_monitor.h"
#include "reports/result_checks.h"

enum { DEFLATE_BEST = 1100, BUDGET_BASE = 1 << 22 };

static int wrong(struct hdf_reader *reader, const char *where, const char *what)
{
    snprintf(reader->where, sizeof reader->where, "%s", where);
    reader->what = what;
    return -EINVAL;
}

static int read_nodes(struct hdf_reader *reader, hid_t group, struct result_set *set)
{
    struct machine_desc *m = &set->machine;
    struct hdf_member room[LAYOUT_MEMBERS];
    struct layout_node *rows;
    uint64_t n;
    int error = hdf_table_read(reader, group, "machine_nodes", layout_known(layout_node, reader->monitor, room),
                               sizeof *rows, NODE_MAX, (void **)&rows, &n);
    if (!error && n != m->nodes)
        error = wrong(reader, "machine_nodes", "has not one row per node");
    for (uint64_t i = 0; !error && i < n; i++) {
        if (rows[i].cpus > CPU_MAX || rows[i].tier > UINT8_MAX)
            error = wrong(reader, "machine_nodes", "holds an impossible number");
        m->node_cpus[i] = (uint16_t)rows[i].cpus;
        m->tier[i] = (uint8_t)rows[i].tier;
        m->memory_bps[i] = rows[i].bytes_per_second;
        set->frames[i] = rows[i].frames;
    }
    free(rows);
    return error;
}

static int read_links(struct hdf_reader *reader, hid_t group, struct machine_desc *m)
{
    struct hdf_member room[LAYOUT_MEMBERS];
    struct layout_link *rows;
    uint64_t n;
    int error = hdf_table_read(reader, group, "machine_links", layout_known(layout_link, reader->monitor, room),
                               sizeof *rows, NODE_MAX * NODE_MAX, (void **)&rows, &n);
    if (!error && n != (uint64_t)m->nodes * m->nodes)
        error = wrong(reader, "machine_links", "has not one row per pair of nodes");
    for (uint64_t i = 0; !error && i < n; i++) {
        m->latency_ps[i] = rows[i].latency_ps;
        m->link_bps[i] = rows[i].bytes_per_second;
    }
    free(rows);
    return error;
}

static int read_curve(struct hdf_reader *reader, hid_t group, const char *name, struct load_curve *curve)
{
    struct layout_point *rows;
    uint64_t n;
    if (reader->monitor)
        return 0;
    int error = hdf_table_read(reader, group, name, layout_point, sizeof *rows, MACHINE_POINTS, (void **)&rows, &n);
    if (error)
        return error;
    curve->n = (uint32_t)n;
    for (uint64_t i = 0; i < n; i++) {
        curve->utilisation[i] = rows[i].utilisation_ppm;
        curve->factor[i] = rows[i].factor_ppm;
    }
    free(rows);
    return 0;
}

static int read_cpus(struct hdf_reader *reader, hid_t group, struct trace_meta *trace)
{
    struct layout_cpu *rows;
    uint64_t n;
    memset(trace->cpu_node, NODE_NONE, sizeof trace->cpu_node);
    int error = hdf_table_read(reader, group, "trace_cpus", layout_cpu, sizeof *rows, CPU_MAX, (void **)&rows, &n);
    for (uint64_t i = 0; !error && i < n; i++)
        trace->cpu_node[i] = rows[i].node < NODE_MAX ? (node_t)rows[i].node : (node_t)NODE_NONE;
    free(rows);
    return error;
}

static int read_attributes(struct hdf_reader *reader, hid_t group, struct result_set *set)
{
    struct hdf_member room[LAYOUT_MEMBERS];
    struct layout_inputs *in = calloc(1, sizeof *in);
    int error =
        in ? hdf_attributes_read(reader, group, layout_known(layout_inputs, reader->monitor, room), in) : -ENOMEM;
    if (!error) {
        *set = in->set;
        set->contention = in->contention != 0;
        set->trace.columns = in->trace_columns;
        set->trace.labels = in->trace_labels;
    }
    free(in);
    if (!error && (set->machine.nodes == 0 || set->machine.nodes > NODE_MAX))
        error = wrong(reader, "machine_nodes", "is not between 1 and 64");
    if (!error && set->trace.cpus > CPU_MAX)
        error = wrong(reader, "trace_cpus", "is over 1024");
    return error;
}

static int read_set(struct hdf_reader *reader, hid_t inputs, uint32_t index, struct result_set *set)
{
    char name[16];
    snprintf(name, sizeof name, "%03" PRIu32, index);
    hid_t group = hdf_group_open(reader, inputs, name);
    int error = group < 0 ? -EINVAL : read_attributes(reader, group, set);
    error = error ? error : read_nodes(reader, group, set);
    error = error ? error : read_links(reader, group, &set->machine);
    error = error ? error : read_curve(reader, group, "memory_curve", &set->machine.memory_curve);
    error = error ? error : read_curve(reader, group, "link_curve", &set->machine.link_curve);
    error = error ? error : read_cpus(reader, group, &set->trace);
    if (group >= 0)
        H5Gclose(group);
    return error;
}

static int read_inputs(struct hdf_reader *reader, hid_t file, struct result_set **sets, uint32_t *nsets)
{
    H5G_info_t info = {0};
    hid_t group = hdf_group_open(reader, file, "inputs");
    if (group < 0)
        return -EINVAL;
    int error = H5Gget_info(group, &info) < 0 || info.nlinks > LAYOUT_SETS_MAX
                    ? wrong(reader, "/inputs", "holds too many sets")
                    : 0;
    *sets = error ? NULL : calloc(info.nlinks + 1, sizeof **sets);
    if (!error && !*sets)
        error = -ENOMEM;
    for (; !error && *nsets < info.nlinks; ++*nsets)
        error = read_set(reader, group, *nsets, &(*sets)[*nsets]);
    H5Gclose(group);
    return error;
}

static int read_bounds(struct hdf_reader *reader, hid_t file, struct result_set *sets, uint32_t nsets)
{
    struct layout_bounds *rows;
    uint64_t n;
    int error = hdf_table_read(reader, file, "bounds", layout_bounds, sizeof *rows, nsets, (void **)&rows, &n);
    for (uint64_t i = 0; !error && i < n; i++) {
        if (rows[i].set >= nsets) {
            error = wrong(reader, "/bounds", "names a set that is not there");
            continue;
        }
        struct result_bounds *b = &sets[rows[i].set].bounds;
        *b = rows[i].bounds;
        b->present = true;
        b->optimum_exact = rows[i].optimum_exact != 0;
    }
    free(rows);
    return error;
}

static int read_parameters(struct hdf_reader *reader, hid_t group, struct result_run *run)
{
    struct layout_named *rows;
    uint64_t n;
    int error =
        hdf_table_read(reader, group, "parameters", layout_parameter, sizeof *rows, RESULT_PARAMS, (void **)&rows, &n);
    if (error)
        return error;
    run->nparams = (uint32_t)n;
    for (uint64_t i = 0; i < n; i++) {
        memcpy(run->param_name[i], rows[i].name, sizeof run->param_name[i]);
        run->param[i] = rows[i].value;
    }
    free(rows);
    return 0;
}

static int read_use(struct hdf_reader *reader, hid_t group, struct result_run *run, uint32_t nodes)
{
    struct layout_use *rows;
    uint64_t n;
    if (reader->monitor)
        return 0;
    int error = hdf_table_read(reader, group, "nodes", layout_use, sizeof *rows, nodes, (void **)&rows, &n);
    for (uint64_t i = 0; !error && i < n; i++) {
        run->memory_utilisation_mean[i] = rows[i].mean_ppm;
        run->memory_utilisation_peak[i] = rows[i].peak_ppm;
    }
    free(rows);
    return error;
}

static int read_traffic(struct hdf_reader *reader, hid_t group, struct result_run *run, uint32_t nodes)
{
    struct layout_traffic *rows;
    uint64_t n;
    if (!hdf_has(group, "traffic"))
        return 0;
    int error = hdf_table_read(reader, group, "traffic", layout_traffic, sizeof *rows, (uint64_t)nodes * nodes,
                               (void **)&rows, &n);
    run->traffic = error ? NULL : calloc((size_t)nodes * nodes * 2, sizeof *run->traffic);
    if (!error && !run->traffic)
        error = -ENOMEM;
    for (uint64_t i = 0; !error && i < n; i++) {
        if (rows[i].from >= nodes || rows[i].to >= nodes) {
            error = wrong(reader, "traffic", "names a node that the machine has not");
            continue;
        }
        uint64_t *cell = run->traffic + ((size_t)rows[i].from * nodes + rows[i].to) * 2;
        cell[0] = rows[i].reads;
        cell[1] = rows[i].writes;
    }
    free(rows);
    return error;
}

static int read_series(struct hdf_reader *reader, hid_t group, struct result_run *run, uint32_t nodes)
{
    struct hdf_member room[LAYOUT_MEMBERS];
    struct layout_series series;
    void *rows;
    uint64_t n;
    layout_series(&series, nodes);
    int error = hdf_table_read(reader, group, "series", layout_known(series.member, reader->monitor, room),
                               sizeof *run->series, RESULT_SERIES_MAX, &rows, &n);
    run->series = rows;
    run->nseries = (uint32_t)n;
    return error;
}

/* "a; b" back to its labels; what is too much or too long is cut. */
static void split_labels(struct result_run *run, const char *text)
{
    while (*text && run->nlabels < RESULT_LABELS) {
        const char *end = strstr(text, "; ");
        size_t length = end ? (size_t)(end - text) : strlen(text);
        char *label = run->labels[run->nlabels++];
        snprintf(label, sizeof run->labels[0], "%.*s", (int)length, text);
        text += length + (end ? 2 : 0);
    }
}

static int read_run(struct hdf_reader *reader, hid_t runs, const struct layout_summary *row, uint32_t nodes,
                    struct result_run *run)
{
    *run = row->run;
    run->to_optimum_ppm = reader->monitor ? RESULT_NONE : run->to_optimum_ppm;
    run->inactive = row->inactive != 0;
    run->is_static = row->is_static != 0;
    split_labels(run, row->labels);
    hid_t group = hdf_group_open(reader, runs, row->group);
    int error = group < 0 ? -EINVAL : read_parameters(reader, group, run);
    error = error ? error : read_use(reader, group, run, nodes);
    error = error ? error : read_traffic(reader, group, run, nodes);
    error = error ? error : read_series(reader, group, run, nodes);
    if (group >= 0)
        H5Gclose(group);
    return error;
}

/* Makes room for each set's runs: nruns stays 0 and counts up as they are read. */
static int make_room(struct hdf_reader *reader, const struct layout_summary *rows, uint64_t n, struct result_set *sets,
                     uint32_t nsets)
{
    uint32_t *count = calloc(nsets + 1, sizeof *count);
    int error = count ? 0 : -ENOMEM;
    for (uint64_t i = 0; !error && i < n; i++) {
        if (rows[i].set >= nsets)
            error = wrong(reader, "/summary", "names a set that is not there");
        else
            count[rows[i].set]++;
    }
    for (uint32_t s = 0; !error && s < nsets; s++) {
        sets[s].runs = calloc(count[s] + 1, sizeof *sets[s].runs);
        error = sets[s].runs ? 0 : -ENOMEM;
    }
    free(count);
    return error;
}

static int read_execution(struct hdf_reader *reader, hid_t file, const struct layout_summary *summary, uint64_t runs,
                          struct result_set *sets, uint32_t nsets)
{
    struct layout_execution *rows;
    uint64_t n;
    if (reader->monitor)
        return 0;
    uint32_t *at = calloc(nsets + 1, sizeof *at);
    if (!at)
        return -ENOMEM;
    int error = hdf_table_read(reader, file, "execution", layout_execution, sizeof *rows, runs, (void **)&rows, &n);
    for (uint64_t i = 0; !error && i < n; i++) {
        uint32_t s = summary[i].set;
        sets[s].runs[at[s]++].threads_group = rows[i].threads_group;
    }
    free(rows);
    free(at);
    return error;
}

static int read_runs(struct hdf_reader *reader, hid_t file, struct result_set *sets, uint32_t nsets)
{
    struct hdf_member room[LAYOUT_MEMBERS];
    struct layout_summary *rows;
    uint64_t n;
    int error = hdf_table_read(reader, file, "summary", layout_known(layout_summary, reader->monitor, room),
                               sizeof *rows, LAYOUT_RUNS_MAX, (void **)&rows, &n);
    hid_t group = error ? -1 : hdf_group_open(reader, file, "runs");
    if (!error)
        error = group < 0 ? -EINVAL : make_room(reader, rows, n, sets, nsets);
    for (uint64_t i = 0; !error && i < n; i++) {
        struct result_set *set = &sets[rows[i].set];
        error = read_run(reader, group, &rows[i], set->machine.nodes, &set->runs[set->nruns++]);
    }
    if (!error)
        error = read_execution(reader, file, rows, n, sets, nsets);
    if (group >= 0)
        H5Gclose(group);
    free(rows);
    return error;
}

static int read_version(struct hdf_reader *reader, hid_t file)
{
    static const struct hdf_member version[] = {{"mirrorball_result_version", HDF_U32, 0, 0}, {0}};
    uint32_t number = 0;
    if (hdf_attributes_read(reader, file, version, &number))
        return wrong(reader, "it", "is no result file of mirrorball; make one with compare, replay or sweep -o");
    if (number != LAYOUT_VERSION)
        return wrong(reader, "it", "is of another format version than this program reads");
    return 0;
}

static int read_file(struct hdf_reader *reader, hid_t file, struct result_set **sets, uint32_t *nsets)
{
    int error = read_version(reader, file);
    reader->monitor = !error && hdf_has(file, "monitor");
    error = error ? error : read_inputs(reader, file, sets, nsets);
    error = error ? error : read_runs(reader, file, *sets, *nsets);
    error = error ? error : read_bounds(reader, file, *sets, *nsets);
    error = error ? error : result_monitor_read(reader, file, *sets, *nsets);
    error = error ? error : result_checks_read(reader, file, *sets, *nsets);
    for (uint32_t s = 0; error && *sets && s < *nsets; s++)
        result_free(&(*sets)[s]);
    if (error) {
        free(*sets);
        *sets = NULL;
        *nsets = 0;
    }
    return error;
}

static int open_and_read(const char *path, struct result_set **sets, uint32_t *nsets, struct trace_error *why)
{
    struct stat status;
    struct hdf_reader reader = {.where = "it", .what = "is no HDF5 file, or is cut off or damaged"};
    *sets = NULL;
    *nsets = 0;
    int missing = stat(path, &status) != 0 ? errno : !S_ISREG(status.st_mode) ? EINVAL : 0;
    if (missing) {
        snprintf(why->text, sizeof why->text, "%.300s: cannot be opened: %s", path,
                 missing == EINVAL ? "it is no regular file" : strerror(missing));
        return -missing;
    }
    reader.budget = (uint64_t)status.st_size * DEFLATE_BEST + BUDGET_BASE;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    int error = file < 0 ? -EINVAL : read_file(&reader, file, sets, nsets);
    if (file >= 0)
        H5Fclose(file);
    if (error == -ENOMEM)
        reader.what = "needs more memory than there is";
    if (error)
        snprintf(why->text, sizeof why->text, "%.300s: %s %s", path, reader.where, reader.what);
    return error;
}

static void try_to_read(void *path)
{
    struct result_set *sets;
    struct trace_error why;
    uint32_t nsets;
    open_and_read(path, &sets, &nsets, &why);
}

static uint64_t file_bytes(const char *path)
{
    struct stat status;
    return stat(path, &status) ? 0 : (uint64_t)status.st_size;
}

int result_read(const char *path, struct result_set **sets, uint32_t *nsets, struct trace_error *why)
{
    char name[4096];
    *sets = NULL;
    *nsets = 0;
    snprintf(name, sizeof name, "%s", path);
    if (!guard(try_to_read, name, file_bytes(path))) {
        snprintf(why->text, sizeof why->text, "%.300s: is damaged so badly that HDF5 cannot read it", path);
        return -EINVAL;
    }
    return open_and_read(path, sets, nsets, why);
}
