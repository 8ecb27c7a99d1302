/* SPDX-License-Identifier: BSD-2-Clause */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "replay/cli_private.h"

enum { OPTIONS_MAX = 64, LONG_ONLY = 256 }; /* getopt's value of option i: LONG_ONLY + i */

const struct cli_option cli_common[] = {
    {"quiet", 'q', NULL, "no progress bar"},
    {"help", 'h', NULL, "this text"},
    {NULL, 0, NULL, NULL},
};

const struct cli_option *cli_option_at(const struct cli_command *command, size_t i)
{
    size_t own = 0;
    while (command->options && command->options[own].name)
        own++;
    if (i < own)
        return &command->options[i];
    i -= own;
    return i < sizeof cli_common / sizeof *cli_common - 1 ? &cli_common[i] : NULL;
}

static const struct cli_option *by_letter(const struct cli_command *command, int letter)
{
    const struct cli_option *option;
    for (size_t i = 0; (option = cli_option_at(command, i)); i++)
        if (option->letter && option->letter == letter)
            return option;
    return NULL;
}

static const struct cli_option *by_value(const struct cli_command *command, int value)
{
    return value >= LONG_ONLY ? cli_option_at(command, (size_t)(value - LONG_ONLY)) : by_letter(command, value);
}

/* The tables getopt_long wants; a leading ':' makes it tell a missing value from an unknown option. */
static void tables(const struct cli_command *command, struct option *longs, char *shorts)
{
    const struct cli_option *option;
    size_t n = 0;
    *shorts++ = ':';
    for (; n < OPTIONS_MAX && (option = cli_option_at(command, n)); n++) {
        longs[n] =
            (struct option){option->name, option->value ? required_argument : no_argument, NULL, LONG_ONLY + (int)n};
        if (!option->letter || by_letter(command, option->letter) != option)
            continue;
        *shorts++ = option->letter;
        if (option->value)
            *shorts++ = ':';
    }
    longs[n] = (struct option){NULL, 0, NULL, 0};
    *shorts = 0;
}

static int unknown_long(const struct cli *cli, const char *word)
{
    const struct cli_option *option;
    const char *names[OPTIONS_MAX + 1];
    size_t n = 0, like = 0, length = strcspn(word, "=");
    char *name = strndup(word, length);
    for (; n < OPTIONS_MAX && (option = cli_option_at(cli->command, n)); n++) {
        names[n] = option->name;
        like += name && !strncmp(option->name, name, length);
    }
    names[n] = NULL;
    const char *nearest = name ? cli_nearest(name, names) : NULL;
    free(name);
    if (like > 1)
        return cli_usage(cli, "option '--%.*s' is short for several", (int)length, word);
    if (nearest)
        return cli_usage(cli, "unknown option '--%.*s'; did you mean '--%s'?", (int)length, word, nearest);
    return cli_usage(cli, "unknown option '--%.*s'", (int)length, word);
}

/* getopt_long answered '?': an unknown option, or a switch that was given a value. */
static int unknown_option(const struct cli *cli, const char *word)
{
    const struct cli_option *option = optopt ? by_value(cli->command, optopt) : NULL;
    if (option)
        return cli_usage(cli, "option '--%s' takes no value", option->name);
    if (optopt)
        return cli_usage(cli, "unknown option '-%c'", optopt);
    return unknown_long(cli, word + 2);
}

static int missing_value(const struct cli *cli)
{
    const struct cli_option *option = by_value(cli->command, optopt);
    return cli_usage(cli, "option '--%s' needs a value: %s", option->name, option->value);
}

static int check_arguments(const struct cli *cli)
{
    const struct cli_command *command = cli->command;
    if (cli_has(cli, "help"))
        return CLI_DONE;
    if (cli->nargs < (size_t)command->min_args)
        return cli_usage(cli, "%s: %s", cli->nargs ? "too few arguments" : "argument missing", command->arguments);
    if (command->max_args >= 0 && cli->nargs > (size_t)command->max_args)
        return cli_usage(cli, "unexpected argument '%s'", cli->args[command->max_args]);
    return CLI_DONE;
}

int cli_parse(struct cli *cli, int argc, char **argv)
{
    struct option longs[OPTIONS_MAX + 1];
    char shorts[2 * OPTIONS_MAX + 2];
    int value;
    tables(cli->command, longs, shorts);
    cli->given = calloc((size_t)argc, sizeof *cli->given);
    if (!cli->given)
        return cli_error(cli, "out of memory");
    opterr = 0;
    optind = 0; /* GNU getopt: start afresh */
    while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (value == '?')
            return unknown_option(cli, argv[optind - 1]);
        if (value == ':')
            return missing_value(cli);
        const struct cli_option *option = by_value(cli->command, value);
        cli->given[cli->ngiven++] = (struct cli_given){option, option->value ? optarg : NULL};
    }
    cli->args = argv + optind;
    cli->nargs = (size_t)(argc - optind);
    return check_arguments(cli);
}

const char *cli_nth(const struct cli *cli, const char *option, size_t n)
{
    for (size_t i = 0; i < cli->ngiven; i++)
        if (!strcmp(cli->given[i].option->name, option) && n-- == 0)
            return cli->given[i].value;
    return NULL;
}

size_t cli_count(const struct cli *cli, const char *option)
{
    size_t n = 0;
    for (size_t i = 0; i < cli->ngiven; i++)
        n += !strcmp(cli->given[i].option->name, option);
    return n;
}

bool cli_has(const struct cli *cli, const char *option)
{
    return cli_count(cli, option) > 0;
}

const char *cli_value(const struct cli *cli, const char *option)
{
    size_t n = cli_count(cli, option);
    return n ? cli_nth(cli, option, n - 1) : NULL;
}

size_t cli_args(const struct cli *cli)
{
    return cli->nargs;
}

const char *cli_arg(const struct cli *cli, size_t i)
{
    return i < cli->nargs ? cli->args[i] : NULL;
}
