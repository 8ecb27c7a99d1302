/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the plugin is told on QEMU's command line: -plugin mirrorball-qemu.so,out=FILE,NAME=VALUE...
 *
 *   out=FILE      the raw capture; must not exist
 *   l1=, l2=      bytes of each first-level cache and of the second level       (32768, 1048576)
 *   l1ways=, l2ways=                                                            (8, 16)
 *   line=         bytes: 64, 128 or 256                                         (64)
 *   cpus=         CPUs of the model in user mode; a whole machine has its own   (8)
 *   quantum=      cycles; 0: none                                               (1000)
 *   records=      at most; 0: no end                                            (0)
 *   mark=on       capture from the start mark to the end mark (mark.h)          (off)
 *   single=on     one thread runs all virtual CPUs in turns (turns.h)           (off)
 *   ram=PREFIX, nodes=, memory=   whole machine: files behind its RAM, its nodes, bytes in all
 *   kernel=on     whole machine: capture from the first code in the upper half  (off)
 *                 of the addresses, not from reset
 */
#ifndef COLLECTORS_PLUGIN_OPTIONS_H
#define COLLECTORS_PLUGIN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "collectors/plugin/model.h"

struct options {
    const char *out, *ram; /* point into argv */
    uint64_t l1, l2, quantum, records, memory;
    uint64_t l1_ways, l2_ways, line, cpus, nodes;
    bool mark, kernel, single;
};

/* 0, or -EINVAL with a line in `error`. */
int options_parse(struct options *, int argc, char **argv, char *error, unsigned long size);

/* Whether they suit what QEMU emulates: guests of that name ("x86_64"), a whole machine. 0, or -EINVAL with a line. */
int options_fit(const struct options *, const char *target, bool whole_system, char *error, unsigned long size);

/* The machine they describe. 0, or -EINVAL with a line: cache sizes that give no power of two of sets. */
int options_geometry(const struct options *, struct model_geometry *, char *error, unsigned long size);

#endif
