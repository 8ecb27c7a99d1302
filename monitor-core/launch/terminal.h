/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The operator's terminal while guests use it: every key goes through as it is typed, but for Ctrl-C; whatever way this
 * program ends, the terminal is as before.
 */
#ifndef MONITOR_CORE_LAUNCH_TERMINAL_H
#define MONITOR_CORE_LAUNCH_TERMINAL_H

#include <stdbool.h>

/* Standard input, when it is a terminal; else nothing happens. */
void terminal_open(void);
void terminal_close(void);

/* Ctrl-C, SIGTERM and SIGHUP are only counted from now on; terminal_stopped answers how many came. */
void terminal_watch(void);
int terminal_stopped(void);
void terminal_unwatch(void);

#endif
