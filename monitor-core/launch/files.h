/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Files that a run needs: checked, found beside the program or where it was installed, and put together in a folder of
 * their own under names without blanks and commas, which an emulator's command line cannot quote.
 */
#ifndef MONITOR_CORE_LAUNCH_FILES_H
#define MONITOR_CORE_LAUNCH_FILES_H

#include "monitor-core/launch/plan.h"

/* Is it a regular file (a block device too, when `device`) that can be read, and written when `write`? Its absolute
 * path into `real` (PLAN_PATH bytes). 0, or -errno with a line. */
int files_check(const char *path, bool write, char *real, uint64_t *bytes, struct trace_error *);

/* `name` in the program's folder (its subfolder `folder` when not empty), or in libexec or share of the installation.
 * False: nowhere. */
bool files_find(const char *folder, const char *name, char *path);

/* A folder for one run: links to every module and drive of the plan and, when `config`, the configuration. Removed by
 * files_remove. 0 or -errno with a line. */
struct files {
    char folder[PLAN_PATH];
};
int files_make(struct files *, const struct plan *, bool config, struct trace_error *);
void files_remove(struct files *);

#endif
