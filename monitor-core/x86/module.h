/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The files that the boot loader put into memory: by name (machine_x86.module), and as drives that can only be read.
 */
#ifndef MONITOR_CORE_X86_MODULE_H
#define MONITOR_CORE_X86_MODULE_H

#include "monitor-core/disk.h"

struct module;

/* Null: no module of that name. */
const struct module *module_find(const char *name);

/* The drive of the module of that name; false: no such module. A part of a sector at its end is left out. */
bool module_drive(const char *name, struct drive *);

#endif
