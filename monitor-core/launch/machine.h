/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The emulated NUMA machine: the command line of QEMU (TCG, AMD-V) for a plan. COM1 is the consoles, COM2 the
 * telemetry.
 */
#ifndef MONITOR_CORE_LAUNCH_MACHINE_H
#define MONITOR_CORE_LAUNCH_MACHINE_H

#include "monitor-core/launch/plan.h"

enum { MACHINE_ARGS = 512 };

struct machine_line {
    char *arg[MACHINE_ARGS + 1]; /* ends with null; malloc'd */
    uint32_t n;
    bool failed; /* out of memory */
};

/* The two serial ports are on these file descriptors, which QEMU inherits as it does the modules; negative: standard
 * output and none, and modules by their paths, for a person to type. */
void machine_line(struct machine_line *, const struct plan *, int console, int telemetry);
void machine_line_free(struct machine_line *);

/* As one would type it into a shell. */
void machine_line_print(FILE *, const struct machine_line *);

#endif
