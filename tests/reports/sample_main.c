/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sample KIND OUT: writes made-up results for the tests in Python: KIND set, later, small, bare, empty, two, hostile,
 * sweep, big, paper (two sets with checks), checks (a small set with checks) or hostile-checks; OUT *.h5, *.html,
 * *.json, *.csv, or "-" for the table.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/show.h"
#include "tests/reports/sample.h"

static const char hostile[] = "</script><img src=x onerror=document.title='owned'>\033[31m\xff&amp;\"'";

static void cut(struct result_set *set, uint32_t runs)
{
    for (uint32_t i = runs; i < set->nruns; i++) {
        free(set->runs[i].traffic);
        free(set->runs[i].series);
    }
    set->nruns = runs;
}

static uint32_t make(const char *kind, struct result_set *sets)
{
    if (strcmp(kind, "sweep") == 0 || strcmp(kind, "big") == 0) {
        sample_sweep(&sets[0], kind[0] == 's' ? 20 : 200);
        return 1;
    }
    sample_set(&sets[0], strncmp(kind, "hostile", 7) == 0 ? hostile : "pmake");
    if (strcmp(kind, "later") == 0) { /* the same results, come by in another way */
        sets[0].threads = 7;
        sets[0].runs[0].threads_group = 1;
        snprintf(sets[0].date, sizeof sets[0].date, "2027-01-01");
        snprintf(sets[0].command, sizeof sets[0].command, "mirrorball compare --threads 7 pmake.h5");
    }
    if (strcmp(kind, "checks") == 0)
        sample_checks(&sets[0], "engineering");
    if (strcmp(kind, "small") == 0 || strcmp(kind, "checks") == 0) { /* a file of which most is structure */
        cut(&sets[0], 2);
        sets[0].runs[0].nseries = sets[0].runs[1].nseries = 3;
    }
    if (strcmp(kind, "bare") == 0 || strcmp(kind, "empty") == 0) {
        cut(&sets[0], kind[0] == 'b');
        sets[0].bounds.present = false;
    }
    if (strcmp(kind, "hostile") == 0)
        snprintf(sets[0].runs[3].spec, sizeof sets[0].runs[3].spec, "%s", hostile);
    if (strcmp(kind, "hostile-checks") == 0) {
        sample_checks(&sets[0], "<b>&amp;\"\033[31m");
        snprintf(sets[0].checks[2].quantity, sizeof sets[0].checks[2].quantity, "%.60s", hostile);
        sets[0].checks[2].here = INFINITY;
    }
    if (strcmp(kind, "two") != 0 && strcmp(kind, "paper") != 0)
        return 1;
    sample_set(&sets[1], "raytrace");
    if (kind[0] == 'p') {
        sample_checks(&sets[0], "engineering");
        sample_checks(&sets[1], "raytrace");
        snprintf(sets[1].machine.name, sizeof sets[1].machine.name, "flash-16");
    }
    return 2;
}

static int ends(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static int show(const char *kind, const struct result_set *sets, uint32_t n, const char *out)
{
    static const char *const varied[] = {"trigger", "sharing"};
    FILE *f = strcmp(out, "-") == 0 ? stdout : fopen(out, "w");
    if (!f)
        return -1;
    if (ends(out, ".json"))
        show_json(f, sets, n);
    else if (ends(out, ".csv"))
        show_csv(f, sets, n);
    for (uint32_t i = 0; f == stdout && i < n; i++) {
        show_context(f, &sets[i]);
        if (kind[0] == 'r')
            show_run(f, &sets[i], 3, false);
        else if (strcmp(kind, "sweep") == 0 || strcmp(kind, "big") == 0)
            show_sweep(f, &sets[i], varied, 2, getenv("COLOUR") != NULL);
        else
            show_table(f, &sets[i], getenv("COLOUR") != NULL);
    }
    return f == stdout ? 0 : fclose(f);
}

int main(int argc, char **argv)
{
    struct result_set *sets = calloc(2, sizeof *sets);
    struct trace_error why = {""};
    if (argc != 3 || !sets)
        return 2;
    uint32_t n = make(argv[1], sets);
    int error = ends(argv[2], ".h5")     ? result_write(argv[2], sets, n, &why)
                : ends(argv[2], ".html") ? report_write(argv[2], sets, n, &why)
                                         : show(argv[1], sets, n, argv[2]);
    if (error)
        fprintf(stderr, "sample: %s\n", why.text);
    for (uint32_t i = 0; i < n; i++)
        result_free(&sets[i]);
    free(sets);
    return error != 0;
}
