/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datasets/target.h"
#include "datasets/trace_digest.h"
#include "datasets/trace_pages.h"
#include "datasets/trace_private.h"
#include "datasets/trace_save.h"
#include "datasets/trace_schema.h"
#include "datasets/trace_work.h"

#define TIME_MAX ((uint64_t)1 << 62)
enum { EXPECT_FIRST = 24, EXPECT_SOON = 12 }; /* records ahead: a miss of the cache takes longer than those between */

struct trace_writer {
    struct trace_meta meta;
    struct trace_collect collect;
    enum trace_compress compress;
    struct trace_stop stop;
    struct trace_pages pages;
    struct trace_block block; /* being filled */
    uint64_t records, last;
    uint32_t greatest_cpu;
    int failed; /* a failed append: the file cannot be finished */
    /* in memory */
    struct trace_block *stored;
    uint32_t nstored, stored_room;
    /* in a file */
    struct trace_work *work;
    char *target; /* target.h */
    char path[448], work_path[512], final_path[512];
};

static void writer_free(struct trace_writer *w)
{
    trace_pages_free(&w->pages);
    trace_collect_free(&w->collect);
    trace_block_release(&w->block);
    for (uint32_t i = 0; i < w->nstored; i++)
        trace_block_release(&w->stored[i]);
    free(w->stored);
    free(w->target);
    free(w);
}

static int check_meta(const struct trace_meta *meta, struct trace_error *error)
{
    if (meta->page_size < 64 || meta->page_size > 1u << 30 || (meta->page_size & (meta->page_size - 1)))
        return trace_fail(error, EINVAL, "page size %u: it must be a power of two, 64 to 2^30", meta->page_size);
    if (meta->cpus > CPU_MAX)
        return trace_fail(error, EINVAL, "%u CPUs; at most %d are supported", meta->cpus, CPU_MAX);
    if (meta->nodes > NODE_MAX)
        return trace_fail(error, EINVAL, "%u nodes; at most %d are supported", meta->nodes, NODE_MAX);
    return 0;
}

static int no_target(const char *path, struct trace_error *error)
{
    int err = errno;
    const char *what = err == EISDIR ? "a folder" : "a device, a pipe or a file without a name";
    if (!*path)
        return trace_fail(error, err, "the name of the trace to write is empty");
    if (err != EISDIR && err != ENOTSUP)
        return trace_fail(error, err, "%s: %s", path, strerror(err));
    return trace_fail(error, err, "%s: is %s; name a file for the trace to write", path, what);
}

static int start_file(struct trace_writer *w, const char *path, struct trace_error *error)
{
    w->target = target_of(path);
    if (!w->target)
        return no_target(path, error);
    path = w->target;
    if (strlen(path) >= sizeof w->path)
        return trace_fail(error, ENAMETOOLONG, "%.60s...: the path is too long", path);
    if (w->compress == TRACE_BLOSC && !trace_schema_blosc())
        return trace_fail(error, ENOTSUP,
                          "%s: no blosc here; install the package hdf5-filter-plugin-blosc-serial, or use deflate",
                          path);
    strcpy(w->path, path);
    snprintf(w->work_path, sizeof w->work_path, "%s.%ld.recording", path, (long)getpid());
    snprintf(w->final_path, sizeof w->final_path, "%s.%ld.finishing", path, (long)getpid());
    return trace_work_create(w->work_path, &w->meta, &w->work, error);
}

int trace_writer_open(const char *path, const struct trace_meta *meta, enum trace_compress compress,
                      struct trace_writer **out, struct trace_error *error)
{
    *out = NULL;
    int err = check_meta(meta, error);
    if (err)
        return err;
    struct trace_writer *w = calloc(1, sizeof *w);
    if (!w)
        return trace_fail(error, ENOMEM, "out of memory for a trace");
    w->meta = *meta;
    w->compress = compress;
    if (!w->meta.period)
        w->meta.period = 1;
    if (!w->meta.line_size)
        w->meta.line_size = 64;
    if (trace_pages_init(&w->pages) || trace_block_allocate(&w->block, TRACE_CHUNK, meta->columns))
        err = trace_fail(error, ENOMEM, "out of memory for a trace");
    else if (path)
        err = start_file(w, path, error);
    if (err)
        writer_free(w);
    else
        *out = w;
    return err;
}

static void *shrink(void *memory, size_t bytes)
{
    void *smaller = memory ? realloc(memory, bytes) : NULL;
    return smaller ? smaller : memory;
}

/* The full block goes into the list; a new one takes its place. */
static int keep(struct trace_writer *w)
{
    if (w->nstored == w->stored_room) {
        uint32_t room = w->stored_room ? 2 * w->stored_room : 16;
        struct trace_block *grown = realloc(w->stored, room * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        w->stored = grown;
        w->stored_room = room;
    }
    struct trace_block fresh, *b = &w->block;
    if (trace_block_allocate(&fresh, TRACE_CHUNK, w->meta.columns))
        return -ENOMEM;
    if (b->n < TRACE_CHUNK) {
        b->time = shrink(b->time, b->n * sizeof *b->time);
        b->page = shrink(b->page, b->n * sizeof *b->page);
        b->cpu = shrink(b->cpu, b->n * sizeof *b->cpu);
        b->flags = shrink(b->flags, b->n);
        b->weight = shrink(b->weight, b->n * sizeof *b->weight);
        b->latency_ns = shrink(b->latency_ns, b->n * sizeof *b->latency_ns);
        b->tid = shrink(b->tid, b->n * sizeof *b->tid);
    }
    w->stored[w->nstored++] = *b;
    *b = fresh;
    return 0;
}

static int flush(struct trace_writer *w, struct trace_error *error)
{
    int err = 0;
    if (!w->block.n)
        return 0;
    w->block.first = w->records - w->block.n;
    if (w->work)
        err = trace_work_append(w->work, &w->block, &w->pages, error);
    else if (keep(w))
        err = trace_fail(error, ENOMEM, "out of memory after %llu records", (unsigned long long)w->records);
    w->block.n = 0;
    w->failed = err;
    return err;
}

static int check_record(const struct trace_writer *w, const struct trace_record *r, struct trace_error *error)
{
    unsigned long long at = w->records;
    if (r->time < w->last)
        return trace_fail(error, EINVAL, "record %llu: time goes backwards, from %llu to %llu ns", at,
                          (unsigned long long)w->last, (unsigned long long)r->time);
    if (r->time >= TIME_MAX)
        return trace_fail(error, EINVAL, "record %llu: time %llu ns is beyond 2^62", at, (unsigned long long)r->time);
    if (r->cpu >= (w->meta.cpus ? w->meta.cpus : CPU_MAX))
        return trace_fail(error, EINVAL, "record %llu: CPU %u, but CPUs must be below %u", at, r->cpu,
                          w->meta.cpus ? w->meta.cpus : CPU_MAX);
    if (w->block.weight && r->weight == 0)
        return trace_fail(error, EINVAL, "record %llu: weight 0; a record stands for at least one miss", at);
    return 0;
}

void trace_writer_expect(const struct trace_writer *w, const struct trace_record *next, size_t n)
{
    uint64_t page = ~(uint64_t)(w->meta.page_size - 1);
    if (n > EXPECT_FIRST)
        trace_pages_expect(&w->pages, next[EXPECT_FIRST].address & page, false);
    if (n > EXPECT_SOON)
        trace_pages_expect(&w->pages, next[EXPECT_SOON].address & page, true);
}

int trace_writer_add(struct trace_writer *w, const struct trace_record *r, struct trace_error *error)
{
    struct trace_block *b = &w->block;
    int err = w->failed ? trace_fail(error, -w->failed, "the trace could not be written") : check_record(w, r, error);
    if (err)
        return err;
    uint32_t page = trace_pages_id(&w->pages, r->address & ~(uint64_t)(w->meta.page_size - 1));
    if (page == PAGE_NONE)
        return trace_fail(error, ENOMEM, "record %llu: out of memory for %u pages", (unsigned long long)w->records,
                          w->pages.n);
    if (r->node < NODE_MAX) {
        w->pages.node[page] = r->node;
        w->pages.any_node = true;
    }
    b->time[b->n] = r->time;
    b->page[b->n] = page;
    b->cpu[b->n] = r->cpu;
    b->flags[b->n] = r->flags;
    if (b->weight)
        b->weight[b->n] = r->weight;
    if (b->latency_ns)
        b->latency_ns[b->n] = r->latency_ns;
    if (b->tid)
        b->tid[b->n] = r->tid;
    b->n++;
    if (!w->records)
        w->meta.first_time = r->time;
    w->last = r->time;
    w->records++;
    w->greatest_cpu = r->cpu > w->greatest_cpu ? r->cpu : w->greatest_cpu;
    return b->n == TRACE_CHUNK ? flush(w, error) : 0;
}

void trace_writer_heed(struct trace_writer *w, struct trace_stop stop)
{
    w->stop = stop;
}

struct trace_meta *trace_writer_meta(struct trace_writer *w)
{
    return &w->meta;
}

struct trace_collect *trace_writer_collect(struct trace_writer *w)
{
    return &w->collect;
}

static void complete_meta(struct trace_writer *w)
{
    w->meta.records = w->records;
    w->meta.pages = w->pages.n;
    w->meta.chunks = (uint32_t)((w->records + TRACE_CHUNK - 1) / TRACE_CHUNK);
    w->meta.last_time = w->last;
    if (!w->meta.cpus)
        w->meta.cpus = w->greatest_cpu + 1;
}

static int finish_memory(struct trace_writer *w, struct trace **out, struct trace_error *error)
{
    uint32_t *renumber = malloc((w->pages.n + 1) * sizeof *renumber);
    struct trace *t = calloc(1, sizeof *t);
    struct trace_digest digest = {0};
    if (!renumber || !t || trace_pages_sort(&w->pages, renumber)) {
        free(renumber);
        free(t);
        return trace_fail(error, ENOMEM, "out of memory for %u pages", w->pages.n);
    }
    for (uint32_t i = 0; i < w->nstored; i++) {
        struct trace_block *b = &w->stored[i];
        for (uint32_t k = 0; k < b->n; k++)
            b->page[k] = renumber[b->page[k]];
        trace_digest_add(&digest, b);
    }
    free(renumber);
    t->file.fd = -1;
    t->file.hdf5 = -1;
    t->addresses = w->pages.address;
    t->nodes = w->pages.any_node ? w->pages.node : NULL;
    if (!t->nodes)
        free(w->pages.node);
    w->pages.address = NULL;
    w->pages.node = NULL;
    t->stored = w->stored;
    w->stored = NULL;
    w->nstored = 0;
    t->collect = w->collect;
    memset(&w->collect, 0, sizeof w->collect);
    t->meta = w->meta;
    t->meta.misses = digest.misses;
    t->meta.digest = trace_digest_end(&digest, &t->meta, t->addresses, t->nodes);
    *out = t;
    return 0;
}

/* The nodes that the work file has are those of first sight; the last ones known replace them. */
static int last_nodes(struct trace_writer *w, struct trace *work, struct trace_error *error)
{
    uint32_t *renumber = malloc((w->pages.n + 1) * sizeof *renumber);
    if (!renumber || trace_pages_sort(&w->pages, renumber)) {
        free(renumber);
        return trace_fail(error, ENOMEM, "%s: out of memory for %u pages", w->path, w->pages.n);
    }
    free(renumber);
    free(work->nodes);
    work->nodes = w->pages.any_node ? w->pages.node : NULL;
    if (work->nodes)
        w->pages.node = NULL;
    return 0;
}

static int finish_file(struct trace_writer *w, struct trace **out, struct trace_error *error)
{
    struct trace *work = NULL;
    int err = trace_work_close(w->work);
    w->work = NULL;
    if (err)
        return trace_fail(error, EIO, "%s: cannot be closed; is the disk full?", w->work_path);
    err = trace_open(w->work_path, &work, error);
    if (!err && work->meta.records != w->records)
        err = trace_fail(error, EIO, "%s: holds %llu of %llu records; is the disk full?", w->work_path,
                         (unsigned long long)work->meta.records, (unsigned long long)w->records);
    if (!err)
        err = last_nodes(w, work, error);
    if (!err)
        err = trace_save(work, &w->meta, &w->collect, w->final_path, w->compress, &w->stop, error);
    if (work)
        trace_close(work);
    if (!err && (err = trace_save_asked(&w->stop, error)))
        unlink(w->final_path);
    if (!err && rename(w->final_path, w->path)) {
        err = trace_fail(error, errno, "%s: %s", w->path, strerror(errno));
        unlink(w->final_path);
    }
    if (err)
        return err;
    unlink(w->work_path);
    return out ? trace_open(w->path, out, error) : 0;
}

int trace_writer_close(struct trace_writer *w, struct trace **out, struct trace_error *error)
{
    struct trace *memory = NULL;
    int err =
        w->failed ? trace_fail(error, -w->failed, "%s: the trace could not be written", w->path) : flush(w, error);
    if (out)
        *out = NULL;
    if (err) {
        trace_writer_abort(w);
        return err;
    }
    complete_meta(w);
    if (w->work) {
        err = finish_file(w, out, error);
        if (err)
            unlink(w->work_path);
    } else {
        err = finish_memory(w, &memory, error);
        if (out)
            *out = memory;
        else if (memory)
            trace_close(memory);
    }
    writer_free(w);
    return err;
}

void trace_writer_abort(struct trace_writer *w)
{
    if (w->work) {
        trace_work_close(w->work);
        unlink(w->work_path);
    }
    writer_free(w);
}
