/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Between the parts of recording under QEMU: what is found on this host, and QEMU's command line.
 */
#ifndef COLLECTORS_QEMU_PRIVATE_H
#define COLLECTORS_QEMU_PRIVATE_H

#include "collectors/qemu.h"

enum { QEMU_PATH = 4096, QEMU_WORDS = 512 };

/* What a run needs, found. Text fields are whole paths. */
struct qemu_place {
    char qemu[QEMU_PATH], plugin[QEMU_PATH];
    char program[QEMU_PATH]; /* user mode: the program to run */
    char raw[QEMU_PATH];     /* the capture */
    char folder[QEMU_PATH];  /* whole machine: holds the files behind its RAM */
};

/* Fills qemu, plugin. 0, or -ENOENT with a line that names the package. */
int qemu_find(const struct qemu_options *, struct qemu_place *, struct trace_error *);

/* Fills program: a file of that name, along PATH when it holds no slash. 0, or -errno with a line: not there, not a
 * program, a script (QEMU runs programs only). */
int qemu_find_program(const char *name, struct qemu_place *, struct trace_error *);

/* QEMU's argument vector, ended by null, every word malloc'd. 0, or -errno with a line: too many words, no memory. */
int qemu_command(const struct qemu_options *, const struct qemu_place *, char *words[QEMU_WORDS], struct trace_error *);
void qemu_command_free(char *words[QEMU_WORDS]);

/* 0, or -EINVAL with a line: what the options cannot be. */
int qemu_check(const struct qemu_options *, struct trace_error *);

#endif
