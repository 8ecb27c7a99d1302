/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "datasets/synthetic.h"

enum { RECORDS = 300000, STEP_NS = 10000, BURST = 12000, PAGE = 4096 };

static void nth(enum synthetic_page kind, uint32_t cpus, uint64_t i, struct trace_record *r)
{
    bool shared = kind == SYNTHETIC_WRITE_SHARED;
    uint64_t cpu = shared ? i % cpus : i / BURST % 2;
    bool write = shared ? (i / cpus + cpu) % 4 == 0 : i % 4 == 0;
    *r = (struct trace_record){.time = i * STEP_NS,
                               .address = PAGE,
                               .cpu = (uint16_t)cpu,
                               .flags = write ? TRACE_WRITE : TRACE_READ,
                               .node = NODE_NONE};
}

int synthetic_page(enum synthetic_page kind, uint32_t cpus, struct trace **out, struct trace_error *error)
{
    struct trace_meta m = {.period = 1, .cpus = cpus, .page_size = PAGE, .line_size = 128, .labels = TRACE_SYNTHETIC};
    struct trace_writer *writer;
    int err;
    snprintf(m.name, sizeof m.name, "%s page (synthetic)",
             kind == SYNTHETIC_WRITE_SHARED ? "write-shared" : "ping-pong");
    snprintf(m.source, sizeof m.source, "synthetic: one page");
    memset(m.cpu_node, NODE_NONE, sizeof m.cpu_node);
    err = trace_writer_open(NULL, &m, TRACE_NONE, &writer, error);
    if (err)
        return err;
    for (uint64_t i = 0; !err && i < RECORDS; i++) {
        struct trace_record r;
        nth(kind, cpus, i, &r);
        err = trace_writer_add(writer, &r, error);
    }
    if (!err)
        return trace_writer_close(writer, out, error);
    trace_writer_abort(writer);
    return err;
}
