/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/trace_save.h"

#include <errno.h>
#include <libdeflate.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datasets/trace_attribute.h"
#include "datasets/trace_collect_file.h"
#include "datasets/trace_digest.h"
#include "datasets/trace_private.h"
#include "datasets/trace_schema.h"
#include "datasets/trace_table.h"

/* libdeflate's levels; 3 decodes a little faster than 1 and costs little more to write. */
enum { DEFAULT_LEVEL = 3, SMALLEST_LEVEL = 12 };

/* One column on its way out. */
struct packer {
    hid_t dataset; /* -1: the trace has no such column */
    unsigned width;
    const void *elements; /* of the present chunk, in file width */
    struct libdeflate_compressor *deflate;
    unsigned char *planes, *packed;
    size_t packed_size, room;
};

struct save {
    const struct trace *trace;
    const struct trace_meta *meta;
    const struct trace_collect *collect;
    enum trace_compress compress;
    const char *path;
    hid_t file;
    uint32_t length; /* records per chunk */
    struct packer packer[TRACE_COLUMNS];
    uint32_t *dt;
    unsigned char *narrow; /* cpu in one byte */
    struct trace_index *index;
    struct trace_gap *gaps;
    uint64_t ngaps, gaps_room;
    uint64_t last; /* time of the record before */
    struct trace_digest digest;
};

static bool own_deflate(const struct save *s)
{
    return s->compress == TRACE_DEFLATE || s->compress == TRACE_SMALLEST;
}

static int packer_init(struct save *s, enum trace_column_id id)
{
    struct packer *p = &s->packer[id];
    const struct trace_column_kind *kind = &trace_column_kinds[id];
    char name[64] = "/trace/";
    p->dataset = -1;
    if (kind->has && !(s->trace->meta.columns & kind->has))
        return 0;
    p->width = trace_schema_width(id, s->meta->cpus);
    strcat(name, kind->name);
    p->dataset = trace_schema_dataset(s->file, name, trace_schema_type(id, s->meta->cpus), s->trace->meta.records,
                                      s->compress == TRACE_NONE ? 0 : s->length, false, s->compress);
    if (p->dataset < 0)
        return -EIO;
    if (!own_deflate(s))
        return 0;
    p->deflate = libdeflate_alloc_compressor(s->compress == TRACE_DEFLATE ? DEFAULT_LEVEL : SMALLEST_LEVEL);
    p->planes = calloc(s->length, p->width);
    if (!p->deflate || !p->planes)
        return -ENOMEM;
    p->room = libdeflate_zlib_compress_bound(p->deflate, (size_t)s->length * p->width);
    p->packed = malloc(p->room);
    return p->packed ? 0 : -ENOMEM;
}

static void packer_free(struct packer *p)
{
    if (p->deflate)
        libdeflate_free_compressor(p->deflate);
    free(p->planes);
    free(p->packed);
    if (p->dataset > 0)
        H5Dclose(p->dataset);
}

/* A short last chunk is padded with zeros to the full length, as HDF5 wants it. */
static void pack(struct packer *p, uint32_t n, uint32_t length)
{
    unsigned char *whole = p->planes;
    if (n < length)
        memset(whole, 0, (size_t)length * p->width);
    for (unsigned k = 0; k < p->width; k++) {
        const unsigned char *from = (const unsigned char *)p->elements + k;
        for (uint32_t i = 0; i < n; i++)
            whole[(size_t)k * length + i] = from[(size_t)i * p->width];
    }
    p->packed_size = libdeflate_zlib_compress(p->deflate, whole, (size_t)length * p->width, p->packed, p->room);
}

static int note_gap(struct save *s, uint64_t record, uint64_t more)
{
    if (s->ngaps == s->gaps_room) {
        s->gaps_room = s->gaps_room ? 2 * s->gaps_room : 64;
        struct trace_gap *grown = realloc(s->gaps, s->gaps_room * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        s->gaps = grown;
    }
    s->gaps[s->ngaps++] = (struct trace_gap){record, more};
    return 0;
}

static int steps(struct save *s, const struct trace_block *b)
{
    uint64_t last = b->first ? s->last : b->time[0], high = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        uint64_t step = b->time[i] - last;
        s->dt[i] = (uint32_t)step;
        high |= step >> 32;
        last = b->time[i];
    }
    last = b->first ? s->last : b->time[0];
    for (uint32_t i = 0; high && i < b->n; i++) {
        uint64_t step = b->time[i] - last;
        if (step >> 32 && note_gap(s, b->first + i, step & ~(uint64_t)UINT32_MAX))
            return -ENOMEM;
        last = b->time[i];
    }
    s->last = b->time[b->n - 1];
    return 0;
}

static void index_row(struct trace_index *row, const struct trace_block *b)
{
    *row = (struct trace_index){b->time[0], UINT32_MAX, 0, b->n};
    for (uint32_t i = 0; i < b->n; i++) {
        row->least_page = b->page[i] < row->least_page ? b->page[i] : row->least_page;
        row->greatest_page = b->page[i] > row->greatest_page ? b->page[i] : row->greatest_page;
    }
}

/* Where each column's elements are, in the width of the file. */
static void arrange(struct save *s, const struct trace_block *b)
{
    const void *const from[TRACE_COLUMNS] = {
        [COLUMN_DT] = s->dt,         [COLUMN_PAGE] = b->page,          [COLUMN_CPU] = b->cpu, [COLUMN_FLAGS] = b->flags,
        [COLUMN_WEIGHT] = b->weight, [COLUMN_LATENCY] = b->latency_ns, [COLUMN_TID] = b->tid,
    };
    for (unsigned i = 0; i < TRACE_COLUMNS; i++)
        s->packer[i].elements = from[i];
    if (s->packer[COLUMN_CPU].width == 1) {
        for (uint32_t i = 0; i < b->n; i++)
            s->narrow[i] = (unsigned char)b->cpu[i];
        s->packer[COLUMN_CPU].elements = s->narrow;
    }
}

static int put_chunk(struct save *s, const struct trace_block *b)
{
    if (own_deflate(s)) {
        /* A thread without work spins as it waits: no more than columns, none for a trace of one chunk. */
        int threads = omp_get_max_threads() < TRACE_COLUMNS ? omp_get_max_threads() : TRACE_COLUMNS;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (s->trace->meta.chunks > 1)
        for (unsigned i = 0; i < TRACE_COLUMNS; i++)
            if (s->packer[i].dataset >= 0)
                pack(&s->packer[i], b->n, s->length);
    }
    for (unsigned i = 0; i < TRACE_COLUMNS; i++) {
        struct packer *p = &s->packer[i];
        hsize_t offset = b->first;
        if (p->dataset < 0)
            continue;
        if (!own_deflate(s)) {
            hid_t type = trace_schema_type(i, s->meta->cpus);
            if (trace_schema_put(p->dataset, type, b->first, b->n, p->elements))
                return -EIO;
        } else if (!p->packed_size ||
                   H5Dwrite_chunk(p->dataset, H5P_DEFAULT, 0, &offset, p->packed_size, p->packed) < 0) {
            return -EIO;
        }
    }
    return 0;
}

static int put_records(struct save *s, struct trace_error *error)
{
    struct trace_block *block = trace_block_new(s->trace);
    int err = block ? 0 : trace_fail(error, ENOMEM, "%s: out of memory for one chunk", s->path);
    for (uint32_t c = 0; !err && c < s->trace->meta.chunks; c++) {
        err = trace_decode(s->trace, c, block, error);
        if (err)
            break;
        trace_digest_add(&s->digest, block);
        index_row(&s->index[c], block);
        err = steps(s, block);
        arrange(s, block);
        if (!err)
            err = put_chunk(s, block);
        if (err)
            trace_fail(error, -err, "%s: cannot write chunk %u: %s", s->path, c,
                       err == -ENOMEM ? "out of memory" : "is the disk full?");
    }
    trace_block_free(block);
    return err;
}

static int put_tables(struct save *s)
{
    const struct trace *t = s->trace;
    hid_t index = trace_table_index_type(), gap = trace_table_gap_type();
    hid_t packed_index = H5Tcopy(index);
    H5Tpack(packed_index);
    int err = trace_schema_table(s->file, "/chunks", packed_index, index, t->meta.chunks, s->index, s->compress);
    if (!err)
        err = trace_schema_table(s->file, "/pages/address", H5T_STD_U64LE, H5T_NATIVE_UINT64, t->meta.pages,
                                 t->addresses, s->compress);
    if (!err && t->nodes)
        err = trace_schema_table(s->file, "/pages/node", H5T_STD_U8LE, H5T_NATIVE_UINT8, t->meta.pages, t->nodes,
                                 s->compress);
    if (!err && s->ngaps)
        err = trace_schema_table(s->file, "/trace/gaps", gap, gap, s->ngaps, s->gaps, s->compress);
    if (!err)
        err = trace_collect_write(s->file, s->collect, s->compress);
    H5Tclose(packed_index);
    H5Tclose(index);
    H5Tclose(gap);
    return err;
}

static int save_all(struct save *s, struct trace_error *error)
{
    struct trace_meta meta = *s->meta;
    int err = 0;
    s->dt = malloc(TRACE_CHUNK * sizeof *s->dt);
    s->narrow = malloc(TRACE_CHUNK);
    s->index = calloc(s->trace->meta.chunks + 1, sizeof *s->index);
    if (!s->dt || !s->narrow || !s->index)
        return trace_fail(error, ENOMEM, "%s: out of memory", s->path);
    for (unsigned i = 0; !err && i < TRACE_COLUMNS; i++)
        err = packer_init(s, i);
    if (err)
        return trace_fail(error, -err, "%s: cannot create the columns", s->path);
    err = put_records(s, error);
    if (err)
        return err;
    meta.digest = trace_digest_end(&s->digest, &s->trace->meta, s->trace->addresses, s->trace->nodes);
    meta.misses = s->digest.misses;
    if (put_tables(s) || trace_attribute_write(s->file, &meta, false) || H5Fflush(s->file, H5F_SCOPE_GLOBAL) < 0)
        return trace_fail(error, EIO, "%s: cannot write the tables; is the disk full?", s->path);
    return 0;
}

static void release(struct save *s)
{
    for (unsigned i = 0; i < TRACE_COLUMNS; i++)
        packer_free(&s->packer[i]);
    free(s->dt);
    free(s->narrow);
    free(s->index);
    free(s->gaps);
}

int trace_save(const struct trace *trace, const struct trace_meta *meta, const struct trace_collect *collect,
               const char *path, enum trace_compress compress, struct trace_error *error)
{
    struct save s = {.trace = trace, .meta = meta, .collect = collect, .compress = compress, .path = path};
    s.length = trace->meta.records < TRACE_CHUNK ? (uint32_t)trace->meta.records : TRACE_CHUNK;
    int err;
    trace_quiet();
    H5E_BEGIN_TRY
    {
        s.file = trace_schema_create(path);
        if (s.file < 0) {
            err = trace_fail(error, EIO, "%s: cannot be created; is the folder there and writable?", path);
        } else {
            err = save_all(&s, error);
            release(&s);
            if (H5Fclose(s.file) < 0 && !err)
                err = trace_fail(error, EIO, "%s: cannot be closed; is the disk full?", path);
            if (err)
                unlink(path);
        }
    }
    H5E_END_TRY;
    return err;
}
