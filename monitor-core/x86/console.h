/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The operator's console, the machine's first serial port, shared by all VMs and the monitor. With several VMs each
 * line comes out whole, behind the name of its VM; lines are held back until they end or have rested for a
 * moment. What is typed goes to one VM:
 *
 *   Ctrl-A 0..9  to the VM of that number from now on
 *   Ctrl-A x     end everything
 *   Ctrl-A Ctrl-A  sends Ctrl-A
 */
#ifndef MONITOR_CORE_X86_CONSOLE_H
#define MONITOR_CORE_X86_CONSOLE_H

#include "policy/numa.h"

/* Takes over the monitor's own lines too (print_sink). The VMs' names are known. */
void console_start(void);

/* A byte from a VM's UART. */
void console_put(uint32_t vm, uint8_t byte);

/* What the VM has begun to write comes out now. */
void console_flush(uint32_t vm);

/* By one CPU at a time, every few milliseconds: input, and lines that have rested. True: the operator wants to end. */
bool console_run(uint64_t now);

#endif
