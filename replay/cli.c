/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/cli_private.h"

enum { COMMANDS_MAX = 64 };

/* A closed standard stream would let the next file opened take its number, and results would be written into that
 * file: fill the gaps with something on which reading or writing fails. */
static void occupy_standard_streams(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
            _exit(CLI_FAILED);
}

/* How many of the words a command's name is made of ("monitor run": two) stand at the start of argv; 0: another one. */
static int match(const char *name, int argc, char **argv)
{
    for (int n = 0; n < argc; n++) {
        size_t length = strcspn(name, " ");
        if (strlen(argv[n]) != length || strncmp(argv[n], name, length) != 0)
            return 0;
        if (!name[length])
            return n + 1;
        name += length + 1;
    }
    return 0;
}

static const struct cli_command *find(const struct cli_command *const *commands, int argc, char **argv, int *words)
{
    for (size_t i = 0; commands[i]; i++)
        if ((*words = match(commands[i]->name, argc, argv)))
            return commands[i];
    return NULL;
}

/* "monitor", which has only commands of two words: they are told, and none is run. */
static bool is_family(const struct cli_command *const *commands, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; commands[i]; i++)
        if (!strncmp(commands[i]->name, word, length) && commands[i]->name[length] == ' ')
            return true;
    return false;
}

static int unknown_command(const struct cli_command *const *commands, const char *name)
{
    const char *names[COMMANDS_MAX + 3] = {"help"};
    size_t n = 1;
    for (size_t i = 0; commands[i] && n < COMMANDS_MAX; i++)
        names[n++] = commands[i]->name;
    names[n++] = "--help";
    names[n] = "--version";
    const char *nearest = cli_nearest(name, names);
    const char *what = name[0] == '-' ? "option" : "command";
    if (nearest)
        return cli_usage(NULL, "unknown %s '%s'; did you mean '%s'?", what, name, nearest);
    return cli_usage(NULL, "unknown %s '%s'", what, name);
}

static int help(int argc, char **argv, const struct cli_command *const *commands)
{
    if (argc < 2) {
        cli_help_program(stdout, commands);
        return CLI_DONE;
    }
    int words;
    const struct cli_command *command = find(commands, argc - 1, argv + 1, &words);
    if (argc == 2 && is_family(commands, argv[1])) {
        cli_help_family(stdout, commands, argv[1]);
        return CLI_DONE;
    }
    if (argc > 2 && (!command || words < argc - 1) && !is_family(commands, argv[1]))
        return cli_usage(NULL, "help takes one command, not %d arguments", argc - 1);
    if (!command)
        return unknown_command(commands, argv[argc > 2 ? 2 : 1]);
    cli_help_command(stdout, command);
    return CLI_DONE;
}

static int family(int argc, char **argv, const struct cli_command *const *commands)
{
    if (argc > 1 && strcmp(argv[1], "help") && strcmp(argv[1], "--help") && strcmp(argv[1], "-h"))
        return cli_usage(NULL, "unknown command '%s %s'; mirrorball help %s lists them", argv[0], argv[1], argv[0]);
    if (argc > 2) {
        argv[1] = argv[0];
        return help(argc, argv, commands);
    }
    cli_help_family(argc > 1 ? stdout : stderr, commands, argv[0]);
    return argc > 1 ? CLI_DONE : CLI_USAGE;
}

static int completion(int argc, char **argv, const struct cli_command *const *commands)
{
    if (argc != 2 || strcmp(argv[1], "bash"))
        return cli_usage(NULL, "--completion takes the name of a shell: bash");
    cli_completion_bash(stdout, commands);
    return CLI_DONE;
}

static int run_command(const struct cli_command *command, int argc, char **argv)
{
    struct cli cli = {.command = command};
    int code = cli_parse(&cli, argc, argv);
    if (code == CLI_DONE && cli_has(&cli, "help"))
        cli_help_command(stdout, command);
    else if (code == CLI_DONE)
        code = command->run(&cli);
    free(cli.given);
    return code;
}

static int dispatch(int argc, char **argv, const struct cli_command *const *commands)
{
    if (argc < 2)
        return cli_usage(NULL, "no command given");
    const char *word = argv[1];
    if (!strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-h"))
        return help(argc - 1, argv + 1, commands);
    if (!strcmp(word, "--version") || !strcmp(word, "-V"))
        return printf(CLI_PROGRAM " " MIRRORBALL_VERSION "\n") < 0 ? CLI_FAILED : CLI_DONE;
    if (!strcmp(word, "--man")) {
        cli_man(stdout, commands);
        return CLI_DONE;
    }
    if (!strcmp(word, "--completion"))
        return completion(argc - 1, argv + 1, commands);
    int words;
    const struct cli_command *command = find(commands, argc - 1, argv + 1, &words);
    if (command)
        return run_command(command, argc - words, argv + words);
    return is_family(commands, word) ? family(argc - 1, argv + 1, commands) : unknown_command(commands, word);
}

/* The one place where a full disk or a closed pipe behind stdout is noticed. */
static int finish_stdout(int code)
{
    bool failed = ferror(stdout) != 0;
    errno = 0;
    if (fflush(stdout) == 0 && !failed)
        return code;
    return cli_error(NULL, "standard output: %s; the results are incomplete", strerror(errno ? errno : EIO));
}

int cli_main(int argc, char **argv, const struct cli_command *const *commands)
{
    occupy_standard_streams();
    signal(SIGPIPE, SIG_IGN); /* arrives as EPIPE instead, so that temporaries are removed and the exit code is ours */
    signal(SIGXFSZ, SIG_IGN); /* the same for a file size limit: EFBIG */
    return finish_stdout(dispatch(argc, argv, commands));
}
