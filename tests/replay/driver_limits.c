/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sums at the limits of 64 bits, whose work the last flush is, and what idle stretches cost on a large machine.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "tests/replay/driver_fixture.h"

static int try_run(const struct trace *trace, const struct machine_desc *desc, const struct replay_options *options,
                   struct result_run *run, struct trace_error *error)
{
    static struct replay_machine machine;
    struct replay_spec spec = {.policy = &fixture_still};
    cr_assert_eq(replay_machine_init(&machine, desc, trace_meta(trace), options, error), 0, "%s", error->text);
    return replay_run(trace, &machine, options, &spec, 1, run, NULL, NULL, NULL, error);
}

static void expect_refusal(const struct trace *trace, const struct machine_desc *desc,
                           const struct replay_options *options)
{
    struct result_run run;
    struct trace_error error = {""};
    cr_expect_eq(try_run(trace, desc, options, &run, &error), -EOVERFLOW);
    cr_expect_not_null(strstr(error.text, "lower --repeat"), "%s", error.text);
    cr_expect_null(strchr(error.text, '\n'));
}

/* A miss of 4 ms with the greatest weight there is stalls for 4294967295 x 4 x 10^6 = 1.7 x 10^16 ns. INT64_MAX holds
 * 536 of them; 1100 would be more than 2^64, and look like 4.5 x 10^17. */
Test(driver_limits, stall)
{
    enum { MOST = 536, RECORDS = 1100 };
    static struct fixture_record record[RECORDS];
    struct machine_desc desc;
    struct replay_options options;
    struct result_run run;
    struct trace_error error = {""};
    for (uint32_t i = 0; i < RECORDS; i++)
        record[i] = (struct fixture_record){i * 10, 0, 0, TRACE_READ, UINT32_MAX, 0};
    fixture_machine(&desc, 2);
    desc.latency_ps[0] = 4000000000;
    replay_defaults(&options);

    struct trace *trace = fixture_trace(record, MOST, 1, TRACE_HAS_WEIGHT);
    cr_expect_eq(try_run(trace, &desc, &options, &run, &error), 0, "%s", error.text);
    cr_expect_eq(run.local_stall_ns, MOST * 4294967295ull * 4000000);
    cr_expect_eq(run.memory_flat_ns, run.local_stall_ns);
    fixture_drop(&run);
    options.repeat = 2;
    expect_refusal(trace, &desc, &options);
    trace_close(trace);
    options.repeat = 1;
    trace = fixture_trace(record, MOST + 1, 1, TRACE_HAS_WEIGHT);
    expect_refusal(trace, &desc, &options);
    trace_close(trace);
    trace = fixture_trace(record, RECORDS, 1, TRACE_HAS_WEIGHT);
    expect_refusal(trace, &desc, &options);
    trace_close(trace);
}

/* 64 CPUs that compute for 1 s less 100 ns, a million times slower: 6.4 x 10^16 ns a pass, and 64 x 100 x 2 ns stall.
 */
Test(driver_limits, compute_time)
{
    enum { CPUS = 64 };
    static struct fixture_record record[2 * CPUS];
    struct machine_desc desc;
    struct replay_options options;
    struct result_run run;
    struct trace_error error = {""};
    for (uint32_t i = 0; i < 2 * CPUS; i++)
        record[i] = (struct fixture_record){i < CPUS ? 0 : 1000000000, 0, (uint16_t)(i % CPUS), TRACE_READ, 1, 0};
    struct trace *trace = fixture_trace(record, 2 * CPUS, CPUS, 0);
    fixture_machine(&desc, 1);
    replay_defaults(&options);
    options.time_scale_ppm = 1000000000000;

    options.repeat = 100;
    cr_expect_eq(try_run(trace, &desc, &options, &run, &error), 0, "%s", error.text);
    cr_expect_eq(run.exec_ns, CPUS * 100 * 999999900000000ull);
    cr_expect_eq(run.memory_ns, CPUS * 100 * 200);
    fixture_drop(&run);
    options.repeat = 1000;
    expect_refusal(trace, &desc, &options);
    trace_close(trace);
}

/* A cost of 10^6 s, the most there is, for each of 4 x 10^9 pages in a scan would not fit either; here two pages scan
 * for 2 x 1.8 x 10^10 s: 3.6 x 10^19 ps, more than 2^64, but 3.6 x 10^16 ns. */
Test(driver_limits, one_charge)
{
    static const struct fixture_record record[] = {
        {0, 0, 0, TRACE_READ, 1, 0}, {10, 1, 0, TRACE_READ, 1, 0}, {2500000, 0, 0, TRACE_READ, 1, 0}};
    struct machine_desc desc;
    struct replay_options options;
    struct trace *trace = fixture_trace(record, 3, 1, 0);
    fixture_machine(&desc, 1);
    desc.costs.scan_ps = 18000000000000000000ull;
    replay_defaults(&options);
    struct result_run run = fixture_run(trace, &desc, &options, &fixture_harvester, NULL);
    cr_expect_eq(run.overhead_by[OVERHEAD_SCAN], 36000000000000000ull, "%lu", run.overhead_by[OVERHEAD_SCAN]);
    fixture_drop(&run);
    trace_close(trace);
}

/* Both events wait for the flush at the end, which moves page 0 to node 1: 2 x 1050 + 2000 + 20 by the CPU of the last
 * record, 1, which never entered the engine. With its gap of 1000, of which 100 were stall, 300 and one sample of 10:
 * 5330. CPU 0 would come to 4230. */
Test(driver_limits, last_flush)
{
    static const struct fixture_record record[] = {{0, 0, 0, TRACE_READ, 1, 0}, {1000, 0, 1, TRACE_READ, 1, 0}};
    struct machine_desc desc;
    struct replay_options options;
    struct trace *trace = fixture_trace(record, 2, 2, 0);
    fixture_machine(&desc, 2);
    replay_defaults(&options);
    for (options.sampling = 1; options.sampling <= 4; options.sampling *= 2) {
        struct result_run run = fixture_run(trace, &desc, &options, &fixture_mover, NULL);
        cr_expect_eq(run.moves, 1);
        cr_expect_eq(run.makespan_ns, 5330, "1 in %u: %lu", options.sampling, run.makespan_ns);
        fixture_drop(&run);
    }
    trace_close(trace);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* 64 records, one in a window, `apart` windows after the other, 20 times over. */
static double time_apart(uint32_t apart)
{
    static struct fixture_record record[64];
    static struct machine_desc desc;
    struct replay_options options;
    for (uint32_t i = 0; i < 64; i++)
        record[i] = (struct fixture_record){1000000ull * i * apart, 0, (uint16_t)i, TRACE_READ, 1, 0};
    struct trace *trace = fixture_trace(record, 64, 64, 0);
    fixture_machine(&desc, 64);
    for (uint32_t i = 0; i < 64 * 64; i++)
        desc.link_bps[i] = 1000;
    replay_defaults(&options);
    options.repeat = 20;
    double start = seconds();
    struct result_run run = fixture_run(trace, &desc, &options, &fixture_still, NULL);
    double took = seconds() - start;
    fixture_drop(&run);
    trace_close(trace);
    return took;
}

/* An idle stretch costs about as much as one window, however many it holds: 64 x 64 links, of which few ever moved
 * anything, do not each sink step by step. The best of three, so that a busy machine does not decide. */
Test(driver_limits, idle_stretches, .timeout = 120)
{
    double dense = 1e9, sparse = 1e9;
    for (int i = 0; i < 3; i++) {
        double d = time_apart(1), s = time_apart(1000);
        dense = d < dense ? d : dense;
        sparse = s < sparse ? s : sparse;
    }
    cr_expect_lt(sparse, 6 * dense, "%g s against %g s", sparse, dense);
}
