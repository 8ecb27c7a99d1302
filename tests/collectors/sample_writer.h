/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Writes what the kernel writes: samples with any set of fields, other records with their trailer. From the order of
 * perf_output_sample() in kernel/events/core.c (Linux 6.18), not from the decoder.
 */
#ifndef TESTS_COLLECTORS_SAMPLE_WRITER_H
#define TESTS_COLLECTORS_SAMPLE_WRITER_H

#include <stddef.h>
#include <stdint.h>

/* An event as the writer needs it. */
struct writer_event {
    uint64_t sample_type, read_format, branch, regs_user, regs_intr, id;
    uint32_t type, size; /* of the attribute; size 0: 136 */
    uint64_t config;
};

struct writer_values {
    uint64_t ip, time, addr, period, weight, source, phys, page_size;
    uint32_t pid, tid, cpu;
    const void *raw;
    uint32_t raw_size;                          /* raw_size + 4 is a multiple of 8 */
    unsigned chain, branches, registers, stack; /* lengths of what is passed over */
};

/* The attribute: 136 bytes, of which `size` count. */
void writer_attr(const struct writer_event *, unsigned char attr[136]);

/* Each writes a whole record and returns its size. */
size_t writer_sample(const struct writer_event *, const struct writer_values *, unsigned char *record);
size_t writer_record(const struct writer_event *, const struct writer_values *, uint32_t type, uint16_t misc,
                     const void *body, size_t n, unsigned char *record);

#endif
