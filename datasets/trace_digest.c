/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/trace_digest.h"

#include <errno.h>

#include "datasets/trace_private.h"

static inline uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

static uint64_t mix_u32(uint64_t hash, const uint32_t *values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        hash = mix(hash, values[i]);
    return hash;
}

void trace_digest_add(struct trace_digest *d, const struct trace_block *block)
{
    uint64_t time = d->time, page = d->page, cpu = d->cpu, flags = d->flags;
    /* Four chains side by side: each alone would wait for its multiplication. */
    for (uint32_t i = 0; i < block->n; i++) {
        time = mix(time, block->time[i]);
        page = mix(page, block->page[i]);
        cpu = mix(cpu, block->cpu[i]);
        flags = mix(flags, block->flags[i]);
    }
    d->time = time;
    d->page = page;
    d->cpu = cpu;
    d->flags = flags;
    if (block->weight) {
        d->weight = mix_u32(d->weight, block->weight, block->n);
        for (uint32_t i = 0; i < block->n; i++)
            d->misses += block->weight[i];
    } else {
        d->misses += block->n;
    }
    if (block->latency_ns)
        d->latency = mix_u32(d->latency, block->latency_ns, block->n);
    if (block->tid)
        d->tid = mix_u32(d->tid, block->tid, block->n);
}

uint64_t trace_digest_end(const struct trace_digest *d, const struct trace_meta *meta, const uint64_t *addresses,
                          const node_t *nodes)
{
    const uint64_t column[] = {d->time, d->page, d->cpu, d->flags, d->weight, d->latency, d->tid};
    uint64_t hash = mix(0, meta->records);
    for (unsigned i = 0; i < sizeof column / sizeof column[0]; i++)
        hash = mix(hash, column[i]);
    for (uint32_t i = 0; i < meta->pages; i++)
        hash = mix(hash, addresses[i]);
    for (uint32_t i = 0; nodes && i < meta->pages; i++)
        hash = mix(hash, nodes[i]);
    return mix(mix(hash, meta->pages), 1);
}

int trace_digest_scan(const struct trace *trace, uint64_t *digest, uint64_t *misses, struct trace_error *error)
{
    struct trace_digest d = {0};
    struct trace_block *block = trace_block_new(trace);
    int err = block ? 0 : trace_fail(error, ENOMEM, "%s: out of memory for one chunk", trace->meta.name);
    for (uint32_t i = 0; !err && i < trace->meta.chunks; i++) {
        err = trace_decode(trace, i, block, error);
        if (!err)
            trace_digest_add(&d, block);
    }
    trace_block_free(block);
    if (err)
        return err;
    *digest = trace_digest_end(&d, &trace->meta, trace->addresses, trace->nodes);
    *misses = d.misses;
    return 0;
}
