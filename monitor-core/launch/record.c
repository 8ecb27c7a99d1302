/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/launch/record.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "monitor-core/space.h"

enum { PAGE = 4096, LINE = 64, PAGES_PER_MB = 256 };

#define COPY_TEXT(to, from) snprintf(to, sizeof(to), "%s", from)

void record_init(struct record *r, const char *path, const struct plan *plan)
{
    memset(r, 0, sizeof *r);
    r->path = path;
    r->plan = plan;
}

/* Slots are dense over the VMs in the order of the configuration. */
static bool address_of(const struct record *r, uint32_t slot, uint64_t *address)
{
    uint64_t first = 0;
    for (uint32_t vm = 0; vm < r->plan->nvms; vm++) {
        uint64_t pages = (uint64_t)r->plan->vm[vm].memory_mb * PAGES_PER_MB;
        if (slot < first + pages) {
            uint64_t at = (slot - first) * PAGE;
            at = at < SPACE_HOLE ? at : at - SPACE_HOLE + SPACE_HIGH;
            *address = (uint64_t)vm << RECORD_VM_SHIFT | at;
            return true;
        }
        first += pages;
    }
    return false;
}

static void begin(struct record *r, const struct telemetry_hello *h)
{
    struct trace_meta meta = {.cpus = h->cpus,
                              .nodes = h->nodes,
                              .page_size = PAGE,
                              .line_size = LINE,
                              .period = h->weight ? h->weight : 1,
                              .columns = TRACE_HAS_WEIGHT,
                              .labels = TRACE_PAGE_TOUCH | TRACE_ALL_ACCESSES};
    struct utsname host;
    memset(meta.cpu_node, NODE_NONE, sizeof meta.cpu_node);
    memset(r->cpu, 0xff, sizeof r->cpu);
    for (uint32_t c = h->cpus; c-- > 0;) {
        meta.cpu_node[c] = h->cpu_node[c];
        r->cpu[h->cpu_node[c]] = (uint16_t)c;
    }
    COPY_TEXT(meta.source, "monitor A bits");
    snprintf(meta.event, sizeof meta.event, "accessed bits harvested every %u ms, and nested faults",
             (unsigned)h->harvest_ms);
    if (uname(&host) == 0)
        COPY_TEXT(meta.host, host.nodename);
    snprintf(meta.note, sizeof meta.note,
             "recorded under policy %.200s; addresses are VM number << 40 | guest physical address; "
             "an access is told by the first CPU of its node",
             h->policy);
    r->nodes = h->nodes;
    r->slots = h->slots;
    r->failed = trace_writer_open(r->path, &meta, TRACE_DEFLATE, &r->writer, &r->error) != 0;
}

static void add(struct record *r, const struct telemetry_observation *o)
{
    struct trace_record record = {.time = o->time < r->last_time ? r->last_time : o->time,
                                  .weight = UINT32_C(1) << (o->what >> 4),
                                  .flags = (o->what & 15) == EVENT_WRITE ? TRACE_WRITE : TRACE_READ,
                                  .node = NODE_NONE};
    if (o->node >= r->nodes || r->cpu[o->node] == UINT16_MAX || o->slot >= r->slots ||
        !address_of(r, o->slot, &record.address)) {
        r->strange++;
        return;
    }
    record.cpu = r->cpu[o->node];
    r->last_time = record.time;
    r->failed = trace_writer_add(r->writer, &record, &r->error) != 0;
}

void record_frame(struct record *r, const struct telemetry_frame *f)
{
    if (!r->path || r->failed)
        return;
    if (f->type == TELEMETRY_HELLO && !r->writer && f->size == sizeof(struct telemetry_hello)) {
        struct telemetry_hello hello;
        memcpy(&hello, f->body, sizeof hello);
        hello.policy[sizeof hello.policy - 1] = 0;
        begin(r, &hello);
    } else if (f->type == TELEMETRY_OBSERVED && r->writer) {
        struct telemetry_observation o = {0};
        for (size_t at = 0; !r->failed && telemetry_reader_next(f->body, f->size, &at, &o);)
            add(r, &o);
    }
}

int record_close(struct record *r, uint64_t lost, const char *command, struct trace_error *why)
{
    if (!r->path)
        return 0;
    if (r->failed || !r->writer) {
        if (r->writer)
            trace_writer_abort(r->writer);
        if (!r->failed)
            snprintf(r->error.text, sizeof r->error.text, "%.300s: not written: the monitor has told nothing", r->path);
        *why = r->error;
        r->writer = NULL;
        return -ENODATA;
    }
    struct trace_meta *meta = trace_writer_meta(r->writer);
    time_t now = time(NULL);
    struct tm utc;
    meta->lost = lost;
    snprintf(meta->command, sizeof meta->command, "%.*s", (int)sizeof meta->command - 1, command);
    strftime(meta->date, sizeof meta->date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    struct trace_writer *writer = r->writer;
    r->writer = NULL;
    return trace_writer_close(writer, NULL, why);
}
