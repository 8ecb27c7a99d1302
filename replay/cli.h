/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of the program: one table per command, everything else made from it (parsing, --help, man page,
 * shell completion, error lines). A room that owns a command includes this header from its command file and nothing
 * else of replay/.
 *
 * Conventions: results on stdout, progress and diagnostics on stderr, exit 0 done, 1 failed, 2 usage. Every error is
 * one line: what, where, what to do.
 */
#ifndef REPLAY_CLI_H
#define REPLAY_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

enum cli_format { CLI_TABLE, CLI_CSV, CLI_JSON };

/* One option. `value` names its argument in the help ("FILE", "K"); null: a switch. `letter` 0: long form only.
 * Every command has --help and --quiet (no progress) besides. An option may be given more than once; cli_value is its
 * last. */
struct cli_option {
    const char *name;
    char letter;
    const char *value;
    const char *help;
};

struct cli_example {
    const char *command; /* "mirrorball compare pmake.h5 -o results.h5" */
    const char *what;    /* "every policy on the default machine" */
};

struct cli;

/* One command. `options` and `examples` end with a null first member. `run` returns CLI_DONE, CLI_FAILED or CLI_USAGE
 * and has printed its error line by then. `min_args`, `max_args` bound the positional arguments (max_args < 0: any
 * number). */
struct cli_command {
    const char *name;      /* may be of two words: "monitor run" */
    const char *arguments; /* "TRACE..." as shown in the usage line */
    const char *summary;   /* one line */
    const char *description;
    const struct cli_option *options;
    const struct cli_example *examples;
    int min_args, max_args;
    int (*run)(const struct cli *);
};

/* Parses argv and runs the command it names. `commands` is an array of pointers that ends with null. Returns the exit
 * code. */
int cli_main(int argc, char **argv, const struct cli_command *const *commands);

bool cli_has(const struct cli *, const char *option);
const char *cli_value(const struct cli *, const char *option); /* null when not given; a switch has no value */
size_t cli_count(const struct cli *, const char *option);
const char *cli_nth(const struct cli *, const char *option, size_t i);
size_t cli_args(const struct cli *);
const char *cli_arg(const struct cli *, size_t i);

/* Number options: *out is left alone when the option is absent. On a bad value they print the usage error and return
 * false. cli_u64 takes decimal or 0x, with k, M, G (powers of 1000) and Ki, Mi, Gi suffixes; cli_ratio takes 0.33, 1/3
 * or 33% and answers in millionths. */
bool cli_u64(const struct cli *, const char *option, uint64_t min, uint64_t max, uint64_t *out);
bool cli_ratio(const struct cli *, const char *option, uint64_t min_ppm, uint64_t max_ppm, uint64_t *out);

/* The same forms from any text; false: not a number, or too large. Nothing is printed. */
bool cli_parse_u64(const char *text, uint64_t *out);
bool cli_parse_ratio(const char *text, uint64_t *out_ppm);

/* The name most like `word` (ends with null), for "did you mean"; null when none is near. */
const char *cli_nearest(const char *word, const char *const *names);

/* --format table|csv|json (an option "format" of the command); table when absent. False: usage error printed. */
bool cli_format(const struct cli *, enum cli_format *out);

/* "mirrorball COMMAND: ..." on stderr, one line whatever the text holds (control characters become '?'); return
 * CLI_FAILED and CLI_USAGE (the latter names --help). cli may be null. */
int cli_error(const struct cli *, const char *format, ...) __attribute__((format(printf, 2, 3)));
int cli_usage(const struct cli *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_warn(const struct cli *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Colour on stdout is allowed: a terminal, no NO_COLOR, TERM not dumb. */
bool cli_colour(void);

/* TERM says that the terminal moves no cursor: no progress bar, no screen that is drawn anew. */
bool cli_dumb(void);

/* Progress on stderr: a bar with rate and time left when stderr is a terminal, else nothing; off with --quiet. `total`
 * 0: unknown. Cheap enough to call per block: redraws at most ten times a second. */
struct cli_progress {
    const char *what, *unit;
    uint64_t total, done;
    uint64_t started_ns, drawn_ns;
    bool active;
};
void cli_progress_start(struct cli_progress *, const struct cli *, const char *what, const char *unit, uint64_t total);
void cli_progress_set(struct cli_progress *, uint64_t done);
void cli_progress_end(struct cli_progress *); /* wipes the line */

/* The command as typed, quoted where a shell needs it, the program without its folder: to run it again. */
void cli_typed(char *text, size_t size);

/* Output files: cli_temporary gives the name beside `path` to write to (malloc'd, same folder, process id in it,
 * registered so that it is removed when the program ends or dies by a catchable signal), after trying that a file can
 * be made there; null with errno set when it cannot (folder missing or not writable, `path` a folder or a device): ask
 * before a long run. cli_publish renames it into place (0 or -errno; a symbolic link at `path` stays one). cli_discard
 * removes it. Each frees the name. */
char *cli_temporary(const char *path);
int cli_publish(char *temporary, const char *path);
void cli_discard(char *temporary);

/* Do both names lead to one file that is there? An output must not be an input, however it is spelt. */
bool cli_same_file(const char *a, const char *b);

#endif
