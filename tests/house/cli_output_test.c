/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "replay/cli_private.h"

static char folder[64], path[128];

static void make_folder(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.40s/cli-XXXXXX", base ? base : "/tmp");
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/results.h5", folder);
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_expect_eq(system(command), 0);
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    cr_assert(file);
    fputs(text, file);
    fclose(file);
}

static bool holds(const char *name, const char *text)
{
    char buffer[64] = "";
    FILE *file = fopen(name, "r");
    if (!file)
        return false;
    size_t n = fread(buffer, 1, sizeof buffer - 1, file);
    fclose(file);
    return n == strlen(text) && !strcmp(buffer, text);
}

static bool exists(const char *name)
{
    struct stat st;
    return lstat(name, &st) == 0;
}

TestSuite(cli_output, .init = make_folder, .fini = remove_folder);

Test(cli_output, published_whole)
{
    put(path, "old");
    char *temporary = cli_temporary(path);
    cr_assert(temporary);
    char *name = strdup(temporary);
    cr_expect_eq(strncmp(temporary, folder, strlen(folder)), 0, "beside the file");
    cr_expect_not(exists(temporary), "trying leaves nothing behind");
    put(temporary, "new");
    cr_expect(holds(path, "old"), "until it is published the old one stands");
    cr_expect_eq(cli_publish(temporary, path), 0);
    cr_expect(holds(path, "new"));
    cr_expect_not(exists(name));
    free(name);
}

Test(cli_output, discarded)
{
    char *temporary = cli_temporary(path), *name = strdup(temporary);
    put(temporary, "half");
    cli_discard(temporary);
    cr_expect_not(exists(name));
    cr_expect_not(exists(path));
    free(name);
}

Test(cli_output, two_of_one_name)
{
    char *a = cli_temporary(path), *b = cli_temporary(path);
    cr_expect_str_neq(a, b);
    cli_discard(a);
    cli_discard(b);
}

Test(cli_output, symbolic_link_stays)
{
    char link[160], real[160];
    snprintf(link, sizeof link, "%s/link", folder);
    snprintf(real, sizeof real, "%s/real", folder);
    put(real, "old");
    cr_assert_eq(symlink("real", link), 0);
    char *temporary = cli_temporary(link);
    put(temporary, "new");
    cr_expect_eq(cli_publish(temporary, link), 0);
    struct stat st;
    cr_expect_eq(lstat(link, &st), 0);
    cr_expect(S_ISLNK(st.st_mode));
    cr_expect(holds(real, "new"));
}

Test(cli_output, no_place)
{
    cr_expect_null(cli_temporary(folder));
    cr_expect_eq(errno, EISDIR);
    cr_expect_null(cli_temporary("/dev/null"), "a device is never renamed away");
    cr_expect_eq(errno, ENOTSUP);
    char missing[160];
    snprintf(missing, sizeof missing, "%s/no/such", folder);
    cr_expect_null(cli_temporary(missing));
    cr_expect_eq(errno, ENOENT);
}

/* A child makes a temporary and then ends as asked: by the signal, or by exit when the signal is 0. */
static int child_that_ends_by(int number)
{
    pid_t child = fork();
    if (child == 0) {
        if (number)
            signal(number, SIG_DFL); /* Criterion and the shell may have set it otherwise */
        char *temporary = cli_temporary(path);
        if (!temporary)
            _exit(9);
        put(temporary, "half");
        if (number)
            raise(number);
        exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

static size_t files_in_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "ls -A '%s' | wc -l", folder);
    FILE *pipe = popen(command, "r");
    unsigned long n = 99;
    cr_assert_eq(fscanf(pipe, "%lu", &n), 1);
    pclose(pipe);
    return n;
}

Test(cli_output, removed_by_signals)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int status = child_that_ends_by(numbers[i]);
        cr_expect(WIFSIGNALED(status), "signal %d did not end the program", numbers[i]);
        cr_expect_eq(WTERMSIG(status), numbers[i]);
        cr_expect_eq(files_in_folder(), 0, "signal %d left a temporary", numbers[i]);
    }
}

Test(cli_output, removed_at_exit)
{
    int status = child_that_ends_by(0);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_expect_eq(files_in_folder(), 0);
}

Test(cli_output, ignored_signal_stays_ignored)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGHUP, SIG_IGN); /* as nohup does */
        char *temporary = cli_temporary(path);
        raise(SIGHUP);
        cli_discard(temporary);
        _exit(7);
    }
    int status = -1;
    waitpid(child, &status, 0);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}
