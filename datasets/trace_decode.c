/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/trace_private.h"
#include "datasets/trace_unshuffle.h"

int trace_block_allocate(struct trace_block *b, uint32_t n, unsigned columns)
{
    size_t room = n ? n : 1;
    memset(b, 0, sizeof *b);
    b->time = malloc(room * sizeof *b->time);
    b->page = malloc(room * sizeof *b->page);
    b->cpu = malloc(room * sizeof *b->cpu);
    b->flags = malloc(room);
    bool good = b->time && b->page && b->cpu && b->flags;
    if (columns & TRACE_HAS_WEIGHT)
        good &= (b->weight = malloc(room * sizeof *b->weight)) != NULL;
    if (columns & TRACE_HAS_LATENCY)
        good &= (b->latency_ns = malloc(room * sizeof *b->latency_ns)) != NULL;
    if (columns & TRACE_HAS_TID)
        good &= (b->tid = malloc(room * sizeof *b->tid)) != NULL;
    if (!good)
        trace_block_release(b);
    return good ? 0 : -ENOMEM;
}

void trace_block_release(struct trace_block *b)
{
    free(b->time);
    free(b->page);
    free(b->cpu);
    free(b->flags);
    free(b->weight);
    free(b->latency_ns);
    free(b->tid);
    *b = (struct trace_block){0};
}

/* A block of a trace in a file: the buffers, kept apart from what the block shows at the moment. */
struct room {
    struct trace_block buffers;
    struct trace_scratch scratch;
};

static void room_free(struct room *room)
{
    if (room) {
        trace_block_release(&room->buffers);
        trace_scratch_free(&room->scratch);
        free(room);
    }
}

static struct room *room_new(const struct trace *trace)
{
    struct room *room = calloc(1, sizeof *room);
    uint64_t records = trace->meta.records;
    uint32_t n = records < TRACE_CHUNK ? (uint32_t)records : TRACE_CHUNK;
    if (!room)
        return NULL;
    if (trace_block_allocate(&room->buffers, n, trace->meta.columns) || trace_scratch_init(&room->scratch)) {
        room_free(room);
        return NULL;
    }
    return room;
}

struct trace_block *trace_block_new(const struct trace *trace)
{
    struct trace_block *block = calloc(1, sizeof *block);
    if (!block || trace->stored)
        return block;
    struct room *room = room_new(trace);
    if (!room) {
        free(block);
        return NULL;
    }
    *block = room->buffers;
    block->private = room;
    return block;
}

void trace_block_free(struct trace_block *block)
{
    if (block)
        room_free(block->private);
    free(block);
}

/* First gap of record `first` or later. */
static uint64_t gap_from(const struct trace *trace, uint64_t first)
{
    uint64_t low = 0, high = trace->ngaps;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (trace->gaps[middle].record < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Columns on their way through the cache: sums of steps, and the ranges that are checked afterwards. */
struct pass {
    const struct trace *trace;
    struct trace_block *block;
    uint64_t first_time, now, gap;
    uint32_t least_page, greatest_page, least_weight;
    uint16_t greatest_cpu;
};

/* Times from steps; the first record's time is that of the index. Cannot wrap: first times and the sum of gaps are
 * below 2^62 (checked when the trace was opened), a chunk's steps below 2^50. */
static void visit_steps(void *context, const void *elements, uint32_t first, uint32_t n)
{
    struct pass *p = context;
    const struct trace_gap *gaps = p->trace->gaps;
    const uint32_t *dt = elements;
    uint64_t *time = p->block->time + first;
    uint32_t done = 0;
    if (first == 0)
        p->now = p->first_time - dt[0];
    while (p->gap < p->trace->ngaps && gaps[p->gap].record < p->block->first + first + n) {
        uint32_t at = (uint32_t)(gaps[p->gap].record - p->block->first - first);
        trace_unshuffle_times(dt + done, at - done, p->now, time + done);
        p->now = (at > done ? time[at - 1] : p->now) + gaps[p->gap++].more;
        done = at;
    }
    trace_unshuffle_times(dt + done, n - done, p->now, time + done);
    p->now = time[n - 1];
}

static void visit_pages(void *context, const void *elements, uint32_t first, uint32_t n)
{
    struct pass *p = context;
    uint32_t least, greatest;
    (void)first;
    trace_unshuffle_range(elements, n, &least, &greatest);
    p->least_page = least < p->least_page ? least : p->least_page;
    p->greatest_page = greatest > p->greatest_page ? greatest : p->greatest_page;
}

static void visit_cpus(void *context, const void *elements, uint32_t first, uint32_t n)
{
    struct pass *p = context;
    (void)first;
    uint16_t greatest = trace_unshuffle_greatest(elements, n);
    p->greatest_cpu = greatest > p->greatest_cpu ? greatest : p->greatest_cpu;
}

static void visit_weights(void *context, const void *elements, uint32_t first, uint32_t n)
{
    struct pass *p = context;
    uint32_t least, greatest;
    (void)first;
    trace_unshuffle_range(elements, n, &least, &greatest);
    p->least_weight = least < p->least_weight ? least : p->least_weight;
}

/* Pages are checked in the file's own numbering, before an unfinished recording is renumbered. */
static int check(const struct pass *p, uint32_t chunk, struct trace_error *error)
{
    const struct trace_meta *meta = &p->trace->meta;
    const struct trace_index *index = &p->trace->index[chunk];
    const char *path = p->trace->file.path;
    if (p->greatest_page >= meta->pages)
        return trace_fail(error, EINVAL, "%s: chunk %u has page %u, but the page table ends at %u; the file is damaged",
                          path, chunk, p->greatest_page, meta->pages);
    if (p->least_page < index->least_page || p->greatest_page > index->greatest_page)
        return trace_fail(error, EINVAL, "%s: chunk %u has pages %u to %u, but /chunks says %u to %u; it is damaged",
                          path, chunk, p->least_page, p->greatest_page, index->least_page, index->greatest_page);
    if (p->greatest_cpu >= meta->cpus)
        return trace_fail(error, EINVAL, "%s: chunk %u has CPU %u, but the trace says it has %u; the file is damaged",
                          path, chunk, p->greatest_cpu, meta->cpus);
    if (chunk + 1 < meta->chunks && p->now > index[1].first_time)
        return trace_fail(error, EINVAL, "%s: time goes backwards between chunks %u and %u; the file is damaged", path,
                          chunk, chunk + 1);
    if (p->least_weight == 0)
        return trace_fail(error, EINVAL, "%s: chunk %u has a record of weight 0; the file is damaged", path, chunk);
    return 0;
}

static int read_columns(struct pass *p, uint32_t chunk, struct trace_scratch *scratch, struct trace_error *error)
{
    const struct trace_block *b = p->block;
    const struct trace *t = p->trace;
    const struct {
        void *to;
        trace_column_visit *visit;
    } plan[TRACE_COLUMNS] = {
        [COLUMN_DT] = {NULL, visit_steps},
        [COLUMN_PAGE] = {b->page, visit_pages},
        [COLUMN_CPU] = {b->cpu, visit_cpus},
        [COLUMN_FLAGS] = {b->flags, NULL},
        [COLUMN_WEIGHT] = {b->weight, visit_weights},
        [COLUMN_LATENCY] = {b->latency_ns, NULL},
        [COLUMN_TID] = {b->tid, NULL},
    };
    int err = 0;
    for (unsigned i = 0; !err && i < TRACE_COLUMNS; i++)
        if (t->column[i].mode != COLUMN_ABSENT)
            err = trace_column_read(&t->column[i], &t->file, i, chunk, b->n, plan[i].to, plan[i].visit, p, scratch,
                                    error);
    return err;
}

static int decode_file(const struct trace *trace, uint32_t chunk, struct trace_block *b, struct trace_error *error)
{
    struct room *room = b->private;
    struct pass pass = {.trace = trace,
                        .block = b,
                        .first_time = trace->index[chunk].first_time,
                        .gap = gap_from(trace, b->first + 1),
                        .least_page = UINT32_MAX,
                        .least_weight = UINT32_MAX};
    int err = read_columns(&pass, chunk, &room->scratch, error);
    if (!err)
        err = check(&pass, chunk, error);
    for (uint32_t i = 0; !err && trace->renumber && i < b->n; i++)
        b->page[i] = trace->renumber[b->page[i]];
    return err;
}

int trace_decode(const struct trace *trace, uint32_t chunk, struct trace_block *block, struct trace_error *error)
{
    if (chunk >= trace->meta.chunks)
        return trace_fail(error, EINVAL, "%s: no chunk %u; the trace has %u", trace->meta.name, chunk,
                          trace->meta.chunks);
    if (trace->stored) {
        void *private = block->private;
        *block = trace->stored[chunk];
        block->private = private;
        return 0;
    }
    struct room *room = block->private;
    *block = room->buffers;
    block->private = room;
    block->first = (uint64_t)chunk * TRACE_CHUNK;
    block->n = trace->index[chunk].count;
    return decode_file(trace, chunk, block, error);
}

static int store(const struct trace *from, struct trace *to, uint32_t chunk, struct trace_block *block,
                 struct trace_error *error)
{
    struct trace_block *kept = &to->stored[chunk];
    int err = trace_decode(from, chunk, block, error);
    if (err)
        return err;
    if (trace_block_allocate(kept, block->n, from->meta.columns))
        return trace_fail(error, ENOMEM, "%s: out of memory for %llu records", from->meta.name,
                          (unsigned long long)from->meta.records);
    kept->first = block->first;
    kept->n = block->n;
    memcpy(kept->time, block->time, block->n * sizeof *kept->time);
    memcpy(kept->page, block->page, block->n * sizeof *kept->page);
    memcpy(kept->cpu, block->cpu, block->n * sizeof *kept->cpu);
    memcpy(kept->flags, block->flags, block->n);
    if (kept->weight)
        memcpy(kept->weight, block->weight, block->n * sizeof *kept->weight);
    if (kept->latency_ns)
        memcpy(kept->latency_ns, block->latency_ns, block->n * sizeof *kept->latency_ns);
    if (kept->tid)
        memcpy(kept->tid, block->tid, block->n * sizeof *kept->tid);
    return 0;
}

static void *duplicate(const void *from, size_t bytes)
{
    void *to = from ? malloc(bytes ? bytes : 1) : NULL;
    return to ? memcpy(to, from, bytes) : NULL;
}

static struct trace *shell(const struct trace *from)
{
    struct trace *to = calloc(1, sizeof *to);
    if (!to)
        return NULL;
    to->meta = from->meta;
    to->file.fd = -1;
    to->file.hdf5 = -1;
    memcpy(to->file.path, from->file.path, sizeof to->file.path);
    to->addresses = duplicate(from->addresses, from->meta.pages * sizeof *from->addresses);
    to->nodes = duplicate(from->nodes, from->meta.pages * sizeof *from->nodes);
    to->stored = calloc(from->meta.chunks + 1, sizeof *to->stored);
    if (!to->addresses || (from->nodes && !to->nodes) || !to->stored ||
        trace_collect_copy(&to->collect, &from->collect)) {
        trace_free(to);
        return NULL;
    }
    return to;
}

static int load(const struct trace *from, struct trace **out, int threads, struct trace_error *error)
{
    struct trace *to = shell(from);
    int failed = to ? 0 : trace_fail(error, ENOMEM, "%s: out of memory", from->meta.name);
    *out = NULL;
    if (failed)
        return failed;
#pragma omp parallel num_threads(threads)
    {
        struct trace_block *block = trace_block_new(from);
#pragma omp for schedule(dynamic)
        for (uint32_t i = 0; i < from->meta.chunks; i++) {
            struct trace_error line;
            int err = block ? store(from, to, i, block, &line)
                            : trace_fail(&line, ENOMEM, "%s: out of memory for one chunk", from->meta.name);
#pragma omp critical(trace_load_error)
            if (err && !failed) {
                failed = err;
                if (error)
                    *error = line;
            }
        }
        trace_block_free(block);
    }
    if (failed)
        trace_free(to);
    else
        *out = to;
    return failed;
}

int trace_load(const struct trace *from, struct trace **out, struct trace_error *error)
{
    return load(from, out, omp_get_max_threads(), error);
}

static uint64_t record_bytes(const struct trace_meta *meta)
{
    uint64_t optional = (uint64_t)__builtin_popcount(meta->columns) * sizeof(uint32_t);
    return sizeof(uint64_t) + sizeof(uint32_t) + sizeof(uint16_t) + sizeof(uint8_t) + optional;
}

int trace_hold(struct trace **trace, uint64_t most_bytes, uint32_t threads, struct trace_error *error)
{
    struct trace *held;
    if ((*trace)->stored || (*trace)->meta.records > most_bytes / record_bytes(&(*trace)->meta))
        return 0;
    int err = load(*trace, &held, threads ? (int)threads : omp_get_max_threads(), error);
    if (err)
        return err;
    trace_close(*trace);
    *trace = held;
    return 0;
}
