/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/bounds_pass.h"

#include <errno.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A page seen for the first time: where in its shard's list the access stands. */
struct lane {
    struct bounds_access *access; /* this shard's share of one block */
    uint32_t *fresh;              /* places in `access` of first touches, ascending */
    uint32_t n, nfresh;
};

struct reader {
    struct bounds_pass *pass;
    const struct bounds_sink *sink;
    struct trace_block *block[BOUNDS_SHARDS]; /* one tile: as many chunks as shards */
    struct lane lane[BOUNDS_SHARDS];
    unsigned char *seen; /* [pages], a byte each, so that shards do not share words */
};

unsigned bounds_pass_shards(uint32_t threads)
{
    unsigned n = threads ? threads : (unsigned)omp_get_max_threads();
    return n < 1 ? 1 : n > BOUNDS_SHARDS ? BOUNDS_SHARDS : n;
}

static size_t table_bytes(uint64_t pages, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(pages ? pages : 1, bytes ? bytes : 1, &total) || total > SIZE_MAX / 2)
        return 0;
    return total;
}

void *bounds_pass_table(uint64_t pages, size_t bytes)
{
    size_t total = table_bytes(pages, bytes);
    if (!total)
        return NULL;
    void *table = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED)
        return NULL;
    madvise(table, total, MADV_HUGEPAGE);
    return table;
}

void bounds_pass_table_free(void *table, uint64_t pages, size_t bytes)
{
    if (table)
        munmap(table, table_bytes(pages, bytes));
}

static void reader_free(struct reader *r)
{
    for (unsigned i = 0; i < r->pass->shards; i++) {
        trace_block_free(r->block[i]);
        free(r->lane[i].access);
        free(r->lane[i].fresh);
    }
    bounds_pass_table_free(r->seen, trace_meta(r->pass->trace)->pages, 1);
}

static int reader_init(struct reader *r, struct trace_error *error)
{
    bool ok = (r->seen = bounds_pass_table(trace_meta(r->pass->trace)->pages, 1)) != NULL;
    for (unsigned i = 0; i < r->pass->shards; i++) {
        struct lane *lane = &r->lane[i];
        r->block[i] = trace_block_new(r->pass->trace);
        lane->access = malloc(TRACE_CHUNK * sizeof(*lane->access));
        lane->fresh = malloc(TRACE_CHUNK * sizeof(*lane->fresh));
        ok = ok && r->block[i] && lane->access && lane->fresh;
    }
    if (ok)
        return 0;
    snprintf(error->text, sizeof(error->text), "bounds: out of memory for %u pages; use --no-bounds or a smaller trace",
             trace_meta(r->pass->trace)->pages);
    return -ENOMEM;
}

/* The shard's part of a block. Branch-free on the shard test: with several shards it is a coin toss per record. */
static void deal(struct reader *r, const struct trace_block *b, unsigned shard)
{
    struct lane *lane = &r->lane[shard];
    const node_t *cpu_node = r->pass->machine->cpu_node;
    unsigned shards = r->pass->shards;
    uint32_t n = 0, nfresh = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        page_t page = b->page[i];
        unsigned kind = b->flags[i] & TRACE_KIND_MASK;
        lane->access[n] = (struct bounds_access){
            .page = page,
            .weight = b->weight ? b->weight[i] : 1,
            .index = i,
            .node = cpu_node[b->cpu[i]],
            .write = kind == TRACE_WRITE || kind == TRACE_UPGRADE,
        };
        unsigned mine = shards == 1 || bounds_pass_shard(page, shards) == shard;
        if (mine && __builtin_expect(!r->seen[page], 0)) {
            r->seen[page] = 1;
            lane->fresh[nfresh++] = n;
        }
        n += mine;
    }
    lane->n = n;
    lane->nfresh = nfresh;
}

/* First touches of all shards, in record order: a merge by index. */
static int touch_all(struct reader *r, uint64_t first, struct trace_error *error)
{
    uint32_t next[BOUNDS_SHARDS] = {0};
    for (;;) {
        const struct bounds_access *least = NULL;
        unsigned from = 0;
        for (unsigned s = 0; s < r->pass->shards; s++) {
            struct lane *lane = &r->lane[s];
            if (next[s] == lane->nfresh)
                continue;
            const struct bounds_access *a = &lane->access[lane->fresh[next[s]]];
            if (!least || a->index < least->index) {
                least = a;
                from = s;
            }
        }
        if (!least)
            return 0;
        next[from]++;
        int err = r->sink->touch(r->sink->context, least->page, least->node, first + least->index, error);
        if (err)
            return err;
    }
}

static int consume(struct reader *r, const struct trace_block *b, uint64_t first, struct trace_error *error)
{
    int shards = (int)r->pass->shards;
#pragma omp parallel for num_threads(shards) schedule(static, 1) if (shards > 1)
    for (int s = 0; s < shards; s++)
        deal(r, b, (unsigned)s);
    int err = r->sink->touch ? touch_all(r, first, error) : 0;
    if (err)
        return err;
#pragma omp parallel for num_threads(shards) schedule(static, 1) if (shards > 1)
    for (int s = 0; s < shards; s++)
        r->sink->take(r->sink->context, (unsigned)s, first, r->lane[s].access, r->lane[s].n);
    return 0;
}

/* Decodes up to one chunk per shard, then consumes them in order. The first chunk that is bad gives the error. */
static int tile(struct reader *r, uint32_t chunk, uint32_t n, uint64_t before, struct trace_error *error)
{
    struct trace_error errors[BOUNDS_SHARDS];
    int status[BOUNDS_SHARDS] = {0};
#pragma omp parallel for num_threads(n) schedule(static, 1) if (n > 1)
    for (uint32_t i = 0; i < n; i++)
        status[i] = trace_decode(r->pass->trace, chunk + i, r->block[i], &errors[i]);
    for (uint32_t i = 0; i < n; i++) {
        if (status[i]) {
            *error = errors[i];
            return status[i];
        }
        int err = consume(r, r->block[i], before + r->block[i]->first, error);
        if (err)
            return err;
        r->pass->done += r->block[i]->n;
    }
    if (r->pass->progress)
        r->pass->progress(r->pass->progress_context, r->pass->done, r->pass->total);
    return 0;
}

int bounds_pass_run(struct bounds_pass *pass, const struct bounds_sink *sink, struct trace_error *error)
{
    struct reader r = {.pass = pass, .sink = sink};
    const struct trace_meta *meta = trace_meta(pass->trace);
    int err = reader_init(&r, error);
    for (uint64_t round = 0; !err && round < pass->repeat; round++)
        for (uint32_t chunk = 0; !err && chunk < meta->chunks; chunk += pass->shards) {
            uint32_t left = meta->chunks - chunk;
            err = tile(&r, chunk, left < pass->shards ? left : pass->shards, round * meta->records, error);
        }
    reader_free(&r);
    return err;
}
