/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/bounds_pass.h"

#include <errno.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { TILE_MOST = BOUNDS_SHARDS, TILE_LEAST = 4 };

struct first_touch {
    uint64_t at;
    page_t page;
    node_t node;
};

struct lane {
    struct bounds_access *access; /* this shard's share of one block */
    struct first_touch *fresh;    /* of one tile, in record order */
    uint32_t nfresh;
};

/* Two tiles of chunks: one is consumed while the next is decoded, with one barrier between them. */
struct reader {
    struct bounds_pass *pass;
    const struct bounds_sink *sink;
    uint32_t tile; /* chunks in a tile */
    struct trace_block *block[2][TILE_MOST];
    int status[2][TILE_MOST];
    struct trace_error errors[2][TILE_MOST];
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
    for (uint32_t i = 0; i < 2 * r->tile; i++)
        trace_block_free(r->block[i % 2][i / 2]);
    for (unsigned i = 0; i < r->pass->shards; i++) {
        free(r->lane[i].access);
        free(r->lane[i].fresh);
    }
    bounds_pass_table_free(r->seen, trace_meta(r->pass->trace)->pages, 1);
}

static int reader_init(struct reader *r, struct trace_error *error)
{
    bool ok = (r->seen = bounds_pass_table(trace_meta(r->pass->trace)->pages, 1)) != NULL;
    r->tile = r->pass->shards > TILE_LEAST ? r->pass->shards : TILE_LEAST;
    for (uint32_t i = 0; i < 2 * r->tile; i++)
        ok = (r->block[i % 2][i / 2] = trace_block_new(r->pass->trace)) && ok;
    for (unsigned i = 0; i < r->pass->shards; i++) {
        struct lane *lane = &r->lane[i];
        lane->access = malloc(TRACE_CHUNK * sizeof(*lane->access));
        lane->fresh = malloc((size_t)r->tile * TRACE_CHUNK * sizeof(*lane->fresh));
        ok = ok && lane->access && lane->fresh;
    }
    if (ok)
        return 0;
    snprintf(error->text, sizeof(error->text), "bounds: out of memory for %u pages; use --no-bounds or a smaller trace",
             trace_meta(r->pass->trace)->pages);
    return -ENOMEM;
}

/* The shard's part of a block. Branch-free on the shard test: with several shards it is a coin toss per record. So
 * marks of other shards' pages are read too, while those set them: relaxed atomics, and the answer is used for own
 * pages only. */
static uint32_t deal(struct reader *r, const struct trace_block *b, uint64_t first, unsigned shard)
{
    struct lane *lane = &r->lane[shard];
    const node_t *cpu_node = r->pass->machine->cpu_node;
    unsigned shards = r->pass->shards;
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        page_t page = b->page[i];
        unsigned kind = b->flags[i] & TRACE_KIND_MASK;
        struct bounds_access *a = &lane->access[n];
        a->page = page;
        a->weight = b->weight ? b->weight[i] : 1;
        a->index = i;
        a->node = cpu_node[b->cpu[i]];
        a->write = kind == TRACE_WRITE || kind == TRACE_UPGRADE;
        unsigned mine = shards == 1 || bounds_pass_shard(page, shards) == shard;
        if (__builtin_expect(!__atomic_load_n(&r->seen[page], __ATOMIC_RELAXED), 0) && mine) {
            __atomic_store_n(&r->seen[page], 1, __ATOMIC_RELAXED);
            lane->fresh[lane->nfresh++] = (struct first_touch){.at = first + i, .page = page, .node = a->node};
        }
        n += mine;
    }
    return n;
}

/* First touches of all shards, in record order: a merge. */
static int touch_all(struct reader *r, struct trace_error *error)
{
    uint32_t next[BOUNDS_SHARDS] = {0};
    for (;;) {
        const struct first_touch *least = NULL;
        unsigned from = 0;
        for (unsigned s = 0; s < r->pass->shards; s++) {
            struct lane *lane = &r->lane[s];
            if (next[s] == lane->nfresh || (least && lane->fresh[next[s]].at > least->at))
                continue;
            least = &lane->fresh[next[s]];
            from = s;
        }
        if (!least)
            return 0;
        next[from]++;
        int err = r->sink->touch(r->sink->context, least->page, least->node, least->at, error);
        if (err)
            return err;
    }
}

static void take_tile(struct reader *r, unsigned half, uint32_t n, uint64_t before, unsigned shard)
{
    struct lane *lane = &r->lane[shard];
    lane->nfresh = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t first = before + r->block[half][i]->first;
        uint32_t mine = deal(r, r->block[half][i], first, shard);
        r->sink->take(r->sink->context, shard, first, lane->access, mine);
    }
}

static void decode(struct reader *r, unsigned half, uint32_t chunk, uint32_t i)
{
    r->status[half][i] = trace_decode(r->pass->trace, chunk + i, r->block[half][i], &r->errors[half][i]);
}

/* Chunks of the tile that starts at `chunk`, within one repetition. */
static uint32_t tile_length(const struct reader *r, uint32_t chunk)
{
    uint32_t left = trace_meta(r->pass->trace)->chunks - chunk;
    return left < r->tile ? left : r->tile;
}

/* Consumes the `n` chunks of one half while the `ahead` chunks from `next` on are decoded into the other. */
static void overlap(struct reader *r, unsigned half, uint32_t n, uint64_t before, uint32_t next, uint32_t ahead)
{
    int shards = (int)r->pass->shards;
#pragma omp parallel num_threads(shards) if (shards > 1)
    {
#pragma omp for schedule(static, 1) nowait
        for (int s = 0; s < shards; s++)
            take_tile(r, half, n, before, (unsigned)s);
#pragma omp for schedule(dynamic, 1) nowait
        for (uint32_t i = 0; i < ahead; i++)
            decode(r, !half, next, i);
    }
}

/* The first chunk that is bad gives the error. */
static int check(struct reader *r, unsigned half, uint32_t n, struct trace_error *error)
{
    for (uint32_t i = 0; i < n; i++)
        if (r->status[half][i]) {
            *error = r->errors[half][i];
            return r->status[half][i];
        }
    return 0;
}

static int read_all(struct reader *r, struct trace_error *error)
{
    const struct trace_meta *meta = trace_meta(r->pass->trace);
    uint32_t chunk = 0, n = tile_length(r, 0);
    uint64_t round = 0;
    unsigned half = 0;
    overlap(r, 1, 0, 0, 0, n);
    for (int err = check(r, half, n, error); round < r->pass->repeat; half = !half) {
        if (err)
            return err;
        bool again = chunk + n == meta->chunks, last = again && round + 1 == r->pass->repeat;
        uint32_t next = again ? 0 : chunk + n, ahead = last ? 0 : tile_length(r, next);
        overlap(r, half, n, round * meta->records, next, ahead);
        err = r->sink->touch ? touch_all(r, error) : 0;
        err = err ? err : check(r, !half, ahead, error);
        for (uint32_t i = 0; i < n; i++)
            r->pass->done += r->block[half][i]->n;
        if (r->pass->progress)
            r->pass->progress(r->pass->progress_context, r->pass->done, r->pass->total);
        if (last)
            return err;
        round += again;
        chunk = next;
        n = ahead;
    }
    return 0;
}

int bounds_pass_run(struct bounds_pass *pass, const struct bounds_sink *sink, struct trace_error *error)
{
    struct reader *r = calloc(1, sizeof(*r));
    if (!r) {
        snprintf(error->text, sizeof(error->text), "bounds: out of memory");
        return -ENOMEM;
    }
    r->pass = pass;
    r->sink = sink;
    int err = reader_init(r, error);
    if (!err && trace_meta(pass->trace)->chunks)
        err = read_all(r, error);
    reader_free(r);
    free(r);
    return err;
}
