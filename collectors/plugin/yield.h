/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Ends a virtual CPU's turn where QEMU runs all of them in one thread (turns.h). Plugins have no call for that; two
 * functions of QEMU's own do it, qemu_get_cpu and cpu_exit, which a build with loadable modules exports (Debian's
 * does).
 */
#ifndef COLLECTORS_PLUGIN_YIELD_H
#define COLLECTORS_PLUGIN_YIELD_H

/* Before any other call. 0, or -ENOTSUP with a line in `error`: this QEMU does not export them. */
int yield_find(char *error, unsigned long size);

/* By the thread that runs the CPU: the block of code in progress is the last of its turn. index: 0..63. */
void yield_turn(unsigned index);

#endif
