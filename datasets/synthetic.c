/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/synthetic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_SIZE = 4096, LINE_SIZE = 128, TOUCH_NS = 1000, OWNERS_MAX = 16, CPUS_MAX = 16 };
enum { CAUSE_REPLACEMENT = 1 << TRACE_CAUSE_SHIFT, CAUSE_COHERENCE = 2 << TRACE_CAUSE_SHIFT };

struct window {
    uint32_t first, pages, next; /* the owner's part of the region, and its page that comes in next */
    uint64_t change;             /* time of the next change; 0: not yet used */
    uint32_t slot[SYNTHETIC_WINDOW];
};

struct generator {
    const struct synthetic *workload;
    uint64_t seed;
    uint64_t next[CPUS_MAX]; /* time of each CPU's next record */
    struct window window[SYNTHETIC_REGIONS][OWNERS_MAX];
    uint32_t zipf[SYNTHETIC_REGIONS][SYNTHETIC_WINDOW]; /* cumulated, of 2^32 */
};

static uint32_t draw(struct generator *g)
{
    g->seed ^= g->seed >> 12;
    g->seed ^= g->seed << 25;
    g->seed ^= g->seed >> 27;
    return (uint32_t)(g->seed * UINT64_C(2685821657736338717) >> 32);
}

static uint32_t below(struct generator *g, uint32_t n)
{
    return (uint32_t)((uint64_t)draw(g) * n >> 32);
}

static uint32_t owners(const struct synthetic *w, const struct synthetic_region *r)
{
    return r->owner == OWNER_PROCESS ? w->processes : r->owner == OWNER_PROGRAM ? w->programs : 1;
}

static uint32_t owner_of(const struct synthetic *w, const struct synthetic_region *r, uint32_t process)
{
    return r->owner == OWNER_PROCESS ? process : r->owner == OWNER_PROGRAM ? process % w->programs : 0;
}

uint32_t synthetic_pages(const struct synthetic *w)
{
    uint32_t pages = 0;
    for (const struct synthetic_region *r = w->region; r < w->region + SYNTHETIC_REGIONS && r->name; r++)
        pages += r->pages * owners(w, r);
    return pages;
}

/* Six slices, then again from the start: who has run for two makes room for the one that waited, so that each process
 * runs two slices of three and comes back on the other CPU. */
uint32_t synthetic_process(const struct synthetic *w, uint32_t cpu, uint64_t time)
{
    static const uint8_t turn[2][6] = {{0, 2, 2, 1, 1, 0}, {1, 1, 0, 0, 2, 2}};
    if (!w->slice_ns)
        return cpu;
    return cpu / 2 * 3 + turn[cpu % 2][time / w->slice_ns % 6];
}

static void set_zipf(uint32_t *cumulated, uint32_t n)
{
    uint64_t sum = 0, total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += 1000000000 / (i + 1);
    for (uint32_t i = 0; i < n; i++) {
        sum += 1000000000 / (i + 1);
        cumulated[i] = (uint32_t)((sum << 32) / total - 1);
    }
}

static void start(struct generator *g, const struct synthetic *w, uint64_t seed, uint64_t time)
{
    uint32_t page = 0;
    memset(g, 0, sizeof *g);
    g->workload = w;
    g->seed = seed ? seed : 1;
    for (uint32_t i = 0; i < SYNTHETIC_REGIONS && w->region[i].name; i++) {
        const struct synthetic_region *r = &w->region[i];
        set_zipf(g->zipf[i], r->window);
        for (uint32_t owner = 0; owner < owners(w, r); owner++, page += r->pages) {
            struct window *win = &g->window[i][owner];
            *win = (struct window){.first = page, .pages = r->pages, .next = r->window % r->pages};
            for (uint32_t slot = 0; slot < r->window; slot++)
                win->slot[slot] = page + slot % r->pages;
        }
    }
    for (uint32_t cpu = 0; cpu < w->cpus; cpu++)
        g->next[cpu] = time + below(g, w->weight * (w->compute_ns + w->latency_ns));
}

static uint32_t cpu_next(const struct generator *g)
{
    uint32_t least = 0;
    for (uint32_t cpu = 1; cpu < g->workload->cpus; cpu++)
        if (g->next[cpu] < g->next[least])
            least = cpu;
    return least;
}

static uint32_t region_draw(struct generator *g)
{
    uint32_t x = below(g, 1000000), i = 0;
    while (x >= g->workload->region[i].share_ppm)
        x -= g->workload->region[i++].share_ppm;
    return i;
}

/* One page leaves for each period gone by; a process that waited does not catch up. */
static void turn_over(struct generator *g, const struct synthetic_region *r, struct window *win, uint64_t time)
{
    uint64_t period;
    if (!r->turnover || time < win->change)
        return;
    period = 1000000000 / r->turnover;
    if (win->change) {
        win->slot[below(g, r->window)] = win->first + win->next;
        win->next = (win->next + 1) % win->pages;
    }
    win->change = win->change && win->change + 8 * period > time ? win->change + period : time + period;
}

static uint32_t slot_draw(struct generator *g, uint32_t region)
{
    const struct synthetic_region *r = &g->workload->region[region];
    uint32_t slot = 0;
    if (!r->zipf)
        return below(g, r->window);
    for (uint32_t x = draw(g); g->zipf[region][slot] < x;)
        slot++;
    return slot;
}

static void next_record(struct generator *g, struct trace_record *out)
{
    const struct synthetic *w = g->workload;
    uint32_t cpu = cpu_next(g), region = region_draw(g), gap = w->weight * (w->compute_ns + w->latency_ns);
    const struct synthetic_region *r = &w->region[region];
    uint32_t process = synthetic_process(w, cpu, g->next[cpu]);
    struct window *win = &g->window[region][owner_of(w, r, process)];
    bool write = below(g, 1000000) < r->write_ppm;
    turn_over(g, r, win, g->next[cpu]);
    *out = (struct trace_record){
        .time = g->next[cpu],
        .address = (uint64_t)win->slot[slot_draw(g, region)] * PAGE_SIZE,
        .weight = w->weight,
        .latency_ns = w->latency_ns,
        .tid = process,
        .cpu = (uint16_t)cpu,
        .flags = (uint8_t)((write     ? TRACE_WRITE
                            : r->text ? TRACE_FETCH
                                      : TRACE_READ) |
                           (r->owner == OWNER_ALL && r->write_ppm ? CAUSE_COHERENCE : CAUSE_REPLACEMENT)),
        .node = NODE_NONE,
    };
    g->next[cpu] += gap / 2 + below(g, gap + 1); /* mean: gap */
}

/* Which CPU reads a page first. */
static uint32_t toucher(const struct synthetic *w, uint32_t page)
{
    uint32_t first = 0;
    for (const struct synthetic_region *r = w->region; r < w->region + SYNTHETIC_REGIONS && r->name; r++) {
        if (page < first + r->pages * owners(w, r))
            return r->homes ? (page - first) % r->homes : page % w->cpus;
        first += r->pages * owners(w, r);
    }
    return 0;
}

static int touch_all(const struct synthetic *w, struct trace_writer *writer, uint64_t *time, struct trace_error *error)
{
    uint32_t pages = synthetic_pages(w);
    int err = 0;
    for (uint32_t page = 0; !err && page < pages; page++) {
        uint32_t cpu = toucher(w, page);
        struct trace_record r = {.time = (uint64_t)page * TOUCH_NS / w->cpus,
                                 .address = (uint64_t)page * PAGE_SIZE,
                                 .weight = 1,
                                 .latency_ns = w->latency_ns,
                                 .tid = synthetic_process(w, cpu, 0),
                                 .cpu = (uint16_t)cpu,
                                 .node = NODE_NONE};
        err = trace_writer_add(writer, &r, error);
    }
    *time = (pages / w->cpus + 1) * TOUCH_NS;
    return err;
}

int synthetic_write(const struct synthetic *w, uint64_t records, uint64_t seed, struct trace_writer *writer,
                    struct trace_error *error)
{
    uint64_t time = 0;
    struct generator *g = malloc(sizeof *g);
    int err = g ? touch_all(w, writer, &time, error) : -ENOMEM;
    if (!g)
        snprintf(error->text, sizeof error->text, "%s: out of memory", w->name);
    else
        start(g, w, seed, time);
    for (uint64_t i = 0; !err && i < (records ? records : w->records); i++) {
        struct trace_record r;
        next_record(g, &r);
        err = trace_writer_add(writer, &r, error);
    }
    free(g);
    return err;
}

void synthetic_meta(const struct synthetic *w, struct trace_meta *m)
{
    memset(m, 0, sizeof *m);
    m->period = 1;
    m->cpus = w->cpus;
    m->page_size = PAGE_SIZE;
    m->line_size = LINE_SIZE;
    m->columns = TRACE_HAS_WEIGHT | TRACE_HAS_LATENCY | TRACE_HAS_TID;
    m->labels = TRACE_SYNTHETIC;
    snprintf(m->name, sizeof m->name, "%s (synthetic)", w->name);
    snprintf(m->source, sizeof m->source, "synthetic: %s", w->name);
    snprintf(m->event, sizeof m->event, "second-level cache misses");
    snprintf(m->note, sizeof m->note, "%s; made up after the description in Disco (SOSP 1997), see docs/paper.md",
             w->summary);
    memset(m->cpu_node, NODE_NONE, sizeof m->cpu_node);
}

int synthetic_trace(const struct synthetic *w, uint64_t records, uint64_t seed, struct trace **out,
                    struct trace_error *error)
{
    struct trace_meta meta;
    struct trace_writer *writer;
    int err;
    synthetic_meta(w, &meta);
    err = trace_writer_open(NULL, &meta, TRACE_NONE, &writer, error);
    if (err)
        return err;
    err = synthetic_write(w, records, seed, writer, error);
    if (!err)
        return trace_writer_close(writer, out, error);
    trace_writer_abort(writer);
    return err;
}
