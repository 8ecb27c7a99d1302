/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "datasets/command.h"
#include "datasets/info_show.h"
#include "datasets/trace_digest.h"

static const struct cli_option options[] = {
    {"verify", 0, NULL, "decode everything and compare the content with the stored digest"},
    {"format", 'f', "F", "table, csv or json; default table"},
    {NULL, 0, NULL, NULL},
};

static const struct cli_example examples[] = {
    {"mirrorball info datasets/traces/pmake.h5", "where it comes from, what it holds, how its pages are shared"},
    {"mirrorball info --verify app.h5", "is the file whole?"},
    {"mirrorball info --format json *.h5", "for a program"},
    {NULL, NULL},
};

static int run(const struct cli *);

const struct cli_command command_info = {
    .name = "info",
    .arguments = "TRACE...",
    .summary = "say what a trace holds and how its pages are shared",
    .description = "Provenance, counts, footprint, and the sharing table: pages and misses that are private to\n"
                   "one CPU, read-shared (no write after a second CPU came, or by it) by all CPUs or by some,\n"
                   "read-mostly (under 2 % write misses) and write-shared; then the share of local misses under\n"
                   "first touch, round robin, the best static placement, the same with perfect replication of\n"
                   "read-shared and read-mostly pages, and the placement that was recorded. One CPU per node is\n"
                   "assumed; an upgrade counts as a write miss.",
    .options = options,
    .examples = examples,
    .min_args = 1,
    .max_args = -1,
    .run = run,
};

static int verify(const struct cli *cli, const char *path, const struct trace *trace)
{
    const struct trace_meta *meta = trace_meta(trace);
    struct trace_error error;
    uint64_t digest, misses;
    if (trace_digest_scan(trace, &digest, &misses, &error))
        return cli_error(cli, "%s", error.text);
    if (digest != meta->digest)
        return cli_error(cli, "%s: the content's digest is %016" PRIx64 ", the file says %016" PRIx64 "; it is damaged",
                         path, digest, meta->digest);
    if (misses != meta->misses)
        return cli_error(cli, "%s: holds %" PRIu64 " misses, the file says %" PRIu64 "; it is damaged", path, misses,
                         meta->misses);
    return CLI_DONE;
}

static int show(const struct cli *cli, enum cli_format format, const struct info *info, json_t *list)
{
    if (format == CLI_JSON)
        return info_show_json(list, info) ? cli_error(cli, "out of memory") : CLI_DONE;
    if (format == CLI_CSV)
        info_show_csv(stdout, info);
    else
        info_show_table(stdout, info);
    return CLI_DONE;
}

static int one(const struct cli *cli, enum cli_format format, const char *path, json_t *list)
{
    struct trace_stats stats;
    struct trace_error error;
    struct trace *trace;
    struct stat status;
    if (trace_open(path, &trace, &error))
        return cli_error(cli, "%s", error.text);
    struct info info = {.path = path, .meta = trace_meta(trace), .stats = &stats, .collect = trace_collect_of(trace)};
    info.file_bytes = stat(path, &status) ? 0 : (uint64_t)status.st_size;
    int code = CLI_DONE;
    if (cli_has(cli, "verify")) {
        code = verify(cli, path, trace);
        info.verified = code == CLI_DONE;
    }
    if (code == CLI_DONE && trace_stats_compute(trace, &stats, &error))
        code = cli_error(cli, "%s", error.text);
    if (code == CLI_DONE)
        code = show(cli, format, &info, list);
    trace_close(trace);
    return code;
}

/* One trace gives one object, several an array. */
static int print_json(const struct cli *cli, json_t *list)
{
    json_t *root = json_array_size(list) == 1 ? json_array_get(list, 0) : list;
    if (json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12)))
        return cli_error(cli, "cannot write to standard output");
    putchar('\n');
    return CLI_DONE;
}

static int run(const struct cli *cli)
{
    enum cli_format format;
    int code = CLI_DONE;
    if (!cli_format(cli, &format))
        return CLI_USAGE;
    json_t *list = json_array();
    if (format == CLI_CSV)
        info_show_csv_head(stdout);
    for (size_t i = 0; code == CLI_DONE && i < cli_args(cli); i++) {
        if (format == CLI_TABLE && i)
            putchar('\n');
        code = one(cli, format, cli_arg(cli, i), list);
    }
    if (code == CLI_DONE && format == CLI_JSON)
        code = print_json(cli, list);
    json_decref(list);
    return code;
}
