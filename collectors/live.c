/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/live.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/live_pages.h"

enum { LOAD_WINDOWS = 100, ALIGN = 64 };

struct live {
    struct engine engine;
    struct observe observe;
    struct machine_linux machine;
    struct live_pages pages;
    struct live_stats stats;
    const struct topology *topology;
    node_t *actual, *wanted, *first; /* [pages_max] */
    page_t *queue;                   /* [pages_max] */
    bool *queued;                    /* [pages_max] */
    void *engine_block, *observe_block;
    uint64_t *traffic, *counting;  /* [from][to][write] of the last LOAD_WINDOWS windows, per window; being counted */
    uint64_t latency_ps[NODE_MAX]; /* of accesses to a node in those windows, idle: load itself cannot be seen here */
    uint64_t now, window_at, load_at, tick_at, tick_ns;
    bool accessed; /* the class wants accessed bits */
};

static int fail(struct trace_error *error, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int fail(struct trace_error *error, int err, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(error->text, sizeof error->text, format, list);
    va_end(list);
    return err;
}

static void *zeroed(size_t bytes)
{
    size_t rounded = (bytes + ALIGN) / ALIGN * ALIGN;
    void *block = aligned_alloc(ALIGN, rounded);
    return block ? memset(block, 0, rounded) : NULL;
}

static size_t cells(const struct live *l)
{
    return (size_t)l->topology->nodes * l->topology->nodes * 2;
}

static struct engine_config engine_config(const struct live_config *c, struct live *l)
{
    struct engine_config config = {.policy = c->policy,
                                   .topology = c->topology,
                                   .npages = c->pages_max,
                                   .machine = &l->machine.machine,
                                   .batch = ENGINE_BATCH_MAX, /* pages of one call of the kernel */
                                   .sampling = 1};
    memcpy(config.param, c->param, sizeof config.param);
    return config;
}

static int allocate(struct live *l, const struct live_config *c)
{
    struct engine_config config = engine_config(c, l);
    uint64_t bytes;
    int err = live_pages_init(&l->pages, c->pages_max);
    if (!err)
        err = engine_block(&config, &bytes);
    if (err)
        return err;
    l->actual = malloc(c->pages_max);
    l->wanted = malloc(c->pages_max);
    l->first = malloc(c->pages_max);
    l->queue = malloc(c->pages_max * sizeof *l->queue);
    l->queued = calloc(c->pages_max, sizeof *l->queued);
    l->engine_block = zeroed(bytes);
    l->observe_block = zeroed(observe_size(&config, c->topology->cpus));
    l->traffic = calloc(cells(l), sizeof *l->traffic);
    l->counting = calloc(cells(l), sizeof *l->counting);
    if (!l->actual || !l->wanted || !l->first || !l->queue || !l->queued || !l->engine_block || !l->observe_block ||
        !l->traffic || !l->counting)
        return -ENOMEM;
    memset(l->actual, NODE_NONE, c->pages_max);
    memset(l->wanted, NODE_NONE, c->pages_max);
    return 0;
}

/* Of the misses counted now; the node's own where there was none. */
static uint64_t mean_latency(const struct live *l, uint32_t to)
{
    const struct topology *t = l->topology;
    uint64_t misses = 0, sum = 0;
    for (uint32_t from = 0; from < t->nodes; from++) {
        const uint64_t *cell = &l->counting[((size_t)from * t->nodes + to) * 2];
        misses += cell[0] + cell[1];
        sum += (cell[0] + cell[1]) * topology_latency(t, (node_t)from, (node_t)to);
    }
    return misses ? sum / misses : topology_latency(t, (node_t)to, (node_t)to);
}

static void turn_load(struct live *l)
{
    for (size_t i = 0; i < cells(l); i++)
        l->traffic[i] = l->counting[i] / LOAD_WINDOWS;
    for (uint32_t to = 0; to < l->topology->nodes; to++)
        l->latency_ps[to] = mean_latency(l, to);
    memset(l->counting, 0, cells(l) * sizeof *l->counting);
}

/* A question about no page at all: the kernel says whether this user may ask. */
static int may_trace(struct live *l)
{
    void *none = NULL;
    int status = 0;
    return l->machine.call(l->machine.pid, 1, &none, NULL, &status, 0) < 0 ? -errno : 0;
}

static int begin(struct live *l, const struct live_config *c, struct trace_error *error)
{
    struct engine_config config = engine_config(c, l);
    machine_linux_init(&l->machine, c->pid, c->apply, l->pages.address, l->actual, l->wanted, c->topology->page_size);
    l->machine.rate_bps = c->rate_bps;
    l->machine.queue = l->queue;
    l->machine.queued = l->queued;
    l->machine.pages = c->pages_max;
    l->machine.call = c->call ? c->call : l->machine.call;
    int err = may_trace(l);
    if (err == -ESRCH)
        return fail(error, err, "process %d: there is none of that number", c->pid);
    if (err)
        return fail(error, err, "process %d: %s: run as its owner or as root (CAP_SYS_NICE, CAP_SYS_PTRACE)", c->pid,
                    strerror(-err));
    if (c->policy->signals & SIGNAL_ADVICE)
        return fail(error, -EINVAL, "policy %s: it knows the future, and runs in replay only", c->policy->name);
    err = engine_begin(&l->engine, &config, l->engine_block);
    if (err)
        return fail(error, err, "policy %s: its parameters do not fit this machine of %u nodes", c->policy->name,
                    c->topology->nodes);
    observe_init(&l->observe, &l->engine, c->topology->cpus, l->observe_block);
    l->engine.view.traffic = l->traffic;
    l->engine.view.latency_ps = l->latency_ps;
    turn_load(l);
    l->tick_ns = policy_tick_ns(c->policy, c->param);
    l->accessed = c->policy->signals & SIGNAL_ACCESSED;
    return 0;
}

int live_new(const struct live_config *c, struct live **out, struct trace_error *error)
{
    struct live *l = zeroed(sizeof *l);
    *out = NULL;
    if (!l)
        return fail(error, -ENOMEM, "out of memory");
    l->topology = c->topology;
    int err = allocate(l, c);
    if (err)
        fail(error, err, "policy %s over %u pages: %s", c->policy->name, c->pages_max, strerror(-err));
    else
        err = begin(l, c, error);
    if (err) {
        live_free(l);
        return err;
    }
    *out = l;
    return 0;
}

void live_free(struct live *l)
{
    if (!l)
        return;
    live_pages_free(&l->pages);
    free(l->actual);
    free(l->wanted);
    free(l->first);
    free(l->queue);
    free(l->queued);
    free(l->engine_block);
    free(l->observe_block);
    free(l->traffic);
    free(l->counting);
    free(l);
}

/* The page's number, and where the kernel has it; PAGE_NONE: nothing can be said of this access. */
static page_t known_page(struct live *l, uint64_t address, int *err)
{
    uint64_t base = address & ~(uint64_t)(l->topology->page_size - 1);
    page_t page = live_pages_number(&l->pages, base);
    l->stats.pages = l->pages.n;
    if (page == PAGE_NONE) {
        l->stats.untracked++;
        return PAGE_NONE;
    }
    bool placed = l->actual[page] != NODE_NONE;
    if (!placed)
        *err = machine_linux_locate(&l->machine, page, 1);
    if (l->actual[page] < l->topology->nodes) {
        if (!placed)
            l->first[page] = l->actual[page];
        return page;
    }
    l->actual[page] = NODE_NONE;
    l->stats.homeless++;
    return PAGE_NONE;
}

static void account(struct live *l, const struct live_access *a, page_t page, node_t node)
{
    const struct topology *t = l->topology;
    node_t now = l->actual[page], wish = place_reach(view_place(&l->engine.view, page), node);
    l->stats.misses += a->weight;
    l->stats.local += now == node ? a->weight : 0;
    l->stats.first_ps += (uint64_t)a->weight * topology_latency(t, node, l->first[page]);
    l->stats.now_ps += (uint64_t)a->weight * topology_latency(t, node, now);
    l->stats.wish_ps += (uint64_t)a->weight * topology_latency(t, node, wish);
    l->counting[((size_t)node * t->nodes + now) * 2 + a->write] += a->weight;
}

static unsigned log2_of(uint32_t weight)
{
    unsigned log2 = 31 - (unsigned)__builtin_clz(weight);
    return log2 > 15 ? 15 : log2;
}

static int serve(struct live *l, const struct live_access *a, page_t page, node_t node)
{
    if (engine_needed(view_place(&l->engine.view, page), a->write)) {
        int err = engine_access(&l->engine, page, node, a->task, a->write, l->now);
        if (err)
            return err;
    }
    account(l, a, page, node);
    struct event event = {.time = l->now,
                          .page = page,
                          .task = a->task,
                          .node = node,
                          .what = event_what(a->write ? EVENT_WRITE : EVENT_READ, log2_of(a->weight))};
    if (l->accessed)
        observe_accessed(&l->observe, node, page);
    if (engine_listens(&l->engine))
        observe_miss(&l->observe, a->cpu, &event);
    return 0;
}

int live_access(struct live *l, const struct live_access *a)
{
    int err = 0;
    live_advance(l, a->time);
    l->stats.accesses++;
    if (a->cpu >= l->topology->cpus || l->topology->cpu_node[a->cpu] >= l->topology->nodes) {
        l->stats.untracked++;
        return 0;
    }
    page_t page = known_page(l, a->address, &err);
    if (page == PAGE_NONE)
        return err == -ESRCH || err == -EPERM ? err : 0;
    return serve(l, a, page, l->topology->cpu_node[a->cpu]);
}

static void tick(struct live *l)
{
    if (l->accessed)
        observe_harvest(&l->observe);
    engine_tick(&l->engine, l->now);
}

/* Moves that waited. The policy took them for done: a page that the kernel kept is forgotten, and taken up again. */
static void pump(struct live *l)
{
    page_t stayed[ENGINE_MOVES_MAX];
    uint32_t n;
    if (!l->machine.rate_bps || !l->machine.apply)
        return;
    machine_linux_refill(&l->machine, l->now);
    while (machine_linux_pump(&l->machine, stayed, &n))
        for (uint32_t i = 0; i < n; i++)
            engine_free(&l->engine, stayed[i], l->now);
}

void live_advance(struct live *l, uint64_t now)
{
    if (now <= l->now)
        return;
    if (!l->now)
        l->window_at = l->load_at = l->tick_at = l->machine.credit_at = now;
    l->now = now;
    /* After a pause there is one tick, not all that were missed: they would see nothing new. */
    if (now - l->window_at >= LIVE_WINDOW_NS) {
        engine_window(&l->engine, now);
        l->window_at = now;
        pump(l);
    }
    if (now - l->load_at >= (uint64_t)LOAD_WINDOWS * LIVE_WINDOW_NS) {
        turn_load(l);
        l->load_at = now;
    }
    if (l->tick_ns && now - l->tick_at >= l->tick_ns) {
        tick(l);
        l->tick_at = now;
    }
}

/* The policy forgets a page that somebody else moved; its next access takes it up where it is. */
static void forget_strays(struct live *l, const node_t *before)
{
    for (page_t page = 0; page < l->pages.n; page++) {
        if (l->actual[page] == before[page] || before[page] == NODE_NONE)
            continue;
        if (l->actual[page] >= l->topology->nodes)
            l->actual[page] = NODE_NONE;
        l->wanted[page] = l->actual[page]; /* or freeing it would move it back */
        engine_free(&l->engine, page, l->now);
    }
}

int live_resync(struct live *l)
{
    node_t *before = malloc(l->pages.n ? l->pages.n : 1);
    if (!before)
        return -ENOMEM;
    memcpy(before, l->actual, l->pages.n);
    int err = machine_linux_locate(&l->machine, 0, l->pages.n);
    if (!err)
        forget_strays(l, before);
    free(before);
    return err;
}

const struct live_stats *live_stats(const struct live *l)
{
    return &l->stats;
}

const struct machine_linux *live_machine(const struct live *l)
{
    return &l->machine;
}

const struct engine_stats *live_engine(const struct live *l)
{
    return &l->engine.stats;
}
