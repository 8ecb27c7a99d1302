/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/launch/emulator.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "monitor-core/launch/machine.h"

enum { PATIENCE_MS = 2000, STEP_MS = 10 };

struct ends {
    int console[2], telemetry[2], complaints[2], failure[2]; /* [0] ours, [1] the child's */
};

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_side(struct ends *e, int side)
{
    close_one(&e->console[side]);
    close_one(&e->telemetry[side]);
    close_one(&e->complaints[side]);
    close_one(&e->failure[side]);
}

static int make_ends(struct ends *e)
{
    *e = (struct ends){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, e->console) == 0 &&
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, e->telemetry) == 0 && pipe2(e->complaints, O_CLOEXEC) == 0 &&
        pipe2(e->failure, O_CLOEXEC) == 0)
        return 0;
    int error = errno;
    close_side(e, 0);
    close_side(e, 1);
    return -error;
}

/* Runs in the child: whatever fails goes up the failure pipe as an errno; exec closes it. */
static void become(struct ends *e, const struct plan *p, char **argv, pid_t parent)
{
    sigset_t none;
    int nothing = open("/dev/null", O_RDWR);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int error = getppid() != parent ? ESRCH : nothing < 0 ? errno : 0;
    if (!error && (dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0 || dup2(e->complaints[1], 2) < 0 ||
                   fcntl(e->console[1], F_SETFD, 0) < 0 || fcntl(e->telemetry[1], F_SETFD, 0) < 0))
        error = errno;
    for (uint32_t i = 0; !error && i < p->nmodules; i++)
        error = fcntl(p->module[i].fd, F_SETFD, 0) < 0 ? errno : 0;
    if (!error) {
        execvp(p->qemu, argv);
        error = errno;
    }
    if (write(e->failure[1], &error, sizeof error) < 0)
        _exit(126);
    _exit(127);
}

static int complain(const struct plan *p, int error, struct trace_error *why)
{
    bool usual = strcmp(p->qemu, "qemu-system-x86_64") == 0;
    snprintf(why->text, sizeof why->text, "%.200s: %s%s", p->qemu, error == ENOENT ? "not found" : strerror(error),
             error == ENOENT && usual ? "; install it: apt-get install qemu-system-x86"
             : error == ENOENT        ? "; give the emulator's program with --qemu"
                                      : "");
    return -error;
}

static int start(struct emulator *em, struct ends *ends, const struct plan *p, char **argv, struct trace_error *why)
{
    pid_t parent = getpid();
    int error = 0;
    em->pid = fork();
    if (em->pid == 0)
        become(ends, p, argv, parent);
    if (em->pid < 0)
        error = errno;
    close_side(ends, 1);
    if (!error && read(ends->failure[0], &error, sizeof error) != sizeof error)
        error = 0;
    close_one(&ends->failure[0]);
    if (error) {
        if (em->pid > 0)
            waitpid(em->pid, NULL, 0);
        em->pid = 0;
        return complain(p, error, why);
    }
    return 0;
}

int emulator_start(struct emulator *em, const struct plan *p, struct trace_error *why)
{
    struct ends ends;
    struct machine_line line;
    *em = (struct emulator){.console = -1, .telemetry = -1, .complaints = -1};
    int error = make_ends(&ends);
    if (error)
        return complain(p, -error, why);
    machine_line(&line, p, ends.console[1], ends.telemetry[1]);
    error = line.failed ? complain(p, ENOMEM, why) : start(em, &ends, p, line.arg, why);
    machine_line_free(&line);
    if (error) {
        close_side(&ends, 0);
        close_side(&ends, 1);
        return error;
    }
    em->console = ends.console[0];
    em->telemetry = ends.telemetry[0];
    em->complaints = ends.complaints[0];
    fcntl(em->console, F_SETFL, O_NONBLOCK);
    fcntl(em->telemetry, F_SETFL, O_NONBLOCK);
    fcntl(em->complaints, F_SETFL, O_NONBLOCK);
    return 0;
}

bool emulator_ended(struct emulator *em)
{
    if (em->pid > 0 && waitpid(em->pid, &em->status, WNOHANG) == em->pid)
        em->pid = 0;
    return em->pid == 0;
}

void emulator_stop(struct emulator *em)
{
    if (emulator_ended(em))
        return;
    kill(em->pid, SIGTERM);
    for (int waited = 0; waited < PATIENCE_MS && !emulator_ended(em); waited += STEP_MS)
        nanosleep(&(struct timespec){0, STEP_MS * 1000000L}, NULL);
    if (emulator_ended(em))
        return;
    kill(em->pid, SIGKILL);
    while (waitpid(em->pid, &em->status, 0) < 0 && errno == EINTR)
        continue;
    em->pid = 0;
}

void emulator_close(struct emulator *em)
{
    emulator_stop(em);
    close_one(&em->console);
    close_one(&em->telemetry);
    close_one(&em->complaints);
}
