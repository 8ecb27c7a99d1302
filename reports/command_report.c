/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/cli.h"
#include "reports/command.h"
#include "reports/show.h"

/* "results.h5" -> "results.html"; to be freed. */
static char *page_name(const char *results)
{
    size_t n = strlen(results);
    if (n > 3 && strcmp(results + n - 3, ".h5") == 0)
        n -= 3;
    char *name;
    return asprintf(&name, "%.*s.html", (int)n, results) < 0 ? NULL : name;
}

static int write_page(const struct cli *cli, const char *results, const char *page)
{
    struct result_set *sets;
    struct trace_error why;
    uint32_t n;
    if (result_read(results, &sets, &n, &why))
        return cli_error(cli, "%s", why.text);
    int error = report_write(page, sets, n, &why);
    for (uint32_t i = 0; i < n; i++)
        result_free(&sets[i]);
    free(sets);
    return error ? cli_error(cli, "%s", why.text) : CLI_DONE;
}

static int run(const struct cli *cli)
{
    const char *results = cli_arg(cli, 0);
    char *page = cli_value(cli, "output") ? strdup(cli_value(cli, "output")) : page_name(results);
    if (!page)
        return cli_error(cli, "out of memory");
    int code = strcmp(page, results) == 0
                   ? cli_usage(cli, "%s: the page would replace its own results; name another file with -o", page)
                   : write_page(cli, results, page);
    free(page);
    return code;
}

static const struct cli_option options[] = {
    {"output", 'o', "FILE", "the page to write; default: the name of the results with .html"},
    {0},
};

static const struct cli_example examples[] = {
    {"mirrorball report results.h5 -o report.html", "the comparison as a page to open or to send"},
    {"mirrorball report sweep.h5", "writes sweep.html"},
    {0},
};

const struct cli_command command_report = {
    .name = "report",
    .arguments = "RESULTS.h5",
    .summary = "one self-contained page with charts",
    .description =
        "Makes one HTML file of the results that compare, replay or sweep wrote with -o: the answer, the "
        "break-down of the time, local share, moves and replicas over time, traffic, a table that sorts, and "
        "all inputs. The file needs no network and no other file.",
    .options = options,
    .examples = examples,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
