/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One sample of any source: PEBS, IBS, SPE, a page fault, a line of another tool's text. What a source does not give is
 * not there (`has`), which is not the same as zero.
 */
#ifndef COLLECTORS_SAMPLE_H
#define COLLECTORS_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* struct sample.has */
enum {
    SAMPLE_TIME = 1 << 0,
    SAMPLE_CPU = 1 << 1,
    SAMPLE_TASK = 1 << 2, /* pid and tid */
    SAMPLE_IP = 1 << 3,
    SAMPLE_VA = 1 << 4, /* never 0 where set: address 0 is how sources say that they have none */
    SAMPLE_PA = 1 << 5, /* likewise */
    SAMPLE_PAGE_SIZE = 1 << 6,
    SAMPLE_SOURCE = 1 << 7, /* data_source as the source gave it; level and op follow from it */
    SAMPLE_LATENCY = 1 << 8,
    SAMPLE_WEIGHT2 = 1 << 9,
    SAMPLE_WEIGHT3 = 1 << 10,
    SAMPLE_PERIOD = 1 << 11,
    SAMPLE_ERROR_CODE = 1 << 12, /* of a page fault (x86: bit 1 write, bit 4 fetch) */
};

enum sample_op { OP_UNKNOWN, OP_READ, OP_WRITE, OP_PREFETCH, OP_FETCH, OP_COUNT };

/* Where the data came from. An own class wherever the source is less exact than the next reader would wish. */
enum sample_level {
    LEVEL_UNKNOWN,
    LEVEL_L0,
    LEVEL_L1,
    LEVEL_L2,
    LEVEL_L3,
    LEVEL_L4,
    LEVEL_LFB,          /* line fill buffer: in flight, true level unknown */
    LEVEL_L1_MISS,      /* a store that missed L1; no more is known */
    LEVEL_PEER_CACHE,   /* another core's cache of the same node */
    LEVEL_L3_OR_PEER,   /* older AMD: one code for own and other core complex */
    LEVEL_ANY_CACHE,    /* some cache of this node */
    LEVEL_REMOTE_CACHE, /* a cache of another node */
    LEVEL_LOCAL_DRAM,
    LEVEL_REMOTE_DRAM,
    LEVEL_CXL,
    LEVEL_PMEM,
    LEVEL_MSC,            /* memory-side cache */
    LEVEL_L3_MISS,        /* beyond L3, no more is known */
    LEVEL_REMOTE_UNKNOWN, /* another socket, its cache or its memory */
    LEVEL_IO,
    LEVEL_UNCACHED,
    LEVEL_COUNT
};

struct sample {
    uint64_t time; /* ns, in the clock of the recording */
    uint64_t ip, va, pa, page_size;
    uint64_t data_source; /* perf_mem_data_src */
    uint64_t period;      /* events since the sample before */
    uint64_t id;          /* of the event's instance; 0 unknown */
    uint64_t error_code;
    uint32_t latency; /* cycles: load or cache latency (weight 1) */
    uint32_t pid, tid;
    uint32_t cpu;
    uint32_t event; /* index into the decoder's events */
    uint16_t weight2, weight3;
    unsigned has;
    uint8_t op;    /* enum sample_op */
    uint8_t level; /* enum sample_level */
    uint8_t hops;  /* nodes away, as far as told: 1 same socket, 2 other socket, 3 other board; 0 unknown or none */
    bool dirty;    /* another cache held the line modified */
    bool remote;   /* the source's own remote bit: a cross-check, not the verdict (node of CPU against node of page) */
    bool kernel;   /* by the operating system */
};

/* Where a level is counted when misses are wanted. */
enum sample_miss { MISS_NO, MISS_OPTIONAL, MISS_YES };

/* "local-dram"; "unknown" for anything out of range. */
const char *sample_level_name(enum sample_level);
const char *sample_op_name(enum sample_op);

/* The miss stream of page placement: memory of any kind, memory-side cache, beyond L3, remote unknown. Optional: remote
 * cache and line fill buffer. */
enum sample_miss sample_level_miss(enum sample_level);

/* The level of that name; -1 none. */
int sample_level_named(const char *name);

#endif
