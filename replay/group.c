/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/group.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { FUSE_MOST = 8, BLOCK = 64, CACHED_PAGES = 50000, AHEAD_CACHED = 16, AHEAD = 32 };
enum { HUGE_PAGE = 2 << 20, CACHE_LINE = 64, PIECE = 16 };

uint32_t group_count(const struct replay_options *options, uint32_t n, uint32_t threads)
{
    if (options->fuse)
        return (n + options->fuse - 1) / options->fuse;
    uint32_t groups = (n + FUSE_MOST - 1) / FUSE_MOST;
    groups = (groups + threads - 1) / threads * threads;
    return groups < n ? groups : n;
}

static int no_memory(uint32_t pages, uint32_t runs, struct trace_error *error)
{
    snprintf(error->text, sizeof error->text,
             "not enough memory for %" PRIu32 " runs over %" PRIu32 " pages; replay fewer policies at once", runs,
             pages);
    return -ENOMEM;
}

/* Huge pages where the kernel gives them: the records are reached at random. */
static int map_pages(struct group *g, size_t stride, uint32_t npages)
{
    if (stride && npages > (SIZE_MAX >> 1) / stride)
        return -ENOMEM;
    g->bytes = (stride * npages + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE + HUGE_PAGE;
    void *memory = mmap(NULL, g->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        g->bytes = 0;
        return -ENOMEM;
    }
    madvise(memory, g->bytes, MADV_HUGEPAGE);
    g->pages = memory;
    return 0;
}

/* Bytes of one page in one run. */
static int record_bytes(const struct engine_config *config, const struct replay_spec *spec, size_t *bytes,
                        struct trace_error *error)
{
    struct engine_need need;
    if ((config->policy->signals & SIGNAL_ADVICE) && !config->advice) {
        snprintf(error->text, sizeof error->text,
                 "policy %s follows a placement that is decided beforehand, and this trace or command has none",
                 spec->policy->name);
        return -EINVAL;
    }
    if (engine_need(config, &need)) {
        snprintf(error->text, sizeof error->text,
                 "policy %s: batch must be 1 to %d, sampling a power of two up to 32768, parameters in their ranges",
                 spec->policy->name, ENGINE_BATCH_MAX);
        return -EINVAL;
    }
    *bytes = need.page_bytes;
    return 0;
}

int group_init(struct group *g, const struct replay_spec *specs, uint32_t n, uint32_t step,
               const struct replay_machine *machine, const struct replay_options *options,
               const struct trace_meta *meta, uint64_t windows, struct trace_error *error)
{
    uint32_t runs = (n + step - 1) / step;
    struct engine_config config;
    size_t stride = 0, bytes = 0, at = 0;
    g->block = options->block ? options->block : BLOCK;
    g->runs = calloc(runs, sizeof *g->runs);
    if (!g->runs)
        return no_memory(meta->pages, runs, error);
    for (uint32_t i = 0; i < n; i += step) {
        run_config(g->runs, &specs[i], machine, options, meta->pages, &config);
        int err = record_bytes(&config, &specs[i], &bytes, error);
        if (err)
            return err;
        stride += bytes;
    }
    if (map_pages(g, stride, meta->pages))
        return no_memory(meta->pages, runs, error);
    uint32_t ahead = runs > 1 ? 0 : meta->pages <= CACHED_PAGES ? AHEAD_CACHED : AHEAD;
    g->stride = stride;
    for (uint32_t i = 0; i < n; i += step, at += bytes) {
        struct run *r = &g->runs[g->nruns];
        run_config(r, &specs[i], machine, options, meta->pages, &config);
        record_bytes(&config, &specs[i], &bytes, error);
        int err = run_init(r, &config, &specs[i], machine, options, windows, g->pages + at, stride, ahead,
                           meta->columns & TRACE_HAS_WEIGHT, error);
        g->nruns++;
        if (err)
            return err;
    }
    return 0;
}

void group_free(struct group *g)
{
    for (uint32_t i = 0; i < g->nruns; i++)
        run_free(&g->runs[i]);
    free(g->runs);
    if (g->bytes)
        munmap(g->pages, g->bytes);
    memset(g, 0, sizeof *g);
}

/* Fused runs do not prefetch for themselves: the cache lines of the next tile's pages are asked for in even portions
 * between the pieces of this tile, so that memory works all the time and not only in the turn of the run that comes
 * first to a line. */
struct fetch {
    const struct event *event, *end; /* of the next tile */
    size_t line;                     /* of the page's records, bytes */
    uint32_t portion;                /* lines per piece */
};

static void fetch_start(struct fetch *f, const struct group *g, const struct prepared *c, uint32_t to, uint32_t pieces)
{
    uint32_t end = c->n - to < g->block ? c->n : to + g->block;
    uint32_t lines = (uint32_t)((g->stride + CACHE_LINE - 1) / CACHE_LINE) * (end - to);
    *f = (struct fetch){.event = c->events + to, .end = c->events + end, .portion = (lines + pieces - 1) / pieces};
}

static void fetch_some(struct fetch *f, const struct group *g)
{
    for (uint32_t i = 0; i < f->portion && f->event < f->end; i++) {
        __builtin_prefetch(g->pages + f->event->page * g->stride + f->line);
        f->line += CACHE_LINE;
        if (f->line >= g->stride) {
            f->line = 0;
            f->event++;
        }
    }
}

/* One tile through every run. */
static void serve_tile(struct group *g, const struct prepared *c, uint32_t from, uint32_t to)
{
    struct fetch fetch;
    fetch_start(&fetch, g, c, to, g->nruns * ((to - from + PIECE - 1) / PIECE));
    for (uint32_t i = 0; i < g->nruns; i++)
        for (uint32_t at = from; at < to && !g->runs[i].err; at += PIECE) {
            fetch_some(&fetch, g);
            g->runs[i].serve(&g->runs[i], c, at, to - at < PIECE ? to : at + PIECE);
        }
}

static void serve_segment(struct group *g, const struct prepared *c, const struct segment *s)
{
    uint32_t end = s->first + s->n;
    for (uint32_t i = 0; i < g->nruns; i++)
        run_enter(&g->runs[i], s);
    if (g->nruns == 1 && !g->runs[0].err)
        g->runs[0].serve(&g->runs[0], c, s->first, end);
    for (uint32_t from = s->first; g->nruns > 1 && from < end; from += g->block)
        serve_tile(g, c, from, end - from < g->block ? end : from + g->block);
    for (uint32_t i = 0; i < g->nruns; i++)
        run_leave(&g->runs[i], c, s);
}

void group_serve(struct group *g, const struct prepared *c)
{
    for (uint32_t i = 0; i < c->nsegments; i++)
        serve_segment(g, c, &c->segments[i]);
}
