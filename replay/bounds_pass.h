/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One reading of a trace for the bounds: chunks decoded in parallel, records dealt over shards of pages, each shard
 * handed to a sink in record order. Every page belongs to one shard, so a sink that keeps its state by page needs no
 * locks, and sums over shards do not depend on how many there are.
 */
#ifndef REPLAY_BOUNDS_PASS_H
#define REPLAY_BOUNDS_PASS_H

#include "replay/driver.h"

enum { BOUNDS_SHARDS = 16 }; /* at most */

/* One record as a sink sees it. `index` counts within the block that `take` was called for. */
struct bounds_access {
    page_t page;
    uint32_t weight;
    uint32_t index;
    node_t node;
    bool write;
    uint16_t reserved;
};

/* Who consumes a pass. `take` is called by one thread per shard with the shard's accesses of one block, blocks in
 * order; `first` is the position of the block's first record among all records of all repetitions. `touch` (may be
 * null) is called once per page for its first access, in record order over all shards, never by two threads at once,
 * some time after that access was taken; a negative answer with a line ends the pass. */
struct bounds_sink {
    void *context;
    int (*touch)(void *context, page_t, node_t toucher, uint64_t at, struct trace_error *);
    void (*take)(void *context, unsigned shard, uint64_t first, const struct bounds_access *, size_t n);
};

/* A caller's plan for one or more passes. Zeroed, then set by the caller. */
struct bounds_pass {
    const struct trace *trace;
    const struct replay_machine *machine;
    unsigned shards; /* 1..BOUNDS_SHARDS */
    uint64_t repeat; /* the trace this many times over */
    replay_progress *progress;
    void *progress_context;
    uint64_t done, total; /* records, for progress: done goes on from pass to pass */
};

/* Shards for this many threads (0: as many as OpenMP gives). */
unsigned bounds_pass_shards(uint32_t threads);

/* The shard of a page: 64 neighbours stay together, so that no two shards share a cache line of a byte per page. */
static inline unsigned bounds_pass_shard(page_t page, unsigned shards)
{
    return (page >> 6) % shards;
}

/* 0, or -errno with a line. */
int bounds_pass_run(struct bounds_pass *, const struct bounds_sink *, struct trace_error *);

/* Zeroed memory for a table over pages, in huge pages where the system has them; null when there is none, or the size
 * overflows. Give the same sizes back. */
void *bounds_pass_table(uint64_t pages, size_t bytes);
void bounds_pass_table_free(void *, uint64_t pages, size_t bytes);

#endif
