/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What every physical CPU does for the rest of its life: run the virtual CPU that the scheduler gives it, and between
 * exits its share of the machine's chores (the pager's periods, console, telemetry, affinity). One CPU at a time is on
 * duty for these, an idle one where there is one; others take over when it is late.
 */
#ifndef MONITOR_CORE_X86_RUN_H
#define MONITOR_CORE_X86_RUN_H

#include "monitor-core/x86/vm.h"

/* Never returns: when the last VM has ended, the machine goes off. SVM is on. */
_Noreturn void run_cpu(void);

/* The end of it all, by whoever comes first: totals, the last frame, power off. */
_Noreturn void run_end(const char *why);

#endif
