/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/trace_stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/trace_private.h"

const char *const trace_sharing_names[SHARING_CLASSES] = {"private", "read-shared by all", "read-shared by some",
                                                          "read-mostly", "write-shared"};

#define COUNTS_BYTES_MAX ((uint64_t)1 << 30)

/* What is kept of a page beside its misses per CPU. */
struct page {
    uint64_t writes;
    uint16_t first; /* CPU */
    bool touched, shared, written_late;
};

struct tally {
    const struct trace *trace;
    struct trace_stats *stats;
    struct page *page;
    uint64_t *misses; /* [page * cpus + cpu] */
};

static void count_page(struct tally *t, uint32_t page, uint32_t cpu, bool write, uint64_t weight)
{
    struct page *p = &t->page[page];
    if (!p->touched) {
        p->touched = true;
        p->first = (uint16_t)cpu;
    }
    p->shared = p->shared || cpu != p->first;
    p->written_late = p->written_late || (write && p->shared);
    p->writes += write ? weight : 0;
    t->misses[(size_t)page * t->trace->meta.cpus + cpu] += weight;
}

/* The node of a CPU when the trace was recorded; one CPU per node where it does not say. */
static node_t node_of(const struct trace_meta *meta, uint32_t cpu)
{
    return meta->cpu_node[cpu] != NODE_NONE ? meta->cpu_node[cpu] : (node_t)(cpu < NODE_MAX ? cpu : NODE_NONE);
}

static void count_block(struct tally *t, const struct trace_block *b)
{
    struct trace_stats *s = t->stats;
    const struct trace_meta *meta = &t->trace->meta;
    for (uint32_t i = 0; i < b->n; i++) {
        uint64_t weight = b->weight ? b->weight[i] : 1;
        unsigned kind = b->flags[i] & TRACE_KIND_MASK;
        s->kind[kind] += weight;
        s->cause[b->flags[i] >> TRACE_CAUSE_SHIFT & 3] += weight;
        s->kernel += b->flags[i] & TRACE_KERNEL ? weight : 0;
        s->dirty += b->flags[i] & TRACE_DIRTY ? weight : 0;
        s->cpu[b->cpu[i]] += weight;
        s->misses += weight;
        if (s->sharing)
            count_page(t, b->page[i], b->cpu[i], kind == TRACE_WRITE || kind == TRACE_UPGRADE, weight);
        if (s->recorded && t->trace->nodes[b->page[i]] == node_of(meta, b->cpu[i]))
            s->local_recorded += weight;
    }
    s->records += b->n;
}

static enum trace_sharing classify(const struct page *p, uint32_t sharers, uint32_t cpus, uint64_t total)
{
    if (sharers == 1)
        return SHARING_PRIVATE;
    if (!p->written_late)
        return sharers == cpus ? SHARING_READ_ALL : SHARING_READ_SOME;
    /* Not 100 x writes: weights may be large. */
    return p->writes < total / 50 + (total % 50 != 0) ? SHARING_READ_MOSTLY : SHARING_WRITE;
}

static void sum_page(struct tally *t, uint32_t page)
{
    struct trace_stats *s = t->stats;
    const struct page *p = &t->page[page];
    uint32_t cpus = t->trace->meta.cpus, sharers = 0;
    const uint64_t *misses = &t->misses[(size_t)page * cpus];
    uint64_t total = 0, most = 0;
    for (uint32_t cpu = 0; cpu < cpus; cpu++) {
        total += misses[cpu];
        sharers += misses[cpu] != 0;
        most = misses[cpu] > most ? misses[cpu] : most;
    }
    if (!sharers)
        return;
    enum trace_sharing class = classify(p, sharers, cpus, total);
    bool replicated = class == SHARING_READ_ALL || class == SHARING_READ_SOME || class == SHARING_READ_MOSTLY;
    s->touched++;
    s->pages[class]++;
    s->shared[class] += total;
    s->local_first_touch += misses[p->first];
    s->local_best += most;
    s->local_replicated += replicated ? total : most;
}

static int allocate(struct tally *t)
{
    const struct trace_meta *meta = &t->trace->meta;
    uint64_t bytes = (uint64_t)meta->pages * meta->cpus * sizeof *t->misses;
    t->stats->sharing = bytes <= COUNTS_BYTES_MAX;
    if (!t->stats->sharing)
        return 0;
    t->misses = calloc((size_t)meta->pages * meta->cpus + 1, sizeof *t->misses);
    t->page = calloc((size_t)meta->pages + 1, sizeof *t->page);
    return t->misses && t->page ? 0 : -ENOMEM;
}

int trace_stats_compute(const struct trace *trace, struct trace_stats *stats, struct trace_error *error)
{
    struct tally t = {.trace = trace, .stats = stats};
    memset(stats, 0, sizeof *stats);
    stats->recorded = trace->nodes != NULL;
    struct trace_block *block = trace_block_new(trace);
    int err = 0;
    if (!block || allocate(&t))
        err = trace_fail(error, ENOMEM, "%s: out of memory for %u pages and %u CPUs", trace->meta.name,
                         trace->meta.pages, trace->meta.cpus);
    for (uint32_t c = 0; !err && c < trace->meta.chunks; c++) {
        err = trace_decode(trace, c, block, error);
        if (!err)
            count_block(&t, block);
    }
    for (uint32_t page = 0; !err && stats->sharing && page < trace->meta.pages; page++)
        sum_page(&t, page);
    trace_block_free(block);
    free(t.misses);
    free(t.page);
    return err;
}
