/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Long traces against a straightforward second reckoning: first touch with constant latencies, record by record.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/replay/driver_fixture.h"

enum { RECORDS = 600000, PAGES = 500, CPUS = 6, NODES = 3 };

struct reckoning {
    uint64_t exec, local, remote, longest, recorded, capped;
    uint64_t traffic[NODES * NODES * 2];
};

static struct fixture_record *random_records(bool sparse)
{
    struct fixture_record *record = calloc(RECORDS, sizeof *record);
    uint64_t x = 12345, time = 77777;
    for (uint32_t i = 0; i < RECORDS; i++) {
        x = x * 6364136223846793005ull + 1442695040888963407ull;
        uint32_t r = (uint32_t)(x >> 33);
        time += sparse && r % 50 == 0 ? 3700000 : r % 90;
        record[i] = (struct fixture_record){time,
                                            i < PAGES ? i : r / 90 % PAGES,
                                            (uint16_t)(r / 7 % CPUS),
                                            (enum trace_kind)(r / 11 % 4),
                                            1 + r / 13 % 9,
                                            r / 17 % 400};
    }
    return record;
}

/* CPUs 0 and 1 sit on node 0, 2 and 3 on node 1, 4 and 5 on node 2. */
static struct reckoning reckon(const struct fixture_record *record, bool columns, uint64_t passes)
{
    struct reckoning k = {.exec = 0};
    uint64_t clock[CPUS] = {0};
    int home[PAGES];
    memset(home, -1, sizeof home);
    for (uint64_t pass = 0; pass < passes; pass++) {
        uint64_t last[CPUS];
        for (int cpu = 0; cpu < CPUS; cpu++)
            last[cpu] = record[0].time;
        for (uint32_t i = 0; i < RECORDS; i++) {
            const struct fixture_record *r = &record[i];
            uint64_t weight = columns ? r->weight : 1, stall = weight * (columns ? r->latency_ns : 100);
            uint64_t gap = r->time - last[r->cpu], compute = gap > stall ? gap - stall : 0;
            int from = r->cpu / 2, *to = &home[r->page];
            last[r->cpu] = r->time;
            if (*to < 0)
                *to = from;
            uint64_t cost = weight * (*to == from ? 100 : 300);
            *(*to == from ? &k.local : &k.remote) += cost;
            k.exec += compute;
            k.recorded += stall;
            k.capped += stall - (gap - compute);
            clock[r->cpu] += compute + cost;
            k.traffic[(from * NODES + *to) * 2 + (r->kind == TRACE_WRITE || r->kind == TRACE_UPGRADE)] += weight;
        }
    }
    for (int cpu = 0; cpu < CPUS; cpu++)
        k.longest = clock[cpu] > k.longest ? clock[cpu] : k.longest;
    return k;
}

static void check(bool sparse, bool columns, uint64_t passes)
{
    struct machine_desc desc;
    struct replay_options options;
    struct fixture_record *record = random_records(sparse);
    struct trace *trace = fixture_trace(record, RECORDS, CPUS, columns ? TRACE_HAS_WEIGHT | TRACE_HAS_LATENCY : 0);
    struct reckoning k = reckon(record, columns, passes);
    uint64_t capped;
    fixture_machine(&desc, NODES);
    replay_defaults(&options);
    options.repeat = passes;
    struct result_run run = fixture_run(trace, &desc, &options, &fixture_still, &capped);
    cr_expect_eq(run.exec_ns, k.exec, "%lu, not %lu", run.exec_ns, k.exec);
    cr_expect_eq(run.local_stall_ns, k.local);
    cr_expect_eq(run.remote_stall_ns, k.remote);
    cr_expect_eq(run.memory_flat_ns, k.local + k.remote);
    cr_expect_eq(run.makespan_ns, k.longest);
    cr_expect_eq(capped, k.capped * 1000000 / k.recorded);
    cr_expect_arr_eq(run.traffic, k.traffic, sizeof k.traffic);
    fixture_drop(&run);

    /* A class that sees all: a sample of each record, 10 ns, on the same clocks. */
    run = fixture_run(trace, &desc, &options, &fixture_watcher, NULL);
    cr_expect_eq(run.samples, RECORDS * passes, "%lu samples", run.samples);
    cr_expect_eq(run.overhead_by[OVERHEAD_SAMPLE], RECORDS * passes * 10);
    cr_expect_eq(run.exec_ns, k.exec);
    cr_expect_arr_eq(run.traffic, k.traffic, sizeof k.traffic);
    fixture_drop(&run);
    trace_close(trace);
    free(record);
}

Test(driver_brute, dense)
{
    check(false, false, 1);
}

Test(driver_brute, sparse_with_weights)
{
    check(true, true, 1);
}

Test(driver_brute, dense_with_weights_twice)
{
    check(false, true, 2);
}

Test(driver_brute, sparse_three_times)
{
    check(true, false, 3);
}
