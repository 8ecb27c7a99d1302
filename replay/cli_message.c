/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/cli_private.h"

enum { WORD_MAX = 64 };

/* One line, whatever a hostile file put into the text; one write, so that lines of several processes do not mix. */
static void say(const struct cli *cli, const char *kind, const char *end, const char *format, va_list list)
{
    char *text = NULL;
    cli_progress_wipe();
    if (vasprintf(&text, format, list) < 0)
        return;
    for (char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    const char *name = cli && cli->command ? cli->command->name : "";
    fprintf(stderr, CLI_PROGRAM "%s%s: %s%s%s\n", *name ? " " : "", name, kind, text, end);
    free(text);
}

int cli_error(const struct cli *cli, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    say(cli, "", "", format, list);
    va_end(list);
    return CLI_FAILED;
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
    char end[2 * WORD_MAX];
    const char *name = cli && cli->command ? cli->command->name : "";
    snprintf(end, sizeof end, " (see: " CLI_PROGRAM "%s%s --help)", *name ? " " : "", name);
    va_list list;
    va_start(list, format);
    say(cli, "", end, format, list);
    va_end(list);
    return CLI_USAGE;
}

void cli_warn(const struct cli *cli, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    say(cli, "warning: ", "", format, list);
    va_end(list);
}

bool cli_dumb(void)
{
    const char *term = getenv("TERM");
    return term && strcmp(term, "dumb") == 0;
}

bool cli_colour(void)
{
    const char *none = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(none && *none) && getenv("TERM") && !cli_dumb();
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap of neighbours) from a to b; words longer than WORD_MAX count as far away. */
static unsigned distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    unsigned row[3][WORD_MAX + 1];
    if (la > WORD_MAX || lb > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= lb; j++)
        row[0][j] = (unsigned)j;
    for (size_t i = 1; i <= la; i++) {
        unsigned *now = row[i % 3], *before = row[(i + 2) % 3], *two = row[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned replace = before[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = least(replace, least(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], two[j - 2] + 1);
        }
    }
    return row[la % 3][lb];
}

const char *cli_nearest(const char *word, const char *const *names)
{
    const char *best = NULL;
    unsigned least_edits = (unsigned)strlen(word) / 3 + 2; /* one edit in three letters, one more in short words */
    for (size_t i = 0; names[i]; i++) {
        bool begins = strlen(word) >= 3 && !strncmp(names[i], word, strlen(word));
        unsigned edits = begins ? 1 : distance(word, names[i]);
        if (edits < least_edits && edits < strlen(names[i])) {
            least_edits = edits;
            best = names[i];
        }
    }
    return best;
}
