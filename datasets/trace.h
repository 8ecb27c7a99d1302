/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A recorded stream of cache misses: reading, writing, in memory or in an HDF5 file (docs/trace-format.md). A record is
 * one miss, or `weight` misses when the source samples. Records are in time order; pages are dense ids that ascend with
 * address.
 *
 * On disk: /trace/{dt u32, page u32, cpu u8|u16, flags u8, weight u32?, latency u32 (ns)?, tid u32?}, 1-D, chunks of
 * TRACE_CHUNK records, shuffle + deflate 1; /trace/gaps for time steps over 2^32 ns; /chunks (first time, least page,
 * greatest page, count); /pages/{address u64, node u8?}; attributes for provenance. Any HDF5 tool reads it.
 *
 * Files are hostile until proven otherwise: every function returns an error line instead of crashing, hanging or
 * allocating what a lying header asks for.
 */
#ifndef DATASETS_TRACE_H
#define DATASETS_TRACE_H

#include "policy/numa.h"

enum { TRACE_CHUNK = 262144, TRACE_TEXT = 256 };
enum { TRACE_FORMAT_VERSION = 1 };

enum trace_kind { TRACE_READ = 0, TRACE_WRITE = 1, TRACE_FETCH = 2, TRACE_UPGRADE = 3 };

/* flags of a record */
enum {
    TRACE_KIND_MASK = 3,   /* enum trace_kind */
    TRACE_CAUSE_SHIFT = 2, /* two bits: 0 cold, 1 replacement, 2 coherence, 3 first write (upgrades only) */
    TRACE_DIRTY = 16,      /* the line was exclusive or modified in another CPU's cache */
    TRACE_KERNEL = 32,     /* by the operating system's half of the address space */
};

/* optional columns */
enum { TRACE_HAS_WEIGHT = 1, TRACE_HAS_LATENCY = 2, TRACE_HAS_TID = 4 };

/* what a source cannot honestly give; becomes a label of every result made from it */
enum {
    TRACE_WRITES_UNDER_SEEN = 1,
    TRACE_PAGE_TOUCH = 2,
    TRACE_SIMULATED_CACHE = 4,
    TRACE_SYNTHETIC = 8,
    TRACE_ALL_ACCESSES = 16
};

struct trace_error {
    char text[512]; /* one line: what, where, what to do; no newline */
};

/* What is known of a trace. Text fields are empty when unknown. */
struct trace_meta {
    uint64_t records;
    uint64_t misses;                /* sum of weights */
    uint64_t first_time, last_time; /* ns */
    uint64_t period;                /* sampling period of the source: events per record (1: every miss) */
    uint64_t lost;                  /* records the source dropped */
    uint64_t digest; /* content hash over all columns and the page table: the trace's identity in results */
    uint32_t pages;
    uint32_t chunks;
    uint32_t cpus;  /* CPU ids are below this */
    uint32_t nodes; /* of the recorded machine; 0 unknown */
    uint32_t page_size, line_size;
    unsigned columns;        /* TRACE_HAS_* */
    unsigned labels;         /* TRACE_WRITES_UNDER_SEEN ... */
    char name[TRACE_TEXT];   /* file name without folder and suffix */
    char source[TRACE_TEXT]; /* "qemu-plugin", "csv", "lackey", "synthetic: ..." */
    char event[TRACE_TEXT], host[TRACE_TEXT], kernel[TRACE_TEXT], command[TRACE_TEXT], date[TRACE_TEXT];
    char note[4 * TRACE_TEXT]; /* free text: how it was made */
    node_t cpu_node[CPU_MAX];  /* of the recorded machine; NODE_NONE unknown */
};

/* One decoded chunk, columns of `n` records. Null columns are absent. Buffers belong to the block. */
struct trace_block {
    uint64_t first; /* index of the first record */
    uint32_t n;
    uint64_t *time; /* ns, absolute */
    uint32_t *page;
    uint16_t *cpu;
    uint8_t *flags;
    uint32_t *weight, *latency_ns, *tid;
    void *private;
};

struct trace;

/* 0, or -errno with a line in *error. Nothing is left open on failure. */
int trace_open(const char *path, struct trace **out, struct trace_error *error);
void trace_close(struct trace *);
const struct trace_meta *trace_meta(const struct trace *);
const uint64_t *trace_addresses(const struct trace *); /* [pages], ascending */
const node_t *trace_page_nodes(const struct trace *);  /* [pages] where the page was when recorded; null when unknown */

/* Buffers for one chunk of this trace; null when out of memory. */
struct trace_block *trace_block_new(const struct trace *);
void trace_block_free(struct trace_block *);

/* Decodes chunk number `chunk`. Checks everything a consumer relies on: page < pages, cpu < cpus, time never backwards
 * within and across chunks, weight > 0. Several threads may call it at once on one trace with different blocks. */
int trace_decode(const struct trace *, uint32_t chunk, struct trace_block *, struct trace_error *);

/* The whole trace decoded into memory (trace_decode then hands out pointers or copies at memory speed). */
int trace_load(const struct trace *, struct trace **out, struct trace_error *);

/* Puts a trace that takes at most that many bytes into memory in place of itself, for who reads it more than once; a
 * longer one stays in its file. Pointers got from the trace before are void. threads 0: as many as OpenMP gives. */
int trace_hold(struct trace **, uint64_t most_bytes, uint32_t threads, struct trace_error *);

/* --- writing --- */

/* Deflate at its fastest level; none (contiguous, for work files); blosc (needs a plug-in to read); deflate at its
 * smallest (slow to write, as fast to read: for traces that are kept). */
enum trace_compress { TRACE_DEFLATE, TRACE_NONE, TRACE_BLOSC, TRACE_SMALLEST };

struct trace_record {
    uint64_t time, address; /* ns; bytes */
    uint32_t weight, latency_ns, tid;
    uint16_t cpu;
    uint8_t flags;
    node_t node; /* where the page was when recorded; NODE_NONE unknown; the last one given for a page counts */
};

struct trace_writer;

/* Starts a trace in a file (published under its name only by close), or in memory when path is null. Of meta: cpus may
 * be 0 (counted), records, misses, pages, chunks, times and digest are computed; the rest is stored. -EISDIR,
 * -ENOTSUP: path is a folder, a device or a pipe, which the finished file would replace. */
int trace_writer_open(const char *path, const struct trace_meta *, enum trace_compress, struct trace_writer **out,
                      struct trace_error *);

/* Time must not go backwards (-EINVAL). Pages are numbered as first seen and renumbered by address at close. */
int trace_writer_add(struct trace_writer *, const struct trace_record *, struct trace_error *);

/* A hint, for speed alone: the n records behind `next` are the next to be added, or may be. To be given with each. */
void trace_writer_expect(const struct trace_writer *, const struct trace_record *next, size_t n);

/* Whether to give up; asked from several threads at once. A null `asked`: never. */
struct trace_stop {
    bool (*asked)(void *context);
    void *context;
};

/* Close, which packs the whole trace, asks it again and again; -EINTR, and nothing is written. */
void trace_writer_heed(struct trace_writer *, struct trace_stop);

/* What is stored with the trace: provenance that is only known at the end (lost, nodes, date) may be filled in until
 * close. cpus, page_size, columns are settled at open. */
struct trace_meta *trace_writer_meta(struct trace_writer *);

/* Finishes the file. For a trace in memory, *out receives it (out may be null for a file). */
int trace_writer_close(struct trace_writer *, struct trace **out, struct trace_error *);
void trace_writer_abort(struct trace_writer *);

#endif
