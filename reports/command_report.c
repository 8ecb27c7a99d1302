/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
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

/* Appends what a file holds. 0 or -errno with a line. */
static int add_file(const char *results, struct result_set **sets, uint32_t *n, struct trace_error *why)
{
    struct result_set *more;
    uint32_t added;
    int error = result_read(results, &more, &added, why);
    if (error)
        return error;
    struct result_set *grown = realloc(*sets, ((size_t)*n + added) * sizeof **sets);
    if (grown) {
        memcpy(grown + *n, more, added * sizeof *more);
        *sets = grown;
        *n += added;
    } else {
        snprintf(why->text, sizeof why->text, "%.300s: out of memory", results);
        for (uint32_t i = 0; i < added; i++)
            result_free(&more[i]);
    }
    free(more);
    return grown ? 0 : -ENOMEM;
}

static int write_page(const struct cli *cli, const char *page)
{
    struct result_set *sets = NULL;
    struct trace_error why;
    uint32_t n = 0;
    int error = 0;
    for (size_t i = 0; !error && i < cli_args(cli); i++)
        error = add_file(cli_arg(cli, i), &sets, &n, &why);
    error = error ? error : report_write(page, sets, n, &why);
    for (uint32_t i = 0; i < n; i++)
        result_free(&sets[i]);
    free(sets);
    return error ? cli_error(cli, "%s", why.text) : CLI_DONE;
}

static int run(const struct cli *cli)
{
    char *page = cli_value(cli, "output") ? strdup(cli_value(cli, "output")) : page_name(cli_arg(cli, 0));
    int code = page ? CLI_DONE : cli_error(cli, "out of memory");
    for (size_t i = 0; !code && i < cli_args(cli); i++)
        if (strcmp(page, cli_arg(cli, i)) == 0 || cli_same_file(page, cli_arg(cli, i)))
            code = cli_usage(cli, "%s: the page would replace its own results; name another file with -o", page);
    if (!code)
        code = write_page(cli, page);
    free(page);
    return code;
}

static const struct cli_option options[] = {
    {"output", 'o', "FILE", "the page to write; default: the name of the first results with .html"},
    {0},
};

static const struct cli_example examples[] = {
    {"mirrorball report results.h5 -o report.html", "the comparison as a page to open or to send"},
    {"mirrorball report sweep.h5", "writes sweep.html"},
    {"mirrorball report migrep.h5 first_touch.h5 -o both.html", "two runs of the monitor, one under the other"},
    {0},
};

const struct cli_command command_report = {
    .name = "report",
    .arguments = "RESULTS.h5...",
    .summary = "one self-contained page with charts",
    .description =
        "Makes one HTML file of the results that compare, replay, sweep or monitor run wrote with -o: the answer, the "
        "break-down of the time, local share, moves and replicas over time, traffic, a table that sorts, and "
        "all inputs. The file needs no network and no other file. Several results become one page; runs of the "
        "monitor are set side by side at its top.",
    .options = options,
    .examples = examples,
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
