/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/paper.h"

#include <stdlib.h>

#include "reports/show.h"

/* The checks; for a person the whole comparisons below them. */
static int show(const struct request *r, const struct paper_sets *sets)
{
    if (r->format == CLI_CSV)
        show_checks_csv(stdout, sets->set, sets->n);
    else if (r->format == CLI_JSON && show_checks_json(stdout, sets->set, sets->n))
        return cli_error(r->cli, "out of memory while writing JSON; use --format csv");
    if (r->format != CLI_TABLE)
        return CLI_DONE;
    printf("Disco (SOSP 1997), Figure 8 and Table 3, beside the model. How to read it: docs/paper.md\n");
    show_checks(stdout, sets->set, sets->n);
    for (uint32_t i = 0; i < sets->n; i++) {
        printf("\n");
        show_context(stdout, &sets->set[i]);
        show_table(stdout, &sets->set[i], cli_colour());
    }
    return CLI_DONE;
}

int paper_command(const struct cli *cli)
{
    static struct request request;
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
    if (!code && paper_checks(sets))
        code = cli_error(cli, "out of memory");
    if (!code)
        code = show(&request, sets);
    if (!code)
        code = request_publish(&request, sets->set, sets->n);
    paper_runs_free(sets);
    free(sets);
    return code;
}
