/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/trace_attribute.h"
#include "datasets/trace_digest.h"
#include "datasets/trace_private.h"
#include "datasets/trace_table.h"

#define TIME_MAX ((uint64_t)1 << 62)

void trace_free(struct trace *trace)
{
    if (!trace)
        return;
    for (unsigned i = 0; i < TRACE_COLUMNS; i++)
        trace_column_close(&trace->column[i]);
    for (uint32_t i = 0; trace->stored && i < trace->meta.chunks; i++)
        trace_block_release(&trace->stored[i]);
    free(trace->stored);
    free(trace->addresses);
    free(trace->nodes);
    free(trace->index);
    free(trace->gaps);
    free(trace->renumber);
    if (trace->file.hdf5 >= 0)
        H5Fclose(trace->file.hdf5);
    if (trace->file.fd >= 0)
        close(trace->file.fd);
    free(trace);
}

void trace_close(struct trace *trace)
{
    trace_free(trace);
}

const struct trace_meta *trace_meta(const struct trace *trace)
{
    return &trace->meta;
}

const uint64_t *trace_addresses(const struct trace *trace)
{
    return trace->addresses;
}

const node_t *trace_page_nodes(const struct trace *trace)
{
    return trace->nodes;
}

/* "traces/boot.h5" -> "boot" */
static void name_from_path(const char *path, char *name, size_t size)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    const char *dot = strrchr(base, '.');
    int length = dot && dot != base ? (int)(dot - base) : (int)strlen(base);
    snprintf(name, size, "%.*s", length, base);
}

/* Regular, and beginning with HDF5's signature: the library is not let near anything else. */
static int open_plain(struct trace_file *file, struct trace_error *error)
{
    static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    unsigned char head[8];
    struct stat status;
    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0 || fstat(file->fd, &status))
        return trace_fail(error, errno, "%s: %s", file->path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return trace_fail(error, EINVAL, "%s: not a regular file; a trace cannot be read from a pipe or folder",
                          file->path);
    file->size = (uint64_t)status.st_size;
    if (pread(file->fd, head, sizeof head, 0) != sizeof head || memcmp(head, signature, sizeof head))
        return trace_fail(error, EINVAL, "%s: not an HDF5 file; 'mirrorball import' makes a trace of other formats",
                          file->path);
    return 0;
}

/* A recorder that was killed leaves its mark in the superblock (version 3, flag of a single writer); its file is sound
 * all the same. One attempt per piece of metadata: nobody writes any more, and a damaged piece stays damaged. */
static hid_t open_unfinished(const struct trace_file *file)
{
    unsigned char head[12];
    if (pread(file->fd, head, sizeof head, 0) != sizeof head || head[8] != 3 || !(head[11] & 4))
        return -1;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_metadata_read_attempts(access, 1);
    hid_t hdf5 = H5Fopen(file->path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access);
    H5Pclose(access);
    return hdf5;
}

static int open_hdf5(struct trace_file *file, struct trace_error *error)
{
    file->hdf5 = H5Fopen(file->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file->hdf5 < 0)
        file->hdf5 = open_unfinished(file);
    if (file->hdf5 < 0)
        return trace_fail(error, EINVAL, "%s: HDF5 cannot open it; the file is damaged or cut short", file->path);
    if (H5Lexists(file->hdf5, "/trace", H5P_DEFAULT) <= 0)
        return trace_fail(error, EINVAL, "%s: no group /trace; this HDF5 file is not a trace", file->path);
    return 0;
}

static int open_columns(struct trace *trace, bool unfinished, struct trace_error *error)
{
    uint64_t records = UINT64_MAX;
    for (unsigned i = 0; i < TRACE_COLUMNS; i++) {
        struct trace_column *column = &trace->column[i];
        int err = trace_column_open(column, &trace->file, i, error);
        if (err)
            return err;
        if (column->mode == COLUMN_ABSENT)
            continue;
        trace->meta.columns |= trace_column_kinds[i].has;
        uint64_t present = column->records;
        if (unfinished && trace_column_present(column) * TRACE_CHUNK < present)
            present = trace_column_present(column) * TRACE_CHUNK;
        if (!unfinished && records != UINT64_MAX && present != records)
            return trace_fail(error, EINVAL, "%s: /trace/%s has %llu records, other columns %llu; they must agree",
                              trace->file.path, trace_column_kinds[i].name, (unsigned long long)present,
                              (unsigned long long)records);
        records = present < records ? present : records;
    }
    trace->meta.records = records;
    if ((trace->meta.records + TRACE_CHUNK - 1) / TRACE_CHUNK > UINT32_MAX)
        return trace_fail(error, EFBIG, "%s: more than 2^32 chunks", trace->file.path);
    trace->meta.chunks = (uint32_t)((trace->meta.records + TRACE_CHUNK - 1) / TRACE_CHUNK);
    return 0;
}

static int read_pages(struct trace *trace, struct trace_error *error)
{
    const struct trace_file *file = &trace->file;
    void *rows;
    uint64_t pages, nodes;
    int err = trace_table_read(file, "/pages/address", H5T_NATIVE_UINT64, 8, UINT32_MAX - 1, &rows, &pages, error);
    trace->addresses = rows;
    if (err)
        return err;
    if (!rows && trace->meta.records)
        return trace_fail(error, EINVAL, "%s: no page table /pages/address; see docs/trace-format.md", file->path);
    trace->meta.pages = (uint32_t)pages;
    if (!rows)
        trace->addresses = calloc(1, sizeof *trace->addresses);
    err = trace_table_read(file, "/pages/node", H5T_NATIVE_UINT8, 1, UINT32_MAX - 1, &rows, &nodes, error);
    trace->nodes = rows;
    if (!err && rows && nodes < pages)
        err = trace_fail(error, EINVAL, "%s: /pages/node has %llu rows, /pages/address %llu; they must agree",
                         file->path, (unsigned long long)nodes, (unsigned long long)pages);
    bool known = false;
    for (uint64_t i = 0; !err && rows && i < pages; i++) {
        if (trace->nodes[i] >= NODE_MAX)
            trace->nodes[i] = NODE_NONE;
        known |= trace->nodes[i] != NODE_NONE;
    }
    if (!known) {
        free(trace->nodes);
        trace->nodes = NULL;
    }
    return err;
}

struct page_order {
    uint64_t address;
    uint32_t page;
};

static int by_address(const void *a, const void *b)
{
    const struct page_order *x = a, *y = b;
    return (x->address > y->address) - (x->address < y->address);
}

/* A recording that was cut off has its pages as first seen: sort them, and remember the way. */
static int renumber(struct trace *trace, struct trace_error *error)
{
    uint32_t n = trace->meta.pages;
    struct page_order *order = malloc((n + 1) * sizeof *order);
    node_t *nodes = trace->nodes ? malloc(n + 1) : NULL;
    trace->renumber = malloc((n + 1) * sizeof *trace->renumber);
    if (!order || !trace->renumber || (trace->nodes && !nodes)) {
        free(order);
        free(nodes);
        return trace_fail(error, ENOMEM, "%s: out of memory for %u pages", trace->file.path, n);
    }
    for (uint32_t i = 0; i < n; i++)
        order[i] = (struct page_order){trace->addresses[i], i};
    qsort(order, n, sizeof *order, by_address);
    for (uint32_t i = 0; i < n; i++) {
        trace->addresses[i] = order[i].address;
        trace->renumber[order[i].page] = i;
        if (nodes)
            nodes[i] = trace->nodes[order[i].page];
    }
    free(trace->nodes);
    trace->nodes = nodes;
    free(order);
    return 0;
}

static int check_addresses(const struct trace *trace, struct trace_error *error)
{
    for (uint32_t i = 1; i < trace->meta.pages; i++)
        if (trace->addresses[i] <= trace->addresses[i - 1])
            return trace_fail(error, EINVAL, "%s: /pages/address does not ascend at page %u; pages must be sorted",
                              trace->file.path, i);
    for (uint32_t i = 0; i < trace->meta.pages; i++)
        if (trace->addresses[i] & (trace->meta.page_size - 1))
            return trace_fail(error, EINVAL, "%s: the address of page %u is not a multiple of the page size %u",
                              trace->file.path, i, trace->meta.page_size);
    return 0;
}

static int read_gaps(struct trace *trace, struct trace_error *error)
{
    hid_t type = trace_table_gap_type();
    void *rows;
    int err = trace_table_read(&trace->file, "/trace/gaps", type, sizeof(struct trace_gap), UINT64_MAX, &rows,
                               &trace->ngaps, error);
    H5Tclose(type);
    trace->gaps = rows;
    uint64_t sum = 0;
    for (uint64_t i = 0; !err && i < trace->ngaps; i++) {
        const struct trace_gap *gap = &trace->gaps[i];
        sum += gap->more < TIME_MAX ? gap->more : TIME_MAX;
        if ((i && gap->record <= gap[-1].record) || sum >= TIME_MAX)
            err = trace_fail(error, EINVAL, "%s: row %llu of /trace/gaps is out of order or too large",
                             trace->file.path, (unsigned long long)i);
    }
    return err;
}

/* No /chunks in the file: one pass over steps and pages makes it. */
static int build_index(struct trace *trace, struct trace_error *error)
{
    struct trace_scratch scratch;
    uint32_t *values = malloc(TRACE_CHUNK * sizeof *values);
    uint64_t now = 0, gap = 0;
    trace->index = calloc(trace->meta.chunks + 1, sizeof *trace->index);
    int err = trace_scratch_init(&scratch);
    if (!values || !trace->index || err)
        err = trace_fail(error, ENOMEM, "%s: out of memory", trace->file.path);
    for (uint32_t c = 0; !err && c < trace->meta.chunks; c++) {
        uint64_t first = (uint64_t)c * TRACE_CHUNK, left = trace->meta.records - first;
        uint32_t n = left < TRACE_CHUNK ? (uint32_t)left : TRACE_CHUNK;
        err = trace_column_read(&trace->column[COLUMN_DT], &trace->file, COLUMN_DT, c, n, values, NULL, NULL, &scratch,
                                error);
        for (uint32_t i = 0; !err && i < n; i++) {
            now += first + i ? values[i] : 0;
            while (gap < trace->ngaps && trace->gaps[gap].record <= first + i)
                now += trace->gaps[gap++].more;
            if (i == 0)
                trace->index[c] = (struct trace_index){now, 0, UINT32_MAX, n};
        }
    }
    trace_scratch_free(&scratch);
    free(values);
    return err;
}

static int check_index(const struct trace *trace, uint64_t rows, struct trace_error *error)
{
    if (rows < trace->meta.chunks)
        return trace_fail(error, EINVAL, "%s: /chunks has %llu rows, the columns have %u chunks", trace->file.path,
                          (unsigned long long)rows, trace->meta.chunks);
    for (uint32_t c = 0; c < trace->meta.chunks; c++) {
        const struct trace_index *index = &trace->index[c];
        uint64_t left = trace->meta.records - (uint64_t)c * TRACE_CHUNK;
        if (index->count != (left < TRACE_CHUNK ? left : TRACE_CHUNK))
            return trace_fail(error, EINVAL, "%s: row %u of /chunks counts %u records; all but the last must have %d",
                              trace->file.path, c, index->count, TRACE_CHUNK);
        if (index->first_time >= TIME_MAX || (c && index->first_time < index[-1].first_time))
            return trace_fail(error, EINVAL, "%s: the first time in row %u of /chunks goes backwards or is too large",
                              trace->file.path, c);
    }
    return 0;
}

static int read_index(struct trace *trace, struct trace_error *error)
{
    hid_t type = trace_table_index_type();
    void *rows;
    uint64_t n;
    int err = trace_table_read(&trace->file, "/chunks", type, sizeof(struct trace_index), UINT32_MAX, &rows, &n, error);
    H5Tclose(type);
    trace->index = rows;
    if (!err && !rows && trace->meta.chunks) {
        err = build_index(trace, error);
        n = trace->meta.chunks;
    }
    return err ? err : check_index(trace, n, error);
}

/* CPUs are those of the attribute, else counted. */
static int count_cpus(struct trace *trace, struct trace_error *error)
{
    struct trace_scratch scratch;
    uint16_t *cpu = malloc(TRACE_CHUNK * sizeof *cpu);
    uint32_t greatest = 0;
    int err = trace_scratch_init(&scratch);
    if (!cpu || err)
        err = trace_fail(error, ENOMEM, "%s: out of memory", trace->file.path);
    for (uint32_t c = 0; !err && c < trace->meta.chunks; c++) {
        err = trace_column_read(&trace->column[COLUMN_CPU], &trace->file, COLUMN_CPU, c, trace->index[c].count, cpu,
                                NULL, NULL, &scratch, error);
        for (uint32_t i = 0; !err && i < trace->index[c].count; i++)
            greatest = cpu[i] > greatest ? cpu[i] : greatest;
    }
    trace_scratch_free(&scratch);
    free(cpu);
    if (!err && greatest >= CPU_MAX)
        err =
            trace_fail(error, EINVAL, "%s: CPU %u; at most %d CPUs are supported", trace->file.path, greatest, CPU_MAX);
    trace->meta.cpus = greatest + 1;
    return err;
}

static int last_time(struct trace *trace, struct trace_error *error)
{
    if (!trace->meta.chunks)
        return 0;
    struct trace_block *block = trace_block_new(trace);
    int err = block ? trace_decode(trace, trace->meta.chunks - 1, block, error)
                    : trace_fail(error, ENOMEM, "%s: out of memory for one chunk", trace->file.path);
    if (!err) {
        trace->meta.first_time = trace->index[0].first_time;
        trace->meta.last_time = block->time[block->n - 1];
    }
    trace_block_free(block);
    return err;
}

static int open_all(struct trace *trace, struct trace_error *error)
{
    bool found_digest = false, found_misses = false;
    struct trace_meta *meta = &trace->meta;
    int err = open_plain(&trace->file, error);
    if (!err)
        err = open_hdf5(&trace->file, error);
    if (!err)
        err = trace_attribute_read(trace->file.hdf5, trace->file.path, meta, &found_digest, &found_misses, error);
    if (err)
        return err;
    bool unfinished = trace_attribute_unfinished(trace->file.hdf5);
    err = open_columns(trace, unfinished, error);
    if (!err)
        err = read_pages(trace, error);
    if (!err && unfinished)
        err = renumber(trace, error);
    if (!err)
        err = check_addresses(trace, error);
    if (!err)
        err = read_gaps(trace, error);
    if (!err)
        err = read_index(trace, error);
    if (!err && !meta->cpus)
        err = count_cpus(trace, error);
    if (!err)
        err = last_time(trace, error);
    if (!err && (!found_digest || (!found_misses && (meta->columns & TRACE_HAS_WEIGHT))))
        err = trace_digest_scan(trace, &meta->digest, &meta->misses, error);
    else if (!(meta->columns & TRACE_HAS_WEIGHT))
        meta->misses = meta->records;
    if (!meta->name[0])
        name_from_path(trace->file.path, meta->name, sizeof meta->name);
    return err;
}

int trace_open(const char *path, struct trace **out, struct trace_error *error)
{
    struct trace *trace = calloc(1, sizeof *trace);
    *out = NULL;
    if (!trace)
        return trace_fail(error, ENOMEM, "%s: out of memory", path);
    trace->file.fd = -1;
    trace->file.hdf5 = -1;
    for (unsigned i = 0; i < TRACE_COLUMNS; i++)
        trace->column[i].dataset = -1;
    int err;
    if (strlen(path) >= sizeof trace->file.path) {
        err = trace_fail(error, ENAMETOOLONG, "%.60s...: the path is too long", path);
    } else {
        strcpy(trace->file.path, path);
        trace_quiet();
        H5E_BEGIN_TRY
        {
            err = open_all(trace, error);
        }
        H5E_END_TRY;
    }
    if (err) {
        H5E_BEGIN_TRY
        {
            trace_free(trace);
        }
        H5E_END_TRY;
        return err;
    }
    *out = trace;
    return 0;
}
