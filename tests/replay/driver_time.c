/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Time: passes, scale, ticks, idle stretches, and traces that claim absurd times.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "tests/replay/driver_fixture.h"

static struct result_run run_with(const struct fixture_record *record, size_t n, const struct replay_options *options,
                                  const struct policy_class *class)
{
    struct machine_desc desc;
    struct trace *trace = fixture_trace(record, n, 2, 0);
    fixture_machine(&desc, 2);
    struct result_run run = fixture_run(trace, &desc, options, class, NULL);
    trace_close(trace);
    return run;
}

static const struct fixture_record four[] = {{0, 0, 0, TRACE_READ, 1, 0},
                                             {1000, 0, 1, TRACE_READ, 1, 0},
                                             {3000, 1, 1, TRACE_WRITE, 1, 0},
                                             {5000, 1, 0, TRACE_READ, 1, 0}};

/* A pass: exec 900 + 1900 + 4900 = 7700; local 200, remote 600. Pages stay where the first pass put them. */
Test(driver_time, passes_add_up)
{
    struct replay_options options;
    replay_defaults(&options);
    struct result_run run = run_with(four, 4, &options, &fixture_still);
    cr_expect_eq(run.exec_ns, 7700);
    cr_expect_eq(run.local_stall_ns + run.remote_stall_ns, 800);
    fixture_drop(&run);
    options.repeat = 5;
    run = run_with(four, 4, &options, &fixture_still);
    cr_expect_eq(run.exec_ns, 5 * 7700);
    cr_expect_eq(run.local_stall_ns, 5 * 200);
    cr_expect_eq(run.remote_stall_ns, 5 * 600);
    cr_expect_eq(run.misses, 20);
    cr_expect_eq(run.touches, 2);
    cr_expect_eq(run.nseries, 5, "a pass lasts whole windows");
    fixture_drop(&run);
}

/* Time x 2.5: compute time is 2.5 x 7700, the modelled stalls stay. 5000 ns become 12500: still one window. */
Test(driver_time, scale)
{
    struct replay_options options;
    replay_defaults(&options);
    options.time_scale_ppm = 2500000;
    struct result_run run = run_with(four, 4, &options, &fixture_still);
    cr_expect_eq(run.exec_ns, 19250);
    cr_expect_eq(run.memory_ns, 800);
    cr_expect_eq(run.nseries, 1);
    fixture_drop(&run);
    options.time_scale_ppm = 1000000000;
    run = run_with(four, 4, &options, &fixture_still);
    cr_expect_eq(run.nseries, 6, "5 ms: windows 0 to 5");
    fixture_drop(&run);
}

static uint64_t three_looks(void *state)
{
    (void)state;
    return 3;
}

/* Windows 0 and 9. Its tick of 1.5 ms comes every second window, at 2, 4, 6, 8 ms: four harvests of two pages, 100 ps
 * an entry: 800 ps in all, not a whole ns; with 1000 times the cost, 800 ns. A class that says it looked at three pages
 * each time pays for those: 1200 ns. */
Test(driver_time, ticks_and_harvests)
{
    static const struct fixture_record record[] = {
        {0, 0, 0, TRACE_READ, 1, 0}, {10, 1, 1, TRACE_READ, 1, 0}, {9500000, 0, 0, TRACE_READ, 1, 0}};
    struct machine_desc desc;
    struct replay_options options;
    struct trace *trace = fixture_trace(record, 3, 2, 0);
    fixture_machine(&desc, 2);
    replay_defaults(&options);
    desc.costs.scan_ps = 100000;
    struct result_run run = fixture_run(trace, &desc, &options, &fixture_harvester, NULL);
    cr_expect_eq(run.overhead_by[OVERHEAD_SCAN], 800, "%lu", run.overhead_by[OVERHEAD_SCAN]);
    cr_expect_eq(run.nseries, 10);
    cr_expect_eq(run.makespan_ns, 9499900 + 2 * 100 + 2 * 200, "CPU 0 makes every second scan: %lu", run.makespan_ns);
    cr_expect(run.inactive && !run.is_static);
    fixture_drop(&run);
    struct policy_class choosy = fixture_harvester;
    choosy.looked = three_looks;
    run = fixture_run(trace, &desc, &options, &choosy, NULL);
    cr_expect_eq(run.overhead_by[OVERHEAD_SCAN], 1200, "%lu", run.overhead_by[OVERHEAD_SCAN]);
    fixture_drop(&run);
    trace_close(trace);
}

/* Replica of page 0 from window 0 on, collapsed by the write in window 4: 4 of 5 windows end with one. */
Test(driver_time, replicas_over_idle_windows)
{
    static const struct fixture_record record[] = {
        {0, 0, 0, TRACE_READ, 1, 0}, {10, 0, 1, TRACE_READ, 1, 0}, {4100000, 0, 0, TRACE_WRITE, 1, 0}};
    struct replay_options options;
    replay_defaults(&options);
    options.batch = 1;
    struct result_run run = run_with(record, 3, &options, &fixture_copier);
    cr_expect_eq(run.replica_bytes_mean, 4096 * 4 / 5);
    cr_expect_eq(run.nseries, 5);
    for (uint32_t i = 0; i < 5; i++)
        cr_expect_eq(run.series[i].replica_pages, i < 4, "slice %u", i);
    cr_expect_eq(run.series[0].copies, 1);
    cr_expect_eq(run.series[4].collapses, 1);
    fixture_drop(&run);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Steps of years, with a class that ticks every ms: quick, and the series still has at most 1024 slices. */
Test(driver_time, years_without_a_record, .timeout = 60)
{
    static struct fixture_record record[64];
    struct replay_options options;
    for (uint32_t i = 0; i < 64; i++)
        record[i] = (struct fixture_record){i * 30000000000000000ull, i % 2, (uint16_t)(i % 2), TRACE_READ, 1, 0};
    replay_defaults(&options);
    double start = seconds();
    struct result_run run = run_with(record, 64, &options, &fixture_ticker);
    cr_expect_lt(seconds() - start, 5);
    cr_expect_leq(run.nseries, RESULT_SERIES_MAX);
    cr_expect_gt(run.nseries, RESULT_SERIES_MAX / 2);
    cr_expect_eq(run.misses, 64);
    cr_expect_eq(run.refused_by[0], 63 * (1 + 1024 + 1), "after each record, in the idle stretch, before the next: %lu",
                 run.refused_by[0]);
    fixture_drop(&run);
}

/* Windows 0 and 1000001. Of the even windows between them 1024 tick; 1000001 is odd. */
Test(driver_time, skipped_ticks_leave_the_beat)
{
    static const struct fixture_record two[] = {{0, 0, 0, TRACE_READ, 1, 0}, {1000001000000, 0, 1, TRACE_READ, 1, 0}};
    struct replay_options options;
    replay_defaults(&options);
    struct result_run run = run_with(two, 2, &options, &fixture_slow_ticker);
    cr_expect_eq(run.refused_by[0], 1024, "%lu", run.refused_by[0]);
    fixture_drop(&run);
}

/* One CPU, 1000 records: samples 1 to 100 of records 1 to 100; sample 101 of record 101, then one in 4: sample 150 of
 * record 297; then the 703 that are left. */
Test(driver_time, sampling_that_changes)
{
    static struct fixture_record record[1000];
    struct replay_options options;
    for (uint32_t i = 0; i < 1000; i++)
        record[i] = (struct fixture_record){i * 3000, i % 7, 0, TRACE_READ, 1, 0};
    replay_defaults(&options);
    options.batch = 1;
    struct result_run run = run_with(record, 1000, &options, &fixture_sampler);
    cr_expect_eq(run.samples, 150 + 703, "%lu", run.samples);
    cr_expect_eq(run.overhead_by[OVERHEAD_SAMPLE], 8530);
    fixture_drop(&run);
}

static void refused(const struct replay_options *options, const struct trace *trace, const char *word)
{
    static struct replay_machine machine;
    struct machine_desc desc;
    struct replay_spec spec = {.policy = &fixture_still};
    struct result_run run;
    struct trace_error error = {""};
    fixture_machine(&desc, 2);
    int err = replay_machine_init(&machine, &desc, trace_meta(trace), options, &error);
    if (!err)
        err = replay_run(trace, &machine, options, &spec, 1, &run, NULL, NULL, NULL, &error);
    cr_expect_neq(err, 0, "%s", word);
    cr_expect_not_null(strstr(error.text, word), "'%s' lacks '%s'", error.text, word);
    cr_expect_null(strchr(error.text, '\n'));
}

Test(driver_time, options_out_of_range)
{
    static const struct fixture_record far[] = {{0, 0, 0, TRACE_READ, 1, 0},
                                                {4000000000000000000ull, 0, 1, TRACE_READ, 1, 0}};
    static const struct fixture_record five[] = {{0, 0, 0, TRACE_READ, 1, 0},
                                                 {1, 1, 0, TRACE_READ, 1, 0},
                                                 {2, 2, 0, TRACE_READ, 1, 0},
                                                 {3, 3, 1, TRACE_READ, 1, 0},
                                                 {4, 4, 1, TRACE_READ, 1, 0}};
    struct trace *trace = fixture_trace(four, 4, 2, 0), *longest = fixture_trace(far, 2, 2, 0);
    struct trace *wide = fixture_trace(five, 5, 2, 0), *empty = fixture_trace(NULL, 0, 2, 0);
    struct replay_options good, o;
    replay_defaults(&good);
    refused(&good, empty, "no records");
    refused(&good, longest, "more than a replay can hold");
    o = good, o.repeat = 0;
    refused(&o, trace, "--repeat");
    o = good, o.repeat = UINT64_MAX;
    refused(&o, trace, "--repeat");
    o = good, o.time_scale_ppm = 0;
    refused(&o, trace, "--time-scale");
    o = good, o.intensity = 0;
    refused(&o, trace, "--intensity");
    o = good, o.batch = 65;
    refused(&o, trace, "--batch");
    o = good, o.sampling = 3;
    refused(&o, trace, "--sample");
    o = good, o.capacity_ppm = 300000; /* two frames on each of two nodes for five pages */
    refused(&o, wide, "--capacity");
    o = good, o.cpu_map = "0-1:2";
    refused(&o, trace, "--cpu-map");
    o = good, o.cpu_map = "0:1";
    refused(&o, trace, "CPU 1");
    o = good, o.cpu_map = "0-1:0,1:1";
    refused(&o, trace, "twice");
    o = good, o.cpu_map = "0-:1";
    refused(&o, trace, "0-3:0,4-7:1");
    trace_close(trace);
    trace_close(longest);
    trace_close(wide);
    trace_close(empty);
}
