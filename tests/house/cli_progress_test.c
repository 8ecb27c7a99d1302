/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "replay/cli_private.h"

static int master = -1, saved = -1;
static char seen[4096];

/* stderr becomes a terminal of the given width, whose other end is `master`. */
static void open_terminal(unsigned short columns)
{
    setenv("TERM", "xterm", 1);
    master = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    cr_assert_eq(ioctl(slave, TIOCSWINSZ, &size), 0);
    fflush(stderr);
    saved = dup(STDERR_FILENO);
    dup2(slave, STDERR_FILENO);
    close(slave);
}

/* Everything written to it; stderr is as before afterwards. */
static const char *close_terminal(void)
{
    ssize_t n;
    size_t length = 0;
    fflush(stderr);
    fcntl(master, F_SETFL, O_NONBLOCK);
    while ((n = read(master, seen + length, sizeof seen - 1 - length)) > 0)
        length += (size_t)n;
    seen[length] = 0;
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(master);
    return seen;
}

static void work(const struct cli *cli, uint64_t total)
{
    struct cli_progress p;
    cli_progress_start(&p, cli, "replaying", "records", total);
    cli_progress_set(&p, 1);
    usleep(120000); /* redrawn at most ten times a second: this one is due, the next is not */
    cli_progress_set(&p, 1000000);
    cli_progress_set(&p, 1000001);
    cli_progress_end(&p);
}

static unsigned occurrences(const char *text, const char *of)
{
    unsigned n = 0;
    for (; (text = strstr(text, of)); text++)
        n++;
    return n;
}

Test(cli_progress, a_bar_that_goes_away)
{
    open_terminal(120);
    work(NULL, 4000000);
    const char *text = close_terminal();
    cr_expect_eq(occurrences(text, "replaying"), 1, "drawn %u times", occurrences(text, "replaying"));
    cr_expect(strstr(text, "[######..................]"), "a quarter of 24 is 6: %s", text);
    cr_expect(strstr(text, " 25 %"));
    cr_expect(strstr(text, " records/s") && strstr(text, " left"));
    cr_expect_str_eq(text + strlen(text) - 4, "\r\033[K", "the line is wiped at the end");
}

Test(cli_progress, no_bar_where_the_cursor_stays)
{
    open_terminal(120);
    setenv("TERM", "dumb", 1);
    work(NULL, 4000000);
    cr_expect_str_eq(close_terminal(), "");
}

Test(cli_progress, never_wider_than_the_terminal)
{
    open_terminal(30);
    work(NULL, 4000000);
    const char *text = close_terminal() + strlen("\r\033[K");
    cr_expect_eq(strcspn(text, "\r"), 29);
}

Test(cli_progress, unknown_total)
{
    open_terminal(120);
    work(NULL, 0);
    const char *text = close_terminal();
    cr_expect(strstr(text, "1.0 M records  "), "%s", text);
    cr_expect_null(strstr(text, "["
                                "#"));
}

Test(cli_progress, more_done_than_promised)
{
    open_terminal(120);
    work(NULL, 10);
    cr_expect(strstr(close_terminal(), "[########################] 100 %"));
}

Test(cli_progress, quiet)
{
    static const struct cli_command command = {.name = "test", .arguments = "", .max_args = 0};
    struct cli cli = {.command = &command};
    char *argv[] = {"test", "--quiet", NULL};
    cr_assert_eq(cli_parse(&cli, 2, argv), CLI_DONE);
    open_terminal(120);
    work(&cli, 4000000);
    cr_expect_str_eq(close_terminal(), "");
}

Test(cli_progress, an_error_takes_the_line)
{
    struct cli_progress p;
    open_terminal(120);
    cli_progress_start(&p, NULL, "replaying", "records", 10);
    usleep(120000);
    cli_progress_set(&p, 5);
    cr_expect_eq(cli_error(NULL, "a\nb"), CLI_FAILED);
    cli_progress_end(&p);
    const char *text = close_terminal();
    cr_expect(strstr(text, "\r\033[Kmirrorball: a?b\r\n"), "%s", text);
}

Test(cli_progress, nothing_into_a_file)
{
    int pipes[2];
    cr_assert_eq(pipe(pipes), 0);
    fflush(stderr);
    int before = dup(STDERR_FILENO);
    dup2(pipes[1], STDERR_FILENO);
    close(pipes[1]);
    work(NULL, 4000000);
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    char c;
    cr_expect_eq(read(pipes[0], &c, 1), 0);
}
