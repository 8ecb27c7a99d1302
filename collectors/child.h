/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A command that is started in two steps, so that counters can be attached to it before its first instruction: the
 * process exists after child_new and runs the program after child_go. Signals that reach it before are not for it: it
 * waits on.
 */
#ifndef COLLECTORS_CHILD_H
#define COLLECTORS_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    int go, failed; /* a socket to the child; a pipe from it, the errno of exec */
    int status;     /* as wait() gives it, once `ended` */
    bool ended;
};

/* argv ends with null; its first word is found along PATH. 0 or -errno. */
int child_new(struct child *, char *const *argv);

/* Lets it run its program. 0, or -errno of exec (-ENOENT: no such program); then the child has ended. -EPIPE: somebody
 * had ended it before. */
int child_go(struct child *);

/* Has it ended? Does not wait. */
bool child_ended(struct child *);

/* Sends the signal, waits at most `ms` for its end, and lets go of it: whoever does not end goes on without us. */
void child_release(struct child *, int signal, int ms);

/* A way to let a forked process go on: ends[0] is its, ends[1] ours. 0 or -errno. */
int child_gate(int ends[2]);
/* In the process: waits. False: who had to open the gate has ended, or let go of it. */
bool child_wait(int gate);
/* 0, or -EPIPE (without the signal) when the process is gone. */
int child_open(int gate);

#endif
