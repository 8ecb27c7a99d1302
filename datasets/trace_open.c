/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/guard.h"
#include "datasets/trace_attribute.h"
#include "datasets/trace_collect_file.h"
#include "datasets/trace_digest.h"
#include "datasets/trace_private.h"
#include "datasets/trace_tables.h"

/* Values that are decoded by the library twice, first in the child: seconds. */
enum { REHEARSED_MAX = 1 << 27 };

/* Attributes that spare a pass over the trace. */
struct found {
    bool digest, misses;
};

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
    trace_collect_free(&trace->collect);
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
    return err ? err : trace_tables_check_index(trace, trace->meta.chunks, error);
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

/* All that the HDF5 library does with a file, but for columns it must decode itself. */
static int open_tables(struct trace *trace, struct found *found, struct trace_error *error)
{
    int err = open_plain(&trace->file, error);
    if (!err)
        err = open_hdf5(&trace->file, error);
    if (!err)
        err = trace_attribute_read(trace->file.hdf5, trace->file.path, &trace->meta, &found->digest, &found->misses,
                                   error);
    if (err)
        return err;
    bool unfinished = trace_attribute_unfinished(trace->file.hdf5);
    err = open_columns(trace, unfinished, error);
    if (!err)
        err = trace_tables_read(trace, unfinished, error);
    return err ? err : trace_collect_read(&trace->file, &trace->collect, error);
}

static int open_all(struct trace *trace, struct trace_error *error)
{
    struct found found = {false, false};
    struct trace_meta *meta = &trace->meta;
    int err = open_tables(trace, &found, error);
    if (!err && !trace->index)
        err = build_index(trace, error);
    if (!err && !meta->cpus)
        err = count_cpus(trace, error);
    if (!err)
        err = last_time(trace, error);
    if (!err && (!found.digest || (!found.misses && (meta->columns & TRACE_HAS_WEIGHT))))
        err = trace_digest_scan(trace, &meta->digest, &meta->misses, error);
    else if (!(meta->columns & TRACE_HAS_WEIGHT))
        meta->misses = meta->records;
    if (!meta->name[0])
        name_from_path(trace->file.path, meta->name, sizeof meta->name);
    return err;
}

static struct trace *trace_new(const char *path)
{
    struct trace *trace = calloc(1, sizeof *trace);
    if (!trace)
        return NULL;
    trace->file.fd = -1;
    trace->file.hdf5 = -1;
    for (unsigned i = 0; i < TRACE_COLUMNS; i++)
        trace->column[i].dataset = -1;
    strcpy(trace->file.path, path);
    return trace;
}

static void rehearse_column(const struct trace *trace, enum trace_column_id id, uint64_t *budget)
{
    const struct trace_column *column = &trace->column[id];
    struct trace_scratch scratch;
    struct trace_error error;
    if (column->mode != COLUMN_LIBRARY || trace_scratch_init(&scratch))
        return;
    for (uint64_t first = 0; first < column->records && *budget; first += TRACE_CHUNK) {
        uint64_t left = column->records - first;
        uint32_t n = left < TRACE_CHUNK ? (uint32_t)left : TRACE_CHUNK;
        *budget -= n < *budget ? n : *budget;
        if (trace_column_read(column, &trace->file, id, (uint32_t)(first / TRACE_CHUNK), n, NULL, NULL, NULL, &scratch,
                              &error))
            break;
    }
    trace_scratch_free(&scratch);
}

/* What the library will do with this file from opening to closing; only whether it survives counts. */
static void rehearse(void *path)
{
    struct trace *trace = trace_new(path);
    struct trace_error error;
    struct found found;
    uint64_t budget = REHEARSED_MAX;
    H5E_BEGIN_TRY
    {
        if (trace && !open_tables(trace, &found, &error))
            for (unsigned i = 0; i < TRACE_COLUMNS; i++)
                rehearse_column(trace, i, &budget);
        trace_free(trace);
    }
    H5E_END_TRY;
}

int trace_open(const char *path, struct trace **out, struct trace_error *error)
{
    struct stat status;
    char name[sizeof(((struct trace_file *)NULL)->path)];
    *out = NULL;
    if (strlen(path) >= sizeof name)
        return trace_fail(error, ENAMETOOLONG, "%.60s...: the path is too long", path);
    strcpy(name, path);
    trace_quiet();
    H5open(); /* once here, not once more in the child */
    if (!guard(rehearse, name, stat(path, &status) ? 0 : (uint64_t)status.st_size))
        return trace_fail(error, EINVAL, "%s: is damaged so badly that HDF5 cannot read it", path);
    struct trace *trace = trace_new(name);
    if (!trace)
        return trace_fail(error, ENOMEM, "%s: out of memory", path);
    int err;
    H5E_BEGIN_TRY
    {
        err = open_all(trace, error);
        if (err)
            trace_free(trace);
    }
    H5E_END_TRY;
    *out = err ? NULL : trace;
    return err;
}
