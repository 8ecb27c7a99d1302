/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "replay/command.h"
#include "replay/paper.h"
#include "replay/request.h"
#include "reports/show.h"

static int show(const struct request *r, const struct result_set *sets, uint32_t nsets)
{
    if (r->format == CLI_CSV)
        show_csv(stdout, sets, nsets);
    else if (r->format == CLI_JSON && show_json(stdout, sets, nsets))
        return cli_error(r->cli, "out of memory while writing JSON; use --format csv");
    else if (r->format == CLI_TABLE)
        for (uint32_t i = 0; i < nsets; i++) {
            if (i)
                printf("\n");
            show_context(stdout, &sets[i]);
            show_table(stdout, &sets[i], cli_colour());
        }
    return CLI_DONE;
}

/* Opens every trace once before the first long run: a wrong name at the end of the line costs no minutes. */
static int check_traces(const struct request *r)
{
    for (size_t i = 0; i < cli_args(r->cli); i++) {
        struct compare_job job;
        struct trace_error error;
        if (compare_open(&job, &r->compare, cli_arg(r->cli, i), &error))
            return cli_error(r->cli, "%s", error.text);
        compare_close(&job);
    }
    return CLI_DONE;
}

static int compare_one(struct request *r, const char *path, struct result_set *out)
{
    struct compare_job job;
    struct trace_error error;

    int err = compare_open(&job, &r->compare, path, &error);
    if (!err) {
        err = compare_run(&job, out, &error);
        compare_close(&job);
    }
    request_quiet(r);
    return err ? cli_error(r->cli, "%s", error.text) : CLI_DONE;
}

static int compare_all(struct request *r)
{
    uint32_t n = (uint32_t)cli_args(r->cli), done = 0;
    struct result_set *sets = calloc(n, sizeof *sets);
    int code = sets ? check_traces(r) : cli_error(r->cli, "out of memory for %u traces; compare fewer", n);

    for (; !code && done < n; done += !code)
        code = compare_one(r, cli_arg(r->cli, done), &sets[done]);
    if (!code)
        code = show(r, sets, n);
    if (!code)
        code = request_publish(r, sets, n);
    while (done-- > 0)
        result_free(&sets[done]);
    free(sets);
    return code;
}

static int run(const struct cli *cli)
{
    struct request r;

    if (cli_has(cli, "paper"))
        return paper_command(cli);
    if (cli_args(cli) == 0)
        return cli_usage(cli, "no trace given; name at least one, as in: mirrorball compare trace.h5");
    int code = request_begin(&r, cli);
    return code ? code : compare_all(&r);
}

static const struct cli_option options[] = {
    {"policy", 'P', "A,B:x=1", "these policies only; may be repeated; default: all"},
    {"paper", 0, NULL, "check the model against the Disco paper's figures instead; takes no trace"},
    REQUEST_OPTIONS,
    REQUEST_OUTPUT,
};

static const struct cli_example examples[] = {
    {"mirrorball compare datasets/traces/pmake.h5", "every policy on the default machine"},
    {"mirrorball compare datasets/traces/*.h5 -o results.h5 --report report.html",
     "all traces; result set and report page"},
    {"mirrorball compare datasets/traces/database.h5 --policy first_touch,migrep:trigger=64,sharing=16 --machine "
     "skylake-2s",
     "two runs on a two-socket machine"},
    {"mirrorball compare datasets/traces/pmake.h5 --repeat 4 --no-contention --format json",
     "steady state, constant latencies, for a program"},
    {"mirrorball compare --paper", "the Disco paper's locality experiments beside the model's figures"},
    {NULL, NULL},
};

const struct cli_command command_compare = {
    .name = "compare",
    .arguments = "TRACE...",
    .summary = "compare placement policies on recorded traces",
    .description =
        "Replays each trace against every policy on a modelled NUMA machine and shows where the time goes: execution, "
        "local and remote stall, overhead. Yardsticks are computed beside the runs: all memory local (UMA), the best "
        "static placement (post facto) and the offline optimum with migration and replication. Ends in one sentence "
        "per trace: the answer. The numbers do not depend on --threads and --fuse.",
    .options = options,
    .examples = examples,
    .min_args = 0,
    .max_args = -1,
    .run = run,
};
