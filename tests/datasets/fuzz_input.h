/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A fuzz target's bytes as a file, and an import of it into memory.
 */
#ifndef TESTS_DATASETS_FUZZ_INPUT_H
#define TESTS_DATASETS_FUZZ_INPUT_H

#include "datasets/import.h"

/* The path of a file that holds the bytes; the next call writes over it. */
const char *fuzz_input_file(const uint8_t *data, size_t size);

/* Imports the bytes; a trace that comes of it is decoded and its digest compared. Aborts on a broken promise: an error
 * without a line, a line with a newline, an accepted trace that does not decode. */
void fuzz_input_import(const uint8_t *data, size_t size, enum import_format);

/* Decodes everything. 0 whole, else refused. */
int fuzz_input_scan(const struct trace *);

#endif
