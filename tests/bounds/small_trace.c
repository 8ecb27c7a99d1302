/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bounds/small_trace.h"

#include <criterion/criterion.h>
#include <string.h>

static struct trace_writer *open_writer(unsigned columns)
{
    struct trace_meta *meta = calloc(1, sizeof(*meta));
    struct trace_writer *writer = NULL;
    struct trace_error error;
    meta->page_size = 4096;
    meta->line_size = 64;
    meta->period = 1;
    meta->columns = columns;
    for (uint32_t i = 0; i < CPU_MAX; i++)
        meta->cpu_node[i] = NODE_NONE;
    int err = trace_writer_open(NULL, meta, TRACE_NONE, &writer, &error);
    cr_assert_eq(err, 0, "%s", error.text);
    free(meta);
    return writer;
}

static void add(struct trace_writer *w, uint64_t time, const struct brute_access *a)
{
    struct trace_error error;
    struct trace_record record = {.time = time,
                                  .address = (uint64_t)a->page * 4096,
                                  .weight = a->weight ? a->weight : 1,
                                  .cpu = a->node,
                                  .flags = a->write ? TRACE_WRITE : TRACE_READ,
                                  .node = NODE_NONE};
    cr_assert_eq(trace_writer_add(w, &record, &error), 0, "%s", error.text);
}

static struct trace *close_writer(struct trace_writer *w)
{
    struct trace *trace = NULL;
    struct trace_error error;
    cr_assert_eq(trace_writer_close(w, &trace, &error), 0, "%s", error.text);
    return trace;
}

struct trace *small_trace(const struct brute_access *a, uint32_t n)
{
    struct trace_writer *w = open_writer(TRACE_HAS_WEIGHT);
    for (uint32_t i = 0; i < n; i++)
        add(w, 100 * i, &a[i]);
    return close_writer(w);
}

struct trace *small_trace_random(uint64_t seed, uint32_t n, uint32_t cpus, uint32_t pages, bool weights)
{
    struct trace_writer *w = open_writer(weights ? TRACE_HAS_WEIGHT : 0);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t page = brute_below(&seed, 4) ? brute_below(&seed, 1 + pages / 16) : brute_below(&seed, pages);
        uint32_t cpu = page % 3 == 0 ? page / 3 % cpus : brute_below(&seed, cpus);
        bool write = page % 3 == 2 ? brute_below(&seed, 3) == 0 : page % 3 == 0 && brute_below(&seed, 2);
        struct brute_access a = {page, (node_t)cpu, write, weights ? 1 + brute_below(&seed, 70) : 1};
        add(w, 60 * (uint64_t)i, &a);
    }
    return close_writer(w);
}

void small_machine_of(struct machine_desc *d, const struct brute_case *c, uint32_t cpus)
{
    memset(d, 0, sizeof(*d));
    strcpy(d->name, "small");
    d->nodes = c->nodes;
    d->line_size = 64;
    d->mlp_ppm = 1000000;
    d->sampling = 1;
    for (uint32_t n = 0; n < c->nodes; n++)
        d->node_cpus[n] = n < cpus;
    memcpy(d->latency_ps, c->latency, c->nodes * c->nodes * sizeof(*d->latency_ps));
    d->costs = (struct machine_costs){.fill_ns = c->copy / 1000, .drop_ns = c->drop / 1000};
}

void small_machine(struct machine_desc *d, uint32_t nodes)
{
    struct brute_case c = {.nodes = nodes};
    for (uint32_t i = 0; i < nodes * nodes; i++)
        c.latency[i] = i / nodes == i % nodes ? 300000 : 900000;
    small_machine_of(d, &c, nodes);
    d->costs = (struct machine_costs){
        .fill_ns = 1000, .sync_ns = 700, .sync_page_ns = 100, .sync_target_ns = 200, .drop_ns = 50, .fault_ns = 400};
}

void small_set_up(struct replay_machine *machine, const struct machine_desc *desc, const struct trace *trace,
                  struct replay_options *options)
{
    struct trace_error error;
    options->contention = false;
    int err = replay_machine_init(machine, desc, trace_meta(trace), options, &error);
    cr_assert_eq(err, 0, "%s", error.text);
}
