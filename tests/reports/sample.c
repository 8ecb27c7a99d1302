/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/reports/sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 8, SLICES = 120 };

struct plan {
    const char *policy, *spec;
    uint64_t local_percent, moves, copies, collapses, overhead_ms;
    bool inactive, is_static;
};

static const struct plan plans[] = {
    {"first_touch", "first_touch", 16, 0, 0, 0, 0, false, true},
    {"interleave", "interleave", 12, 0, 0, 0, 0, false, true},
    {"post_facto", "post_facto", 43, 0, 0, 0, 0, false, true},
    {"migrep", "migrep", 78, 24610, 22080, 1910, 990, false, false},
    {"migrep", "migrep:trigger=64", 81, 38122, 30417, 4011, 1420, false, false},
    {"migrate_only", "migrate_only", 49, 51200, 0, 0, 1210, false, false},
    {"replicate_only", "replicate_only", 58, 0, 41874, 2204, 880, false, false},
    {"competitive", "competitive", 16, 0, 0, 0, 11, true, false},
};

static const char *const names[] = {"trigger", "sharing", "write", "migrate", "reset"};
static const uint64_t values[] = {128, 32, 1, 1, UINT64_MAX};

static void fill_times(struct result_run *r, const struct plan *p)
{
    r->misses = 20000000;
    r->local_misses = r->misses / 100 * p->local_percent;
    r->exec_ns = 3100000000u;
    r->local_stall_ns = r->local_misses * 300;
    r->remote_stall_ns = (r->misses - r->local_misses) * 900;
    r->overhead_ns = p->overhead_ms * 1000000;
    r->overhead_by[OVERHEAD_SAMPLE] = r->overhead_ns / 10;
    r->overhead_by[OVERHEAD_MOVE] = p->moves ? r->overhead_ns / 2 : 0;
    r->overhead_by[OVERHEAD_COPY] = r->overhead_ns - r->overhead_by[OVERHEAD_SAMPLE] - r->overhead_by[OVERHEAD_MOVE];
    r->memory_ns = r->local_stall_ns + r->remote_stall_ns + r->overhead_ns;
    r->memory_flat_ns = r->memory_ns - 1000;
    r->elapsed_ns = r->exec_ns + r->memory_ns;
    r->makespan_ns = r->elapsed_ns / 8 + 12345;
}

static void fill_counts(struct result_run *r, const struct plan *p)
{
    r->moves = p->moves;
    r->copies = p->copies;
    r->collapses = p->collapses;
    r->drops = p->collapses * 2;
    r->hints = 3;
    r->samples = r->misses / 10;
    r->touches = 5123;
    r->fallbacks = 17;
    for (int i = 0; i < RESULT_REFUSALS; i++)
        r->refused_by[i] = p->is_static ? 0 : (uint64_t)(i * i * 7);
    r->moved_bytes = p->moves * 4096;
    r->copied_bytes = p->copies * 4096;
    r->replica_bytes_peak = p->copies * 400;
    r->replica_bytes_mean = p->copies * 300;
    r->digest = 0x0123456789abcdefull * (p->moves + 1);
}

static void fill_traffic(struct result_run *r, uint64_t local_percent)
{
    r->traffic = calloc(NODES * NODES * 2, sizeof *r->traffic);
    for (uint32_t from = 0; from < NODES; from++)
        for (uint32_t to = 0; to < NODES; to++) {
            uint64_t own = r->misses / NODES * local_percent / 100, other = r->misses / NODES - own;
            uint64_t cell = from == to ? own : other / (NODES - 1);
            r->traffic[(from * NODES + to) * 2] = cell * 3 / 4;
            r->traffic[(from * NODES + to) * 2 + 1] = cell - cell * 3 / 4;
        }
    for (uint32_t n = 0; n < NODES; n++) {
        r->memory_utilisation_mean[n] = 150000 + n * 20000 + (uint32_t)(100 - local_percent) * 2000;
        r->memory_utilisation_peak[n] = r->memory_utilisation_mean[n] * 2;
    }
    r->link_utilisation_peak = 612345;
    r->link_from = 2;
    r->link_to = 5;
}

/* The local share rises from 16 % to its level over the first third; the rest wavers. */
static void fill_series(struct result_run *r, const struct plan *p)
{
    r->series = calloc(SLICES, sizeof *r->series);
    r->nseries = SLICES;
    r->slice_windows = 4;
    uint32_t noise = (uint32_t)(p->moves * 2654435761u + p->local_percent);
    for (uint32_t i = 0; i < SLICES; i++) {
        struct result_slice *s = &r->series[i];
        uint64_t ramp = i < SLICES / 3 ? i : SLICES / 3;
        noise = noise * 1664525u + 1013904223u;
        s->time_ns = (uint64_t)i * 4000000;
        s->misses = r->misses / SLICES;
        s->local_misses = s->misses *
                          (16 + (p->local_percent > 16 ? p->local_percent - 16 : 0) * ramp * 3 / SLICES + noise % 5) /
                          110;
        s->stall_ns = r->memory_ns / SLICES;
        s->overhead_ns = r->overhead_ns / SLICES;
        s->moves = p->moves * (SLICES - i) * 2 / SLICES / SLICES;
        s->copies = p->copies * (SLICES - i) * 2 / SLICES / SLICES;
        s->collapses = p->collapses / SLICES;
        s->replica_pages = p->copies ? ramp * p->copies / 100 / 4 + noise % 64 : 0;
        for (uint32_t n = 0; n < NODES; n++)
            s->memory_utilisation[n] = r->memory_utilisation_mean[n] + noise % 40000;
    }
}

static void fill_run(struct result_run *r, const struct plan *p)
{
    snprintf(r->policy, sizeof r->policy, "%s", p->policy);
    snprintf(r->spec, sizeof r->spec, "%s", p->spec);
    r->batch = 16;
    r->sampling = 10;
    r->threads_group = 3;
    r->inactive = p->inactive;
    r->is_static = p->is_static;
    if (!p->is_static) {
        r->nparams = 5;
        for (uint32_t i = 0; i < r->nparams; i++) {
            snprintf(r->param_name[i], sizeof r->param_name[i], "%s", names[i]);
            r->param[i] = values[i];
        }
        snprintf(r->labels[r->nlabels++], sizeof r->labels[0], "miss-fed");
    }
    if (p->copies)
        snprintf(r->labels[r->nlabels++], sizeof r->labels[0], "writes under-seen");
    fill_times(r, p);
    fill_counts(r, p);
    fill_traffic(r, p->local_percent);
    fill_series(r, p);
}

static void fill_machine(struct result_set *s)
{
    struct machine_desc *m = &s->machine;
    snprintf(m->name, sizeof m->name, "flash-8");
    snprintf(m->summary, sizeof m->summary, "eight nodes, 300 ns local, 900 ns remote");
    snprintf(m->source, sizeof m->source, "made up for the tests");
    m->nodes = NODES;
    m->line_size = 128;
    m->mlp_ppm = 1000000;
    m->sampling = 10;
    m->costs = (struct machine_costs){1, 2, 3, 4, 5, 6, 7, 8, 9};
    m->memory_curve = (struct load_curve){2, {0, 900000}, {1000000, 4000000}};
    m->link_curve = (struct load_curve){3, {0, 500000, 950000}, {1000000, 1100000, 3000000}};
    for (uint32_t i = 0; i < NODES; i++) {
        m->node_cpus[i] = 1;
        m->tier[i] = i == 7;
        m->memory_bps[i] = 1000000000u + i;
        s->frames[i] = i == 3 ? 1000 : FRAMES_UNBOUNDED;
        for (uint32_t j = 0; j < NODES; j++) {
            m->latency_ps[i * NODES + j] = i == j ? 300000 : 900000 + i;
            m->link_bps[i * NODES + j] = i == j ? 0 : 500000000u + j;
        }
    }
}

static void fill_trace(struct trace_meta *t, const char *name)
{
    *t = (struct trace_meta){.records = 19500000,
                             .misses = 20000000,
                             .first_time = 5,
                             .last_time = 480000000,
                             .period = 1,
                             .lost = 2,
                             .digest = 0xfedcba9876543210u,
                             .pages = 5123,
                             .chunks = 75,
                             .cpus = 8,
                             .nodes = 4,
                             .page_size = 4096,
                             .line_size = 64,
                             .columns = TRACE_HAS_LATENCY | TRACE_HAS_TID,
                             .labels = TRACE_WRITES_UNDER_SEEN};
    snprintf(t->name, sizeof t->name, "%s", name);
    snprintf(t->source, sizeof t->source, "qemu-plugin");
    snprintf(t->event, sizeof t->event, "L2 miss");
    snprintf(t->host, sizeof t->host, "a host");
    snprintf(t->kernel, sizeof t->kernel, "6.1.0");
    snprintf(t->command, sizeof t->command, "make -j8");
    snprintf(t->date, sizeof t->date, "2026-01-02");
    snprintf(t->note, sizeof t->note, "two lines\nof note");
    memset(t->cpu_node, NODE_NONE, sizeof t->cpu_node);
    for (uint32_t c = 0; c < t->cpus; c++)
        t->cpu_node[c] = (node_t)(c / 2);
}

static void fill_set(struct result_set *s, const char *name)
{
    *s = (struct result_set){.contention = true,
                             .repeat = 2,
                             .intensity = 3,
                             .time_scale_ppm = 1500000,
                             .capacity_ppm = 330000,
                             .exec_capped_ppm = 12345,
                             .threads = 2};
    snprintf(s->program, sizeof s->program, "mirrorball 0.1.0");
    snprintf(s->command, sizeof s->command, "mirrorball compare %.200s.h5 -o results.h5", name);
    snprintf(s->date, sizeof s->date, "2026-01-03T04:05:06Z");
    snprintf(s->trace_path, sizeof s->trace_path, "%.200s.h5", name);
    snprintf(s->cpu_map, sizeof s->cpu_map, "0-3:0,4-7:1");
    fill_trace(&s->trace, name);
    fill_machine(s);
    s->bounds = (struct result_bounds){.present = true,
                                       .uma_ns = 6000000000u,
                                       .first_touch_ns = 16080000000u,
                                       .round_robin_ns = 16560000000u,
                                       .post_facto_ns = 12840000000u,
                                       .optimum_ns = 7400000000u,
                                       .lagrangian_ns = 7700000000u,
                                       .optimum_exact = true};
    snprintf(s->bounds.label, sizeof s->bounds.label, "unbounded capacity, no contention, exact");
}

static void fill_optimum(struct result_set *s)
{
    double first = (double)s->bounds.first_touch_ns, gap = first - (double)s->bounds.optimum_ns;
    for (uint32_t i = 0; i < s->nruns; i++)
        s->runs[i].to_optimum_ppm = (int64_t)((first - (double)s->runs[i].memory_flat_ns) / gap * 1e6);
    s->runs[s->nruns - 1].to_optimum_ppm = RESULT_NONE;
}

void sample_set(struct result_set *s, const char *name)
{
    fill_set(s, name);
    s->nruns = sizeof plans / sizeof plans[0];
    s->runs = calloc(s->nruns, sizeof *s->runs);
    for (uint32_t i = 0; i < s->nruns; i++)
        fill_run(&s->runs[i], &plans[i]);
    fill_optimum(s);
}

void sample_sweep(struct result_set *s, uint32_t n)
{
    fill_set(s, "sweep");
    s->nruns = n;
    s->runs = calloc(n, sizeof *s->runs);
    for (uint32_t i = 0; i < n; i++) {
        struct plan plan = {"migrep", "",   30 + i * 37 % 50, 20000 + i * 101, 10000 + i * 57, 100 + i, 500 + i * 3,
                            false,    false};
        char spec[64];
        snprintf(spec, sizeof spec, "migrep:trigger=%u,sharing=%u", 16 + i / 10 * 16, 1 + i % 10);
        plan.spec = spec;
        fill_run(&s->runs[i], &plan);
        s->runs[i].param[0] = 16 + i / 10 * 16;
        s->runs[i].param[1] = 1 + i % 10;
    }
    fill_optimum(s);
}

struct figure {
    const char *quantity, *unit, *origin;
    double paper, here, low, high;
};

/* Bars add up to 100, 67 and 48 in the paper. */
static const struct figure figures[] = {
    {"gain of migrep, monitor added", "%", "measured", 33, 20.354, 28, 38},
    {"gain of migrep, placement alone", "%", "", NAN, 38.5678, NAN, NAN},
    {"baseline: local share", "% of misses", "rule: 1/N", 16, 12.59, 11.5, 13.5},
    {"baseline: execution", "% of baseline", "measured", 31.3, 31.5, NAN, NAN},
    {"baseline: local stall", "% of baseline", "measured", 5.5, 2.1, NAN, NAN},
    {"baseline: remote stall", "% of baseline", "measured", 63.2, 66.4, NAN, NAN},
    {"baseline: remote latency", "us", "calibrated", 2.42, 1.41, NAN, NAN},
    {"migrep: remote latency", "us", "calibrated", 1.2, 1.01, NAN, NAN},
    {"migrep: execution", "% of baseline", "measured", 30.5, 31.5, NAN, NAN},
    {"migrep: local stall", "% of baseline", "measured", 12.9, 13.3, NAN, NAN},
    {"migrep: remote stall", "% of baseline", "measured", 13.3, 15, NAN, NAN},
    {"migrep: overhead, monitor added", "% of baseline", "measured", 10.3, 9.6, NAN, NAN},
    {"UMA: execution", "% of baseline", "measured", 31, 31.5, NAN, NAN},
    {"UMA: stall", "% of baseline", "measured", 17, 17.03, NAN, NAN},
    {"migrep: migrations", "a second", "measured", 2461, 1893.26, 1722.7, 3199.3},
    {"times it moved or was copied", "", "rule", 0, 0, 0, 0},
};

static void fill_check(struct result_check *c, const struct figure *f, const char *workload)
{
    snprintf(c->workload, sizeof c->workload, "%s", workload);
    snprintf(c->quantity, sizeof c->quantity, "%s", f->quantity);
    snprintf(c->unit, sizeof c->unit, "%s", f->unit);
    snprintf(c->origin, sizeof c->origin, "%s", f->origin);
    c->paper = f->paper;
    c->here = f->here;
    c->low = f->low;
    c->high = f->high;
    c->judged = !isnan(f->low);
    c->within = c->judged && f->here >= f->low && f->here <= f->high;
}

void sample_checks(struct result_set *s, const char *workload)
{
    uint32_t n = sizeof figures / sizeof figures[0];
    bool packed = strcmp(workload, "raytrace") == 0;
    s->nchecks = n + packed;
    s->checks = calloc(s->nchecks, sizeof *s->checks);
    for (uint32_t i = 0; i < n; i++)
        fill_check(&s->checks[i], &figures[i], workload);
    if (packed)
        fill_check(&s->checks[n],
                   &(struct figure){"gain of migrep, monitor added", "%", "explained", 38, 38.34, NAN, NAN},
                   "raytrace-packed");
}
