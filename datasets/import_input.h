/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A stream of bytes from a file or standard input, unpacked where it is packed (import_unpack.h).
 */
#ifndef DATASETS_IMPORT_INPUT_H
#define DATASETS_IMPORT_INPUT_H

#include "datasets/trace.h"

enum { INPUT_LINE_MAX = 4096 };

struct import_input;

/* `path` "-": standard input. 0 or -errno with a line. */
int import_input_open(const char *path, struct import_input **out, struct trace_error *);
void import_input_close(struct import_input *);

const char *import_input_path(const struct import_input *);

/* The next bytes without taking them: at most `want`, fewer only at the end. *bytes stays valid until the next call. */
int import_input_peek(struct import_input *, size_t want, const unsigned char **bytes, size_t *n, struct trace_error *);
void import_input_take(struct import_input *, size_t n);

/* The next line without its end ("\n" or "\r\n"), terminated with NUL, valid until the next call. 1 a line, 0 the end,
 * or -errno: longer than INPUT_LINE_MAX, or a NUL in it. */
int import_input_line(struct import_input *, char **line, struct trace_error *);
uint64_t import_input_line_number(const struct import_input *);

/* Bytes of the file read so far, and its size (0: unknown). */
void import_input_progress(const struct import_input *, uint64_t *done, uint64_t *total);

#endif
