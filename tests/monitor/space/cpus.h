/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Threads as physical CPUs: what shootdown.c and kick.c need of x86/cpu.h, on the host. GS leads to the thread's struct
 * cpu as on the machine; a kick is a flag that a guest looks at between two instructions.
 */
#ifndef TESTS_MONITOR_SPACE_CPUS_H
#define TESTS_MONITOR_SPACE_CPUS_H

#include "monitor-core/x86/kick.h"
#include "monitor-core/x86/shootdown.h"

enum { CPUS_THREADS = 4 };

/* Runs `body` on so many CPUs at once, CPU n on node n % nodes, and returns when all have ended. */
void cpus_run(uint32_t nodes, void (*body)(struct cpu *, void *context), void *context);

/* From now on so many kicks are lost. How many have been sent, lost ones too. */
void cpus_lose(uint32_t kicks);
uint32_t cpus_sent(void);

/* Has the CPU been kicked since it last left its guest? */
bool cpus_kicked(const struct cpu *);

/* Into a guest of that VM: true when nothing the CPU knows of translations holds any more. And out of it. */
bool cpus_enter(struct cpu *, uint32_t vm);
void cpus_leave(struct cpu *);

#endif
