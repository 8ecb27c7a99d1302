/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "replay/cli_private.h"

/* n bytes of text for roff: a backslash, a hyphen and a dot or quote at the start of a line would be read as markup. */
static void span(FILE *f, const char *s, size_t n)
{
    if (n && (*s == '.' || *s == '\''))
        fputs("\\&", f);
    for (; n; n--, s++) {
        if (*s == '\\')
            fputs("\\e", f);
        else if (*s == '-')
            fputs("\\-", f);
        else
            fputc(*s, f);
    }
}

/* "  word    what it means": the word as a tag, what it means beside it, in the column where the text has it. A word
 * alone has its meaning in the next line, as far right as those before it. */
static void item(FILE *f, const char *s, size_t n, bool first)
{
    size_t indent = strspn(s, " "), word = indent;
    while (word < n && strncmp(s + word, "  ", 2))
        word++;
    size_t meaning = word < n ? word + strspn(s + word, " ") : n;
    if (first)
        fputs(".PD 0\n.PP\n", f);
    if (meaning < n)
        fprintf(f, ".TP %zu\n", meaning - indent);
    else
        fputs(".TP\n", f);
    span(f, s + indent, word - indent);
    fputs(meaning < n ? "\n" : "", f);
    span(f, s + meaning, n - meaning);
}

/* Lines that begin with a blank are of a list (cli.h): each an item, or further in, more of the one before. */
static void text(FILE *f, const char *s)
{
    enum { ITEM = 4 };
    bool list = false;
    for (bool start = true; *s; start = false) {
        size_t n = strcspn(s, "\n"), indent = strspn(s, " ");
        if (!start)
            fputc('\n', f);
        if (list && !indent) {
            fputs(n ? ".PD\n.PP\n" : ".PD\n", f);
            list = false;
        }
        if (!n && !start)
            fputs(".PP", f);
        else if (indent && (indent < ITEM || !list)) {
            item(f, s, n, !list);
            list = true;
        } else
            span(f, s + indent, n - indent);
        s += n + (s[n] == '\n');
    }
    if (list)
        fputs("\n.PD", f);
}

static void line(FILE *f, const char *s)
{
    text(f, s);
    fputc('\n', f);
}

static void option(FILE *f, const struct cli_option *o)
{
    fputs(".TP 7\n", f);
    if (o->letter)
        fprintf(f, "\\fB\\-%c\\fR, ", o->letter);
    fputs("\\fB\\-\\-", f);
    text(f, o->name);
    fputs("\\fR", f);
    if (o->value) {
        fputs(" \\fI", f);
        text(f, o->value);
        fputs("\\fR", f);
    }
    fputc('\n', f);
    line(f, o->help);
}

static void command(FILE *f, const struct cli_command *c)
{
    const struct cli_option *o;
    fprintf(f, ".SS " CLI_PROGRAM " %s [\\fIOPTION\\fR]... ", c->name);
    line(f, c->arguments ? c->arguments : "");
    line(f, c->summary);
    if (c->description && *c->description) {
        fputs(".PP\n", f);
        line(f, c->description);
    }
    for (size_t i = 0; (o = cli_option_at(c, i)); i++)
        option(f, o);
    for (const struct cli_example *e = c->examples; e && e->command; e++) {
        fputs(".PP\nExample, ", f);
        line(f, e->what);
        fputs(".RS 2\n.nf\n", f);
        line(f, e->command);
        fputs(".fi\n.RE\n", f);
    }
}

void cli_man(FILE *f, const struct cli_command *const *commands)
{
    fputs(".TH MIRRORBALL 1 \"\" \"" CLI_PROGRAM " " MIRRORBALL_VERSION "\" \"User Commands\"\n"
          ".ad l\n.nh\n"
          ".SH NAME\n" CLI_PROGRAM " \\- compare page placement policies for NUMA machines on recorded traces\n"
          ".SH SYNOPSIS\n.B " CLI_PROGRAM "\n\\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n"
          ".SH DESCRIPTION\n"
          "Which page placement policy should this workload run under on this NUMA machine?\n" CLI_PROGRAM
          " replays a recorded stream of cache misses against placement, migration and\n"
          "replication policies on a modelled machine, with the offline optimum as the yardstick.\n"
          ".SH COMMANDS\n",
          f);
    for (size_t i = 0; commands[i]; i++)
        command(f, commands[i]);
    fputs(".SH FILES\nTraces and result sets are HDF5 files that any HDF5 tool reads. An output file appears under\n"
          "its name only when it is complete; until then it is written beside it with the suffix \\fI.tmp\\fR.\n"
          ".SH ENVIRONMENT\n"
          ".TP\n.B NO_COLOR\nwhen set and not empty, tables are not coloured\n"
          ".TP\n.B OMP_NUM_THREADS\nthe number of threads, where no option says otherwise; results never depend on it\n"
          ".SH \"EXIT STATUS\"\n.TP\n.B 0\ndone\n.TP\n.B 1\nfailed: one line on standard error says what, where and "
          "what to do\n.TP\n.B 2\nwrong usage: an unknown command or option, a value out of range\n"
          ".SH \"SEE ALSO\"\n.BR h5dump (1),\n.BR numactl (8),\n.BR perf\\-mem (1)\n",
          f);
}
