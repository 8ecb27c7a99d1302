/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/paper.h"

#include <stdlib.h>

#include "reports/show.h"

/* The whole comparisons, below the figures. */
static void show_sets(const struct paper_sets *sets)
{
    for (uint32_t i = 0; i < sets->n; i++) {
        printf("\n");
        show_context(stdout, &sets->set[i]);
        show_table(stdout, &sets->set[i], cli_colour());
    }
}

int paper_command(const struct cli *cli)
{
    static struct request request;
    struct paper_row row[PAPER_ROWS];
    struct paper_sets *sets;
    int code = cli_args(cli) ? cli_usage(cli, "--paper makes its own traces; leave out %s", cli_arg(cli, 0))
                             : request_begin(&request, cli);
    if (code)
        return code;
    sets = calloc(1, sizeof *sets);
    if (!sets)
        return cli_error(cli, "out of memory");
    code = paper_runs(&request, sets);
    request_quiet(&request);
    if (!code)
        code = paper_show(&request, row, paper_rows(sets, row));
    if (!code && request.format == CLI_TABLE)
        show_sets(sets);
    if (!code)
        code = request_publish(&request, sets->set, sets->n);
    paper_runs_free(sets);
    free(sets);
    return code;
}
