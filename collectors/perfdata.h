/* SPDX-License-Identifier: BSD-2-Clause
 *
 * perf.data, the file of Linux perf: file and pipe mode, plain or compressed (zstd), whole, unclosed or cut short. No
 * perf is needed. Format: tools/perf/Documentation/perf.data-file-format.txt. Memory is bounded: one record, the events
 * and ids, what the header tells of the machine.
 */
#ifndef COLLECTORS_PERFDATA_H
#define COLLECTORS_PERFDATA_H

#include "collectors/decode.h"
#include "collectors/ring.h"
#include "datasets/import_input.h"
#include "policy/numa.h"

enum { PERFDATA_TEXT = 256, PERFDATA_MEMORY_MAX = 4096 };

/* A stretch of physical memory that lies on one node. */
struct perfdata_memory {
    uint64_t from, to; /* bytes, to exclusive */
    node_t node;
};

/* What the file says about the machine and the recording. Texts are empty and numbers 0 where it does not. */
struct perfdata_facts {
    char host[PERFDATA_TEXT], release[PERFDATA_TEXT], version[PERFDATA_TEXT], arch[PERFDATA_TEXT];
    char cpu[PERFDATA_TEXT], cpuid[PERFDATA_TEXT], command[PERFDATA_TEXT];
    uint32_t cpus;                  /* that the machine has */
    uint32_t nodes;                 /* highest node + 1 */
    node_t cpu_node[CPU_MAX];       /* NODE_NONE unknown */
    struct perfdata_memory *memory; /* [memories], ascending; null unknown */
    uint32_t memories;
    uint64_t wall_ns, wall_clock_ns; /* wall time of a moment and the recording's clock then */
    struct ring_clock clock;         /* cycles -> ns; mult 0 unknown */
    uint64_t midr;                   /* Arm */
    bool pipe, compressed;
    bool unclosed;    /* the header was never completed: the recorder died */
    bool truncated;   /* ended within a record */
    uint64_t bad;     /* records that contradict themselves */
    uint64_t orphans; /* samples of an unknown event */
    uint64_t records, samples;
    uint64_t rounds;
    char stopped[PERFDATA_TEXT]; /* why reading ended before the end of the data; empty: it did not */
};

/* What our own recorder adds (perfdata_write.h), handed over as it is met. Text ends with NUL. */
enum perfdata_note { NOTE_STEP = 1, NOTE_SOURCE, NOTE_SERIES, NOTE_VALUE, NOTE_LOST, NOTE_GAP };
struct perfdata_series {
    uint32_t index;
    int32_t cpu; /* -1: the whole machine or process */
    char name[64], unit[16];
};
struct perfdata_value {
    uint64_t time; /* ns */
    double value;  /* total so far, or level */
    uint32_t series;
    uint32_t reserved;
};
struct perfdata_gap {
    uint64_t from, to, lost; /* ns; records */
    uint32_t cpu;            /* UINT32_MAX: all */
    uint32_t cause;          /* enum collect_cause */
};

/* One item of the file. */
struct perfdata_item {
    enum { ITEM_RECORD, ITEM_NOTE } kind;
    struct decoded record; /* a round's end is DECODED_ROUND; a sample of an AUX area is DECODED_SAMPLE */
    enum perfdata_note note;
    const void *bytes; /* of a note: text, or one of the structs above */
    size_t n;
};

struct perfdata;

/* True when the bytes (16 or more) begin a perf.data file, of any age and byte order. */
bool perfdata_looks(const unsigned char *bytes, size_t n);

/* `in` stands at the file's beginning and stays the caller's. File mode reads its header by the path of `in`, so it
 * cannot come from a pipe or be packed as a whole. 0 or -errno with a line. */
int perfdata_open(struct import_input *in, struct perfdata **out, struct trace_error *);
void perfdata_close(struct perfdata *);

/* The next item, valid until the next call: 1; 0 the end, be it of the data or where they cannot be read further
 * (facts.truncated, facts.stopped say so); -errno with a line (input or memory failed). */
int perfdata_next(struct perfdata *, struct perfdata_item *, struct trace_error *);

const struct perfdata_facts *perfdata_facts(const struct perfdata *);
struct decoder *perfdata_decoder(struct perfdata *);

/* The node of a physical address; NODE_NONE unknown. */
node_t perfdata_node(const struct perfdata_facts *, uint64_t physical);

#endif
