/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Bytes of a perf ring -> samples and what else happened. One decoder for live rings, perf.data files and rings played
 * in tests. It knows the events by their attributes; records are hostile: every length is checked against the record.
 */
#ifndef COLLECTORS_DECODE_H
#define COLLECTORS_DECODE_H

#include "collectors/perf_abi.h"
#include "collectors/sample.h"

enum { DECODE_NAME = 128, DECODE_EVENTS_MAX = 4096, DECODE_RECORD_MAX = 65536 };

/* What the samples of an event are, as far as it changes how they are read. */
enum decode_kind {
    DECODE_PLAIN,
    DECODE_IBS_OP,      /* RAW holds the IBS registers: read where the kernel gave no DATA_SRC (before 6.1) */
    DECODE_PAGE_FAULT,  /* page-fault software event: ADDR is the faulting address */
    DECODE_FAULT_TRACE, /* tracepoint exceptions:page_fault_user: RAW holds address, ip, error code */
    DECODE_SPE,         /* Arm SPE: samples come through the AUX area (spe.h) */
};

struct decode_event {
    char name[DECODE_NAME]; /* "cpu/mem-loads,ldlat=30/P"; empty unknown */
    uint32_t type;          /* attr.type; dynamic PMUs have numbers of their own machine */
    uint64_t config, config1, config2;
    uint64_t period; /* attr.sample_period, or the frequency with freq */
    uint64_t sample_type, read_format, branch_sample_type, regs_user, regs_intr;
    int32_t clockid;
    bool freq, use_clockid, sample_id_all;
    enum decode_kind kind;
    uint16_t fixed; /* bytes of a sample's body, where no field's length varies; else 0 */
    uint16_t fault_address, fault_ip, fault_error; /* DECODE_FAULT_TRACE: byte offsets in RAW; default 8, 16, 24 */
};

struct decoder;

/* null: out of memory */
struct decoder *decoder_new(void);
void decoder_free(struct decoder *);

/* Adds an event: `size` bytes of a perf_event_attr of any version (at least 64 bytes, or -EINVAL) and the ids of its
 * instances. Its index, or -EINVAL, -ENOMEM, -E2BIG (over DECODE_EVENTS_MAX). The kind is told from type and config
 * where these say it (page faults); set it in decoder_event otherwise. */
int decoder_add(struct decoder *, const void *attr, size_t size, const uint64_t *ids, size_t n);
int decoder_add_id(struct decoder *, uint32_t event, uint64_t id);
uint32_t decoder_events(const struct decoder *);
struct decode_event *decoder_event(struct decoder *, uint32_t event);

/* Names an event by at most n bytes; what would disturb a terminal becomes blanks. */
void decoder_set_name(struct decode_event *, const char *name, size_t n);

/* The event of an id; -1 unknown. */
int decoder_find(const struct decoder *, uint64_t id);

/* ID_INDEX: instance `id` counts on that CPU and thread (-1 any). Used where samples lack CPU or TID. */
int decoder_place_id(struct decoder *, uint64_t id, int32_t cpu, int32_t tid);

enum decoded_kind {
    DECODED_SAMPLE,
    DECODED_LOST,         /* n records of any kind were dropped, on the ring of this record */
    DECODED_LOST_SAMPLES, /* n samples were dropped by the hardware, or by a BPF filter (by_filter) */
    DECODED_THROTTLE,
    DECODED_UNTHROTTLE,
    DECODED_COMM,
    DECODED_FORK,
    DECODED_EXIT,
    DECODED_MMAP, /* MMAP and MMAP2 */
    DECODED_AUX,
    DECODED_ITRACE_START,
    DECODED_SWITCH,
    DECODED_OTHER, /* known to be of no use here, or unknown: passed over */
    DECODED_ROUND, /* FINISHED_ROUND (perfdata.h): nothing after it is older than the end of the round before */
};

/* One record. Text points into the record's bytes. */
struct decoded {
    enum decoded_kind kind;
    uint32_t type; /* ABI_RECORD_* */
    uint16_t misc;
    struct sample sample; /* of a sample: all of it; of others: time, cpu, pid, tid, id as far as `has` says */
    union {
        struct {
            uint64_t id, n;
            bool by_filter;
        } lost;
        struct {
            uint64_t time, id;
        } throttle;
        struct {
            uint32_t pid, tid;
            const char *name;
        } comm;
        struct {
            uint32_t pid, parent, tid, parent_tid;
            uint64_t time;
        } fork; /* EXIT too */
        struct {
            uint32_t pid, tid;
            uint64_t start, length, offset;
            const char *name;
        } map;
        struct {
            uint64_t offset, size, flags;
        } aux;
        struct {
            uint32_t pid, tid;
            bool out;
        } switched; /* CPU-wide: pid and tid of the other task; else 0 */
    };
};

/* Decodes one whole record, header included. 0, or -EBADMSG with a word for it in *why: the record contradicts itself
 * or the attributes (the records after it can still be read). A sample of an id that no attribute has: -ENOENT. */
int decode_record(const struct decoder *, const void *bytes, size_t size, struct decoded *, const char **why);

#endif
