/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/datasets/sample.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

void sample_make(struct sample *s, uint32_t n, uint32_t pages, uint32_t cpus, uint32_t gap, uint64_t seed)
{
    uint64_t state = seed, time = 1000;
    s->n = n;
    s->record = calloc(n + 1, sizeof *s->record);
    for (uint32_t i = 0; i < n; i++) {
        struct trace_record *r = &s->record[i];
        time += next(&state) % 3 * 100;
        if (gap && i % gap == gap - 1)
            time += ((uint64_t)7 << 32) + 5;
        uint64_t page = next(&state) % pages;
        *r = (struct trace_record){.time = time,
                                   /* 7919 is prime: pages are visited in no order, with holes between */
                                   .address = 0x40000000u + page * 7919 % pages * 3 * 4096 + next(&state) % 4096,
                                   .weight = 1 + (uint32_t)(next(&state) % 9),
                                   .latency_ns = (uint32_t)(next(&state) % 500),
                                   .tid = (uint32_t)(next(&state) % 70000),
                                   .cpu = (uint16_t)(next(&state) % cpus),
                                   .flags = (uint8_t)(next(&state) % 64),
                                   .node = NODE_NONE};
    }
}

void sample_free(struct sample *s)
{
    free(s->record);
}

struct trace_meta sample_meta(unsigned columns)
{
    struct trace_meta meta = {.period = 64,
                              .lost = 3,
                              .nodes = 2,
                              .page_size = 4096,
                              .line_size = 128,
                              .columns = columns,
                              .labels = TRACE_PAGE_TOUCH | TRACE_SYNTHETIC};
    memset(meta.cpu_node, NODE_NONE, sizeof meta.cpu_node);
    meta.cpu_node[0] = 1;
    meta.cpu_node[2] = 0;
    strcpy(meta.name, "a name");
    strcpy(meta.source, "a source");
    strcpy(meta.event, "an event");
    strcpy(meta.host, "a host");
    strcpy(meta.kernel, "a kernel");
    strcpy(meta.command, "a command");
    strcpy(meta.date, "2026-01-02");
    strcpy(meta.note, "a note, with \xc3\xa4");
    return meta;
}

struct trace *sample_trace(const struct sample *s, const struct trace_meta *meta, const char *path,
                           enum trace_compress compress)
{
    struct trace_error error = {""};
    struct trace_writer *writer;
    struct trace *trace = NULL;
    cr_assert_eq(trace_writer_open(path, meta, compress, &writer, &error), 0, "%s", error.text);
    for (uint32_t i = 0; i < s->n; i++)
        cr_assert_eq(trace_writer_add(writer, &s->record[i], &error), 0, "%s", error.text);
    cr_assert_eq(trace_writer_close(writer, &trace, &error), 0, "%s", error.text);
    cr_assert_not_null(trace);
    return trace;
}

/* Asserting each value would take seconds. */
static bool same_record(const struct sample *s, const struct trace *trace, const struct trace_block *b, uint32_t k)
{
    const struct trace_record *r = &s->record[b->first + k];
    return b->time[k] == r->time && b->page[k] < trace_meta(trace)->pages &&
           trace_addresses(trace)[b->page[k]] == (r->address & ~(uint64_t)4095) && b->cpu[k] == r->cpu &&
           b->flags[k] == r->flags && (!b->weight || b->weight[k] == r->weight) &&
           (!b->latency_ns || b->latency_ns[k] == r->latency_ns) && (!b->tid || b->tid[k] == r->tid);
}

void sample_compare(const struct sample *s, const struct trace *trace)
{
    struct trace_error error = {""};
    struct trace_block *block = trace_block_new(trace);
    uint64_t records = 0;
    cr_assert_not_null(block);
    for (uint32_t c = 0; c < trace_meta(trace)->chunks; c++) {
        cr_assert_eq(trace_decode(trace, c, block, &error), 0, "%s", error.text);
        cr_assert_eq(block->first, records);
        cr_assert_leq(block->first + block->n, s->n);
        for (uint32_t k = 0; k < block->n; k++)
            if (!same_record(s, trace, block, k))
                cr_assert_fail("record %lu is not as written", (unsigned long)(block->first + k));
        records += block->n;
    }
    trace_block_free(block);
    cr_assert_eq(records, s->n);
    for (uint32_t i = 1; i < trace_meta(trace)->pages; i++)
        cr_assert_lt(trace_addresses(trace)[i - 1], trace_addresses(trace)[i]);
}

void sample_folder(char *folder, size_t size)
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, size, "%s/mirrorball-test-XXXXXX", base ? base : "/tmp");
    cr_assert_not_null(mkdtemp(folder));
}

const char *sample_path(const char *folder, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

void sample_remove(const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            unlink(sample_path(folder, entry->d_name));
    if (dir)
        closedir(dir);
    rmdir(folder);
}
