/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The same bytes for any number of threads, any grouping of runs and any block; and what every run of every class must
 * keep to: its parts add up, and no node holds more than its frames.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/replay/driver_fixture.h"

enum { RECORDS = 600000, PAGES = 900, CPUS = 8, RUNS_MAX = 64, NODES = 4 };

static uint64_t next(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* Phases in which each CPU likes some pages, some pages everyone reads, some everyone writes: all classes get to act.
 * More than two chunks; one idle stretch of 50 ms. */
static struct trace *busy_trace(unsigned columns)
{
    struct fixture_record *record = calloc(RECORDS, sizeof *record);
    uint64_t x = 88172645463325252ull, time = 0;
    for (uint32_t i = 0; i < RECORDS; i++) {
        uint32_t cpu = (uint32_t)(next(&x) % CPUS), phase = i / 100000, what = (uint32_t)(next(&x) % 10);
        time += next(&x) % 200;
        time += i == RECORDS / 2 ? 50000000 : 0;
        uint32_t page = i < PAGES  ? i
                        : what < 5 ? (cpu + phase) % CPUS * 50 + (uint32_t)(next(&x) % 20)
                                   : 400 + (uint32_t)(next(&x) % (what < 9 ? 60 : PAGES - 400));
        bool write = what == 9 || (what < 2);
        record[i] = (struct fixture_record){
            time, page, (uint16_t)cpu, write ? TRACE_WRITE : TRACE_READ, 1 + (uint32_t)(next(&x) % 40), 120};
    }
    struct trace *trace = fixture_trace(record, RECORDS, CPUS, columns);
    free(record);
    return trace;
}

static void contended(struct machine_desc *d)
{
    fixture_machine(d, NODES);
    for (uint32_t i = 0; i < NODES; i++)
        d->memory_bps[i] = 300000000;
    for (uint32_t i = 0; i < NODES * NODES; i++)
        d->link_bps[i] = i / NODES == i % NODES ? 0 : 90000000;
    d->memory_curve =
        (struct load_curve){.n = 3, .utilisation = {0, 500000, 1000000}, .factor = {1000000, 1200000, 4000000}};
    d->link_curve = (struct load_curve){.n = 2, .utilisation = {0, 900000}, .factor = {1000000, 2500000}};
}

/* Every registered class that needs no advice, once with its defaults and once with its first numeric parameter lowered
 * to the least; and the fixture's own. */
static uint32_t all_specs(struct replay_spec *spec)
{
    static const struct policy_class *const own[] = {&fixture_mover, &fixture_copier, &fixture_watcher, &fixture_ticker,
                                                     &fixture_harvester};
    uint32_t n = 0;
    for (const struct policy_class *const *c = policy_classes; *c && n < RUNS_MAX - 8; c++) {
        if ((*c)->signals & SIGNAL_ADVICE)
            continue;
        spec[n] = (struct replay_spec){.policy = *c};
        policy_defaults(*c, spec[n++].param);
        int trigger = policy_param_index(*c, "trigger", 7);
        if (trigger < 0)
            continue;
        spec[n] = spec[n - 1];
        spec[n].sampling = n % 2 ? 4 : 1;
        spec[n++].param[trigger] = 32;
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        spec[n++] = (struct replay_spec){.policy = own[i]};
    return n;
}

static uint64_t hash(uint64_t h, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const unsigned char *)bytes)[i]) * 1099511628211ull;
    return h;
}

/* A result by its bytes, the arrays it points to instead of the pointers. */
static uint64_t fingerprint(const struct result_run *run)
{
    struct result_run flat = *run;
    flat.traffic = NULL;
    flat.series = NULL;
    uint64_t h = hash(14695981039346656037ull, &flat, sizeof flat);
    h = hash(h, run->traffic, NODES * NODES * 2 * sizeof *run->traffic);
    return hash(h, run->series, run->nseries * sizeof *run->series);
}

struct outcome {
    uint64_t print[RUNS_MAX];
    uint64_t capped, moves, copies, collapses;
};

static void check_run(const struct result_run *r, const struct replay_machine *m)
{
    uint64_t causes = 0, in_series = 0, misses = 0;
    for (unsigned i = 0; i < OVERHEAD_CAUSES; i++)
        causes += r->overhead_by[i];
    for (uint32_t i = 0; i < r->nseries; i++)
        in_series += r->series[i].misses;
    for (uint32_t i = 0; i < m->desc.nodes * m->desc.nodes * 2; i++)
        misses += r->traffic[i];
    cr_expect_eq(r->elapsed_ns, r->exec_ns + r->local_stall_ns + r->remote_stall_ns + r->overhead_ns, "%s", r->spec);
    cr_expect_eq(r->memory_ns, r->elapsed_ns - r->exec_ns);
    cr_expect_eq(causes, r->overhead_ns);
    cr_expect_eq(in_series, r->misses);
    cr_expect_eq(misses, r->misses);
    cr_expect(r->makespan_ns <= r->elapsed_ns && r->makespan_ns >= r->elapsed_ns / CPUS);
}

static struct outcome run_all(const struct trace *trace, const struct replay_options *options)
{
    static struct replay_machine machine;
    struct replay_spec spec[RUNS_MAX];
    struct result_run run[RUNS_MAX];
    struct machine_desc desc;
    struct trace_error error = {""};
    struct outcome out = {.moves = 0};
    uint32_t n = all_specs(spec);
    contended(&desc);
    cr_assert_eq(replay_machine_init(&machine, &desc, trace_meta(trace), options, &error), 0, "%s", error.text);
    cr_assert_eq(replay_run(trace, &machine, options, spec, n, run, &out.capped, NULL, NULL, &error), 0, "%s",
                 error.text);
    for (uint32_t i = 0; i < n; i++) {
        check_run(&run[i], &machine);
        out.print[i] = fingerprint(&run[i]);
        out.moves += run[i].moves;
        out.copies += run[i].copies;
        out.collapses += run[i].collapses;
        fixture_drop(&run[i]);
    }
    return out;
}

static void compare_ways(unsigned columns, uint64_t capacity_ppm)
{
    static const struct {
        uint32_t threads, fuse, block;
    } ways[] = {{1, 1, 0}, {1, 64, 1}, {2, 0, 0}, {4, 3, 7}, {2, 64, 100000}, {4, 1, 64}};
    struct trace *trace = busy_trace(columns);
    struct replay_options options;
    struct outcome first = {.moves = 0};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        replay_defaults(&options);
        options.threads = ways[i].threads;
        options.fuse = ways[i].fuse;
        options.block = ways[i].block;
        options.capacity_ppm = capacity_ppm;
        struct outcome out = run_all(trace, &options);
        if (i == 0)
            first = out;
        cr_expect_arr_eq(out.print, first.print, sizeof out.print, "threads %u, fuse %u, block %u", ways[i].threads,
                         ways[i].fuse, ways[i].block);
        cr_expect_eq(out.capped, first.capped);
    }
    cr_expect(first.moves > 1000 && first.copies > 100 && first.collapses > 10, "%lu moves, %lu copies, %lu collapses",
              first.moves, first.copies, first.collapses);
    trace_close(trace);
}

Test(driver_same, any_threads_groups_and_blocks)
{
    compare_ways(0, 0);
}

Test(driver_same, with_weights_and_bounded_frames)
{
    compare_ways(TRACE_HAS_WEIGHT | TRACE_HAS_LATENCY, 300000);
}
