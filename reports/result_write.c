/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The file is built in memory and written by ourselves: HDF5 that meets a full disk half-way cannot be closed cleanly.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/layout.h"
#include "reports/layout_monitor.h"
#include "reports/publish.h"
#include "reports/result_checks.h"

static void join_labels(const struct result_run *run, char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    for (uint32_t i = 0; i < run->nlabels; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? "; " : "", run->labels[i]);
}

static void summarise(const struct result_set *sets, uint32_t set, uint32_t run, uint32_t index,
                      struct layout_summary *row)
{
    const struct result_set *s = &sets[set];
    const struct result_run *r = &s->runs[run];
    *row = (struct layout_summary){.set = set, .run = *r, .inactive = r->inactive, .is_static = r->is_static};
    snprintf(row->group, sizeof row->group, "%03" PRIu32, index);
    snprintf(row->trace, sizeof row->trace, "%s", s->trace.name);
    snprintf(row->trace_digest, sizeof row->trace_digest, "%016" PRIx64, s->trace.digest);
    snprintf(row->machine, sizeof row->machine, "%s", s->machine.name);
    row->local_share = r->misses ? (double)r->local_misses / (double)r->misses : NAN;
    row->to_optimum = r->to_optimum_ppm != RESULT_NONE ? (double)r->to_optimum_ppm / 1e6 : NAN;
    for (int i = 0; i < RESULT_REFUSALS; i++)
        row->refused += r->refused_by[i];
    join_labels(r, row->labels, sizeof row->labels);
}

static uint32_t count_runs(const struct result_set *sets, uint32_t nsets)
{
    uint32_t runs = 0;
    for (uint32_t s = 0; s < nsets; s++)
        runs += sets[s].nruns;
    return runs;
}

static int write_execution(hid_t file, const struct result_set *sets, uint32_t nsets, uint32_t runs)
{
    struct layout_execution *rows = calloc(runs + 1, sizeof *rows);
    if (!rows)
        return -ENOMEM;
    uint32_t n = 0;
    for (uint32_t s = 0; s < nsets; s++)
        for (uint32_t r = 0; r < sets[s].nruns; r++, n++)
            rows[n] = (struct layout_execution){n, sets[s].runs[r].threads_group};
    int error = hdf_table_write(file, "execution", layout_execution, sizeof *rows, rows, n);
    free(rows);
    return error;
}

static int write_bounds(hid_t file, const struct result_set *sets, uint32_t nsets)
{
    struct layout_bounds *rows = calloc(nsets + 1, sizeof *rows);
    if (!rows)
        return -ENOMEM;
    uint64_t n = 0;
    for (uint32_t s = 0; s < nsets; s++)
        if (sets[s].bounds.present)
            rows[n++] = (struct layout_bounds){s, sets[s].bounds.optimum_exact, sets[s].bounds};
    int error = hdf_table_write(file, "bounds", layout_bounds, sizeof *rows, rows, n);
    free(rows);
    return error;
}

static int write_named(hid_t group, const char *table, const struct hdf_member *members, const char *const *names,
                       const uint64_t *values, int n)
{
    struct layout_named rows[OVERHEAD_CAUSES + RESULT_REFUSALS] = {0};
    for (int i = 0; i < n; i++) {
        snprintf(rows[i].name, sizeof rows[i].name, "%s", names[i]);
        rows[i].value = values[i];
    }
    return hdf_table_write(group, table, members, sizeof rows[0], rows, (uint64_t)n);
}

/* Parameters twice: as a table for programs, as attributes for whoever looks at the group. */
static int write_parameters(hid_t group, const struct result_run *run)
{
    struct layout_named rows[RESULT_PARAMS] = {0};
    int error = 0;
    for (uint32_t i = 0; !error && i < run->nparams; i++) {
        char name[48];
        snprintf(rows[i].name, sizeof rows[i].name, "%s", run->param_name[i]);
        rows[i].value = run->param[i];
        snprintf(name, sizeof name, "param_%s", rows[i].name);
        const struct hdf_member member[] = {{name, HDF_U64, 0, 0}, {0}};
        error = hdf_attributes_write(group, member, &rows[i].value);
    }
    return error ? error : hdf_table_write(group, "parameters", layout_parameter, sizeof rows[0], rows, run->nparams);
}

static int write_nodes(hid_t group, const struct result_run *run, uint32_t nodes)
{
    struct layout_use rows[NODE_MAX];
    for (uint32_t n = 0; n < nodes; n++)
        rows[n] = (struct layout_use){n, run->memory_utilisation_mean[n], run->memory_utilisation_peak[n]};
    return hdf_table_write(group, "nodes", layout_use, sizeof rows[0], rows, nodes);
}

static int write_traffic(hid_t group, const struct result_run *run, uint32_t nodes)
{
    if (!run->traffic)
        return 0;
    struct layout_traffic *rows = calloc((size_t)nodes * nodes, sizeof *rows);
    if (!rows)
        return -ENOMEM;
    uint64_t n = 0;
    for (uint32_t i = 0; i < nodes * nodes; i++) {
        const uint64_t *cell = run->traffic + (size_t)i * 2;
        if (cell[0] || cell[1])
            rows[n++] = (struct layout_traffic){i / nodes, i % nodes, cell[0], cell[1]};
    }
    int error = hdf_table_write(group, "traffic", layout_traffic, sizeof *rows, rows, n);
    free(rows);
    return error;
}

static int write_series(hid_t group, const struct result_run *run, uint32_t nodes)
{
    struct hdf_member room[LAYOUT_MEMBERS];
    struct layout_series series;
    layout_series(&series, nodes);
    return hdf_table_write(group, "series", layout_known(series.member, run->monitor, room), sizeof *run->series,
                           run->series, run->series ? run->nseries : 0);
}

static int write_overhead(hid_t group, const struct result_run *run)
{
    return run->monitor ? 0
                        : write_named(group, "overhead", layout_overhead, result_overhead_names, run->overhead_by,
                                      OVERHEAD_CAUSES);
}

static int write_run(hid_t runs, const struct layout_summary *row, uint32_t nodes)
{
    const struct result_run *run = &row->run;
    hid_t group = hdf_group_create(runs, row->group);
    if (group < 0)
        return -EIO;
    int error = hdf_attributes_write(group, layout_run, row);
    error = error ? error : write_parameters(group, run);
    error = error ? error : write_overhead(group, run);
    error = error
                ? error
                : write_named(group, "refused", layout_refused, result_refusal_names, run->refused_by, RESULT_REFUSALS);
    error = error || run->monitor ? error : write_nodes(group, run, nodes);
    error = error ? error : write_traffic(group, run, nodes);
    error = error ? error : write_series(group, run, nodes);
    H5Gclose(group);
    return error;
}

/* /runs and /summary from the same rows. */
static int write_runs(hid_t file, const struct result_set *sets, uint32_t nsets)
{
    struct hdf_member room[LAYOUT_MEMBERS];
    uint32_t runs = count_runs(sets, nsets), n = 0;
    bool monitor = nsets && result_of_monitor(sets);
    struct layout_summary *rows = calloc(runs + 1, sizeof *rows);
    hid_t group = hdf_group_create(file, "runs");
    int error = !rows ? -ENOMEM : group < 0 ? -EIO : 0;
    for (uint32_t s = 0; s < nsets; s++)
        for (uint32_t r = 0; !error && r < sets[s].nruns; r++, n++) {
            summarise(sets, s, r, n, &rows[n]);
            error = write_run(group, &rows[n], sets[s].machine.nodes);
        }
    if (!error)
        error = hdf_table_write(file, "summary", layout_known(layout_summary, monitor, room), sizeof *rows, rows, n);
    if (!error && !monitor)
        error = write_execution(file, sets, nsets, runs);
    if (group >= 0)
        H5Gclose(group);
    free(rows);
    return error;
}

static int write_curve(hid_t group, const char *name, const struct load_curve *curve)
{
    struct layout_point rows[MACHINE_POINTS];
    for (uint32_t i = 0; i < curve->n; i++)
        rows[i] = (struct layout_point){curve->utilisation[i], curve->factor[i]};
    return hdf_table_write(group, name, layout_point, sizeof rows[0], rows, curve->n);
}

static int write_links(hid_t group, const struct machine_desc *m, bool monitor)
{
    struct hdf_member room[LAYOUT_MEMBERS];
    uint32_t n = m->nodes * m->nodes;
    struct layout_link *rows = calloc(n, sizeof *rows);
    if (!rows)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        rows[i] = (struct layout_link){i / m->nodes, i % m->nodes, m->latency_ps[i], m->link_bps[i]};
    int error =
        hdf_table_write(group, "machine_links", layout_known(layout_link, monitor, room), sizeof *rows, rows, n);
    free(rows);
    return error;
}

static int write_machine(hid_t group, const struct result_set *set)
{
    const struct machine_desc *m = &set->machine;
    bool monitor = result_of_monitor(set);
    struct hdf_member room[LAYOUT_MEMBERS];
    struct layout_node rows[NODE_MAX];
    for (uint32_t n = 0; n < m->nodes; n++)
        rows[n] = (struct layout_node){n, m->node_cpus[n], m->tier[n], m->memory_bps[n], set->frames[n]};
    int error = hdf_table_write(group, "machine_nodes", layout_known(layout_node, monitor, room), sizeof rows[0], rows,
                                m->nodes);
    error = error ? error : write_links(group, m, monitor);
    if (error || monitor)
        return error;
    error = write_curve(group, "memory_curve", &m->memory_curve);
    return error ? error : write_curve(group, "link_curve", &m->link_curve);
}

static int write_cpus(hid_t group, const struct trace_meta *trace)
{
    struct layout_cpu rows[CPU_MAX];
    uint32_t cpus = trace->cpus < CPU_MAX ? trace->cpus : CPU_MAX;
    for (uint32_t c = 0; c < cpus; c++)
        rows[c] = (struct layout_cpu){c, trace->cpu_node[c]};
    return hdf_table_write(group, "trace_cpus", layout_cpu, sizeof rows[0], rows, cpus);
}

static int write_set(hid_t inputs, const struct result_set *set, uint32_t index)
{
    char name[16];
    struct hdf_member room[LAYOUT_MEMBERS];
    struct layout_inputs *in = calloc(1, sizeof *in);
    snprintf(name, sizeof name, "%03" PRIu32, index);
    hid_t group = in ? hdf_group_create(inputs, name) : -1;
    int error = !in ? -ENOMEM : group < 0 ? -EIO : 0;
    if (!error) {
        *in = (struct layout_inputs){set->contention, set->trace.columns, set->trace.labels, *set};
        error = hdf_attributes_write(group, layout_known(layout_inputs, result_of_monitor(set), room), in);
    }
    error = error ? error : write_machine(group, set);
    error = error ? error : write_cpus(group, &set->trace);
    if (group >= 0)
        H5Gclose(group);
    free(in);
    return error;
}

static int write_inputs(hid_t file, const struct result_set *sets, uint32_t nsets)
{
    hid_t group = hdf_group_create(file, "inputs");
    int error = group < 0 ? -EIO : 0;
    for (uint32_t s = 0; !error && s < nsets; s++)
        error = write_set(group, &sets[s], s);
    if (group >= 0)
        H5Gclose(group);
    return error;
}

static int write_all(hid_t file, const struct result_set *sets, uint32_t nsets)
{
    static const struct hdf_member version[] = {{"mirrorball_result_version", HDF_U32, 0, 0}, {0}};
    const uint32_t number = LAYOUT_VERSION;
    int error = hdf_attributes_write(file, version, &number);
    error = error ? error : write_inputs(file, sets, nsets);
    error = error ? error : write_runs(file, sets, nsets);
    error = error ? error : write_bounds(file, sets, nsets);
    error = error ? error : result_monitor_write(file, sets, nsets);
    return error ? error : result_checks_write(file, sets, nsets);
}

/* The finished file as bytes to free; null: *error says why. */
static void *build(const struct result_set *sets, uint32_t nsets, size_t *size, int *error)
{
    hid_t list = H5Pcreate(H5P_FILE_ACCESS);
    void *image = NULL;
    H5Pset_fapl_core(list, 1 << 20, false);
    hid_t file = H5Fcreate("results", H5F_ACC_TRUNC, H5P_DEFAULT, list);
    *error = file < 0 ? -EIO : write_all(file, sets, nsets);
    if (!*error && H5Fflush(file, H5F_SCOPE_LOCAL) < 0)
        *error = -EIO;
    if (!*error) {
        ssize_t bytes = H5Fget_file_image(file, NULL, 0);
        image = bytes > 0 ? malloc((size_t)bytes) : NULL;
        *size = bytes > 0 ? (size_t)bytes : 0;
        if (!image || H5Fget_file_image(file, image, *size) < 0)
            *error = -ENOMEM;
    }
    if (file >= 0)
        H5Fclose(file);
    H5Pclose(list);
    return image;
}

int result_write(const char *path, const struct result_set *sets, uint32_t nsets, struct trace_error *why)
{
    size_t size = 0;
    int error;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    void *image = build(sets, nsets, &size, &error);
    if (error)
        snprintf(why->text, sizeof why->text, "%.300s: the results cannot be put together: %s", path, strerror(-error));
    else
        error = publish(path, image, size, why);
    free(image);
    return error;
}
