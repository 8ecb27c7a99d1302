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
enum { PIECES = 4 }; /* chunks that are packed at once: then no thread waits long for the dearest column */

/* One column of one chunk on its way out. */
struct packer {
    const void *elements; /* in file width */
    struct libdeflate_compressor *deflate;
    unsigned char *planes, *packed;
    size_t packed_size, room;
};

struct piece {
    struct trace_block *block;
    uint32_t *dt;
    unsigned char *narrow; /* cpu in one byte */
    struct packer packer[TRACE_COLUMNS];
    int err;
    struct trace_error error;
};

struct save {
    const struct trace *trace;
    const struct trace_meta *meta;
    const struct trace_collect *collect;
    enum trace_compress compress;
    const struct trace_stop *stop;
    const char *path;
    hid_t file;
    uint32_t length;              /* records per chunk */
    hid_t dataset[TRACE_COLUMNS]; /* -1: the trace has no such column */
    unsigned width[TRACE_COLUMNS];
    struct piece piece[PIECES];
    uint32_t pieces;
    struct trace_index *index;
    struct trace_gap *gaps;
    uint64_t ngaps, gaps_room;
    uint64_t last; /* time of the record before */
    struct trace_digest digest;
};

static bool asked(const struct trace_stop *stop)
{
    return stop->asked && stop->asked(stop->context);
}

int trace_save_asked(const struct trace_stop *stop, struct trace_error *error)
{
    return asked(stop) ? trace_fail(error, EINTR, "interrupted; nothing was written") : 0;
}

static bool own_deflate(const struct save *s)
{
    return s->compress == TRACE_DEFLATE || s->compress == TRACE_SMALLEST;
}

static int create_column(struct save *s, enum trace_column_id id)
{
    const struct trace_column_kind *kind = &trace_column_kinds[id];
    char name[64] = "/trace/";
    if (kind->has && !(s->trace->meta.columns & kind->has))
        return 0;
    s->width[id] = trace_schema_width(id, s->meta->cpus);
    strcat(name, kind->name);
    s->dataset[id] = trace_schema_dataset(s->file, name, trace_schema_type(id, s->meta->cpus), s->trace->meta.records,
                                          s->compress == TRACE_NONE ? 0 : s->length, false, s->compress);
    return s->dataset[id] < 0 ? -EIO : 0;
}

static int packer_init(const struct save *s, struct packer *p, unsigned width)
{
    p->deflate = libdeflate_alloc_compressor(s->compress == TRACE_DEFLATE ? DEFAULT_LEVEL : SMALLEST_LEVEL);
    p->planes = calloc(s->length, width);
    if (!p->deflate || !p->planes)
        return -ENOMEM;
    p->room = libdeflate_zlib_compress_bound(p->deflate, (size_t)s->length * width);
    p->packed = malloc(p->room);
    return p->packed ? 0 : -ENOMEM;
}

static int piece_init(const struct save *s, struct piece *piece)
{
    int err = 0;
    piece->block = trace_block_new(s->trace);
    piece->dt = malloc(TRACE_CHUNK * sizeof *piece->dt);
    piece->narrow = malloc(TRACE_CHUNK);
    for (unsigned i = 0; !err && own_deflate(s) && i < TRACE_COLUMNS; i++)
        if (s->dataset[i] >= 0)
            err = packer_init(s, &piece->packer[i], s->width[i]);
    return piece->block && piece->dt && piece->narrow ? err : -ENOMEM;
}

static void piece_free(struct piece *piece)
{
    for (unsigned i = 0; i < TRACE_COLUMNS; i++) {
        struct packer *p = &piece->packer[i];
        if (p->deflate)
            libdeflate_free_compressor(p->deflate);
        free(p->planes);
        free(p->packed);
    }
    trace_block_free(piece->block);
    free(piece->dt);
    free(piece->narrow);
}

/* A short last chunk is padded with zeros to the full length, as HDF5 wants it. */
static void pack(struct packer *p, unsigned width, uint32_t n, uint32_t length)
{
    unsigned char *whole = p->planes;
    if (n < length)
        memset(whole, 0, (size_t)length * width);
    for (unsigned k = 0; k < width; k++) {
        const unsigned char *from = (const unsigned char *)p->elements + k;
        for (uint32_t i = 0; i < n; i++)
            whole[(size_t)k * length + i] = from[(size_t)i * width];
    }
    p->packed_size = libdeflate_zlib_compress(p->deflate, whole, (size_t)length * width, p->packed, p->room);
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

static int steps(struct save *s, const struct trace_block *b, uint32_t *dt)
{
    uint64_t last = b->first ? s->last : b->time[0], high = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        uint64_t step = b->time[i] - last;
        dt[i] = (uint32_t)step;
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
static void arrange(const struct save *s, struct piece *piece)
{
    const struct trace_block *b = piece->block;
    const void *const from[TRACE_COLUMNS] = {
        [COLUMN_DT] = piece->dt,     [COLUMN_PAGE] = b->page,          [COLUMN_CPU] = b->cpu, [COLUMN_FLAGS] = b->flags,
        [COLUMN_WEIGHT] = b->weight, [COLUMN_LATENCY] = b->latency_ns, [COLUMN_TID] = b->tid,
    };
    for (unsigned i = 0; i < TRACE_COLUMNS; i++)
        piece->packer[i].elements = from[i];
    if (s->width[COLUMN_CPU] == 1) {
        for (uint32_t i = 0; i < b->n; i++)
            piece->narrow[i] = (unsigned char)b->cpu[i];
        piece->packer[COLUMN_CPU].elements = piece->narrow;
    }
}

/* What depends on the chunks before: in their order. */
static int in_order(struct save *s, uint32_t chunk, struct piece *piece, struct trace_error *error)
{
    if (piece->err) {
        *error = piece->error;
        return piece->err;
    }
    trace_digest_add(&s->digest, piece->block);
    index_row(&s->index[chunk], piece->block);
    int err = steps(s, piece->block, piece->dt);
    arrange(s, piece);
    return err ? trace_fail(error, ENOMEM, "%s: cannot write chunk %u: out of memory", s->path, chunk) : 0;
}

static int put_piece(struct save *s, struct piece *piece)
{
    for (unsigned i = 0; i < TRACE_COLUMNS; i++) {
        struct packer *p = &piece->packer[i];
        hsize_t offset = piece->block->first;
        if (s->dataset[i] < 0)
            continue;
        if (!own_deflate(s)) {
            hid_t type = trace_schema_type(i, s->meta->cpus);
            if (trace_schema_put(s->dataset[i], type, offset, piece->block->n, p->elements))
                return -EIO;
        } else if (!p->packed_size ||
                   H5Dwrite_chunk(s->dataset[i], H5P_DEFAULT, 0, &offset, p->packed_size, p->packed) < 0) {
            return -EIO;
        }
    }
    return 0;
}

/* n chunks: decoded and packed by all threads, the rest in order. A thread without work spins as it waits: there is
 * none where one thread is enough. */
static int put_chunks(struct save *s, uint32_t chunk, uint32_t n, int threads, struct trace_error *error)
{
    int err = 0;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (n > 1)
    for (uint32_t i = 0; i < n; i++)
        s->piece[i].err = trace_decode(s->trace, chunk + i, s->piece[i].block, &s->piece[i].error);
    for (uint32_t i = 0; !err && i < n; i++)
        err = in_order(s, chunk + i, &s->piece[i], error);
    if (err)
        return err;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (n > 1)
    for (uint32_t k = 0; k < n * TRACE_COLUMNS; k++) {
        struct piece *piece = &s->piece[k % n];
        if (own_deflate(s) && s->dataset[k / n] >= 0 && !asked(s->stop))
            pack(&piece->packer[k / n], s->width[k / n], piece->block->n, s->length);
    }
    err = trace_save_asked(s->stop, error);
    for (uint32_t i = 0; !err && i < n; i++)
        if (put_piece(s, &s->piece[i]))
            err = trace_fail(error, EIO, "%s: cannot write chunk %u: is the disk full?", s->path, chunk + i);
    return err;
}

static int put_records(struct save *s, struct trace_error *error)
{
    uint32_t chunks = s->trace->meta.chunks;
    int threads = omp_get_max_threads() < PIECES * TRACE_COLUMNS ? omp_get_max_threads() : PIECES * TRACE_COLUMNS;
    int err = 0;
    s->pieces = !own_deflate(s) || threads == 1 ? 1 : chunks < PIECES ? chunks : PIECES;
    for (uint32_t i = 0; !err && i < s->pieces; i++)
        if (piece_init(s, &s->piece[i]))
            err = trace_fail(error, ENOMEM, "%s: out of memory for one chunk", s->path);
    for (uint32_t c = 0; !err && c < chunks; c += s->pieces)
        err = put_chunks(s, c, chunks - c < s->pieces ? chunks - c : s->pieces, threads, error);
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
    s->index = calloc(s->trace->meta.chunks + 1, sizeof *s->index);
    if (!s->index)
        return trace_fail(error, ENOMEM, "%s: out of memory", s->path);
    for (unsigned i = 0; !err && i < TRACE_COLUMNS; i++)
        err = create_column(s, i);
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
    for (uint32_t i = 0; i < s->pieces; i++)
        piece_free(&s->piece[i]);
    for (unsigned i = 0; i < TRACE_COLUMNS; i++)
        if (s->dataset[i] >= 0)
            H5Dclose(s->dataset[i]);
    free(s->index);
    free(s->gaps);
}

int trace_save(const struct trace *trace, const struct trace_meta *meta, const struct trace_collect *collect,
               const char *path, enum trace_compress compress, const struct trace_stop *stop, struct trace_error *error)
{
    struct save s = {
        .trace = trace, .meta = meta, .collect = collect, .compress = compress, .stop = stop, .path = path};
    s.length = trace->meta.records < TRACE_CHUNK ? (uint32_t)trace->meta.records : TRACE_CHUNK;
    int err;
    for (unsigned i = 0; i < TRACE_COLUMNS; i++)
        s.dataset[i] = -1;
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
