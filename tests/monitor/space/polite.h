/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Included before everything else: who waits for another thread lets it run, however few processors the host has.
 */
#ifndef TESTS_MONITOR_SPACE_POLITE_H
#define TESTS_MONITOR_SPACE_POLITE_H

#include <sched.h>

#define __builtin_ia32_pause() ((void)sched_yield())

#endif
