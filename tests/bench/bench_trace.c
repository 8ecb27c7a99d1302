/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/bench_trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP_NS = 500, PAGE = 4096 };

static uint64_t random_u64(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed * 0x2545f4914f6cdd1dull;
}

/* A page count is a power of ten; the factor is prime to it. */
static uint32_t scatter(uint32_t pages, uint64_t rank)
{
    return (uint32_t)(rank * 0x9e3779b1u % pages);
}

/* Ranks whose density falls with rank^-0.8: the fifth power of a uniform number. */
static uint64_t rank_of(uint32_t pages, uint64_t *seed)
{
    double u = (double)(random_u64(seed) >> 11) / 9007199254740992.0, square = u * u;
    uint64_t rank = (uint64_t)(square * square * u * pages);
    return rank < pages ? rank : pages - 1;
}

static void access_of(uint32_t page, uint64_t *seed, struct trace_record *r)
{
    uint32_t class = page * 0x85ebca6bu >> 16, dice = (uint32_t)(random_u64(seed) >> 40);
    bool private = class % 10 < 5, read_only = !private && class % 10 < 8;
    bool by_owner = private && dice % 16;
    r->address = (uint64_t)page * PAGE;
    r->cpu = (uint16_t)(by_owner ? page % BENCH_TRACE_CPUS : dice >> 8 & (BENCH_TRACE_CPUS - 1));
    r->flags = !read_only && (dice >> 16 & 3) == 0 ? TRACE_WRITE : TRACE_READ;
}

uint32_t bench_trace_records(uint32_t pages, bool quick)
{
    if (quick)
        return 400000;
    return pages > 1000000 ? 32000000 : 16000000;
}

static int fill(struct trace_writer *w, uint32_t pages, uint32_t records, struct trace_error *error)
{
    uint64_t seed = 0x6d6972726f72ull + pages, swept = 0;
    struct trace_record r = {.weight = 1, .node = NODE_NONE};
    int err = 0;
    for (uint64_t i = 0; !err && i < records; i++) {
        bool sweep = swept < pages && swept * records <= i * pages;
        uint64_t rank = sweep ? swept++ : rank_of(pages, &seed);
        access_of(scatter(pages, rank), &seed, &r);
        r.time = i * GAP_NS / BENCH_TRACE_CPUS;
        err = trace_writer_add(w, &r, error);
    }
    return err;
}

int bench_trace_make(uint32_t pages, uint32_t records, const char *path, struct trace **out, struct trace_error *error)
{
    struct trace_meta *meta = calloc(1, sizeof(*meta));
    struct trace_writer *w = NULL;
    *out = NULL;
    if (!meta) {
        snprintf(error->text, sizeof(error->text), "bench: out of memory");
        return -ENOMEM;
    }
    meta->page_size = PAGE;
    meta->line_size = 64;
    meta->period = 1;
    meta->labels = TRACE_SYNTHETIC;
    memset(meta->cpu_node, NODE_NONE, sizeof(meta->cpu_node));
    snprintf(meta->name, sizeof(meta->name), "zipf-%u", pages);
    snprintf(meta->source, sizeof(meta->source), "synthetic: zipf 0.8, %u pages", pages);
    int err = trace_writer_open(path, meta, TRACE_DEFLATE, &w, error);
    free(meta);
    if (err)
        return err;
    err = fill(w, pages, records, error);
    if (err) {
        trace_writer_abort(w);
        return err;
    }
    return trace_writer_close(w, path ? NULL : out, error);
}
