/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The INI form of a machine (docs/machines.md), from and to text. Used by machine_load, by `machines --ini` and by the
 * probe; programs call machine_load.
 */
#ifndef DATASETS_MACHINE_TEXT_H
#define DATASETS_MACHINE_TEXT_H

#include <stdio.h>

#include "datasets/machine_file.h"

enum { MACHINE_TEXT_MAX = 1 << 20 }; /* bytes: the greatest sensible file is a tenth of this */

/* Reads `size` bytes of text. `where` is the file's name as the error line shall give it. Unknown sections and keys,
 * doubled keys, numbers out of range and matrices of another size than the machine are errors that name the line. 0 or
 * -EINVAL. */
int machine_parse(const char *text, size_t size, const char *where, struct machine_desc *, struct trace_error *);

/* What a machine has when its file says nothing: one of everything, no contention, the mechanism costs of a present
 * server (docs/machines.md). nodes is 0. */
void machine_blank(struct machine_desc *);

/* What the numbers must satisfy together (a CPU somewhere, every latency set, curves that rise); machine_parse has
 * checked it already. 0 or -EINVAL with a line that starts with `where`. */
int machine_check(const struct machine_desc *, const char *where, struct trace_error *);

/* Writes the machine so that machine_parse reads the same back. */
void machine_write(FILE *, const struct machine_desc *);

#endif
