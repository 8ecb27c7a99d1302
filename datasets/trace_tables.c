/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/trace_tables.h"

#include <errno.h>
#include <stdlib.h>

#include "datasets/trace_table.h"

#define TIME_MAX ((uint64_t)1 << 62)

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

int trace_tables_check_index(const struct trace *trace, uint64_t rows, struct trace_error *error)
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
    return err || !rows ? err : trace_tables_check_index(trace, n, error);
}

int trace_tables_read(struct trace *trace, bool unfinished, struct trace_error *error)
{
    int err = read_pages(trace, error);
    if (!err && unfinished)
        err = renumber(trace, error);
    if (!err)
        err = check_addresses(trace, error);
    if (!err)
        err = read_gaps(trace, error);
    return err ? err : read_index(trace, error);
}
