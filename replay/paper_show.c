/* SPDX-License-Identifier: BSD-2-Clause */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "replay/paper.h"

static bool is_within(const struct paper_row *row)
{
    return row->here >= row->low && row->here <= row->high;
}

static void show_value(double value, int width)
{
    if (isnan(value))
        printf(" %*s", width, "-");
    else
        printf(" %*.*f", width, fabs(value) < 10 ? 2 : fabs(value) < 1000 ? 1 : 0, value);
}

static void show_row(const struct paper_row *row)
{
    char deviation[24] = "-";
    if (!isnan(row->paper) && !isnan(row->here))
        snprintf(deviation, sizeof deviation, "%+.2f", row->here - row->paper);
    printf("  %-36s %-17s", row->quantity, row->unit);
    show_value(row->paper, 8);
    show_value(row->here, 8);
    printf(" %9s  %-11s", deviation, row->origin);
    if (row->judged)
        printf("%s %g..%g", is_within(row) ? "yes, " : "NO,  ", row->low, row->high);
    putchar('\n');
}

static void show_table_of(const struct paper_row *row, uint32_t n)
{
    uint32_t judged = 0, within = 0;
    printf("Disco (SOSP 1997), Figure 8 and Table 3, beside the model. How to read it: docs/paper.md\n");
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(row[i].workload, row[i - 1].workload) != 0)
            printf("\n%-38s %-17s %8s %8s %9s  %-11s%s\n", row[i].workload, "", "paper", "here", "deviation", "origin",
                   "within");
        show_row(&row[i]);
        judged += row[i].judged;
        within += row[i].judged && is_within(&row[i]);
    }
    printf("\n%u of %u quantities lie within their tolerance.\n", within, judged);
}

static void csv_value(double value)
{
    if (isnan(value))
        putchar(',');
    else
        printf("%.6g,", value);
}

static void show_csv_of(const struct paper_row *row, uint32_t n)
{
    puts("workload,quantity,unit,paper,here,low,high,within,origin");
    for (uint32_t i = 0; i < n; i++) {
        printf("\"%s\",\"%s\",\"%s\",", row[i].workload, row[i].quantity, row[i].unit);
        csv_value(row[i].paper);
        csv_value(row[i].here);
        csv_value(row[i].judged ? row[i].low : NAN);
        csv_value(row[i].judged ? row[i].high : NAN);
        printf("%s,\"%s\"\n", row[i].judged ? is_within(&row[i]) ? "yes" : "no" : "", row[i].origin);
    }
}

static json_t *number(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *json_row(const struct paper_row *row)
{
    return json_pack("{ss ss ss so so so so so ss}", "workload", row->workload, "quantity", row->quantity, "unit",
                     row->unit, "paper", number(row->paper), "here", number(row->here), "low",
                     number(row->judged ? row->low : NAN), "high", number(row->judged ? row->high : NAN), "within",
                     row->judged ? json_boolean(is_within(row)) : json_null(), "origin", row->origin);
}

static int show_json_of(const struct request *r, const struct paper_row *row, uint32_t n)
{
    json_t *rows = json_array(), *all = json_pack("{so}", "rows", rows);
    char *text;
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(rows, json_row(&row[i]));
    text = json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(all);
    if (!text)
        return cli_error(r->cli, "out of memory while writing JSON; use --format csv");
    puts(text);
    free(text);
    return CLI_DONE;
}

int paper_show(const struct request *r, const struct paper_row *row, uint32_t n)
{
    if (r->format == CLI_JSON)
        return show_json_of(r, row, n);
    (r->format == CLI_CSV ? show_csv_of : show_table_of)(row, n);
    return CLI_DONE;
}
