/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/json.h"
#include "reports/show.h"
#include "reports/text.h"

static void show_value(FILE *f, double value)
{
    if (isnan(value))
        fprintf(f, " %8s", "-");
    else
        fprintf(f, " %8.*f", fabs(value) < 10 ? 2 : fabs(value) < 1000 ? 1 : 0, value);
}

static void show_check(FILE *f, const struct result_check *check)
{
    char deviation[32] = "-", quantity[80], unit[32], origin[32];
    if (!isnan(check->paper) && !isnan(check->here))
        snprintf(deviation, sizeof deviation, "%+.2f", check->here - check->paper);
    text_clean(quantity, sizeof quantity, check->quantity);
    text_clean(unit, sizeof unit, check->unit);
    text_clean(origin, sizeof origin, check->origin);
    fprintf(f, "  %-36s %-17s", quantity, unit);
    show_value(f, check->paper);
    show_value(f, check->here);
    fprintf(f, " %9s  %-11s", deviation, origin);
    if (check->judged)
        fprintf(f, "%s %g..%g", check->within ? "yes, " : "NO,  ", check->low, check->high);
    fputc('\n', f);
}

static void show_heads(FILE *f, const char *workload)
{
    char name[64];
    fprintf(f, "\n%-38s %-17s %8s %8s %9s  %-11s%s\n", text_clean(name, sizeof name, workload), "", "paper", "here",
            "deviation", "origin", "within");
}

void show_checks(FILE *f, const struct result_set *sets, uint32_t nsets)
{
    const char *workload = "";
    uint32_t judged = 0, within = 0;
    for (uint32_t s = 0; s < nsets; s++)
        for (uint32_t i = 0; i < sets[s].nchecks; i++) {
            const struct result_check *check = &sets[s].checks[i];
            if (strcmp(check->workload, workload) != 0)
                show_heads(f, check->workload);
            workload = check->workload;
            show_check(f, check);
            judged += check->judged;
            within += check->judged && check->within;
        }
    fprintf(f, "\n%u of %u quantities lie within their tolerance.\n", within, judged);
}

static void csv_value(FILE *f, double value)
{
    if (!isnan(value))
        fprintf(f, "%.6g", value);
    fputc(',', f);
}

/* RFC 4180: in quotes, those within doubled. */
static void csv_text(FILE *f, const char *text, const char *end)
{
    char clean[80];
    text_clean(clean, sizeof clean, text);
    fputc('"', f);
    for (const char *c = clean; *c; c++)
        fputs(*c == '"' ? "\"\"" : (char[]){*c, 0}, f);
    fprintf(f, "\"%s", end);
}

static void csv_check(FILE *f, const struct result_check *check)
{
    csv_text(f, check->workload, ",");
    csv_text(f, check->quantity, ",");
    csv_text(f, check->unit, ",");
    csv_value(f, check->paper);
    csv_value(f, check->here);
    csv_value(f, check->low);
    csv_value(f, check->high);
    fprintf(f, "%s,", check->judged ? check->within ? "yes" : "no" : "");
    csv_text(f, check->origin, "\n");
}

void show_checks_csv(FILE *f, const struct result_set *sets, uint32_t nsets)
{
    fputs("workload,quantity,unit,paper,here,low,high,within,origin\n", f);
    for (uint32_t s = 0; s < nsets; s++)
        for (uint32_t i = 0; i < sets[s].nchecks; i++)
            csv_check(f, &sets[s].checks[i]);
}

static int push_checks(json_t *rows, const struct result_set *set)
{
    int failed = 0;
    for (uint32_t i = 0; !failed && i < set->nchecks; i++)
        failed = json_array_append_new(rows, json_of_check(&set->checks[i]));
    return failed;
}

int show_checks_json(FILE *f, const struct result_set *sets, uint32_t nsets)
{
    json_t *rows = json_array(), *all = json_pack("{so}", "rows", rows);
    int failed = !all;
    for (uint32_t s = 0; !failed && s < nsets; s++)
        failed = push_checks(rows, &sets[s]);
    char *text = failed ? NULL : json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(all);
    if (text)
        fprintf(f, "%s\n", text);
    free(text);
    return text ? 0 : -ENOMEM;
}
