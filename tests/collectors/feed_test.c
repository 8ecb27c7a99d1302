/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What live makes of samples: they weigh what they weigh in a trace, and those of others are left out.
 */
#include "collectors/live_feed.h"

#include <criterion/criterion.h>

#include "tests/collectors/fake_perf.h"
#include "tests/collectors/sample_writer.h"

enum { PID = 42, PAGE = 4096, PERIOD = 100 };

static long everything_on_node_0(int pid, unsigned long count, void **pages, const int *nodes, int *status, int flags)
{
    (void)pages;
    (void)flags;
    cr_assert_eq(pid, PID);
    for (unsigned long i = 0; i < count && !nodes; i++)
        status[i] = 0;
    return 0;
}

static const node_t cpu_node[1] = {0};
static const uint8_t tier[1];
static const uint32_t latency[1] = {100000};
static const uint64_t frames[1] = {FRAMES_UNBOUNDED};
static const struct topology one = {.nodes = 1,
                                    .cpus = 1,
                                    .page_size = PAGE,
                                    .cpu_node = cpu_node,
                                    .tier = tier,
                                    .latency_ps = latency,
                                    .frames = frames};

static struct session *session;
static struct live *live;
static struct live_feed feed;

static void begin(const struct encode_event *event)
{
    struct session_options o = {.ops = &fake_perf_ops,
                                .events = event,
                                .count = 1,
                                .memory = true,
                                .whom = SESSION_SYSTEM,
                                .cpus = "0",
                                .ring_kib = 16};
    struct live_config c = {.policy = policy_find("first_touch"),
                            .topology = &one,
                            .pages_max = 16,
                            .pid = PID,
                            .call = everything_on_node_0};
    struct attr_steps steps = {""};
    struct trace_error error = {""};
    fake_begin();
    policy_defaults(c.policy, c.param);
    cr_assert_eq(session_open(&o, &steps, &session, &error), 0, "%s", error.text);
    cr_assert_eq(live_new(&c, &live, &error), 0, "%s", error.text);
    cr_assert_eq(live_feed_begin(&feed, live, session, PID, true), 0);
}

static void end(void)
{
    live_feed_end(&feed);
    live_free(live);
    session_close(session);
    fake_end();
}

/* A sample of the session's own event, from DRAM, as the kernel would write it. */
static void put(uint32_t pid, uint32_t tid, uint64_t period)
{
    struct session_event opened;
    unsigned char record[512];
    session_event(session, 0, &opened);
    struct writer_event e = {.sample_type = opened.attr.sample_type, .id = opened.ids[0]};
    struct writer_values v = {.time = 1000,
                              .addr = 5 * PAGE,
                              .period = period,
                              .source = 0x02 | (0x02 | 0x80) << 5 | 4 << 19 | UINT64_C(13) << 33, /* local memory */
                              .pid = pid,
                              .tid = tid,
                              .cpu = 0};
    struct iovec pieces[2] = {{record, writer_sample(&e, &v, record)}, {record, 0}};
    struct session_sink sink = live_feed_sink(&feed);
    cr_assert_eq(sink.bytes(sink.context, 0, pieces), 0);
    cr_assert_eq(sink.round(sink.context), 0);
}

Test(feed, a_load_is_one_miss_whatever_its_period)
{
    const struct encode_event loads = {
        .name = "cpu/mem-loads/", .how = "sysfs", .code = {4, {0x1cd, 30}}, .period = PERIOD, .precise = 2};
    begin(&loads);
    put(PID, PID, PERIOD);
    put(PID, PID + 1, PERIOD);
    put(PID + 1, PID + 1, PERIOD);
    cr_expect_eq(live_stats(live)->misses, 2, "%llu", (unsigned long long)live_stats(live)->misses);
    cr_expect_eq(feed.others, 1, "another process's");
    cr_expect_eq(feed.tasks.n, 2, "two threads");
    end();
}

Test(feed, an_event_that_counts_misses_weighs_its_period)
{
    const struct encode_event misses = {.name = "MEM_LOAD_L3_MISS_RETIRED:REMOTE_DRAM",
                                        .how = "libpfm4",
                                        .code = {4, {0x2d3}},
                                        .period = PERIOD,
                                        .precise = 2};
    begin(&misses);
    put(PID, PID, PERIOD);
    cr_expect_eq(live_stats(live)->misses, PERIOD);
    end();
}
