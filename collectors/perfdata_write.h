/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The records that make a stream of ring bytes a perf.data file in pipe mode: this program and perf both read it. The
 * caller writes perfdata_begin, attributes, names, features, then ring bytes as they are, a round's end after each turn
 * over all rings, AUX bytes behind a perfdata_auxtrace. Each function appends to the buffer; the caller empties it with
 * perfdata_flush. All are safe to call after a failure: the first one sticks.
 */
#ifndef COLLECTORS_PERFDATA_WRITE_H
#define COLLECTORS_PERFDATA_WRITE_H

#include "collectors/perfdata.h"

struct perfdata_buffer {
    unsigned char *bytes;
    size_t n, room;
    int failed; /* -ENOMEM or -E2BIG: nothing is appended any more */
};
void perfdata_buffer_free(struct perfdata_buffer *);

/* Writes the buffer to the file and empties it. 0 or -errno. */
int perfdata_flush(struct perfdata_buffer *, int fd);

/* The 16 bytes that begin the file. */
void perfdata_begin(struct perfdata_buffer *);

/* An event: the perf_event_attr as opened (its size field counts) and the ids of all its instances; then its name. */
void perfdata_attr(struct perfdata_buffer *, const void *attr, const uint64_t *ids, size_t n);
void perfdata_name(struct perfdata_buffer *, uint64_t id, const char *name);

/* ID_INDEX: where each instance counts. */
struct perfdata_place {
    uint64_t id, index;
    int64_t cpu, tid; /* -1 any */
};
void perfdata_places(struct perfdata_buffer *, const struct perfdata_place *, size_t n);

/* Facts of the machine: ABI_FEATURE_* with its payload, one text, the command line, CPUs and nodes, memory, clocks. */
void perfdata_feature(struct perfdata_buffer *, unsigned feature, const void *payload, size_t n);
void perfdata_text(struct perfdata_buffer *, unsigned feature, const char *text);
void perfdata_cpus(struct perfdata_buffer *, uint32_t available, uint32_t online);
void perfdata_command(struct perfdata_buffer *, int argc, char *const *argv);
void perfdata_clock(struct perfdata_buffer *, uint32_t clockid, uint64_t wall_ns, uint64_t clock_ns);
void perfdata_time_conv(struct perfdata_buffer *, const struct ring_clock *);
struct perfdata_node_info {
    uint32_t node;
    uint64_t total_kib, free_kib;
    const char *cpus;       /* "0-3,8" */
    const uint64_t *blocks; /* [words] bitmap of memory blocks; null unknown */
    size_t words;
};
void perfdata_nodes(struct perfdata_buffer *, const struct perfdata_node_info *, uint32_t n);
void perfdata_memory_blocks(struct perfdata_buffer *, uint64_t block_size, const struct perfdata_node_info *,
                            uint32_t n);
void perfdata_pmus(struct perfdata_buffer *, const uint32_t *types, const char *const *names, uint32_t n);

/* All rings were emptied once: what follows is no older than the end of the round before. */
void perfdata_round(struct perfdata_buffer *);

/* Arm SPE: first, once, the PMU's number (the CPU's MIDR goes into ABI_FEATURE_CPUID as "0x00000000410fd490"); then
 * before each piece of AUX bytes a perfdata_auxtrace: `size` bytes from `position` of the area of that CPU follow in
 * the file. */
void perfdata_auxtrace_info(struct perfdata_buffer *, uint32_t pmu_type);
void perfdata_auxtrace(struct perfdata_buffer *, uint64_t size, uint64_t position, uint32_t index, uint32_t cpu,
                       uint32_t tid);

/* Our own notes, as EVENT_UPDATE records of a type that perf passes over; `id` is any instance written above. At most
 * 4096 bytes. NOTE_STEP: one line of what was tried and why; NOTE_SOURCE: "ibs", "pebs", "faults"...; NOTE_LOST: a u64,
 * the samples that the kernel counted as lost, read at the end; the rest are structs of perfdata.h. */
void perfdata_note(struct perfdata_buffer *, uint64_t id, enum perfdata_note, const void *bytes, size_t n);

#endif
