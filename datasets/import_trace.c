/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A trace again: cut, folded, moved in time, or compressed another way. Provenance is kept.
 */
#include <errno.h>

#include "datasets/import_private.h"

static struct trace_record record_at(const struct trace *trace, const struct trace_block *b, uint32_t i)
{
    const node_t *nodes = trace_page_nodes(trace);
    return (struct trace_record){.time = b->time[i],
                                 .address = trace_addresses(trace)[b->page[i]],
                                 .weight = b->weight ? b->weight[i] : 1,
                                 .latency_ns = b->latency_ns ? b->latency_ns[i] : 0,
                                 .tid = b->tid ? b->tid[i] : 0,
                                 .cpu = b->cpu[i],
                                 .flags = b->flags[i],
                                 .node = nodes ? nodes[b->page[i]] : (node_t)NODE_NONE};
}

static int put_block(const struct trace *trace, const struct trace_block *block, struct import_sink *sink,
                     struct trace_error *error)
{
    int err = 0;
    for (uint32_t i = 0; !err && !sink->full && i < block->n; i++) {
        struct trace_record record = record_at(trace, block, i);
        err = import_put(sink, &record, error);
    }
    return err;
}

int import_trace(const char *path, struct import_sink *sink, struct trace_error *error)
{
    struct trace *trace;
    int err = trace_open(path, &trace, error);
    if (err)
        return err;
    struct trace_meta meta = *trace_meta(trace);
    struct trace_block *block = trace_block_new(trace);
    uint32_t chunks = meta.chunks;
    err = block ? import_start(sink, &meta, false, error) : trace_fail(error, ENOMEM, "%s: out of memory", path);
    for (uint32_t c = 0; !err && !sink->full && c < chunks; c++) {
        err = trace_decode(trace, c, block, error);
        if (!err)
            err = put_block(trace, block, sink, error);
        if (!err)
            err = import_pulse(sink, NULL, error);
    }
    struct trace_collect *collect = err ? NULL : trace_writer_collect(sink->writer);
    if (!err && trace_collect_copy(collect, trace_collect_of(trace)))
        err = trace_fail(error, ENOMEM, "%s: out of memory", path);
    if (!err && sink->options->rebase)
        trace_collect_rebase(collect, sink->first_time);
    trace_block_free(block);
    trace_close(trace);
    return err;
}
