/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A multiboot module as a read-only drive: an image that the boot loader put into memory.
 */
#ifndef MONITOR_CORE_X86_MODULE_DRIVE_H
#define MONITOR_CORE_X86_MODULE_DRIVE_H

#include "monitor-core/disk.h"
#include "monitor-core/x86/cpu.h"

/* The drive of the module of that name; false: no such module. A part of a sector at its end is left out. */
bool module_drive(struct machine_x86 *, const char *name, struct drive *);

#endif
