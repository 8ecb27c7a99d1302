/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/trace_work.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datasets/trace_attribute.h"
#include "datasets/trace_schema.h"
#include "datasets/trace_table.h"

enum { GAP_CHUNK = 4096, INDEX_CHUNK = 256, PAGE_CHUNK = 65536 };

struct trace_work {
    hid_t file, column[TRACE_COLUMNS];
    hid_t index, gaps, address, node;
    hid_t index_type, gap_type;
    uint32_t cpus; /* as declared; 0: two bytes per CPU */
    uint64_t chunks, ngaps, npages;
    uint64_t records, last;
    uint32_t *dt;
    unsigned char *narrow;
    char path[512];
};

static hid_t appendable(struct trace_work *w, const char *name, hid_t type, uint32_t chunk)
{
    return trace_schema_dataset(w->file, name, type, 0, chunk, true, TRACE_NONE);
}

static int create_columns(struct trace_work *w, unsigned columns)
{
    for (unsigned i = 0; i < TRACE_COLUMNS; i++) {
        const struct trace_column_kind *kind = &trace_column_kinds[i];
        char name[64] = "/trace/";
        if (kind->has && !(columns & kind->has))
            continue;
        w->column[i] = appendable(w, strcat(name, kind->name), trace_schema_type(i, w->cpus), TRACE_CHUNK);
        if (w->column[i] < 0)
            return -EIO;
    }
    w->index = appendable(w, "/chunks", w->index_type, INDEX_CHUNK);
    w->gaps = appendable(w, "/trace/gaps", w->gap_type, GAP_CHUNK);
    w->address = appendable(w, "/pages/address", H5T_STD_U64LE, PAGE_CHUNK);
    w->node = appendable(w, "/pages/node", H5T_STD_U8LE, PAGE_CHUNK);
    return w->index < 0 || w->gaps < 0 || w->address < 0 || w->node < 0 ? -EIO : 0;
}

static struct trace_work *work_new(const char *path, uint32_t cpus)
{
    struct trace_work *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    for (unsigned i = 0; i < TRACE_COLUMNS; i++)
        w->column[i] = -1;
    w->index = w->gaps = w->address = w->node = -1;
    w->index_type = trace_table_index_type();
    w->gap_type = trace_table_gap_type();
    w->cpus = cpus;
    w->dt = malloc(TRACE_CHUNK * sizeof *w->dt);
    w->narrow = malloc(TRACE_CHUNK);
    snprintf(w->path, sizeof w->path, "%s", path);
    w->file = trace_schema_create(path);
    return w;
}

int trace_work_create(const char *path, const struct trace_meta *meta, struct trace_work **out,
                      struct trace_error *error)
{
    int err = 0;
    *out = NULL;
    trace_quiet();
    H5E_BEGIN_TRY
    {
        struct trace_work *w = work_new(path, meta->cpus);
        if (!w || !w->dt || !w->narrow)
            err = trace_fail(error, ENOMEM, "%s: out of memory", path);
        else if (w->file < 0)
            err = trace_fail(error, EIO, "%s: cannot be created; is the folder there and writable?", path);
        else if (create_columns(w, meta->columns) || trace_attribute_write(w->file, meta, true) ||
                 H5Fstart_swmr_write(w->file) < 0)
            err = trace_fail(error, EIO, "%s: cannot be written; is the disk full?", path);
        if (err && w) {
            bool created = w->file >= 0;
            trace_work_close(w);
            if (created)
                unlink(path);
        } else {
            *out = w;
        }
    }
    H5E_END_TRY;
    return err;
}

static int append(hid_t dataset, hid_t type, uint64_t at, uint64_t n, const void *rows)
{
    hsize_t total = at + n;
    if (n == 0)
        return 0;
    return H5Dset_extent(dataset, &total) < 0 ? -EIO : trace_schema_put(dataset, type, at, n, rows);
}

static int append_steps(struct trace_work *w, const struct trace_block *b)
{
    uint64_t last = w->records ? w->last : b->time[0];
    int err = 0;
    for (uint32_t i = 0; !err && i < b->n; i++) {
        uint64_t step = b->time[i] - last;
        w->dt[i] = (uint32_t)step;
        if (step >> 32) {
            struct trace_gap gap = {w->records + i, step & ~(uint64_t)UINT32_MAX};
            err = append(w->gaps, w->gap_type, w->ngaps++, 1, &gap);
        }
        last = b->time[i];
    }
    w->last = last;
    return err;
}

static int append_columns(struct trace_work *w, const struct trace_block *b)
{
    const void *rows[TRACE_COLUMNS] = {
        [COLUMN_DT] = w->dt,         [COLUMN_PAGE] = b->page,          [COLUMN_CPU] = b->cpu, [COLUMN_FLAGS] = b->flags,
        [COLUMN_WEIGHT] = b->weight, [COLUMN_LATENCY] = b->latency_ns, [COLUMN_TID] = b->tid,
    };
    if (trace_schema_width(COLUMN_CPU, w->cpus) == 1) {
        for (uint32_t i = 0; i < b->n; i++)
            w->narrow[i] = (unsigned char)b->cpu[i];
        rows[COLUMN_CPU] = w->narrow;
    }
    for (unsigned i = 0; i < TRACE_COLUMNS; i++)
        if (w->column[i] >= 0 && append(w->column[i], trace_schema_type(i, w->cpus), w->records, b->n, rows[i]))
            return -EIO;
    return 0;
}

/* Pages and index go first: a reader that finds a chunk's records finds what they refer to. */
static int append_all(struct trace_work *w, const struct trace_block *b, const struct trace_pages *pages)
{
    struct trace_index row;
    memset(&row, 0, sizeof row); /* its padding goes into the file as well */
    row.first_time = b->time[0];
    row.least_page = UINT32_MAX;
    row.count = b->n;
    for (uint32_t i = 0; i < b->n; i++) {
        row.least_page = b->page[i] < row.least_page ? b->page[i] : row.least_page;
        row.greatest_page = b->page[i] > row.greatest_page ? b->page[i] : row.greatest_page;
    }
    uint64_t more = pages->n - w->npages;
    if (append_steps(w, b) || append(w->address, H5T_NATIVE_UINT64, w->npages, more, pages->address + w->npages) ||
        append(w->node, H5T_NATIVE_UINT8, w->npages, more, pages->node + w->npages) ||
        append(w->index, w->index_type, w->chunks, 1, &row) || H5Fflush(w->file, H5F_SCOPE_GLOBAL) < 0)
        return -EIO;
    if (append_columns(w, b) || H5Fflush(w->file, H5F_SCOPE_GLOBAL) < 0)
        return -EIO;
    w->npages += more;
    w->chunks++;
    w->records += b->n;
    return 0;
}

int trace_work_append(struct trace_work *w, const struct trace_block *b, const struct trace_pages *pages,
                      struct trace_error *error)
{
    int err;
    H5E_BEGIN_TRY
    {
        err = append_all(w, b, pages);
    }
    H5E_END_TRY;
    return err ? trace_fail(error, EIO, "%s: cannot append; is the disk full?", w->path) : 0;
}

int trace_work_close(struct trace_work *w)
{
    herr_t status = 0;
    if (!w)
        return 0;
    H5E_BEGIN_TRY
    {
        for (unsigned i = 0; i < TRACE_COLUMNS; i++)
            H5Dclose(w->column[i]);
        H5Dclose(w->index);
        H5Dclose(w->gaps);
        H5Dclose(w->address);
        H5Dclose(w->node);
        H5Tclose(w->index_type);
        H5Tclose(w->gap_type);
        if (w->file >= 0)
            status = H5Fclose(w->file);
    }
    H5E_END_TRY;
    free(w->dt);
    free(w->narrow);
    free(w);
    return status < 0 ? -EIO : 0;
}
