/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "replay/command.h"
#include "replay/request.h"
#include "replay/run_log.h"
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

/* The log beside its final name; it gets that name when the run is done. */
struct log_file {
    struct run_log log;
    char *temporary;
};

static int open_log(struct request *r, struct log_file *f)
{
    const char *path = cli_value(r->cli, "write-log");
    memset(f, 0, sizeof *f);
    if (!path)
        return CLI_DONE;
    f->temporary = cli_temporary(path);
    f->log.file = f->temporary ? fopen(f->temporary, "wb") : NULL;
    if (!f->log.file) {
        int error = errno;
        if (f->temporary)
            cli_discard(f->temporary);
        f->temporary = NULL;
        return cli_error(r->cli, "%s: cannot be written: %s", path, strerror(error));
    }
    r->compare.options.log = &f->log;
    return CLI_DONE;
}

static int close_log(struct request *r, struct log_file *f, bool keep)
{
    const char *path = cli_value(r->cli, "write-log");
    if (!f->temporary)
        return CLI_DONE;
    int error = keep ? run_log_end(&f->log) : 0;
    if (fclose(f->log.file) && keep && !error)
        error = -errno;
    if (keep && !error)
        error = cli_publish(f->temporary, path);
    else
        cli_discard(f->temporary);
    f->temporary = NULL;
    return error ? cli_error(r->cli, "%s: cannot be written: %s", path, strerror(-error)) : CLI_DONE;
}

static int replay(struct request *r)
{
    struct compare_job job;
    struct result_set set;
    struct trace_error error;
    struct log_file log;

    if (compare_open(&job, &r->compare, cli_arg(r->cli, 0), &error))
        return cli_error(r->cli, "%s", error.text);
    if (job.select.n != 1) {
        uint32_t n = job.select.n;
        compare_close(&job);
        return cli_usage(r->cli, "--policy names %u runs; replay makes one, compare makes several", n);
    }
    int code = open_log(r, &log);
    if (code) {
        compare_close(&job);
        return code;
    }
    int err = compare_run(&job, &set, &error);
    compare_close(&job);
    request_quiet(r);
    code = close_log(r, &log, !err);
    if (err)
        return cli_error(r->cli, "%s", error.text);
    if (!code)
        code = show(r, &set);
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
    {"policy", 'P', "SPEC", "the policy, as in migrep:trigger=64,sharing=16; needed"},
    {"write-log", 0, "FILE", "write what the engine is told, to be played elsewhere (mirrorball monitor play)"},
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
