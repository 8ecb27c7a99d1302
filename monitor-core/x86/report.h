/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the monitor tells about itself: telemetry (telemetry.h) on the machine's second serial port. Frames go out every
 * half second, and once more at the end.
 */
#ifndef MONITOR_CORE_X86_REPORT_H
#define MONITOR_CORE_X86_REPORT_H

#include "policy/numa.h"

/* Before memory_seal, with the configuration read: takes memory for observations on their way (record = 1). */
void report_start(void);

/* The first frame; the pager is set up. */
void report_hello(void);

/* By one CPU at a time: sends what is due. */
void report_run(uint64_t now);

/* All totals, and the last frame. Once; later calls do nothing. */
void report_end(const char *why, bool panicked);

/* A TEXT frame. */
void report_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
