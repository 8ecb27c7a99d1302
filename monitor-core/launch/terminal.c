/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a signal handler has to find lies in statics.
 */
#include "monitor-core/launch/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static volatile sig_atomic_t changed, stopped;

static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGQUIT};
enum { ENDS = sizeof ends / sizeof *ends, CRASHES = sizeof crashes / sizeof *crashes };
static struct sigaction old[ENDS], older[CRASHES];

void terminal_close(void)
{
    if (changed)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    changed = 0;
}

static void on_crash(int number)
{
    terminal_close();
    for (int i = 0; i < CRASHES; i++)
        if (crashes[i] == number)
            sigaction(number, &older[i], NULL);
    raise(number);
}

void terminal_open(void)
{
    struct sigaction crash = {.sa_handler = on_crash, .sa_flags = (int)SA_NODEFER};
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0)
        return;
    atexit(terminal_close);
    sigemptyset(&crash.sa_mask);
    for (int i = 0; i < CRASHES; i++)
        sigaction(crashes[i], &crash, &older[i]);
    struct termios raw = before;
    raw.c_iflag &= (tcflag_t) ~(ICRNL | INLCR | IGNCR | IXON);
    raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO | IEXTEN);
    raw.c_cc[VQUIT] = raw.c_cc[VSUSP] = _POSIX_VDISABLE;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    changed = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

static void on_end(int number)
{
    (void)number;
    stopped = stopped + 1;
}

void terminal_watch(void)
{
    struct sigaction mine = {.sa_handler = on_end};
    sigemptyset(&mine.sa_mask);
    stopped = 0;
    for (int i = 0; i < ENDS; i++)
        sigaction(ends[i], &mine, &old[i]);
}

int terminal_stopped(void)
{
    return stopped;
}

void terminal_unwatch(void)
{
    for (int i = 0; i < ENDS; i++)
        sigaction(ends[i], &old[i], NULL);
}
