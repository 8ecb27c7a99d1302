/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The keys of a machine file and what each may hold. Internal to the reader (machine_parse.c).
 */
#ifndef DATASETS_MACHINE_KEYS_H
#define DATASETS_MACHINE_KEYS_H

#include "datasets/machine_file.h"

enum { MACHINE_KEYS_VALUE = 4096 };

/* One key with its value, gathered over continuation lines, and the machine it goes into. */
struct machine_keys {
    struct machine_desc *machine;
    struct trace_error *error;
    const char *where; /* name of the file, for error lines */
    char section[32];
    char key[32];
    char value[MACHINE_KEYS_VALUE];
    unsigned line; /* on which the key stands */
    bool failed;   /* *error is set: the first error stays */
    bool has_cpus, has_local, has_remote;
    nodeset_t rows; /* rows of the latency matrix that were given */
};

/* Puts the value into the machine. False: failed, *error names file and line. */
bool machine_keys_set(struct machine_keys *);

/* Notes an error "where:line: ..." unless there is one already; returns false. */
bool machine_keys_fail(struct machine_keys *, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
