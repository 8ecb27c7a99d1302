/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a run that was killed left beside the trace that it was to write: OUT.PID.recording and OUT.PID.finishing (the
 * writer's), OUT.PID.tr (a capture under emulation). The next run on the same output says so; nothing is removed, since
 * a number tells nothing of a process on another host.
 */
#ifndef DATASETS_LEFTOVER_H
#define DATASETS_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>

/* Is there such a file of a process that is no more, besides `in`, which is about to be read (may be null)? Then one
 * line, without a newline: which, and what to do. */
bool leftover_line(const char *out, const char *in, char *text, size_t size);

#endif
