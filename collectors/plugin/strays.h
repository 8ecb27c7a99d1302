/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What QEMU in user mode does not follow: processes that the program starts, and what it becomes by execve. It is said
 * on standard error, once each, with what to do.
 */
#ifndef COLLECTORS_PLUGIN_STRAYS_H
#define COLLECTORS_PLUGIN_STRAYS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct strays {
    atomic_uint started, execs;
    atomic_uint told; /* how many of those started have been told */
};

/* The number of an x86-64 system call: does it run another program in place of this one? */
bool strays_exec(int64_t number);

/* The program calls it now. Where that succeeds QEMU is gone without a word, so this is said before, and how many
 * processes were started by then. */
void strays_leave(struct strays *);

/* At the end of the capture: how many processes were started, unless that has been told. */
void strays_tell(struct strays *);

#endif
