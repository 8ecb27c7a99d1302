/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/command.h"
#include "collectors/probe_sources.h"

enum { WIDTH = 96, INDENT = 22 };

static const struct cli_option options[] = {
    {"format", 'f', "F", "table, csv or json; default table"},
    {NULL, 0, NULL, NULL},
};

static const struct cli_example examples[] = {
    {"mirrorball probe", "what can be recorded here, and what to do about the rest"},
    {"mirrorball probe --format json", "the same for a program"},
    {NULL, NULL},
};

static int run(const struct cli *);

const struct cli_command command_probe = {
    .name = "probe",
    .arguments = "",
    .summary = "what can be recorded on this machine by this user",
    .description = "Tries every source of 'mirrorball record' on a small program of its own: opening an event\n"
                   "proves nothing, its samples have to come, at the addresses that were touched. For each\n"
                   "that does not work: the error, what it means, and the command that mends it.",
    .options = options,
    .examples = examples,
    .min_args = 0,
    .max_args = 0,
    .run = run,
};

/* --- the screen --- */

/* The text from column INDENT on, broken between words. */
static void wrapped(const char *lead, const char *text)
{
    const size_t left = INDENT + strlen(lead);
    size_t column = left;
    printf("%*s%s", INDENT, "", lead);
    for (bool first = true; *text; first = false) {
        size_t n = strcspn(text, " ");
        bool fits = first || column + 1 + n <= WIDTH;
        if (!fits)
            printf("\n%*s", (int)left, "");
        column = fits ? column + n + !first : left + n;
        printf("%s%.*s", first || !fits ? "" : " ", (int)n, text);
        text += n + (text[n] == ' ');
    }
    putchar('\n');
}

/* The row before this one that has the same cause; null: none. */
static const struct probe_row *same_cause(const struct probe *p, const struct probe_row *row)
{
    for (const struct probe_row *before = p->row; before < row; before++)
        if (!strcmp(before->cause.why, row->cause.why) && !strcmp(before->cause.fix, row->cause.fix))
            return before;
    return NULL;
}

static void show_cause(const struct probe *p, const struct probe_row *row, bool beside)
{
    const struct probe_row *before = same_cause(p, row);
    const char *name = row->err ? strerrorname_np(-row->err) : NULL;
    char text[2 * CAUSE_TEXT];
    if (before)
        snprintf(text, sizeof text, "as for %s", before->name);
    else
        snprintf(text, sizeof text, "%s%s%s%s", row->cause.why, name ? " (" : "", name ? name : "", name ? ")" : "");
    if (beside)
        puts(text);
    else
        wrapped("", text);
    if (!before && *row->cause.fix)
        wrapped("-> ", row->cause.fix);
}

/* What is not of this machine takes one line. */
static void show_row(const struct probe *p, const struct probe_row *row)
{
    bool beside = row->state == PROBE_ABSENT && (!*row->cause.fix || same_cause(p, row)) && !*row->found;
    printf("%-12s%-10s", row->name, probe_state_name(row->state));
    if (!beside)
        puts(row->what);
    if (*row->found)
        wrapped("", row->found);
    if (*row->cause.why)
        show_cause(p, row, beside);
}

static void show_next(const struct probe *p)
{
    if (p->best) {
        printf("\nBest here: %s.  Next: mirrorball record%s -- COMMAND\n", p->best,
               strcmp(p->best, "qemu") ? "" : " --source qemu");
        return;
    }
    printf("\nNothing can be recorded here yet; traces can be imported and replayed: mirrorball import --help\n");
    for (size_t i = 0; i < p->n; i++)
        if (p->row[i].source && *p->row[i].cause.fix) {
            printf("Next: %s\n", p->row[i].cause.fix);
            return;
        }
}

static void show_table(const struct probe *p)
{
    printf("%-12s%-10s%s\n", "source", "state", "what it is, what the trial showed, -> what to do");
    for (size_t i = 0; i < p->n; i++)
        show_row(p, &p->row[i]);
    show_next(p);
}

/* --- for programs --- */

static void csv_field(const char *text, char end)
{
    putchar('"');
    for (; *text; text++)
        printf(*text == '"' ? "\"\"" : "%c", *text);
    printf("\"%c", end);
}

static void show_csv(const struct probe *p)
{
    printf("source,state,error,what,found,why,fix\n");
    for (size_t i = 0; i < p->n; i++) {
        const struct probe_row *row = &p->row[i];
        const char *name = row->err ? strerrorname_np(-row->err) : NULL;
        csv_field(row->name, ',');
        csv_field(probe_state_name(row->state), ',');
        csv_field(name ? name : "", ',');
        csv_field(row->what, ',');
        csv_field(row->found, ',');
        csv_field(row->cause.why, ',');
        csv_field(row->cause.fix, '\n');
    }
}

static int show_json(const struct cli *cli, const struct probe *p)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < p->n; i++) {
        const struct probe_row *row = &p->row[i];
        const char *name = row->err ? strerrorname_np(-row->err) : NULL;
        json_array_append_new(rows, json_pack("{ss ss ss? ss ss ss ss}", "source", row->name, "state",
                                              probe_state_name(row->state), "error", name, "what", row->what, "found",
                                              row->found, "why", row->cause.why, "fix", row->cause.fix));
    }
    json_t *all = json_pack("{ss? si sb so}", "best", p->best, "paranoid", p->facts.paranoid, "container",
                            p->facts.container, "rows", rows);
    int bad = !all || json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
    return bad ? cli_error(cli, "out of memory") : CLI_DONE;
}

static int run(const struct cli *cli)
{
    enum cli_format format;
    if (!cli_format(cli, &format))
        return CLI_USAGE;
    struct probe *p = malloc(sizeof *p);
    if (!p)
        return cli_error(cli, "%s", strerror(ENOMEM));
    int code = CLI_DONE;
    probe_all(p);
    if (format == CLI_JSON)
        code = show_json(cli, p);
    else if (format == CLI_CSV)
        show_csv(p);
    else
        show_table(p);
    free(p);
    return code;
}
