/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Interrupts that make a CPU look at what has changed: it leaves its guest, or its sleep. One that is not answered is
 * sent again, because an emulated CPU may lose an interrupt that comes at the moment of its VMRUN.
 *
 *   sender: change; kick_send              receiver, after each exit: kick_answered; look; enter a guest or sleep
 */
#ifndef MONITOR_CORE_X86_KICK_H
#define MONITOR_CORE_X86_KICK_H

#include "monitor-core/x86/cpu.h"

/* To the CPU that the scheduler named: the caller's own, or none, needs no kick. */
void kick_send(uint32_t cpu);

/* The running CPU, one that runs guests, is about to look. */
void kick_answered(void);

/* Sends again what other CPUs have left unanswered for 1 ms. Answers when to call again (ns as cpu_now); UINT64_MAX:
 * every kick was answered. */
uint64_t kick_again(uint64_t now);

#endif
