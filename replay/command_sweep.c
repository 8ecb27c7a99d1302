/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/command.h"
#include "replay/request.h"
#include "replay/vary.h"
#include "reports/show.h"

/* The varied parameters of the command line. */
struct plan {
    struct vary vary[POLICY_PARAMS_MAX];
    size_t n;
};

static void free_plan(struct plan *plan)
{
    while (plan->n > 0)
        vary_free(&plan->vary[--plan->n]);
}

static bool varied_already(const struct plan *plan, int index)
{
    for (size_t i = 0; i < plan->n; i++)
        if (plan->vary[i].index == index)
            return true;
    return false;
}

static int make_plan(const struct cli *cli, const struct policy_class *class, struct plan *plan)
{
    struct trace_error error;

    for (size_t i = 0; i < cli_count(cli, "vary"); i++) {
        struct vary vary;
        if (vary_parse(&vary, class, cli_nth(cli, "vary", i), &error))
            return cli_usage(cli, "%s", error.text);
        if (varied_already(plan, vary.index)) {
            vary_free(&vary);
            return cli_usage(cli, "--vary %s is given twice; list its values after one '='", vary.name);
        }
        plan->vary[plan->n++] = vary;
    }
    return CLI_DONE;
}

/* The one chosen policy gives way to every combination. */
static int expand(const struct cli *cli, struct compare_job *job, struct plan *plan)
{
    struct replay_spec *specs;
    struct trace_error error;
    uint32_t n;

    if (job->select.n != 1)
        return cli_usage(cli, "--policy names %u policies; sweep varies one", job->select.n);
    int code = make_plan(cli, job->select.specs[0].policy, plan);
    if (code)
        return code;
    if (vary_product(plan->vary, plan->n, &job->select.specs[0], &specs, &n, &error))
        return cli_usage(cli, "%s", error.text);
    free(job->select.specs);
    job->select.specs = specs;
    job->select.n = job->select.room = n;
    return CLI_DONE;
}

static int show(const struct request *r, const struct result_set *set, const struct plan *plan)
{
    const char *names[POLICY_PARAMS_MAX];

    for (size_t i = 0; i < plan->n; i++)
        names[i] = plan->vary[i].name;
    if (r->format == CLI_CSV)
        show_csv(stdout, set, 1);
    else if (r->format == CLI_JSON && show_json(stdout, set, 1))
        return cli_error(r->cli, "out of memory while writing JSON; use --format csv");
    else if (r->format == CLI_TABLE) {
        show_context(stdout, set);
        show_sweep(stdout, set, names, (unsigned)plan->n, cli_colour());
    }
    return CLI_DONE;
}

/* What there is in the end says how many runs were there already. */
static void tell_resumed(const struct compare_job *job)
{
    if (job->resumed)
        fprintf(stderr, "mirrorball sweep: %" PRIu32 " of %" PRIu32 " runs were done before\n", job->resumed,
                job->select.n);
}

static int make_runs(struct request *r, struct compare_job *job, const struct plan *plan)
{
    struct result_set set;
    struct trace_error error;

    int err = compare_run(job, &set, &error);
    request_quiet(r);
    if (err)
        return cli_error(r->cli, "%s", error.text);
    tell_resumed(job);
    int code = show(r, &set, plan);
    if (!code)
        code = request_publish(r, &set, 1);
    result_free(&set);
    return code;
}

/* With an output file, what is done is kept beside it until that is written. */
static int make_kept_runs(struct request *r, struct compare_job *job, const struct plan *plan, struct resume *resume)
{
    struct trace_error error;

    if (!r->results)
        return make_runs(r, job, plan);
    if (resume_open(resume, r->results, &error))
        return cli_error(r->cli, "%s", error.text);
    job->resume = resume;
    int code = make_runs(r, job, plan);
    resume_close(resume, code == CLI_DONE);
    return code;
}

static int sweep(struct request *r)
{
    struct compare_job job;
    struct resume resume;
    struct plan plan = {.n = 0};
    struct trace_error error;

    if (compare_open(&job, &r->compare, cli_arg(r->cli, 0), &error))
        return cli_error(r->cli, "%s", error.text);
    int code = expand(r->cli, &job, &plan);
    if (!code)
        code = make_kept_runs(r, &job, &plan, &resume);
    free_plan(&plan);
    compare_close(&job);
    return code;
}

static int run(const struct cli *cli)
{
    struct request r;

    if (!cli_has(cli, "policy"))
        return cli_usage(cli, "--policy is missing; mirrorball policies lists them");
    if (!cli_has(cli, "vary"))
        return cli_usage(cli, "--vary is missing; name a parameter and its values, as in trigger=16..512:x2");
    int code = request_begin(&r, cli);
    return code ? code : sweep(&r);
}

static const struct cli_option options[] = {
    {"policy", 'P', "SPEC", "the policy; parameters given here hold for every run; needed"},
    {"vary", 'v', "NAME=VALUES", "range 16..512:x2 or 16..64:+16, or list 8,16,32; may be repeated; needed"},
    REQUEST_OPTIONS,
    REQUEST_OUTPUT,
};

static const struct cli_example examples[] = {
    {"mirrorball sweep datasets/traces/pmake.h5 --policy migrep --vary trigger=16..512:x2", "six thresholds"},
    {"mirrorball sweep datasets/traces/pmake.h5 --policy migrep --vary trigger=32,64,128 --vary sharing=8..32:x2 -o "
     "sweep.h5",
     "nine runs: every combination"},
    {NULL, NULL},
};

const struct cli_command command_sweep = {
    .name = "sweep",
    .arguments = "TRACE",
    .summary = "vary a policy's parameters over one trace",
    .description = "Replays the trace under every combination of the varied parameters, all in one pass over the trace "
                   "as far as memory allows, and marks the best. At most 4096 runs. With --output, what is done is "
                   "kept in FILE.h5.part until all is: a sweep that was killed goes on when the same command is given "
                   "again.",
    .options = options,
    .examples = examples,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
