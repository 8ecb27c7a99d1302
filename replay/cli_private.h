/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Shared by the cli_*.c files only.
 */
#ifndef REPLAY_CLI_PRIVATE_H
#define REPLAY_CLI_PRIVATE_H

#include <stdio.h>

#include "replay/cli.h"

#define CLI_PROGRAM "mirrorball"

struct cli_given {
    const struct cli_option *option;
    const char *value;
};

struct cli {
    const struct cli_command *command;
    struct cli_given *given; /* in the order typed */
    size_t ngiven;
    char **args;
    size_t nargs;
};

/* Options that every command has: --quiet, --help; ends with a null name. */
extern const struct cli_option cli_common[];

/* The command's options, then the common ones: the i-th, or null. */
const struct cli_option *cli_option_at(const struct cli_command *, size_t i);

/* Sorts argv into options and arguments. Returns CLI_DONE, or CLI_USAGE with the line printed. The caller frees
 * given. */
int cli_parse(struct cli *, int argc, char **argv);

void cli_help_program(FILE *, const struct cli_command *const *);
void cli_help_command(FILE *, const struct cli_command *);
void cli_help_family(FILE *, const struct cli_command *const *, const char *word); /* "monitor": its commands */

/* The manual page (roff) and the completion script, from the same tables. */
void cli_man(FILE *, const struct cli_command *const *);
void cli_completion_bash(FILE *, const struct cli_command *const *);

/* Takes the progress bar off the line, if one is drawn, before a diagnostic is written. */
void cli_progress_wipe(void);

#endif
