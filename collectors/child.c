/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collectors/child.h"

/* A socket, since writing to one can be told not to raise SIGPIPE. */
int child_gate(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) ? -errno : 0;
}

/* The parent's handlers are still there: its Ctrl-C interrupts the wait and means the parent. */
bool child_wait(int gate)
{
    char byte;
    ssize_t n;
    do
        n = read(gate, &byte, 1);
    while (n < 0 && errno == EINTR);
    return n == 1;
}

int child_open(int gate)
{
    return send(gate, "", 1, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* In the child. Nothing but exec may follow: the parent's buffers and handlers are not ours. */
static void run(int go, int failed, char *const *argv)
{
    if (!child_wait(go))
        _exit(127);
    execvp(argv[0], argv);
    int err = errno;
    if (write(failed, &err, sizeof err) < 0)
        _exit(126);
    _exit(127);
}

int child_new(struct child *c, char *const *argv)
{
    int go[2], failed[2];
    *c = (struct child){.go = -1, .failed = -1};
    int gate = child_gate(go);
    if (gate)
        return gate;
    if (pipe2(failed, O_CLOEXEC)) {
        int err = -errno;
        close(go[0]);
        close(go[1]);
        return err;
    }
    c->pid = fork();
    if (c->pid == 0) {
        close(go[1]);
        run(go[0], failed[1], argv);
    }
    int err = c->pid < 0 ? -errno : 0;
    close(go[0]);
    close(failed[1]);
    c->go = go[1];
    c->failed = failed[0];
    if (err) {
        c->pid = 0;
        child_release(c, 0, 0);
    }
    return err;
}

/* The pipe for the errno closes when exec succeeds: then nothing is read. */
int child_go(struct child *c)
{
    int err = 0;
    ssize_t n;
    if (child_open(c->go))
        return -EPIPE;
    do
        n = read(c->failed, &err, sizeof err);
    while (n < 0 && errno == EINTR);
    close(c->go);
    close(c->failed);
    c->go = c->failed = -1;
    if (n != sizeof err)
        return 0;
    while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR) {
    }
    c->ended = true;
    return -err;
}

bool child_ended(struct child *c)
{
    if (!c->ended && c->pid > 0 && waitpid(c->pid, &c->status, WNOHANG) == c->pid)
        c->ended = true;
    return c->ended;
}

void child_release(struct child *c, int signal, int ms)
{
    if (c->go >= 0)
        close(c->go);
    if (c->failed >= 0)
        close(c->failed);
    c->go = c->failed = -1;
    if (c->pid <= 0 || child_ended(c))
        return;
    if (signal)
        kill(c->pid, signal);
    for (int waited = 0; waited < ms && !child_ended(c); waited += 5)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}
