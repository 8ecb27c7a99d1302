/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/bench_bound.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/bounds_pass.h"

enum { NODES = 8, AHEAD_MOST = 64 };

const unsigned bench_distances[BENCH_DISTANCES] = {16, 32, 64};

int bench_bound_init(struct bench_bound *b, const struct trace *trace, struct trace_error *error)
{
    const struct trace_meta *meta = trace_meta(trace);
    struct trace_block *block = trace_block_new(trace);
    *b = (struct bench_bound){.n = meta->records, .pages = meta->pages, .distance = bench_distances[0]};
    b->records = bounds_pass_table(b->n + AHEAD_MOST, sizeof(*b->records));
    int err = block && b->records ? 0 : -ENOMEM;
    if (err)
        snprintf(error->text, sizeof(error->text), "bench: out of memory for %llu records", (unsigned long long)b->n);
    for (uint32_t chunk = 0; !err && chunk < meta->chunks; chunk++) {
        err = trace_decode(trace, chunk, block, error);
        for (uint32_t i = 0; !err && i < block->n; i++)
            b->records[block->first + i] = (struct bench_record){.time = block->time[i],
                                                                 .page = block->page[i],
                                                                 .cpu = block->cpu[i],
                                                                 .node = (uint8_t)(block->cpu[i] % NODES),
                                                                 .write = block->flags[i] & TRACE_KIND_MASK};
    }
    trace_block_free(block);
    if (err)
        bench_bound_free(b);
    return err;
}

void bench_bound_free(struct bench_bound *b)
{
    bounds_pass_table_free(b->records, b->n + AHEAD_MOST, sizeof(*b->records));
    b->records = NULL;
}

/* The distance is a constant in each of the three loops that come of this. */
static inline __attribute__((always_inline)) uint64_t loop(const struct bench_bound *b, struct bench_state *states,
                                                           const uint32_t *latency, unsigned distance)
{
    uint64_t charged[NODES] = {0}, sum = 0;
    for (uint64_t i = 0; i < b->n; i++) {
        __builtin_prefetch(&states[b->records[i + distance].page], 1);
        const struct bench_record *r = &b->records[i];
        struct bench_state *s = &states[r->page];
        if (__builtin_expect(!s->home, 0))
            s->home = 1u + r->node;
        s->misses++;
        charged[r->node] += latency[r->node * NODES + s->home - 1];
    }
    for (unsigned n = 0; n < NODES; n++)
        sum += charged[n];
    return sum;
}

static uint64_t run_one(const struct bench_bound *b, unsigned rounds, struct bench_state *states)
{
    uint32_t latency[NODES * NODES];
    uint64_t sum = 0;
    for (unsigned i = 0; i < NODES * NODES; i++)
        latency[i] = i / NODES == i % NODES ? 300 : 900;
    for (unsigned round = 0; round < rounds; round++)
        sum += b->distance == bench_distances[0]   ? loop(b, states, latency, 16)
               : b->distance == bench_distances[1] ? loop(b, states, latency, 32)
                                                   : loop(b, states, latency, 64);
    return sum;
}

uint64_t bench_bound_run(const struct bench_bound *b, unsigned rounds, unsigned threads)
{
    uint64_t sum = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : sum)
    for (unsigned t = 0; t < threads; t++) {
        struct bench_state *states = bounds_pass_table(b->pages, sizeof(*states));
        if (states)
            sum += run_one(b, rounds, states);
        bounds_pass_table_free(states, b->pages, sizeof(*states));
    }
    return sum;
}
