/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "replay/command.h"
#include "replay/request.h"
#include "reports/show.h"

static int show(const struct request *r, const struct result_set *set)
{
    if (r->format == CLI_CSV)
        show_csv(stdout, set, 1);
    else if (r->format == CLI_JSON && show_json(stdout, set, 1))
        return cli_error(r->cli, "out of memory while writing JSON; use --format csv");
    else if (r->format == CLI_TABLE) {
        show_context(stdout, set);
        show_run(stdout, set, 0, cli_colour());
    }
    return CLI_DONE;
}

static int replay(struct request *r)
{
    struct compare_job job;
    struct result_set set;
    struct trace_error error;

    if (compare_open(&job, &r->compare, cli_arg(r->cli, 0), &error))
        return cli_error(r->cli, "%s", error.text);
    if (job.select.n != 1) {
        uint32_t n = job.select.n;
        compare_close(&job);
        return cli_usage(r->cli, "--policy names %u runs; replay makes one, compare makes several", n);
    }
    int err = compare_run(&job, &set, &error);
    compare_close(&job);
    request_quiet(r);
    if (err)
        return cli_error(r->cli, "%s", error.text);
    int code = show(r, &set);
    if (!code)
        code = request_publish(r, &set, 1);
    result_free(&set);
    return code;
}

static int run(const struct cli *cli)
{
    struct request r;

    if (!cli_has(cli, "policy"))
        return cli_usage(cli, "--policy is missing; mirrorball policies lists them");
    int code = request_begin(&r, cli);
    return code ? code : replay(&r);
}

static const struct cli_option options[] = {
    {"policy", 'p', "SPEC", "the policy, as in migrep:trigger=64,sharing=16; needed"},
    REQUEST_OPTIONS,
    REQUEST_OUTPUT,
};

static const struct cli_example examples[] = {
    {"mirrorball replay datasets/traces/pmake.h5 --policy migrep", "one run with its full break-down"},
    {"mirrorball replay datasets/traces/pmake.h5 --policy migrep:trigger=64 --machine flash-8 -o run.h5",
     "another threshold, another machine; keep the result"},
    {NULL, NULL},
};

const struct cli_command command_replay = {
    .name = "replay",
    .arguments = "TRACE",
    .summary = "replay one trace under one policy, in full detail",
    .description =
        "One run of compare with everything that is known of it: overhead by cause, refused orders by reason, "
        "traffic between nodes, utilisation of each node's memory.",
    .options = options,
    .examples = examples,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
