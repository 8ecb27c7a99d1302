/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/synthetic.h"
#include "replay/paper.h"

/* What the paper says of one workload. Times are Figure 8's units: the run under IRIX is 100. Slices were measured on
 * the figure's vector outlines, +-0.1; latencies and constant-latency gains are derived from them (docs/paper.md). */
struct figures {
    const char *workload, *baseline, *origin; /* baseline: the policy that stands for IRIX; origin: of the latencies */
    double irix_exec, irix_local, irix_remote, irix_share;
    double disco_total, disco_exec, disco_local, disco_remote, disco_overhead, disco_share;
    double uma_total, uma_exec, uma_stall;
    double irix_local_us, irix_remote_us, disco_local_us, disco_remote_us;
    double gain, gain_flat;
    double moves, move_us, copies, copy_us; /* Table 3, a second and us each */
    double cpus;
};

#define RAYTRACE                                                                                                     \
    42.1, 1.8, 56.1, 6, 62, 41.5, 6.8, 7.1, 6.2, 76, 49, 42.0, 7.4, 1.22, 2.42, 0.36, 1.20, 38, 7.5, 909, 102, 2671, \
        73, 16

static const struct figures published[] = {
    {"engineering", "interleave", "calibrated", 31.3, 5.5,  63.2, 16, 67, 30.4, 12.9, 13.3, 10.3, 78, 48,
     31.4,          17.0,         0.61,         1.33, 0.29, 1.07, 33, 15, 2461, 67,   2208, 57,   8},
    {"raytrace", "interleave", "predicted", RAYTRACE},
    {"raytrace-packed", "first_touch", "explained", RAYTRACE},
};

enum { CHECKS = 32 }; /* of a set */

/* The checks of the set at hand. */
struct rows {
    struct result_check *check;
    uint32_t n;
    const char *workload;
};

static struct result_check *put(struct rows *r, const char *quantity, const char *unit, double paper, double here,
                                const char *origin)
{
    struct result_check *check = &r->check[r->n];
    if (r->n + 1 < CHECKS)
        r->n++;
    snprintf(check->workload, sizeof check->workload, "%s", r->workload);
    snprintf(check->quantity, sizeof check->quantity, "%s", quantity);
    snprintf(check->unit, sizeof check->unit, "%s", unit);
    snprintf(check->origin, sizeof check->origin, "%s", origin);
    check->paper = paper;
    check->here = here;
    check->low = check->high = NAN;
    return check;
}

static void judge(struct result_check *check, double low, double high)
{
    check->judged = true;
    check->low = low;
    check->high = high;
    check->within = check->here >= low && check->here <= high;
}

static const struct result_run *run_named(const struct result_set *set, const char *spec)
{
    for (uint32_t i = 0; i < set->nruns; i++)
        if (strcmp(set->runs[i].spec, spec) == 0)
            return &set->runs[i];
    return NULL;
}

static double share(const struct result_run *run)
{
    return run->misses ? 100.0 * (double)run->local_misses / (double)run->misses : NAN;
}

static double local_us(const struct result_run *run)
{
    return run->local_misses ? (double)run->local_stall_ns / 1000 / (double)run->local_misses : NAN;
}

static double remote_us(const struct result_run *run)
{
    uint64_t remote = run->misses - run->local_misses;
    return remote ? (double)run->remote_stall_ns / 1000 / (double)remote : NAN;
}

static double stall(const struct result_run *run)
{
    return (double)(run->local_stall_ns + run->remote_stall_ns);
}

/* CPU time of the monitor that has nothing to do with placement (trap emulation and the like), as a share of
 * execution: Figure 8's DISCO slice without the moves of Table 3. It is part of what the paper measured and no part of
 * this model, so it is added as a constant before gains are compared. */
static double monitor_share(const struct figures *f)
{
    double moving = (f->moves * f->move_us + f->copies * f->copy_us) / 1e6 / f->cpus * f->disco_total;
    return (f->disco_overhead - moving) / f->irix_exec;
}

static double with_monitor(const struct figures *f, const struct result_run *run)
{
    return (double)run->elapsed_ns + monitor_share(f) * (double)run->exec_ns;
}

static double gain(const struct figures *f, const struct result_run *base, const struct result_run *run)
{
    return 100 * (1 - with_monitor(f, run) / (double)base->elapsed_ns);
}

static void bars(struct rows *r, const struct figures *f, const struct result_run *base, const struct result_run *run,
                 const struct result_set *set)
{
    double unit = (double)base->elapsed_ns / 100;
    double uma = (double)set->bounds.uma_ns;
    const char *of = "% of baseline";
    put(r, "baseline: execution", of, f->irix_exec, (double)base->exec_ns / unit, "measured");
    put(r, "baseline: local stall", of, f->irix_local, (double)base->local_stall_ns / unit, "measured");
    put(r, "baseline: remote stall", of, f->irix_remote, (double)base->remote_stall_ns / unit, "measured");
    put(r, "migrep: total, monitor added", of, f->disco_total, with_monitor(f, run) / unit, "measured");
    put(r, "migrep: execution", of, f->disco_exec, (double)run->exec_ns / unit, "measured");
    put(r, "migrep: local stall", of, f->disco_local, (double)run->local_stall_ns / unit, "measured");
    put(r, "migrep: remote stall", of, f->disco_remote, (double)run->remote_stall_ns / unit, "measured");
    put(r, "migrep: overhead, monitor added", of, f->disco_overhead,
        (with_monitor(f, run) - (double)run->elapsed_ns + (double)run->overhead_ns) / unit, "measured");
    if (set->bounds.present) {
        put(r, "UMA: total", of, f->uma_total, ((double)run->exec_ns + uma) / unit, "measured");
        put(r, "UMA: execution", of, f->uma_exec, (double)run->exec_ns / unit, "measured");
        put(r, "UMA: stall", of, f->uma_stall, uma / unit, "measured");
    }
    put(r, "stall taken away", "%", 100 * (1 - (f->disco_local + f->disco_remote) / (f->irix_local + f->irix_remote)),
        100 * (1 - stall(run) / stall(base)), "measured");
}

static void latencies(struct rows *r, const struct figures *f, const struct result_run *base,
                      const struct result_run *run)
{
    put(r, "baseline: local latency", "us", f->irix_local_us, local_us(base), f->origin);
    put(r, "baseline: remote latency", "us", f->irix_remote_us, remote_us(base), f->origin);
    put(r, "migrep: local latency", "us", f->disco_local_us, local_us(run), f->origin);
    put(r, "migrep: remote latency", "us", f->disco_remote_us, remote_us(run), f->origin);
}

/* Table 3: rates of the whole machine per second of the run; the mean cost pairs with the mix of moves and copies that
 * was made here. */
static void table3(struct rows *r, const struct figures *f, const struct result_run *run)
{
    double seconds = (double)run->makespan_ns / 1e9, n = (double)(run->moves + run->copies);
    double cost = ((double)run->moves * f->move_us + (double)run->copies * f->copy_us) / n;
    double moves = (double)run->moves / seconds, copies = (double)run->copies / seconds;
    put(r, "migrep: migrations", "a second", f->moves, moves, "measured");
    put(r, "migrep: replications", "a second", f->copies, copies, "measured");
    judge(put(r, "migrep: migrations and replications", "a second", f->moves + f->copies, moves + copies, "measured"),
          0.7 * (f->moves + f->copies), 1.3 * (f->moves + f->copies));
    judge(put(r, "migrep: mean cost of one, this mix", "us", cost, (double)run->overhead_ns / 1e3 / n, "measured"),
          0.95 * cost, 1.05 * cost);
    put(r, "migrep: CPU time that goes into them", "%",
        (f->moves * f->move_us + f->copies * f->copy_us) / 1e4 / f->cpus,
        100 * (double)run->overhead_ns / (double)run->elapsed_ns, "derived");
}

/* Pages that do not lie about evenly were put there after the fact: nothing is judged. */
static void explained(struct rows *r, const struct figures *f, const struct result_set *set)
{
    const struct result_run *base = run_named(set, f->baseline), *run = run_named(set, "migrep");
    if (!base || !run)
        return;
    put(r, "gain of migrep, monitor added", "%", f->gain, gain(f, base, run), f->origin);
    bars(r, f, base, run, set);
    latencies(r, f, base, run);
}

static void loaded(struct rows *r, const struct figures *f, const struct result_set *set)
{
    const struct result_run *base = run_named(set, f->baseline), *run = run_named(set, "migrep");
    if (!base || !run)
        return;
    judge(put(r, "baseline: local share", "% of misses", f->irix_share, share(base), "rule: 1/N"), 100 / f->cpus - 1,
          100 / f->cpus + 1);
    judge(put(r, "migrep: local share", "% of misses", f->disco_share, share(run), "measured"), 70, 85);
    judge(put(r, "gain of migrep, monitor added", "%", f->gain, gain(f, base, run), "measured"), f->gain - 5,
          f->gain + 5);
    put(r, "gain of migrep, placement alone", "%", NAN, 100 * (1 - (double)run->elapsed_ns / (double)base->elapsed_ns),
        "");
    bars(r, f, base, run, set);
    latencies(r, f, base, run);
    table3(r, f, run);
}

static void flat(struct rows *r, const struct figures *f, const struct result_set *set)
{
    const struct result_run *base = run_named(set, f->baseline), *run = run_named(set, "migrep");
    if (base && run)
        judge(put(r, "gain without contention", "%", f->gain_flat, gain(f, base, run), "derived"), f->gain_flat - 3,
              f->gain_flat + 3);
}

/* A write-shared page stays; a page that two nodes use in turn moves once in a reset interval of 100 ms at most. */
static void page(struct rows *r, const struct result_set *set, enum paper_kind kind)
{
    const struct result_run *run = run_named(set, "migrep");
    double intervals = 1 + (double)(set->trace.last_time - set->trace.first_time) / 100e6;
    if (!run)
        return;
    if (kind == PAPER_WRITE_SHARED)
        judge(put(r, "times it moved or was copied", "", 0, (double)(run->moves + run->copies), "rule"), 0, 0);
    else
        judge(put(r, "times it moved or was copied", "", NAN, (double)(run->moves + run->copies), "rule"), 0,
              intervals);
}

static const struct figures *figures_of(const struct synthetic *workload)
{
    for (size_t k = 0; workload && k < sizeof published / sizeof published[0]; k++)
        if (strcmp(published[k].workload, workload->name) == 0)
            return &published[k];
    return NULL;
}

static void check_set(struct rows *r, const struct paper_sets *sets, uint32_t i)
{
    const struct figures *f = figures_of(sets->workload[i]);
    r->workload = f ? f->workload : sets->kind[i] == PAPER_WRITE_SHARED ? "write-shared page" : "ping-pong page";
    if (f && sets->workload[i]->packed)
        explained(r, f, &sets->set[i]);
    else if (f && sets->kind[i] == PAPER_LOADED)
        loaded(r, f, &sets->set[i]);
    else if (f)
        flat(r, f, &sets->set[i]);
    else
        page(r, &sets->set[i], sets->kind[i]);
}

int paper_checks(struct paper_sets *sets)
{
    for (uint32_t i = 0; i < sets->n; i++) {
        struct rows r = {.check = calloc(CHECKS, sizeof *r.check)};
        if (!r.check)
            return -ENOMEM;
        sets->set[i].checks = r.check;
        check_set(&r, sets, i);
        sets->set[i].nchecks = r.n;
    }
    return 0;
}
