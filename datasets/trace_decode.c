/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/trace_private.h"

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
    memset(b, 0, sizeof *b);
}

/* A block of a trace in a file: the buffers, kept apart from what the block shows at the moment. */
struct room {
    struct trace_block buffers;
    struct trace_scratch scratch;
    uint32_t *dt;
};

static void room_free(struct room *room)
{
    if (room) {
        trace_block_release(&room->buffers);
        trace_scratch_free(&room->scratch);
        free(room->dt);
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
    room->dt = malloc((n + 1) * sizeof *room->dt);
    if (!room->dt || trace_block_allocate(&room->buffers, n, trace->meta.columns) ||
        trace_scratch_init(&room->scratch)) {
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

static void run(uint64_t *now, const uint32_t *dt, uint32_t from, uint32_t to, uint64_t *restrict time)
{
    uint64_t t = *now;
    for (uint32_t i = from; i < to; i++) {
        t += dt[i];
        time[i] = t;
    }
    *now = t;
}

/* Times from steps. Cannot wrap: first times and the sum of gaps are below 2^62 (checked when the trace was opened), a
 * chunk's steps below 2^50. */
static void times(const struct trace *trace, uint32_t chunk, uint32_t n, const uint32_t *dt, uint64_t *time)
{
    uint64_t first = (uint64_t)chunk * TRACE_CHUNK, now = trace->index[chunk].first_time;
    uint32_t done = 1;
    time[0] = now;
    for (uint64_t g = gap_from(trace, first + 1); g < trace->ngaps && trace->gaps[g].record < first + n; g++) {
        uint32_t at = (uint32_t)(trace->gaps[g].record - first);
        run(&now, dt, done, at, time);
        now += trace->gaps[g].more;
        done = at;
    }
    run(&now, dt, done, n, time);
}

static void range_u32(const uint32_t *values, uint32_t n, uint32_t *least, uint32_t *greatest)
{
    uint32_t low = UINT32_MAX, high = 0;
    for (uint32_t i = 0; i < n; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    *least = low;
    *greatest = high;
}

static uint16_t greatest_u16(const uint16_t *values, uint32_t n)
{
    uint16_t high = 0;
    for (uint32_t i = 0; i < n; i++)
        high = values[i] > high ? values[i] : high;
    return high;
}

/* Pages are checked in the file's own numbering, before an unfinished recording is renumbered. */
static int check(const struct trace *trace, uint32_t chunk, const struct trace_block *b, struct trace_error *error)
{
    const struct trace_index *index = &trace->index[chunk];
    const char *path = trace->file.path;
    uint32_t least, greatest, zero, ignored;
    range_u32(b->page, b->n, &least, &greatest);
    if (greatest >= trace->meta.pages)
        return trace_fail(error, EINVAL, "%s: chunk %u has page %u, but the page table ends at %u; the file is damaged",
                          path, chunk, greatest, trace->meta.pages);
    if (least < index->least_page || greatest > index->greatest_page)
        return trace_fail(error, EINVAL, "%s: chunk %u has pages %u to %u, but /chunks says %u to %u; it is damaged",
                          path, chunk, least, greatest, index->least_page, index->greatest_page);
    uint16_t cpu = greatest_u16(b->cpu, b->n);
    if (cpu >= trace->meta.cpus)
        return trace_fail(error, EINVAL, "%s: chunk %u has CPU %u, but the trace says it has %u; the file is damaged",
                          path, chunk, cpu, trace->meta.cpus);
    if (chunk + 1 < trace->meta.chunks && b->time[b->n - 1] > trace->index[chunk + 1].first_time)
        return trace_fail(error, EINVAL, "%s: time goes backwards between chunks %u and %u; the file is damaged", path,
                          chunk, chunk + 1);
    if (b->weight) {
        range_u32(b->weight, b->n, &zero, &ignored);
        if (zero == 0)
            return trace_fail(error, EINVAL, "%s: chunk %u has a record of weight 0; the file is damaged", path, chunk);
    }
    return 0;
}

static int read_columns(const struct trace *trace, uint32_t chunk, struct room *room, const struct trace_block *b,
                        struct trace_error *error)
{
    void *const to[TRACE_COLUMNS] = {
        [COLUMN_DT] = room->dt,      [COLUMN_PAGE] = b->page,          [COLUMN_CPU] = b->cpu, [COLUMN_FLAGS] = b->flags,
        [COLUMN_WEIGHT] = b->weight, [COLUMN_LATENCY] = b->latency_ns, [COLUMN_TID] = b->tid,
    };
    int err = 0;
    for (unsigned i = 0; !err && i < TRACE_COLUMNS; i++)
        if (to[i])
            err = trace_column_read(&trace->column[i], &trace->file, i, chunk, b->n, to[i], &room->scratch, error);
    return err;
}

static int decode_file(const struct trace *trace, uint32_t chunk, struct trace_block *b, struct trace_error *error)
{
    struct room *room = b->private;
    int err = read_columns(trace, chunk, room, b, error);
    if (err)
        return err;
    times(trace, chunk, b->n, room->dt, b->time);
    err = check(trace, chunk, b, error);
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
    if (!to->addresses || (from->nodes && !to->nodes) || !to->stored) {
        trace_free(to);
        return NULL;
    }
    return to;
}

int trace_load(const struct trace *from, struct trace **out, struct trace_error *error)
{
    struct trace *to = shell(from);
    int failed = to ? 0 : trace_fail(error, ENOMEM, "%s: out of memory", from->meta.name);
    *out = NULL;
    if (failed)
        return failed;
#pragma omp parallel
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
