/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/bounds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/bounds_lagrangian.h"
#include "replay/bounds_optimum.h"
#include "replay/bounds_pass.h"
#include "replay/bounds_transport.h"
#include "replay/load.h"

/* Sums of misses x ps stay below this, so that every product of the tables fits 64 bits with room for signs. */
static const uint64_t MOST_PS = (uint64_t)1 << 61;

/* Whom the pages of a simple rule go to, under the machine's frames; as the engine places. */
struct dealer {
    node_t *home; /* [pages] */
    uint64_t free[NODE_MAX];
};

struct yardsticks {
    const struct trace_meta *meta;
    const struct replay_options *options;
    const struct replay_machine *machine;
    struct topology flat; /* latencies: what one miss stalls its CPU, ps */
    uint32_t *flat_ps;
    struct bounds_optimum optimum;
    struct dealer toucher, round_robin;
    node_t *advice;   /* [pages] */
    uint64_t *pages;  /* per page: misses[nodes], then the optimum's words */
    size_t stride;    /* of a page, in u64 */
    bool advice_only; /* the optimum is not wanted */
    uint64_t turn;    /* first touches so far */
    uint64_t price[NODE_MAX];
    uint64_t certain[BOUNDS_SHARDS]; /* of the optimum, ps */
    uint64_t misses[BOUNDS_SHARDS], most_misses;
};

/* A move is charged at least this much beyond a copy and a drop: its second shootdown is left out. */
void bounds_costs(const struct machine_desc *d, struct bounds_costs *out)
{
    const uint64_t most = UINT64_MAX / 4000;
    const struct machine_costs *c = &d->costs;
    uint64_t fill = c->fill_ns < most ? c->fill_ns : most, sync = c->sync_page_ns < most ? c->sync_page_ns : most;
    out->copy_ps = (fill + sync) * 1000;
    out->drop_ps = (c->drop_ns < most ? c->drop_ns : most) * 1000;
}

static uint32_t *optimum_state(const struct yardsticks *y, page_t page)
{
    return (uint32_t *)(y->pages + page * y->stride + y->flat.nodes);
}

/* --- the pass --- */

static node_t nearest_free(const struct dealer *d, const struct topology *t, node_t toucher)
{
    node_t best = NODE_NONE;
    for (uint32_t n = 0; n < t->nodes; n++)
        if (d->free[n] &&
            (best == NODE_NONE || topology_latency(t, toucher, (node_t)n) < topology_latency(t, toucher, best)))
            best = (node_t)n;
    return best;
}

static bool deal(struct dealer *d, const struct topology *t, page_t page, node_t wanted, node_t toucher)
{
    node_t at = d->free[wanted] ? wanted : d->free[toucher] ? toucher : nearest_free(d, t, toucher);
    if (at == NODE_NONE)
        return false;
    d->free[at] -= d->free[at] != FRAMES_UNBOUNDED;
    d->home[page] = at;
    return true;
}

static int touch(void *context, page_t page, node_t toucher, uint64_t at, struct trace_error *error)
{
    struct yardsticks *y = context;
    const struct topology *t = &y->machine->topology;
    node_t turn = (node_t)(y->turn++ % t->nodes);
    (void)at;
    if (deal(&y->toucher, t, page, toucher, toucher) && deal(&y->round_robin, t, page, turn, toucher))
        return 0;
    snprintf(error->text, sizeof(error->text),
             "bounds: the %u nodes of machine '%s' have fewer frames than the trace has pages; give more --capacity",
             t->nodes, y->machine->desc.name);
    return -ENOMEM;
}

static void take(void *context, unsigned shard, uint64_t first, const struct bounds_access *a, size_t n)
{
    enum { AHEAD = 24 };
    struct yardsticks *y = context;
    bool counting = first < y->meta->records;
    uint64_t certain = 0, misses = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t *next = y->pages + a[i + AHEAD < n ? i + AHEAD : i].page * y->stride;
        __builtin_prefetch(next, 1);
        __builtin_prefetch(next + y->flat.nodes, 1);
        uint64_t *page = y->pages + a[i].page * y->stride;
        uint32_t *state = (uint32_t *)(page + y->flat.nodes);
        misses += a[i].weight;
        if (counting)
            page[a[i].node] += a[i].weight;
        if (y->advice_only)
            continue;
        if (a[i].write)
            certain += bounds_optimum_write(&y->optimum, state, a[i].node, a[i].weight);
        else
            bounds_optimum_read(&y->optimum, state, a[i].node, a[i].weight);
    }
    y->certain[shard] += certain;
    y->misses[shard] += misses;
}

/* --- sums --- */

static uint64_t stall(const struct yardsticks *y, page_t page, node_t home)
{
    const uint64_t *misses = y->pages + page * y->stride;
    uint64_t sum = 0;
    if (home == NODE_NONE)
        return 0;
    for (uint32_t n = 0; n < y->flat.nodes; n++)
        sum += misses[n] * topology_latency(&y->flat, (node_t)n, home);
    return sum;
}

struct sums {
    uint64_t uma, base, first_touch, round_robin, post_facto, optimum; /* ps, of one pass but optimum */
};

static void add_up(const struct yardsticks *y, struct sums *out)
{
    uint64_t uma = 0, base = 0, first = 0, round = 0, post = 0, optimum = 0;
    int shards = (int)bounds_pass_shards(y->options->threads);
#pragma omp parallel for num_threads(shards) reduction(+ : uma, base, first, round, post, optimum) if (shards > 1)
    for (uint32_t p = 0; p < y->meta->pages; p++) {
        const uint64_t *misses = y->pages + p * y->stride;
        for (uint32_t n = 0; n < y->flat.nodes; n++) {
            uma += misses[n] * topology_latency(&y->flat, (node_t)n, (node_t)n);
            base += misses[n] * y->optimum.base_ps[n];
        }
        first += stall(y, p, y->toucher.home[p]);
        round += stall(y, p, y->round_robin.home[p]);
        post += stall(y, p, y->advice[p]);
        optimum += bounds_optimum_finish(&y->optimum, optimum_state(y, p));
    }
    *out = (struct sums){uma, base, first, round, post, optimum};
    for (int s = 0; s < BOUNDS_SHARDS; s++)
        out->optimum += y->certain[s];
    out->optimum += base * y->options->repeat;
}

static bool capacity_binds(const struct yardsticks *y)
{
    for (uint32_t n = 0; n < y->flat.nodes; n++)
        if (y->machine->frames[n] < y->turn)
            return true;
    return false;
}

static void label(const struct yardsticks *y, bool binds, struct result_bounds *out)
{
    const char *kind = y->optimum.exact                      ? "exact"
                       : y->optimum.method == BOUNDS_NEAREST ? "lower bound: more than two latency levels on many nodes"
                                                             : "lower bound: copy cost cut to 1 ms";
    out->optimum_exact = y->optimum.exact;
    snprintf(out->label, sizeof(out->label), "unbounded capacity, no contention, %s%s", kind,
             binds ? "; lagrangian: the frames of each node" : "");
}

/* --- set-up --- */

static nodeset_t active_nodes(const struct replay_machine *m)
{
    nodeset_t active = 0;
    for (uint32_t c = 0; c < m->cpus; c++)
        active |= nodeset_of(m->cpu_node[c]);
    return active;
}

static void yardsticks_free(struct yardsticks *y, node_t *advice)
{
    free(y->toucher.home);
    free(y->round_robin.home);
    if (!advice)
        free(y->advice);
    bounds_pass_table_free(y->pages, y->meta->pages, y->stride * sizeof(*y->pages));
    free(y->flat_ps);
}

static void flatten(struct yardsticks *y)
{
    uint32_t nodes = y->machine->topology.nodes;
    uint64_t most = 1;
    for (uint32_t i = 0; i < nodes * nodes; i++) {
        uint64_t ps = load_flat(&y->machine->desc, (node_t)(i / nodes), (node_t)(i % nodes));
        y->flat_ps[i] = ps < UINT32_MAX ? (uint32_t)ps : UINT32_MAX;
        most = y->flat_ps[i] > most ? y->flat_ps[i] : most;
    }
    y->flat = y->machine->topology;
    y->flat.latency_ps = y->flat_ps;
    y->most_misses = MOST_PS / most;
}

static int yardsticks_init(struct yardsticks *y, node_t *advice, struct trace_error *error)
{
    const struct topology *t = &y->machine->topology;
    struct bounds_costs costs;
    size_t pages = y->meta->pages ? y->meta->pages : 1;
    y->flat_ps = calloc((size_t)t->nodes * t->nodes, sizeof(*y->flat_ps));
    y->toucher.home = malloc(pages);
    y->round_robin.home = malloc(pages);
    y->advice = advice ? advice : malloc(pages);
    if (!y->flat_ps || !y->toucher.home || !y->round_robin.home || !y->advice)
        goto memory;
    memset(y->toucher.home, NODE_NONE, pages);
    memset(y->round_robin.home, NODE_NONE, pages);
    for (uint32_t n = 0; n < t->nodes; n++)
        y->toucher.free[n] = y->round_robin.free[n] = y->machine->frames[n];
    flatten(y);
    bounds_costs(&y->machine->desc, &costs);
    bounds_optimum_init(&y->optimum, &y->flat, active_nodes(y->machine), &costs);
    y->stride = t->nodes + (bounds_optimum_words(&y->optimum) + 1) / 2;
    y->pages = bounds_pass_table(y->meta->pages, y->stride * sizeof(*y->pages));
    if (y->pages)
        return 0;
memory:
    snprintf(error->text, sizeof(error->text), "bounds: out of memory for %u pages x %u nodes; leave the bounds out",
             y->meta->pages, t->nodes);
    return -ENOMEM;
}

/* --- capacity --- */

static int place(struct yardsticks *y, struct trace_error *error)
{
    struct bounds_transport t = {.pages = y->meta->pages,
                                 .nodes = y->flat.nodes,
                                 .stride = y->stride,
                                 .misses = y->pages,
                                 .latency_ps = y->flat_ps,
                                 .frames = y->machine->frames};
    int err = bounds_transport_solve(&t, y->toucher.home, y->advice, y->price);
    if (err)
        snprintf(error->text, sizeof(error->text), "bounds: best static placement of %u pages: %s", y->meta->pages,
                 err == -ENOMEM ? "out of memory; leave the bounds out" : "too few frames; give more --capacity");
    return err;
}

static int check_misses(const struct yardsticks *y, struct trace_error *error)
{
    unsigned __int128 misses = 0;
    for (int s = 0; s < BOUNDS_SHARDS; s++)
        misses += y->misses[s];
    if (misses <= y->most_misses)
        return 0;
    snprintf(error->text, sizeof(error->text),
             "bounds: the trace's weights x repeat are over %llu misses, too many to add up; check its weight column",
             (unsigned long long)y->most_misses);
    return -EOVERFLOW;
}

static int lagrangian(struct yardsticks *y, struct bounds_pass *pass, uint64_t base_ps, uint64_t optimum_ps,
                      uint64_t *out, struct trace_error *error)
{
    struct bounds_costs costs;
    bounds_costs(&y->machine->desc, &costs);
    struct bounds_lagrangian l = {
        .pass = pass,
        .topology = &y->flat,
        .active = active_nodes(y->machine),
        .costs = &costs,
        .frames = y->machine->frames,
        .price = y->price,
        .base_ps = base_ps * y->options->repeat,
        .optimum_ps = optimum_ps,
    };
    return bounds_lagrangian_solve(&l, out, error);
}

static int measure(struct yardsticks *y, struct bounds_pass *pass, struct result_bounds *out, struct trace_error *error)
{
    struct bounds_sink sink = {.context = y, .touch = touch, .take = take};
    struct sums sums;
    uint64_t repeat = y->options->repeat, lagrangian_ps = 0;
    int err = bounds_pass_run(pass, &sink, error);
    err = err ? err : check_misses(y, error);
    err = err ? err : place(y, error);
    if (err || y->advice_only)
        return err;
    add_up(y, &sums);
    bool binds = capacity_binds(y);
    if (binds)
        err = lagrangian(y, pass, sums.base, sums.optimum, &lagrangian_ps, error);
    *out = (struct result_bounds){
        .present = true,
        .uma_ns = sums.uma * repeat / 1000,
        .first_touch_ns = sums.first_touch * repeat / 1000,
        .round_robin_ns = sums.round_robin * repeat / 1000,
        .post_facto_ns = sums.post_facto * repeat / 1000,
        .optimum_ns = sums.optimum / 1000,
        .lagrangian_ns = lagrangian_ps / 1000,
    };
    label(y, binds, out);
    return err;
}

int bounds_compute(const struct trace *trace, const struct replay_machine *machine,
                   const struct replay_options *options, struct result_bounds *out, node_t *advice,
                   replay_progress *progress, void *context, struct trace_error *error)
{
    struct yardsticks y = {.meta = trace_meta(trace), .options = options, .machine = machine, .advice_only = !out};
    struct bounds_pass pass = {
        .trace = trace,
        .machine = machine,
        .shards = bounds_pass_shards(options->threads),
        .repeat = out && options->repeat ? options->repeat : 1,
        .progress = progress,
        .progress_context = context,
        .total = y.meta->records * (out && options->repeat ? options->repeat : 1),
    };
    int err = yardsticks_init(&y, advice, error);
    err = err ? err : measure(&y, &pass, out, error);
    yardsticks_free(&y, advice);
    return err;
}
