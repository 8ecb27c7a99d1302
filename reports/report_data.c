/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/report_data.h"

#include <stdlib.h>

#include "reports/json.h"
#include "reports/report_counters.h"

/* Takes the value over even when it fails; null fails. */
static int put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value);
}

static int push(json_t *array, json_t *value)
{
    return json_array_append_new(array, value);
}

static json_t *finish(json_t *value, int failed)
{
    if (failed)
        json_decref(value);
    return failed ? NULL : value;
}

/* One point of the curves: `n` neighbouring slices as one. */
static struct result_slice merged(const struct result_slice *slice, uint32_t n)
{
    struct result_slice sum = *slice;
    for (uint32_t i = 1; i < n; i++) {
        sum.misses += slice[i].misses;
        sum.local_misses += slice[i].local_misses;
        sum.moves += slice[i].moves;
        sum.copies += slice[i].copies;
        sum.replica_pages = slice[i].replica_pages;
    }
    return sum;
}

static int push_point(json_t *curves[4], const struct result_slice *s, uint32_t page_size)
{
    json_t *share = s->misses ? json_real((double)s->local_misses / (double)s->misses) : json_null();
    return push(curves[0], json_real((double)s->time_ns / 1e6)) | push(curves[1], share) |
           push(curves[2], json_of_u64(s->moves + s->copies)) |
           push(curves[3], json_real((double)s->replica_pages * page_size / 1048576.0));
}

static json_t *series(const struct result_run *run, uint32_t page_size)
{
    static const char *const names[4] = {"time_ms", "local_share", "moves_and_copies", "replica_mib"};
    json_t *o = json_object(), *curves[4] = {0};
    int failed = !o;
    for (int c = 0; c < 4; c++) {
        curves[c] = json_array();
        failed |= failed ? 1 : put(o, names[c], curves[c]);
    }
    uint32_t step = (run->nseries + REPORT_POINTS - 1) / REPORT_POINTS;
    for (uint32_t i = 0; !failed && run->series && i < run->nseries; i += step) {
        uint32_t n = run->nseries - i < step ? run->nseries - i : step;
        struct result_slice point = merged(run->series + i, n);
        failed = push_point(curves, &point, page_size);
    }
    return finish(o, failed);
}

static json_t *utilisation(const uint32_t *ppm, uint32_t nodes)
{
    json_t *array = json_array();
    int failed = !array;
    for (uint32_t n = 0; !failed && n < nodes; n++)
        failed = push(array, json_real((double)ppm[n] / 1e6));
    return finish(array, failed);
}

static json_t *traffic(const struct result_run *run, uint32_t nodes)
{
    json_t *rows = json_array();
    int failed = !rows;
    for (uint32_t from = 0; !failed && from < nodes; from++) {
        json_t *row = json_array();
        failed = push(rows, row);
        for (uint32_t to = 0; !failed && to < nodes; to++) {
            const uint64_t *cell = run->traffic + ((size_t)from * nodes + to) * 2;
            failed = push(row, json_of_u64(cell[0] + cell[1]));
        }
    }
    return finish(rows, failed);
}

/* What only charts need, into the run's object. */
static int put_charts(json_t *o, const struct result_set *set, const struct result_run *run, bool with_traffic)
{
    uint32_t nodes = set->machine.nodes;
    json_t *matrix = with_traffic && run->traffic ? traffic(run, nodes) : json_null();
    if (run->monitor)
        return put(o, "series", series(run, set->trace.page_size)) | put(o, "traffic", matrix);
    json_t *link = json_pack("{s:f,s:i,s:i}", "peak", (double)run->link_utilisation_peak / 1e6, "from",
                             (int)run->link_from, "to", (int)run->link_to);
    return put(o, "series", series(run, set->trace.page_size)) |
           put(o, "utilisation_mean", utilisation(run->memory_utilisation_mean, nodes)) |
           put(o, "utilisation_peak", utilisation(run->memory_utilisation_peak, nodes)) | put(o, "traffic", matrix) |
           put(o, "busiest_link", link);
}

/* The array's runs are in ranked order: the same order tells which run is which. */
static int put_all_charts(json_t *runs, const struct result_set *set)
{
    uint32_t *order = malloc((set->nruns ? set->nruns : 1) * sizeof *order);
    const struct result_run *first = result_first_touch(set);
    uint32_t matrices = REPORT_TRAFFIC / (set->machine.nodes * set->machine.nodes + 1);
    int failed = !order;
    if (order)
        result_rank(set, order);
    for (uint32_t i = 0; !failed && i < set->nruns; i++) {
        const struct result_run *run = &set->runs[order[i]];
        if (i < REPORT_CHARTED || run == first)
            failed = put_charts(json_array_get(runs, i), set, run, i < matrices);
    }
    free(order);
    return failed;
}

static json_t *curve(const struct load_curve *c)
{
    json_t *array = json_array();
    int failed = !array;
    for (uint32_t i = 0; !failed && i < c->n; i++)
        failed = push(array, json_pack("[f,f]", c->utilisation[i] / 1e6, c->factor[i] / 1e6));
    return finish(array, failed);
}

static json_t *machine_node(const struct result_set *s, uint32_t n)
{
    const struct machine_desc *m = &s->machine;
    json_t *o = json_pack("{s:i,s:i,s:f}", "cpus", (int)m->node_cpus[n], "tier", (int)m->tier[n], "gb_per_s",
                          (double)m->memory_bps[n] / 1e9);
    json_t *latency = json_array();
    int failed = !o || !latency || put(o, "frames", json_of_u64(s->frames[n]));
    for (uint32_t to = 0; !failed && to < m->nodes; to++)
        failed = push(latency, json_real(m->latency_ps[n * m->nodes + to] / 1e3));
    return finish(o, failed || put(o, "latency_ns", latency));
}

static json_t *costs(const struct machine_costs *c)
{
    json_t *o = json_object();
    int failed = !o || put(o, "sample_ns", json_of_u64(c->sample_ns)) | put(o, "hint_ns", json_of_u64(c->hint_ns)) |
                           put(o, "fault_ns", json_of_u64(c->fault_ns)) | put(o, "scan_ps", json_of_u64(c->scan_ps)) |
                           put(o, "fill_ns", json_of_u64(c->fill_ns)) | put(o, "sync_ns", json_of_u64(c->sync_ns)) |
                           put(o, "sync_page_ns", json_of_u64(c->sync_page_ns)) |
                           put(o, "sync_target_ns", json_of_u64(c->sync_target_ns)) |
                           put(o, "drop_ns", json_of_u64(c->drop_ns));
    return finish(o, failed);
}

static json_t *machine(const struct result_set *s)
{
    const struct machine_desc *m = &s->machine;
    json_t *o = json_object(), *nodes = json_array();
    int failed = !o || !nodes ||
                 put(o, "summary", json_of_text(m->summary)) | put(o, "source", json_of_text(m->source)) |
                     put(o, "line_bytes", json_of_u64(m->line_size)) |
                     put(o, "mlp", json_real((double)m->mlp_ppm / 1e6)) |
                     put(o, "memory_curve", curve(&m->memory_curve)) | put(o, "link_curve", curve(&m->link_curve)) |
                     put(o, "costs", costs(&m->costs));
    for (uint32_t n = 0; !failed && n < m->nodes; n++)
        failed = push(nodes, machine_node(s, n));
    return finish(o, failed || put(o, "nodes", nodes));
}

static json_t *trace(const struct result_set *s)
{
    const struct trace_meta *t = &s->trace;
    json_t *o = json_object();
    int failed = !o || put(o, "path", json_of_text(s->trace_path)) | put(o, "source", json_of_text(t->source)) |
                           put(o, "event", json_of_text(t->event)) | put(o, "host", json_of_text(t->host)) |
                           put(o, "kernel", json_of_text(t->kernel)) | put(o, "command", json_of_text(t->command)) |
                           put(o, "date", json_of_text(t->date)) | put(o, "note", json_of_text(t->note)) |
                           put(o, "pages", json_of_u64(t->pages)) | put(o, "cpus", json_of_u64(t->cpus)) |
                           put(o, "page_bytes", json_of_u64(t->page_size)) | put(o, "period", json_of_u64(t->period)) |
                           put(o, "lost", json_of_u64(t->lost)) |
                           put(o, "duration_ms", json_real((double)(t->last_time - t->first_time) / 1e6)) |
                           put(o, "writes_under_seen", json_boolean(t->labels & TRACE_WRITES_UNDER_SEEN)) |
                           put(o, "page_touch", json_boolean(t->labels & TRACE_PAGE_TOUCH)) |
                           put(o, "simulated_cache", json_boolean(t->labels & TRACE_SIMULATED_CACHE)) |
                           put(o, "synthetic", json_boolean(t->labels & TRACE_SYNTHETIC)) |
                           put(o, "all_accesses", json_boolean(t->labels & TRACE_ALL_ACCESSES));
    return finish(o, failed);
}

static json_t *checks(const struct result_set *s)
{
    json_t *array = json_array();
    int failed = !array;
    for (uint32_t i = 0; !failed && i < s->nchecks; i++)
        failed = push(array, json_of_check(&s->checks[i]));
    return finish(array, failed);
}

static json_t *of_set(const struct result_set *s)
{
    json_t *o = json_of_set(s);
    bool monitor = result_of_monitor(s);
    int failed = !o || put(o, "command", json_of_text(s->command)) | put(o, "date", json_of_text(s->date)) |
                           put(o, "threads", json_of_u64(s->threads)) |
                           put(o, "counters", monitor ? json_null() : report_counters(s)) |
                           put(o, "trace_inputs", monitor ? json_null() : trace(s)) |
                           put(o, "machine_inputs", monitor ? json_null() : machine(s)) | put(o, "checks", checks(s)) |
                           put_all_charts(json_object_get(o, "runs"), s);
    return finish(o, failed);
}

json_t *report_data(const struct result_set *sets, uint32_t nsets)
{
    json_t *array = json_array();
    int failed = !array;
    for (uint32_t i = 0; !failed && i < nsets; i++)
        failed = push(array, of_set(&sets[i]));
    return finish(array, failed);
}
