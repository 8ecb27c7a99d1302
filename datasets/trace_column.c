/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/trace_column.h"

#include <errno.h>
#include <libdeflate.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datasets/trace_private.h"
#include "datasets/trace_unshuffle.h"

enum { BLOSC_FILTER = 32001, LIBRARY_CHUNK_MAX = 1 << 22, PIECE = 4096 };

const struct trace_column_kind trace_column_kinds[TRACE_COLUMNS] = {
    [COLUMN_DT] = {"dt", 4, 0},
    [COLUMN_PAGE] = {"page", 4, 0},
    [COLUMN_CPU] = {"cpu", 2, 0},
    [COLUMN_FLAGS] = {"flags", 1, 0},
    [COLUMN_WEIGHT] = {"weight", 4, TRACE_HAS_WEIGHT},
    [COLUMN_LATENCY] = {"latency", 4, TRACE_HAS_LATENCY},
    [COLUMN_TID] = {"tid", 4, TRACE_HAS_TID},
};

static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;

int trace_scratch_init(struct trace_scratch *s)
{
    /* The longest deflate stream worth reading: incompressible data and its framing. */
    s->packed_size = 4 * TRACE_CHUNK + TRACE_CHUNK / 8 + 4096;
    s->packed = malloc(s->packed_size);
    s->planes = malloc(4 * TRACE_CHUNK);
    s->piece = malloc(4 * PIECE);
    s->inflate = libdeflate_alloc_decompressor();
    if (s->packed && s->planes && s->piece && s->inflate)
        return 0;
    trace_scratch_free(s);
    return -ENOMEM;
}

void trace_scratch_free(struct trace_scratch *s)
{
    free(s->packed);
    free(s->planes);
    free(s->piece);
    if (s->inflate)
        libdeflate_free_decompressor(s->inflate);
    memset(s, 0, sizeof *s);
}

/* Are the filters those of the documented layout? Says which; false: the library's business. */
static bool filters_known(hid_t plist, struct trace_column *column)
{
    int n = H5Pget_nfilters(plist);
    column->shuffled = column->deflated = false;
    for (int i = 0; i < n; i++) {
        unsigned flags;
        size_t elements = 0;
        H5Z_filter_t filter = H5Pget_filter2(plist, (unsigned)i, &flags, &elements, NULL, 0, NULL, NULL);
        if (filter == H5Z_FILTER_SHUFFLE && i == 0)
            column->shuffled = column->width > 1;
        else if (filter == H5Z_FILTER_DEFLATE && i == n - 1)
            column->deflated = true;
        else
            return false;
    }
    return n >= 0;
}

/* Every filter must be at hand, else the library would fail on the first read with a line that nobody understands. */
static int filters_available(hid_t plist, const char *name, const struct trace_file *file, struct trace_error *error)
{
    int n = H5Pget_nfilters(plist);
    for (int i = 0; i < n; i++) {
        unsigned flags;
        size_t elements = 0;
        H5Z_filter_t filter = H5Pget_filter2(plist, (unsigned)i, &flags, &elements, NULL, 0, NULL, NULL);
        if (filter < 0)
            return trace_fail(error, EINVAL, "%s: the filters of /trace/%s cannot be read; the file is damaged",
                              file->path, name);
        if (H5Zfilter_avail(filter) > 0)
            continue;
        if (filter == BLOSC_FILTER)
            return trace_fail(error, ENOTSUP,
                              "%s: /trace/%s is compressed with blosc; install the package "
                              "hdf5-filter-plugin-blosc-serial",
                              file->path, name);
        return trace_fail(error, ENOTSUP,
                          "%s: /trace/%s needs the HDF5 filter %d, which is not installed here; write it with "
                          "shuffle and deflate",
                          file->path, name, (int)filter);
    }
    return 0;
}

static int chunk_places(struct trace_column *column, const struct trace_file *file, hid_t dataset)
{
    uint64_t chunks = (column->records + TRACE_CHUNK - 1) / TRACE_CHUNK;
    column->place = calloc(chunks, sizeof *column->place);
    if (!column->place)
        return -ENOMEM;
    for (uint64_t i = 0; i < chunks; i++) {
        hsize_t offset = i * TRACE_CHUNK, size = 0;
        unsigned mask = 0;
        haddr_t address = HADDR_UNDEF;
        if (H5Dget_chunk_info_by_coord(dataset, &offset, &mask, &address, &size) < 0 || mask != 0 ||
            address == HADDR_UNDEF)
            break; /* stays (0, 0): not there */
        if (address <= file->size && size <= file->size - address)
            column->place[i] = (struct trace_chunk_place){address, size};
    }
    return 0;
}

static int chunked(struct trace_column *column, const struct trace_file *file, hid_t dataset, hid_t plist)
{
    hsize_t length = 0;
    if (H5Pget_chunk(plist, 1, &length) != 1 || length == 0 || length > LIBRARY_CHUNK_MAX)
        return -EINVAL;
    bool standard = length == TRACE_CHUNK || (length >= column->records && length < TRACE_CHUNK);
    if (!standard || column->mode == COLUMN_LIBRARY || !filters_known(plist, column)) {
        column->mode = COLUMN_LIBRARY;
        return 0;
    }
    column->mode = COLUMN_CHUNKED;
    column->length = (uint32_t)length;
    return chunk_places(column, file, dataset);
}

static int flat(struct trace_column *column, const struct trace_file *file, hid_t dataset)
{
    haddr_t address = H5Dget_offset(dataset);
    if (column->mode == COLUMN_LIBRARY || column->records == 0)
        return 0;
    if (address == HADDR_UNDEF || address > file->size || column->records > (file->size - address) / column->width)
        return -EINVAL;
    column->mode = COLUMN_FLAT;
    column->address = address;
    return 0;
}

/* Little-endian unsigned integers of the documented widths are decoded here; other integers are converted by the
 * library. */
static bool type_known(hid_t type, enum trace_column_id id, unsigned *width)
{
    size_t size = H5Tget_size(type);
    *width = (unsigned)size;
    if (H5Tget_order(type) == H5T_ORDER_BE && size > 1)
        return false;
    if (H5Tget_sign(type) != H5T_SGN_NONE || H5Tget_precision(type) != 8 * size)
        return false;
    return size == trace_column_kinds[id].width || (id == COLUMN_CPU && size == 1);
}

static int examine(struct trace_column *column, const struct trace_file *file, enum trace_column_id id, hid_t type,
                   hid_t space, hid_t plist, struct trace_error *error)
{
    const char *name = trace_column_kinds[id].name;
    hsize_t records = 0;
    if (H5Tget_class(type) != H5T_INTEGER || H5Sget_simple_extent_ndims(space) != 1 ||
        H5Sget_simple_extent_dims(space, &records, NULL) != 1)
        return trace_fail(error, EINVAL, "%s: /trace/%s is not a 1-D column of integers; see docs/trace-format.md",
                          file->path, name);
    /* deflate cannot shrink more than 1032 to 1: a file cannot hold more than this. */
    if (records / 1100 > file->size)
        return trace_fail(error, EINVAL, "%s: /trace/%s claims %llu records in a file of %llu bytes; it is damaged",
                          file->path, name, (unsigned long long)records, (unsigned long long)file->size);
    column->records = records;
    column->mode = type_known(type, id, &column->width) ? COLUMN_ABSENT : COLUMN_LIBRARY;
    int err = filters_available(plist, name, file, error);
    if (err)
        return err;
    H5D_layout_t layout = H5Pget_layout(plist);
    if (layout == H5D_CHUNKED)
        err = chunked(column, file, column->dataset, plist);
    else if (layout == H5D_CONTIGUOUS && H5Pget_external_count(plist) == 0)
        err = flat(column, file, column->dataset);
    else if (layout == H5D_COMPACT)
        column->mode = COLUMN_LIBRARY;
    else
        err = -EINVAL;
    if (err)
        return trace_fail(error, -err, "%s: the layout of /trace/%s cannot be read; write it in chunks of %d records",
                          file->path, name, TRACE_CHUNK);
    return 0;
}

int trace_column_open(struct trace_column *column, const struct trace_file *file, enum trace_column_id id,
                      struct trace_error *error)
{
    const struct trace_column_kind *kind = &trace_column_kinds[id];
    char path[64] = "/trace/";
    memset(column, 0, sizeof *column);
    column->dataset = -1;
    strcat(path, kind->name);
    if (H5Lexists(file->hdf5, path, H5P_DEFAULT) <= 0) {
        if (kind->has)
            return 0;
        return trace_fail(error, EINVAL, "%s: no column %s; is this a trace? docs/trace-format.md shows the layout",
                          file->path, path);
    }
    column->dataset = H5Dopen2(file->hdf5, path, H5P_DEFAULT);
    if (column->dataset < 0)
        return trace_fail(error, EINVAL, "%s: %s cannot be opened; the file is damaged", file->path, path);
    hid_t type = H5Dget_type(column->dataset), space = H5Dget_space(column->dataset);
    hid_t plist = H5Dget_create_plist(column->dataset);
    int err;
    if (type < 0 || space < 0 || plist < 0)
        err = trace_fail(error, EINVAL, "%s: %s cannot be opened; the file is damaged", file->path, path);
    else
        err = examine(column, file, id, type, space, plist, error);
    H5Tclose(type);
    H5Sclose(space);
    H5Pclose(plist);
    if (!err && column->records == 0)
        column->mode = COLUMN_FLAT;
    if (err || column->mode != COLUMN_LIBRARY) {
        H5Dclose(column->dataset);
        column->dataset = -1;
    }
    return err;
}

void trace_column_close(struct trace_column *column)
{
    free(column->place);
    column->place = NULL;
    if (column->dataset > 0)
        H5Dclose(column->dataset);
    column->dataset = -1;
}

uint64_t trace_column_present(const struct trace_column *column)
{
    uint64_t chunks = (column->records + TRACE_CHUNK - 1) / TRACE_CHUNK, n = 0;
    if (column->mode != COLUMN_CHUNKED)
        return chunks;
    while (n < chunks && column->place[n].size)
        n++;
    return n;
}

static int read_bytes(const struct trace_file *file, uint64_t address, void *out, size_t size)
{
    unsigned char *to = out;
    while (size) {
        ssize_t n = pread(file->fd, to, size, (off_t)address);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        to += n;
        address += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

/* Bytes of the chunk, unpacked into s->planes (or straight into out when they are neither shuffled nor widened). */
static int unpack(const struct trace_column *column, const struct trace_file *file, uint32_t chunk, void *to,
                  struct trace_scratch *s)
{
    const struct trace_chunk_place *place = &column->place[chunk];
    size_t bytes = (size_t)column->length * column->width;
    if (!place->size || place->size > s->packed_size)
        return -EINVAL;
    if (!column->deflated)
        return place->size == bytes ? read_bytes(file, place->address, to, bytes) : -EINVAL;
    int err = read_bytes(file, place->address, s->packed, place->size);
    if (err)
        return err;
    return libdeflate_zlib_decompress(s->inflate, s->packed, place->size, to, bytes, NULL) == LIBDEFLATE_SUCCESS
               ? 0
               : -EINVAL;
}

/* One piece of a chunk, from planes (or plain bytes) to memory. */
static void spread(const struct trace_column *column, unsigned width, const unsigned char *planes, uint32_t first,
                   uint32_t n, void *out)
{
    if (column->width == 4 && column->shuffled)
        trace_unshuffle4(planes + first, column->length, n, out);
    else if (column->width == 2 && column->shuffled)
        trace_unshuffle2(planes + first, column->length, n, out);
    else if (column->width == 1 && width == 2)
        trace_unshuffle_widen(planes + first, n, out);
    else
        memcpy(out, planes + (size_t)first * width, (size_t)n * width);
}

/* Piece by piece: a piece stays in the first-level cache from its spreading to the visitor. */
static void spread_all(const struct trace_column *column, unsigned width, const struct trace_scratch *s, uint32_t n,
                       unsigned char *out, trace_column_visit *visit, void *context)
{
    for (uint32_t first = 0; first < n; first += PIECE) {
        uint32_t m = n - first < PIECE ? n - first : PIECE;
        void *to = out ? (void *)(out + (size_t)first * width) : s->piece;
        spread(column, width, s->planes, first, m, to);
        if (visit)
            visit(context, to, first, m);
    }
}

static int read_library(const struct trace_column *column, enum trace_column_id id, uint32_t chunk, uint32_t n,
                        void *out)
{
    const hid_t types[] = {0, H5T_NATIVE_UINT8, H5T_NATIVE_UINT16, 0, H5T_NATIVE_UINT32};
    hsize_t start = (hsize_t)chunk * TRACE_CHUNK, count = n;
    herr_t status = -1;
    pthread_mutex_lock(&library_lock);
    H5E_BEGIN_TRY
    {
        hid_t space = H5Dget_space(column->dataset), memory = H5Screate_simple(1, &count, NULL);
        if (H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0)
            status = H5Dread(column->dataset, types[trace_column_kinds[id].width], memory, space, H5P_DEFAULT, out);
        H5Sclose(space);
        H5Sclose(memory);
    }
    H5E_END_TRY;
    pthread_mutex_unlock(&library_lock);
    return status < 0 ? -EINVAL : 0;
}

/* Columns that need no spreading are read to where they shall be and visited there. */
static int read_straight(const struct trace_column *column, const struct trace_file *file, enum trace_column_id id,
                         uint32_t chunk, uint32_t n, void *to, struct trace_scratch *s)
{
    if (column->mode == COLUMN_LIBRARY)
        return read_library(column, id, chunk, n, to);
    if (column->mode == COLUMN_FLAT)
        return read_bytes(file, column->address + (uint64_t)chunk * TRACE_CHUNK * column->width, to,
                          (size_t)n * column->width);
    return unpack(column, file, chunk, to, s);
}

/* Is the column in the file as it shall be in memory? A chunk may be longer than what is wanted of it. */
static bool straight(const struct trace_column *column, unsigned width, uint32_t n)
{
    if (column->mode == COLUMN_CHUNKED)
        return column->width == width && !column->shuffled && n == column->length;
    return column->mode == COLUMN_LIBRARY || column->width == width;
}

int trace_column_read(const struct trace_column *column, const struct trace_file *file, enum trace_column_id id,
                      uint32_t chunk, uint32_t n, void *out, trace_column_visit *visit, void *context,
                      struct trace_scratch *s, struct trace_error *error)
{
    unsigned width = trace_column_kinds[id].width;
    bool direct = straight(column, width, n);
    void *to = direct && out ? out : s->planes;
    int err = read_straight(column, file, id, chunk, n, to, s);
    if (err)
        return trace_fail(error, -err, "%s: chunk %u of /trace/%s cannot be decoded; the file is damaged or cut short",
                          file->path, chunk, trace_column_kinds[id].name);
    if (!direct)
        spread_all(column, width, s, n, out, visit, context);
    else if (visit)
        visit(context, to, 0, n);
    return 0;
}
