/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/replay/driver_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct trace *fixture_trace(const struct fixture_record *record, size_t n, uint32_t cpus, unsigned columns)
{
    struct trace_meta meta = {.cpus = cpus, .page_size = 4096, .line_size = 64, .columns = columns, .name = "fixture"};
    struct trace_error error = {""};
    struct trace_writer *writer;
    struct trace *trace = NULL;
    cr_assert_eq(trace_writer_open(NULL, &meta, TRACE_NONE, &writer, &error), 0, "%s", error.text);
    for (size_t i = 0; i < n; i++) {
        struct trace_record r = {.time = record[i].time,
                                 .address = (uint64_t)record[i].page * 4096,
                                 .cpu = record[i].cpu,
                                 .flags = (uint8_t)record[i].kind,
                                 .weight = columns & TRACE_HAS_WEIGHT ? record[i].weight : 1,
                                 .latency_ns = record[i].latency_ns,
                                 .node = NODE_NONE};
        cr_assert_eq(trace_writer_add(writer, &r, &error), 0, "%s", error.text);
    }
    cr_assert_eq(trace_writer_close(writer, &trace, &error), 0, "%s", error.text);
    return trace;
}

void fixture_machine(struct machine_desc *d, uint32_t nodes)
{
    memset(d, 0, sizeof *d);
    strcpy(d->name, "fixture");
    d->nodes = nodes;
    d->line_size = 64;
    d->mlp_ppm = 1000000;
    d->sampling = 1;
    for (uint32_t from = 0; from < nodes; from++) {
        d->node_cpus[from] = 1;
        for (uint32_t to = 0; to < nodes; to++)
            d->latency_ps[from * nodes + to] = from == to ? 100000 : 300000;
    }
    d->costs = (struct machine_costs){.sample_ns = 10,
                                      .hint_ns = 1000,
                                      .fault_ns = 500,
                                      .scan_ps = 100,
                                      .fill_ns = 2000,
                                      .sync_ns = 1000,
                                      .sync_page_ns = 50,
                                      .sync_target_ns = 200,
                                      .drop_ns = 20};
}

void fixture_free_mechanism(struct machine_desc *d)
{
    d->costs = (struct machine_costs){0};
}

struct result_run fixture_run(const struct trace *trace, const struct machine_desc *desc,
                              const struct replay_options *options, const struct policy_class *class, uint64_t *capped)
{
    static struct replay_machine machine; /* too large for the stack of a test */
    struct replay_spec spec = {.policy = class};
    struct trace_error error = {""};
    struct result_run run;
    policy_defaults(class, spec.param);
    cr_assert_eq(replay_machine_init(&machine, desc, trace_meta(trace), options, &error), 0, "%s", error.text);
    cr_assert_eq(replay_run(trace, &machine, options, &spec, 1, &run, capped, NULL, NULL, &error), 0, "%s", error.text);
    cr_expect_eq(run.elapsed_ns, run.exec_ns + run.local_stall_ns + run.remote_stall_ns + run.overhead_ns);
    return run;
}

void fixture_drop(struct result_run *run)
{
    free(run->traffic);
    free(run->series);
}

static void order_on_miss(const struct view *v, const struct event *e, size_t n, struct orders *o, enum order_op op)
{
    for (size_t i = 0; i < n; i++) {
        bool there = op != ORDER_WATCH && nodeset_has(view_copies(v, e[i].page), 1);
        if (e[i].page == 0 && e[i].node == 1 && !there && event_kind(&e[i]) <= EVENT_WRITE)
            order_push(o, op, 0, 1, 0);
    }
}

static void move_it(void *state, const struct view *v, const struct event *e, size_t n, struct orders *o)
{
    (void)state;
    order_on_miss(v, e, n, o, ORDER_MOVE);
}

static void copy_it(void *state, const struct view *v, const struct event *e, size_t n, struct orders *o)
{
    (void)state;
    order_on_miss(v, e, n, o, ORDER_COPY);
}

static void watch_it(void *state, const struct view *v, const struct event *e, size_t n, struct orders *o)
{
    (void)state;
    order_on_miss(v, e, n, o, ORDER_WATCH);
}

static void order_in_tick(void *state, const struct view *v, uint64_t now, struct orders *o)
{
    (void)state;
    (void)now;
    order_push(o, ORDER_MOVE, 0, (node_t)v->topology->nodes, 0);
}

static size_t count_size(const struct view *v, const uint64_t *param)
{
    (void)v;
    (void)param;
    return sizeof(uint64_t);
}

static void change_sampling(void *state, const struct view *v, const struct event *e, size_t n, struct orders *o)
{
    uint64_t *seen = state;
    (void)v;
    (void)e;
    for (size_t i = 0; i < n; i++) {
        ++*seen;
        if (*seen == 100)
            order_push(o, ORDER_SAMPLE, 4, 0, 0);
        if (*seen == 150)
            order_push(o, ORDER_SAMPLE, 1, 0, 0);
    }
}

static void tick_only(void *state, const struct view *v, uint64_t now, struct orders *o)
{
    (void)state;
    (void)v;
    (void)now;
    (void)o;
}

const struct policy_class fixture_mover = {.name = "mover", .signals = SIGNAL_MISSES, .observe = move_it};
const struct policy_class fixture_copier = {.name = "copier", .signals = SIGNAL_MISSES, .observe = copy_it};
const struct policy_class fixture_watcher = {
    .name = "watcher", .signals = SIGNAL_MISSES | SIGNAL_HINTS, .observe = watch_it};
const struct policy_class fixture_ticker = {.name = "ticker", .tick_ns = 1000000, .tick = order_in_tick};
const struct policy_class fixture_slow_ticker = {.name = "slow ticker", .tick_ns = 2000000, .tick = order_in_tick};
const struct policy_class fixture_sampler = {
    .name = "sampler", .signals = SIGNAL_MISSES, .state_size = count_size, .observe = change_sampling};
const struct policy_class fixture_harvester = {
    .name = "harvester", .signals = SIGNAL_ACCESSED, .tick_ns = 1500000, .tick = tick_only};
const struct policy_class fixture_still = {.name = "still"};
