/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPORTS_GUARD_H
#define REPORTS_GUARD_H

#include <stdbool.h>

/* Does `work` come to its end? It is tried in a child process with bounded time and memory, so that a library that
 * crashes or loops on a hostile file takes only the child with it. True also where no child can be had. */
bool guard(void (*work)(void *), void *context);

#endif
