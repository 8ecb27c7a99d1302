/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Playing logs of other engines (monitor-core/play.h) into this machine's memory, without any VM: every decision must
 * come out as it did where the log was written.
 */
#ifndef MONITOR_CORE_X86_PLAYER_H
#define MONITOR_CORE_X86_PLAYER_H

#include "policy/numa.h"

/* Plays the modules whose names begin with "log" (the first is log0) one after the other, tells each one's digest on
 * the console and in a TEXT frame "played ...", and turns the machine off. On the boot processor, instead of everything
 * else, before memory_seal. */
_Noreturn void player_run(void);

#endif
