/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPORTS_PUBLISH_H
#define REPORTS_PUBLISH_H

#include <stddef.h>

#include "datasets/trace.h"

/* Writes `size` bytes to a temporary beside `path`, then renames it: the name never holds half a file. 0, or -errno
 * with a line and no leftovers. Signals that end a program wait until it is done. A path that exists and is no regular
 * file with a name (/dev/stdout, a pipe) is written to directly; a symbolic link stays one. */
int publish(const char *path, const void *bytes, size_t size, struct trace_error *);

#endif
