/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Recording under QEMU: a program (qemu-x86_64) or a whole machine (qemu-system-x86_64) runs with the cache-model
 * plugin of collectors/plugin/, which writes a raw capture (.tr, docs/trace-format.md) as it goes; the capture then
 * becomes a trace. The stream is what caches of the given sizes would miss, with coherence between CPUs; the trace
 * carries the label simulated-cache and the geometry.
 *
 * Needs Debian's qemu-user, or qemu-system-x86 for a whole machine: version 7.2 or later with plugins, for x86-64
 * guests.
 */
#ifndef COLLECTORS_QEMU_H
#define COLLECTORS_QEMU_H

#include "datasets/import.h"

struct qemu_options {
    /* User mode: the program and its arguments, found along PATH. Whole machine: arguments of qemu-system-x86_64
     * (-kernel, -drive ...) besides those for CPUs, memory, nodes and the plugin, which come from here. Ends with null.
     */
    const char *const *command;
    bool whole_system;

    uint64_t l1_bytes, l2_bytes; /* each of L1I and L1D; L2 is per CPU and includes both */
    uint32_t l1_ways, l2_ways;   /* at most 32 each; sets must come out a power of two */
    uint32_t line;               /* bytes: 64, 128 or 256 */
    uint32_t cpus;               /* 1..64. User mode: thread k runs on CPU k mod cpus; whole machine: its CPUs */
    uint32_t quantum;            /* virtual cycles that no CPU runs ahead of the slowest; 0: unbounded */
    uint32_t nodes;              /* whole machine: its nodes, CPUs and memory in equal blocks */
    uint64_t memory;             /* whole machine: bytes; at most 2 GiB, a multiple of nodes x 1 MiB */
    uint64_t records;            /* the capture ends after so many, and a whole machine with it; 0: no end */
    bool host_time; /* whole machine: its clock follows the host's, its CPUs are threads; else its clock counts
                       instructions, its CPUs take turns of a quantum, and a capture is the same each time */
    bool trigger;   /* capture from the guest's start mark to its end mark (collectors/plugin/mark.h) */

    bool kernel; /* whole machine: capture from the kernel's first code in the upper half of the addresses, not from
                    reset; not with trigger */

    const char *out;              /* the trace to write */
    const char *raw;              /* the raw capture, which is then kept; null: beside `out`, removed when imported */
    const char *qemu, *plugin;    /* programs to use in place of those found; null */
    struct import_options import; /* name, note, compress, limit ...; import_defaults() */
};

/* L1 32 KiB of 8 ways, L2 1 MiB of 16, lines of 64 bytes, 8 CPUs, quantum 1000; whole machine: 4 nodes, 2 GiB. */
void qemu_defaults(struct qemu_options *);

/* What became of the run. */
struct qemu_result {
    int status;                  /* of QEMU, as wait() gives it: the program's own exit code */
    struct import_counts counts; /* records read and taken */
};

/* Runs to the program's end. SIGINT and SIGTERM end the program; what was captured by then becomes the trace. One more
 * while the trace is made (-EINTR), or a kill of this process, leaves the raw capture, which `mirrorball import` reads
 * to its last whole record. The command's standard streams are the caller's. 0, or -errno with a line: -ENOENT when
 * QEMU or the plugin is missing (with what to install), -EINVAL for options that make no cache, -ECHILD when QEMU ended
 * before the first record. */
int qemu_record(const struct qemu_options *, struct qemu_result *, struct trace_error *);

/* Whether qemu_record could start: 0, or -errno with a line that says what is missing and what to install. */
int qemu_probe(bool whole_system, struct trace_error *);

#endif
