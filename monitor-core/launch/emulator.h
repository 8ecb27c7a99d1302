/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The emulator as a child process: started with its two serial ports on sockets and its complaints on a pipe, ended
 * without a trace. It dies with this program, and a key on the terminal does not reach it.
 */
#ifndef MONITOR_CORE_LAUNCH_EMULATOR_H
#define MONITOR_CORE_LAUNCH_EMULATOR_H

#include <sys/types.h>

#include "monitor-core/launch/plan.h"

struct emulator {
    pid_t pid;                          /* 0: none, or it has been waited for */
    int console, telemetry, complaints; /* our ends, not blocking; -1: closed */
    int status;                         /* as waitpid gave it */
};

/* 0 or -errno with a line (a missing QEMU: how to install it). */
int emulator_start(struct emulator *, const struct plan *, struct trace_error *);

/* Asks it to end, waits two seconds, then makes it. Does nothing when it has ended. */
void emulator_stop(struct emulator *);

/* Has it ended by itself? Does not wait. */
bool emulator_ended(struct emulator *);

void emulator_close(struct emulator *); /* stops it, closes everything */

#endif
