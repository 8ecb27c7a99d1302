/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "collectors/child.h"

static void ignore_it(int number)
{
    (void)number;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void wait_for(struct child *c)
{
    for (int i = 0; i < 2000 && !child_ended(c); i++)
        pause_ms(5);
}

/* Ctrl-C while counters are being attached reaches the command too, which has the recorder's handlers until exec. */
Test(child, waits_on_through_a_signal)
{
    char *const exits_with_3[] = {"sh", "-c", "exit 3", NULL};
    struct sigaction handled = {.sa_handler = ignore_it};
    struct child c;
    sigaction(SIGINT, &handled, NULL);
    cr_assert_eq(child_new(&c, exits_with_3), 0);
    pause_ms(50);
    kill(c.pid, SIGINT);
    pause_ms(50);
    cr_assert_not(child_ended(&c));
    cr_assert_eq(child_go(&c), 0);
    wait_for(&c);
    cr_assert(c.ended && WIFEXITED(c.status));
    cr_assert_eq(WEXITSTATUS(c.status), 3);
}

/* Somebody ended it before it began: an error, no SIGPIPE. */
Test(child, that_is_gone)
{
    char *const never_run[] = {"true", NULL};
    struct child c;
    cr_assert_eq(child_new(&c, never_run), 0);
    kill(c.pid, SIGKILL);
    wait_for(&c);
    cr_assert_eq(child_go(&c), -EPIPE);
    child_release(&c, 0, 0);
}

Test(child, without_a_program)
{
    char *const nowhere[] = {"/no/such/program", NULL};
    struct child c;
    cr_assert_eq(child_new(&c, nowhere), 0);
    cr_assert_eq(child_go(&c), -ENOENT);
    cr_assert(c.ended);
}

/* Who lets go of it before it ran leaves nothing behind. */
Test(child, released_before_it_ran)
{
    char *const never_run[] = {"true", NULL};
    struct child c;
    cr_assert_eq(child_new(&c, never_run), 0);
    child_release(&c, 0, 2000);
    cr_assert(c.ended);
    cr_assert_eq(waitpid(c.pid, NULL, WNOHANG), -1);
}
