/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Five records, every figure worked out by hand (docs/model.md section 7 goes through the first).
 *
 *   time  CPU page kind     gap   recorded stall  compute
 *      0    0    0 read       0   100, 0 fit          0
 *   1000    1    0 read    1000   100               900
 *   2000    1    1 write   1000   100               900
 *   2500    0    1 read    2500   100              2400
 *   2550    0    0 upgrade   50   100, 50 fit          0
 *
 * exec = 4200 (CPU 0: 2400, CPU 1: 1800); of 500 ns recorded stall 150 did not fit: 300000 millionths.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/replay/driver_fixture.h"

static const struct fixture_record five[] = {{0, 0, 0, TRACE_READ, 1, 0},
                                             {1000, 0, 1, TRACE_READ, 1, 0},
                                             {2000, 1, 1, TRACE_WRITE, 1, 0},
                                             {2500, 1, 0, TRACE_READ, 1, 0},
                                             {2550, 0, 0, TRACE_UPGRADE, 1, 0}};

static struct result_run run_five(const struct policy_class *class, uint64_t *capped)
{
    struct machine_desc desc;
    struct replay_options options;
    struct trace *trace = fixture_trace(five, 5, 2, 0);
    fixture_machine(&desc, 2);
    replay_defaults(&options);
    options.batch = 1;
    struct result_run run = fixture_run(trace, &desc, &options, class, capped);
    trace_close(trace);
    return run;
}

/* First touch puts page 0 on node 0 and page 1 on node 1. Local: records 0, 2, 4; remote: 1 and 3. */
Test(driver_hand, first_touch)
{
    uint64_t capped = 0;
    struct result_run run = run_five(policy_find("first_touch"), &capped);
    const uint64_t traffic[] = {1, 1, 1, 0, 1, 0, 0, 1};
    cr_expect_eq(run.exec_ns, 4200);
    cr_expect_eq(run.local_stall_ns, 300);
    cr_expect_eq(run.remote_stall_ns, 600);
    cr_expect_eq(run.overhead_ns, 0);
    cr_expect_eq(run.memory_ns, 900);
    cr_expect_eq(run.memory_flat_ns, 900);
    cr_expect_eq(run.makespan_ns, 2400 + 100 + 300 + 100, "CPU 0 is the last");
    cr_expect_eq(run.misses, 5);
    cr_expect_eq(run.local_misses, 3);
    cr_expect_eq(run.touches, 2);
    cr_expect_eq(capped, 300000);
    cr_expect_arr_eq(run.traffic, traffic, sizeof traffic);
    cr_expect(run.is_static && !run.inactive);
    cr_expect_eq(run.nseries, 1);
    cr_expect_eq(run.series[0].misses, 5);
    cr_expect_eq(run.series[0].local_misses, 3);
    fixture_drop(&run);
}

/* Page 0 moves to node 1 after record 1 (300 ns, remote). Then record 2 is local, 3 and 4 are remote. The move: two
 * shootdowns of one page, 2 x (1000 + 50) by CPU 1 and 2 x 200 at CPU 0; one page copied 2000; one frame freed 20. Five
 * samples of 10. Clocks: CPU 0 2400 + 100 + 300 + 300 + 30 + 400, CPU 1 1800 + 300 + 100 + 20 + 2100 + 2020. */
Test(driver_hand, move)
{
    struct result_run run = run_five(&fixture_mover, NULL);
    cr_expect_eq(run.exec_ns, 4200);
    cr_expect_eq(run.moves, 1);
    cr_expect_eq(run.moved_bytes, 4096);
    cr_expect_eq(run.local_stall_ns, 200);
    cr_expect_eq(run.remote_stall_ns, 900);
    cr_expect_eq(run.overhead_by[OVERHEAD_SAMPLE], 50);
    cr_expect_eq(run.overhead_by[OVERHEAD_MOVE], 2020);
    cr_expect_eq(run.overhead_by[OVERHEAD_SHOOTDOWN], 2500);
    cr_expect_eq(run.overhead_ns, 4570);
    cr_expect_eq(run.memory_flat_ns, 200 + 900 + 4570);
    cr_expect_eq(run.makespan_ns, 6340);
    cr_expect_eq(run.samples, 5);
    cr_expect(!run.inactive && !run.is_static);
    fixture_drop(&run);
}

/* Page 0 gets a copy on node 1 after record 1: one shootdown (1050 + 200) and 2000 for the copy. Record 4, an upgrade
 * by CPU 0, collapses: fault 500, shootdown 1050 + 200, one frame freed 20; it is local. */
Test(driver_hand, copy_and_collapse)
{
    struct result_run run = run_five(&fixture_copier, NULL);
    cr_expect_eq(run.copies, 1);
    cr_expect_eq(run.collapses, 1);
    cr_expect_eq(run.local_stall_ns, 300);
    cr_expect_eq(run.remote_stall_ns, 600);
    cr_expect_eq(run.overhead_by[OVERHEAD_SAMPLE], 50);
    cr_expect_eq(run.overhead_by[OVERHEAD_COPY], 2000);
    cr_expect_eq(run.overhead_by[OVERHEAD_COLLAPSE], 520);
    cr_expect_eq(run.overhead_by[OVERHEAD_SHOOTDOWN], 2500);
    cr_expect_eq(run.overhead_by[OVERHEAD_MOVE], 0);
    cr_expect_eq(run.replica_bytes_peak, 4096);
    cr_expect_eq(run.replica_bytes_mean, 0, "the only window ends after the collapse");
    fixture_drop(&run);
}

/* The same run with memories and links of 1 GB/s, contention off. All CPUs together: 2 x 1000000 - 350 recorded stall
 * that left + 900 stall + 5070 overhead; the mean is 1002810 ns, in which 1002810 bytes fit. Node 0's memory moves
 * records 0 and 1 and the page that node 1 copies, 4224 bytes: 4212 millionths; the upgrade moves none. Node 1's: the
 * page written and records 2 and 3, 4224 as well. The link from node 1 to node 0: record 1 and the page, 4160 bytes,
 * 4148. */
Test(driver_hand, bytes_moved)
{
    struct machine_desc desc;
    struct replay_options options;
    struct trace *trace = fixture_trace(five, 5, 2, 0);
    fixture_machine(&desc, 2);
    desc.memory_bps[0] = desc.memory_bps[1] = desc.link_bps[1] = desc.link_bps[2] = 1000000000;
    replay_defaults(&options);
    options.batch = 1;
    options.contention = false;
    struct result_run run = fixture_run(trace, &desc, &options, &fixture_copier, NULL);
    cr_expect_eq(run.overhead_ns, 5070);
    cr_expect_eq(run.memory_utilisation_peak[0], 4212, "%u", run.memory_utilisation_peak[0]);
    cr_expect_eq(run.memory_utilisation_mean[1], 4212, "%u", run.memory_utilisation_mean[1]);
    cr_expect_eq(run.link_utilisation_peak, 4148, "%u", run.link_utilisation_peak);
    cr_expect(run.link_from == 1 && run.link_to == 0);
    fixture_drop(&run);
    trace_close(trace);
}

/* Watched after record 1 (a shootdown), page 0 gives its hint at record 4, to CPU 0. */
Test(driver_hand, watch_and_hint)
{
    struct result_run run = run_five(&fixture_watcher, NULL);
    cr_expect_eq(run.hints, 1);
    cr_expect_eq(run.overhead_by[OVERHEAD_HINT], 1000);
    cr_expect_eq(run.overhead_by[OVERHEAD_SHOOTDOWN], 1250);
    cr_expect_eq(run.overhead_ns, 1000 + 1250 + 50);
    fixture_drop(&run);
}

/* Two 1 ms windows; CPU 1 alone misses 1000 times in each, all served by node 0 after CPU 0 touched the page at time 0.
 *
 * Window 0: 1001 misses (one by CPU 0, local). Latencies are idle: CPU 1 300 ns each, stall 300000 ns; CPU 0 100 ns.
 * Its records are 100 ns apart: recorded stall 100 fits each gap but none in CPU 0's first gap of 0; CPU 1's first gap
 * is 100. So 100000 ns of recorded stall leave, and all CPUs together spend 2 x 1000000 - 100000 + 300100 = 2200100 ns,
 * the mean is 1100050 ns. Bytes: 1001 x 64 = 64064. The memory moves 80 bytes per us, 88004 in that time: utilisation
 * 64064000000 / 88004 = 727966 millionths. Damped: 727966 / 8 = 90995. The link moves 64000 bytes, of 110005 (100 per
 * us): 581791, damped 72723.
 *
 * Window 1: memory factor 1 + 1 x 0.090995 = 1090995 (the curve rises by 1 up to utilisation 1); link factor
 * 1 + 2 x 0.072723 = 1145446. Latency 300000 ps x 1.090995 = 327298 (rounded down) x 1.145446 = 374902. 1000 misses:
 * 374902000 ps. */
static void contended_machine(struct machine_desc *d)
{
    fixture_machine(d, 2);
    d->memory_bps[0] = d->memory_bps[1] = 80000000;
    d->link_bps[1] = d->link_bps[2] = 100000000;
    d->memory_curve = (struct load_curve){.n = 2, .utilisation = {0, 1000000}, .factor = {1000000, 2000000}};
    d->link_curve = (struct load_curve){.n = 2, .utilisation = {0, 1000000}, .factor = {1000000, 3000000}};
}

static struct trace *contended_trace(void)
{
    static struct fixture_record record[2001];
    record[0] = (struct fixture_record){0, 0, 0, TRACE_READ, 1, 0};
    for (uint32_t i = 0; i < 1000; i++) {
        record[1 + i] = (struct fixture_record){100 + i * 100, 0, 1, TRACE_READ, 1, 0};
        record[1001 + i] = (struct fixture_record){1000100 + i * 100, 0, 1, TRACE_READ, 1, 0};
    }
    return fixture_trace(record, 2001, 2, 0);
}

Test(driver_hand, contention)
{
    struct machine_desc desc;
    struct replay_options options;
    struct trace *trace = contended_trace();
    contended_machine(&desc);
    replay_defaults(&options);
    struct result_run run = fixture_run(trace, &desc, &options, &fixture_still, NULL);
    cr_expect_eq(run.local_stall_ns, 100);
    cr_expect_eq(run.remote_stall_ns, 300000 + 374902, "%lu", run.remote_stall_ns);
    cr_expect_eq(run.memory_flat_ns, 100 + 600000);
    cr_expect_eq(run.memory_utilisation_peak[0], 727966, "%u", run.memory_utilisation_peak[0]);
    cr_expect_eq(run.link_utilisation_peak, 581791, "%u", run.link_utilisation_peak);
    cr_expect(run.link_from == 1 && run.link_to == 0);
    cr_expect_eq(run.series[0].memory_utilisation[0], 727966);
    cr_expect_eq(run.series[1].stall_ns, 374902);
    fixture_drop(&run);

    options.contention = false;
    run = fixture_run(trace, &desc, &options, &fixture_still, NULL);
    cr_expect_eq(run.remote_stall_ns, 600000);
    cr_expect_eq(run.memory_utilisation_peak[0], 727966, "reported all the same");
    fixture_drop(&run);
    trace_close(trace);
}

/* Each CPU stands for two: twice the bytes. 128128000000 / 88004 = 1455933. */
Test(driver_hand, intensity)
{
    struct machine_desc desc;
    struct replay_options options;
    struct trace *trace = contended_trace();
    contended_machine(&desc);
    replay_defaults(&options);
    options.intensity = 2;
    struct result_run run = fixture_run(trace, &desc, &options, &fixture_still, NULL);
    cr_expect_eq(run.memory_utilisation_peak[0], 1455933, "%u", run.memory_utilisation_peak[0]);
    cr_expect_eq(run.misses, 2001);
    fixture_drop(&run);
    trace_close(trace);
}

/* Record 0 stands for 3 misses, 1 for 5, 2 for 7, of recorded latencies 200, 150 and 40. CPU 1: first gap 1000 holds
 * 750, second 1000 holds 280: 250 + 720 ns compute. CPU 0: gap 0 holds none of 600. Stalls: 3 x 100 local, 5 x 300
 * remote, 7 x 100 local. With a memory-level parallelism of 2 each modelled stall halves, and so does the recorded one.
 */
Test(driver_hand, weights_latencies_and_parallelism)
{
    static const struct fixture_record three[] = {
        {0, 0, 0, TRACE_READ, 3, 200}, {1000, 0, 1, TRACE_READ, 5, 150}, {2000, 1, 1, TRACE_WRITE, 7, 40}};
    struct machine_desc desc;
    struct replay_options options;
    struct trace *trace = fixture_trace(three, 3, 2, TRACE_HAS_WEIGHT | TRACE_HAS_LATENCY);
    fixture_machine(&desc, 2);
    replay_defaults(&options);
    struct result_run run = fixture_run(trace, &desc, &options, &fixture_still, NULL);
    cr_expect_eq(run.exec_ns, 970);
    cr_expect_eq(run.local_stall_ns, 1000);
    cr_expect_eq(run.remote_stall_ns, 1500);
    cr_expect_eq(run.misses, 15);
    cr_expect_eq(run.local_misses, 10);
    fixture_drop(&run);
    desc.mlp_ppm = 2000000;
    run = fixture_run(trace, &desc, &options, &fixture_still, NULL);
    cr_expect_eq(run.exec_ns, 1000 - 375 + 1000 - 140);
    cr_expect_eq(run.local_stall_ns, 500);
    cr_expect_eq(run.remote_stall_ns, 750);
    cr_expect_eq(run.memory_flat_ns, 1250);
    fixture_drop(&run);
    trace_close(trace);
}

static uint64_t most_traffic;

static void watch_traffic(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    (void)state;
    (void)now;
    (void)orders;
    for (uint32_t i = 0; i < 8; i++)
        most_traffic = v->traffic[i] > most_traffic ? v->traffic[i] : most_traffic;
}

/* Three reads of CPU 1 in window 0, one of CPU 0 in window 2; each CPU stands for five: the counters show 15. */
Test(driver_hand, counters_show_the_intensity)
{
    static const struct fixture_record record[] = {{0, 1, 0, TRACE_READ, 1, 0},
                                                   {1000, 1, 0, TRACE_READ, 1, 0},
                                                   {2000, 1, 0, TRACE_READ, 1, 0},
                                                   {2500000, 0, 0, TRACE_READ, 1, 0}};
    const struct policy_class class = {
        .name = "counters", .signals = SIGNAL_LOAD, .tick_ns = 1000000, .tick = watch_traffic};
    struct machine_desc desc;
    struct replay_options options;
    struct trace *trace = fixture_trace(record, 4, 2, 0);
    fixture_machine(&desc, 2);
    replay_defaults(&options);
    options.intensity = 5;
    struct result_run run = fixture_run(trace, &desc, &options, &class, NULL);
    cr_expect_eq(most_traffic, 15, "%lu", most_traffic);
    cr_expect_eq(run.misses, 4, "what is reported is what was recorded");
    fixture_drop(&run);
    trace_close(trace);
}
