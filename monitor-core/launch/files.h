/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Files that a run needs: opened and checked, found beside the program or where it was installed, or made in memory.
 */
#ifndef MONITOR_CORE_LAUNCH_FILES_H
#define MONITOR_CORE_LAUNCH_FILES_H

#include "monitor-core/launch/plan.h"

/* Opens a regular file, to be written too when `write`; its absolute path into `real` (PLAN_PATH bytes). The file
 * descriptor, or -errno with a line. */
int files_open(const char *path, bool write, char *real, uint64_t *bytes, struct trace_error *);

/* `name` in the program's folder (its subfolder `folder` when not empty), or in libexec or share of the installation.
 * False: nowhere. */
bool files_find(const char *folder, const char *name, char *path);

/* A file of these bytes that has no place in any folder. The file descriptor, or -errno with a line. */
int files_of_memory(const char *name, const void *bytes, size_t size, struct trace_error *);

#endif
