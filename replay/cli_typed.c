/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/cli.h"

static void append(char *text, size_t size, const char *piece)
{
    size_t used = strlen(text);

    snprintf(text + used, size - used, "%s", piece);
}

/* One word, quoted where a shell would not take it as it is. */
static void append_word(char *text, size_t size, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=,:+@%";
    bool quote = !*word || word[strspn(word, plain)];

    if (*text)
        append(text, size, " ");
    if (quote)
        append(text, size, "'");
    for (; *word; word++) {
        char letter[2] = {*word, '\0'};
        append(text, size, *word == '\'' ? "'\\''" : letter);
    }
    if (quote)
        append(text, size, "'");
}

/* The kernel keeps the arguments; the program's own name goes without its folder. */
void cli_typed(char *text, size_t size)
{
    FILE *file = fopen("/proc/self/cmdline", "r");
    char *word = NULL;
    size_t room = 0;

    text[0] = '\0';
    for (bool first = true; file && getdelim(&word, &room, '\0', file) > 0; first = false) {
        const char *slash = first ? strrchr(word, '/') : NULL;
        append_word(text, size, slash ? slash + 1 : word);
    }
    free(word);
    if (file)
        fclose(file);
}
