/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/synthetic.h"
#include "replay/paper.h"

enum { SEED = 1 };

static int error_line(const struct request *r, const struct trace_error *error)
{
    return cli_error(r->cli, "%s", error->text);
}

/* The policies asked for, besides those that stand for the paper's. */
static int choose_runs(struct compare_job *job, struct trace_error *error)
{
    int err = job->request->npolicies ? 0 : select_all(&job->select, error);
    for (size_t i = 0; i < job->request->npolicies && !err; i++)
        err = select_add(&job->select, job->request->policies[i], error);
    return err ? err : select_add(&job->select, "interleave,first_touch,migrep", error);
}

/* One comparison over a trace in memory; the trace stays the caller's. */
static int run_one(const struct compare_request *request, struct trace *trace, const struct machine_desc *machine,
                   struct result_set *out, struct trace_error *error)
{
    struct compare_job *job = calloc(1, sizeof *job);
    int err = job ? 0 : -ENOMEM;
    if (!job) {
        snprintf(error->text, sizeof error->text, "out of memory");
        return err;
    }
    job->request = request;
    job->path = trace_meta(trace)->name;
    job->trace = trace;
    err = replay_machine_init(&job->machine, machine, trace_meta(trace), &request->options, error);
    if (!err)
        err = choose_runs(job, error);
    if (!err)
        err = compare_run(job, out, error);
    job->trace = NULL;
    compare_close(job);
    free(job);
    return err;
}

static int add(const struct request *r, struct paper_sets *sets, enum paper_kind kind, const struct synthetic *workload,
               struct trace *trace, const struct machine_desc *machine, struct trace_error *error)
{
    struct compare_request request = r->compare;
    int err;
    request.options.contention = kind == PAPER_LOADED;
    err = run_one(&request, trace, machine, &sets->set[sets->n], error);
    if (err)
        return err;
    sets->kind[sets->n] = kind;
    sets->workload[sets->n++] = workload;
    return 0;
}

static int run_workload(const struct request *r, struct paper_sets *sets, const struct synthetic *workload,
                        const struct machine_desc *machine)
{
    struct trace *trace;
    struct trace_error error;
    int err = synthetic_trace(workload, 0, SEED, &trace, &error);
    if (err)
        return error_line(r, &error);
    err = add(r, sets, PAPER_LOADED, workload, trace, machine, &error);
    if (!err && !workload->packed)
        err = add(r, sets, PAPER_FLAT, workload, trace, machine, &error);
    trace_close(trace);
    return err ? error_line(r, &error) : CLI_DONE;
}

static int run_page(const struct request *r, struct paper_sets *sets, enum paper_kind kind,
                    const struct machine_desc *machine)
{
    struct trace *trace;
    struct trace_error error;
    int err =
        synthetic_page(kind == PAPER_WRITE_SHARED ? SYNTHETIC_WRITE_SHARED : SYNTHETIC_PING_PONG, 8, &trace, &error);
    if (err)
        return error_line(r, &error);
    err = add(r, sets, kind, NULL, trace, machine, &error);
    trace_close(trace);
    return err ? error_line(r, &error) : CLI_DONE;
}

static uint32_t cpus_of(const struct machine_desc *m)
{
    uint32_t cpus = 0;
    for (uint32_t i = 0; i < m->nodes; i++)
        cpus += m->node_cpus[i];
    return cpus;
}

/* The workloads, each on the paper's machine, and the single pages. */
static int run_paper(const struct request *r, struct paper_sets *sets, struct machine_desc *machine)
{
    struct trace_error error;
    int code = CLI_DONE;
    for (const struct synthetic *const *w = synthetic_workloads; !code && *w; w++)
        code =
            machine_load((*w)->machine, machine, &error) ? error_line(r, &error) : run_workload(r, sets, *w, machine);
    if (!code && machine_load("flash-8", machine, &error))
        code = error_line(r, &error);
    if (!code)
        code = run_page(r, sets, PAPER_WRITE_SHARED, machine);
    return code ? code : run_page(r, sets, PAPER_PING_PONG, machine);
}

/* The workload that fits a machine of the user's. */
static int run_on(const struct request *r, struct paper_sets *sets, struct machine_desc *machine)
{
    struct trace_error error;
    if (machine_load(r->compare.machine, machine, &error))
        return error_line(r, &error);
    for (const struct synthetic *const *w = synthetic_workloads; *w; w++)
        if ((*w)->cpus == cpus_of(machine))
            return run_workload(r, sets, *w, machine);
    return cli_error(r->cli, "%s has %u CPUs; --paper has a workload for 8 CPUs and one for 16: choose such a machine",
                     machine->name, cpus_of(machine));
}

int paper_runs(struct request *r, struct paper_sets *sets)
{
    struct machine_desc *machine = malloc(sizeof *machine);
    int code;
    if (!machine)
        return cli_error(r->cli, "out of memory");
    code = (r->compare.machine ? run_on : run_paper)(r, sets, machine);
    free(machine);
    return code;
}

void paper_runs_free(struct paper_sets *sets)
{
    for (uint32_t i = 0; i < sets->n; i++)
        result_free(&sets->set[i]);
    sets->n = 0;
}
