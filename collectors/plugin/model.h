/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The modelled machine: per CPU a first level for instructions, one for data, and a second level that includes both;
 * LRU everywhere; M, E, S, I between CPUs. It says which accesses leave the second level. Pure: no QEMU, no files.
 *
 * Clock of a CPU, in cycles: what the caller adds (one per instruction), 12 per second-level hit, 100 per miss and per
 * upgrade. The first write to a line that was got clean and exclusive is an upgrade as well, with a cause of its own:
 * that is the cost of a protocol without the state E, in which memory sees every line that is written, as a monitor
 * that replicates pages would have to. In hardware with E that write is silent; its share is told apart by the cause.
 *
 * Threads: one thread at a time may be in calls for one CPU; after model_share calls for different CPUs may run at
 * once. A CPU's own caches are touched by its caller only: what others ask of it waits in its inbox until its next
 * call. A hit in the first level takes no lock.
 */
#ifndef COLLECTORS_PLUGIN_MODEL_H
#define COLLECTORS_PLUGIN_MODEL_H

#include "collectors/plugin/cache.h"
#include "collectors/plugin/directory.h"

struct model_geometry {
    uint32_t cpus;             /* 1..DIRECTORY_CPUS_MAX */
    uint32_t line_size;        /* bytes, a power of two from 64 to 4096 */
    uint32_t l1_sets, l1_ways; /* each of L1I and L1D */
    uint32_t l2_sets, l2_ways;
};

enum { MODEL_L2_HIT = 12, MODEL_MISS = 100 };

/* As in a raw capture's records. */
enum model_kind { MODEL_READ, MODEL_WRITE, MODEL_FETCH, MODEL_UPGRADE };
enum { MODEL_FIRST_WRITE = 3 }; /* the cause of an upgrade that finds the line exclusive and clean */

struct model_record {
    uint64_t time; /* the CPU's clock as the access begins */
    uint64_t line;
    uint8_t kind;   /* enum model_kind */
    uint8_t cause;  /* enum directory_cause or MODEL_FIRST_WRITE */
    bool elsewhere; /* the line was exclusive or modified in another CPU's cache */
};

struct model_inbox;

/* A miss of the only CPU in use, whose entry in the directory is on its way from the host's memory. */
struct model_pending {
    struct model_record record;
    void *entry; /* null: the cause is known */
};
enum { MODEL_PENDING = 16 };

struct model_cpu {
    _Alignas(64) uint64_t clock;
    /* Per set of the first level its most recently used line, which needs no look into a cache: line << 1 | modified
     * for data, the line for instructions, MODEL_NO_LINE. */
    uint64_t *data_latest, *fetch_latest;
    uint64_t latest_mask;
    unsigned id;
    uint64_t tag;        /* the caller's, for its sink */
    atomic_uint waiting; /* messages in the inbox */
    struct cache l1i, l1d, l2;
    struct model_inbox *inbox;
    struct model *model;
    unsigned pushed, done; /* numbers of the next miss to come, and of the oldest not yet told */
    struct model_pending pending[MODEL_PENDING];
};

#define MODEL_NO_LINE UINT64_MAX

/* Called for each record, by the thread that is in the call for that CPU. */
typedef void model_sink(void *context, struct model_cpu *, const struct model_record *);

struct model {
    struct model_geometry geometry;
    uint32_t line_shift;
    struct directory directory;
    struct model_cpu *cpu;   /* [geometry.cpus] */
    struct model_cpu *alone; /* the only CPU in use; null: several may be */
    model_sink *sink;
    void *context;
    atomic_bool no_memory; /* the directory could not grow: records are missing from then on */
};

/* 0, or -EINVAL: no such machine; -ENOMEM. */
int model_init(struct model *, const struct model_geometry *, model_sink *, void *context);
void model_free(struct model *);

/* Of a model not yet used: until model_share only CPU 0 is in calls, and its tag stays. Nobody asks then who holds a
 * line, and a record is told up to MODEL_PENDING misses later. */
void model_alone(struct model *);

/* Tells what is left to tell. By the thread that is in calls for CPU 0, or while none is. */
void model_settle(struct model *);

/* From here on other CPUs are used as well, and several threads are in calls at once. None is in a call now. */
void model_share(struct model *);

/* Slow halves of what follows: a look into the caches. */
void model_data_slow(struct model_cpu *, uint64_t line, bool write);
void model_fetch_slow(struct model_cpu *, uint64_t line);
void model_drain(struct model_cpu *);

/* An access to data at a line. A read of its set's latest line, or a write where that is modified, changes nothing and
 * is done here. Messages are looked for by model_fetch, which every block of code calls. */
static inline void model_data(struct model_cpu *c, uint64_t line, bool write)
{
    uint64_t latest = c->data_latest[line & c->latest_mask];
    if (latest != (line << 1 | 1) && (write || latest != line << 1))
        model_data_slow(c, line, write);
}

/* Fetch of instructions from a line. */
static inline void model_fetch(struct model_cpu *c, uint64_t line)
{
    if (atomic_load_explicit(&c->waiting, memory_order_relaxed))
        model_drain(c);
    if (line != c->fetch_latest[line & c->latest_mask])
        model_fetch_slow(c, line);
}

#endif
