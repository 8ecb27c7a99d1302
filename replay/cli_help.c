/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "replay/cli_private.h"

enum { WIDTH = 80, COLUMN_MAX = 30, LABEL = 128 };

/* Text broken at blanks into lines of WIDTH, the first continuing at column `at`, the others indented. An empty line
 * separates paragraphs; a line that begins with a blank is of a list and stays as it is; any other newline is a blank.
 */
static void wrap(FILE *f, const char *text, size_t at, size_t indent)
{
    bool blank = false;
    while (*text) {
        if (*text == '\n' && (text[1] == '\n' || text[1] == ' ')) {
            size_t lines = strspn(text, "\n");
            size_t kept = text[lines] == ' ' ? strcspn(text + lines, "\n") : 0;
            fprintf(f, "%.*s%*s%.*s", (int)lines, text, (int)indent, "", (int)kept, text + lines);
            text += lines + kept;
            at = kept ? WIDTH : indent;
            blank = false;
        } else if (*text == ' ' || *text == '\n') {
            blank = true;
            text++;
        } else {
            size_t word = strcspn(text, " \n");
            bool fits = at + blank + word <= WIDTH;
            if (blank && !fits)
                fprintf(f, "\n%*s", (int)indent, "");
            else if (blank)
                fputc(' ', f);
            at = blank && !fits ? indent + word : at + blank + word;
            fprintf(f, "%.*s", (int)word, text);
            text += word;
            blank = false;
        }
    }
    fputc('\n', f);
}

/* A label and its text in two columns. */
static void entry(FILE *f, const char *label, const char *text, size_t column)
{
    size_t length = strlen(label);
    fputs(label, f);
    if (length + 2 > column) {
        fputc('\n', f);
        length = 0;
    }
    fprintf(f, "%*s", (int)(column - length), "");
    wrap(f, text, column, column);
}

static void option_label(char *out, const struct cli_option *option)
{
    char letter[8] = "   ";
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c,", option->letter);
    snprintf(out, LABEL, "  %s --%s%s%s", letter, option->name, option->value ? " " : "",
             option->value ? option->value : "");
}

static void options(FILE *f, const struct cli_command *command)
{
    const struct cli_option *option;
    char label[LABEL];
    size_t column = 0;
    for (size_t i = 0; (option = cli_option_at(command, i)); i++) {
        option_label(label, option);
        if (strlen(label) + 2 > column && strlen(label) + 2 <= COLUMN_MAX)
            column = strlen(label) + 2;
    }
    fputs("\nOptions:\n", f);
    for (size_t i = 0; (option = cli_option_at(command, i)); i++) {
        option_label(label, option);
        entry(f, label, option->help, column);
    }
}

void cli_help_command(FILE *f, const struct cli_command *command)
{
    const char *arguments = command->arguments ? command->arguments : "";
    fprintf(f, "Usage: " CLI_PROGRAM " %s [OPTION]...%s%s\n\n", command->name, *arguments ? " " : "", arguments);
    wrap(f, command->summary, 0, 0);
    if (command->description && *command->description) {
        fputc('\n', f);
        wrap(f, command->description, 0, 0);
    }
    options(f, command);
    if (!command->examples || !command->examples[0].command)
        return;
    fputs("\nExamples:\n", f);
    for (const struct cli_example *e = command->examples; e->command; e++) {
        fprintf(f, "  %s\n      ", e->command);
        wrap(f, e->what, 6, 6);
    }
}

void cli_help_family(FILE *f, const struct cli_command *const *commands, const char *word)
{
    char label[LABEL];
    size_t length = strlen(word);
    fprintf(f, "Usage: " CLI_PROGRAM " %s COMMAND [OPTION]... [ARGUMENT]...\n\nCommands:\n", word);
    for (size_t i = 0; commands[i]; i++) {
        if (strncmp(commands[i]->name, word, length) || commands[i]->name[length] != ' ')
            continue;
        snprintf(label, sizeof label, "  %s", commands[i]->name);
        entry(f, label, commands[i]->summary, 16);
    }
    fprintf(f, "\n" CLI_PROGRAM " help %s COMMAND tells the rest.\n", word);
}

void cli_help_program(FILE *f, const struct cli_command *const *commands)
{
    char label[LABEL];
    fputs("Usage: " CLI_PROGRAM " COMMAND [OPTION]... [ARGUMENT]...\n\n", f);
    wrap(f,
         "Which page placement policy should this workload run under on this NUMA machine? Replays a recorded "
         "stream of cache misses against placement, migration and replication policies on a modelled machine, with "
         "the offline optimum as the yardstick.",
         0, 0);
    fputs("\nCommands:\n", f);
    for (size_t i = 0; commands[i]; i++) {
        snprintf(label, sizeof label, "  %s", commands[i]->name);
        entry(f, label, commands[i]->summary, 16);
    }
    entry(f, "  help", "the help of one command: " CLI_PROGRAM " help COMMAND", 16);
    fputs("\nOptions:\n", f);
    entry(f, "  -h, --help", "this text; after a command: its options, with examples", 18);
    entry(f, "  -V, --version", "the version", 18);
    fputs("\nResults go to standard output, progress and errors to standard error.\n"
          "Exit status: 0 done, 1 failed, 2 wrong usage.\n",
          f);
}
