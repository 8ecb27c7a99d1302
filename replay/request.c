/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "monitor-core/engine.h"
#include "reports/show.h"

enum { PPM = 1000000 };

/* --- progress --- */

static void begin_phase(void *context, const char *what)
{
    struct request *r = context;

    request_quiet(r);
    cli_progress_start(&r->bar, r->cli, what, "records", 0);
}

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    struct request *r = context;

    r->bar.total = total;
    cli_progress_set(&r->bar, done);
}

void request_quiet(struct request *r)
{
    if (r->bar.what)
        cli_progress_end(&r->bar);
    r->bar = (struct cli_progress){0};
}

/* --- options --- */

static bool read_small(const struct cli *cli, const char *option, uint64_t min, uint64_t max, uint32_t *out)
{
    uint64_t value = *out;

    if (!cli_u64(cli, option, min, max, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool read_options(const struct cli *cli, struct replay_options *o)
{
    o->contention = !cli_has(cli, "no-contention");
    o->cpu_map = cli_value(cli, "cpu-map");
    return cli_ratio(cli, "capacity", 0, 100 * (uint64_t)PPM, &o->capacity_ppm) &&
           cli_u64(cli, "repeat", 1, 1000000, &o->repeat) &&
           cli_ratio(cli, "time-scale", 1, (uint64_t)PPM * PPM, &o->time_scale_ppm) &&
           cli_u64(cli, "intensity", 1, 65536, &o->intensity) && read_small(cli, "sample", 1, 32768, &o->sampling) &&
           read_small(cli, "batch", 1, ENGINE_BATCH_MAX, &o->batch) &&
           read_small(cli, "budget", 0, UINT32_MAX, &o->budget) && read_small(cli, "threads", 1, 1024, &o->threads) &&
           read_small(cli, "fuse", 1, 4096, &o->fuse);
}

static int read_policies(struct request *r)
{
    size_t n = cli_count(r->cli, "policy");

    if (n > REQUEST_POLICIES)
        return cli_usage(r->cli, "--policy is given %zu times; at most %d", n, REQUEST_POLICIES);
    for (size_t i = 0; i < n; i++)
        r->policies[i] = cli_nth(r->cli, "policy", i);
    r->compare.policies = r->policies;
    r->compare.npolicies = n;
    return CLI_DONE;
}

static int read_request(struct request *r)
{
    struct replay_options *o = &r->compare.options;

    replay_defaults(o);
    if (!cli_format(r->cli, &r->format) || !read_options(r->cli, o))
        return CLI_USAGE;
    if (o->sampling & (o->sampling - 1))
        return cli_usage(r->cli, "--sample %u: not a power of two; try 1, 2, 4, ... 32768", o->sampling);
    cli_typed(r->command, sizeof r->command);
    r->compare.machine = cli_value(r->cli, "machine");
    r->compare.bounds = !cli_has(r->cli, "no-bounds");
    r->compare.command = r->command;
    r->compare.phase = begin_phase;
    r->compare.progress = show_progress;
    r->compare.context = r;
    return read_policies(r);
}

/* --- output files --- */

/* Tries that the file can be made; a long run must not end in a folder that does not exist. */
static int try_output(const struct request *r, const char *option, const char *path)
{
    for (size_t i = 0; path && i < cli_args(r->cli); i++)
        if (cli_same_file(path, cli_arg(r->cli, i)))
            return cli_usage(r->cli, "--%s %s would overwrite the trace; choose another name", option, path);
    if (!path)
        return CLI_DONE;
    if (r->compare.machine && cli_same_file(path, r->compare.machine))
        return cli_usage(r->cli, "--%s %s would overwrite the machine file; choose another name", option, path);
    char *temporary = cli_temporary(path);
    if (!temporary)
        return cli_error(r->cli, "%s: cannot be written: %s; choose a file in an existing, writable folder with --%s",
                         path, strerror(errno), option);
    cli_discard(temporary);
    return CLI_DONE;
}

/* --write-log is replay's alone. */
static int try_outputs(struct request *r)
{
    static const char *const options[] = {"output", "report", "write-log"};
    const char *paths[3];

    for (size_t i = 0; i < 3; i++) {
        paths[i] = cli_value(r->cli, options[i]);
        for (size_t k = 0; paths[i] && k < i; k++)
            if (paths[k] && (strcmp(paths[i], paths[k]) == 0 || cli_same_file(paths[i], paths[k])))
                return cli_usage(r->cli, "--%s and --%s name the same file %s", options[k], options[i], paths[i]);
        int code = try_output(r, options[i], paths[i]);
        if (code)
            return code;
    }
    r->results = paths[0];
    r->report = paths[1];
    return CLI_DONE;
}

int request_begin(struct request *r, const struct cli *cli)
{
    memset(r, 0, sizeof *r);
    r->cli = cli;
    int code = read_request(r);
    return code ? code : try_outputs(r);
}

int request_publish(struct request *r, const struct result_set *sets, uint32_t nsets)
{
    struct trace_error error;

    if (r->results && result_write(r->results, sets, nsets, &error))
        return cli_error(r->cli, "%s", error.text);
    if (r->report && report_write(r->report, sets, nsets, &error))
        return cli_error(r->cli, "%s", error.text);
    return CLI_DONE;
}
