/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A session on a kernel of our own making: what is opened where, what is read, what is counted; and, through a spool,
 * what becomes of ring bytes and of an AUX area.
 */
#include "collectors/session.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/perf_abi.h"
#include "collectors/spool.h"
#include "tests/collectors/fake_perf.h"
#include "tests/collectors/tree.h"

TestSuite(session, .init = fake_begin);

static const struct encode_event loads = {
    .name = "cpu/mem-loads/", .how = "sysfs", .code = {4, {0x1cd, 30}}, .period = 100, .precise = 2};

static struct session *session;
static struct attr_steps steps;
static struct trace_error error;

static int open_on(const char *cpus, const struct encode_event *events, uint32_t count)
{
    struct session_options o = {.ops = &fake_perf_ops,
                                .events = events,
                                .count = count,
                                .memory = true,
                                .whom = SESSION_SYSTEM,
                                .cpus = cpus,
                                .ring_kib = 16};
    steps.text[0] = 0;
    return session_open(&o, &steps, &session, &error);
}

/* --- what a sink received --- */

static struct {
    unsigned calls, rounds, cpu;
    size_t bytes, aux_bytes;
    uint64_t aux_position;
    unsigned char joined[65536];
} got;

static int take(void *context, unsigned cpu, const struct iovec pieces[2])
{
    cr_assert_eq(context, &got);
    got.calls++;
    got.cpu = cpu;
    for (int i = 0; i < 2; i++) {
        memcpy(got.joined + got.bytes, pieces[i].iov_base, pieces[i].iov_len);
        got.bytes += pieces[i].iov_len;
    }
    return 0;
}

static int take_aux(void *context, unsigned cpu, const struct iovec pieces[2], uint64_t position)
{
    cr_assert_eq(context, &got);
    got.cpu = cpu;
    got.aux_bytes += pieces[0].iov_len + pieces[1].iov_len;
    got.aux_position = position;
    return 0;
}

static int count_round(void *context)
{
    cr_assert_eq(context, &got);
    got.rounds++;
    return 0;
}

static const struct session_sink sink = {.context = &got, .bytes = take, .aux = take_aux, .round = count_round};

static void put_samples(struct fake_event *ring, unsigned n)
{
    uint64_t body[4] = {0};
    for (unsigned i = 0; i < n; i++) {
        body[0] = i;
        fake_put(ring, ABI_RECORD_SAMPLE, body, sizeof body);
    }
}

static void put_lost(struct fake_event *ring, uint64_t n)
{
    uint64_t body[2] = {1, n};
    fake_put(ring, ABI_RECORD_LOST, body, sizeof body);
}

/* --- --- */

Test(session, one_ring_per_cpu_and_a_dummy_on_each)
{
    cr_assert_eq(open_on("0,2", &loads, 1), 0, "%s", error.text);
    for (int cpu = 0; cpu <= 2; cpu += 2) {
        const struct fake_event *first = fake_on(cpu, 0), *second = fake_on(cpu, 1);
        cr_assert(first && second && !fake_on(cpu, 2));
        cr_expect_eq(first->attr.config, 0x1cd);
        cr_expect_eq(first->pid, -1);
        cr_expect(!first->attr.inherit);
        cr_expect_eq(first->ring_bytes, FAKE_PAGE + 16384);
        cr_expect_eq(second->attr.config, 9);
        cr_expect(second->attr.mmap2 && second->attr.comm && second->attr.task && !first->attr.mmap);
        cr_expect_eq(second->output - FAKE_FIRST, first - fake.event);
        cr_expect_null(second->ring);
    }
    cr_expect_null(fake_on(1, 0));
    struct session_event e;
    cr_assert_eq(session_events(session), 2);
    session_event(session, 0, &e);
    cr_expect_eq(e.instances, 2);
    cr_expect_eq(e.ids[0], 1000 + FAKE_FIRST + (uint64_t)(fake_on(0, 0) - fake.event));
    session_close(session);
    fake_end();
}

Test(session, an_event_counts_only_on_its_own_cpus)
{
    struct encode_event both[2] = {loads, loads};
    snprintf(both[0].cpus, sizeof both[0].cpus, "0-1");
    snprintf(both[1].cpus, sizeof both[1].cpus, "2-3");
    both[1].code.config[0] = 0x5d0;
    cr_assert_eq(open_on("0-3", both, 2), 0, "%s", error.text);
    for (int cpu = 0; cpu < 4; cpu++) {
        cr_expect_eq(fake_on(cpu, 0)->attr.config, cpu < 2 ? 0x1cd : 0x5d0);
        cr_expect_eq(fake_on(cpu, 1)->attr.config, 9);
        cr_expect_null(fake_on(cpu, 2));
    }
    session_close(session);
    fake_end();
}

Test(session, a_cpu_that_is_offline_is_left_out)
{
    fake.offline = 1;
    cr_assert_eq(open_on("0-2", &loads, 1), 0, "%s", error.text);
    cr_expect_not_null(strstr(steps.text, "CPU 1 is left out"));
    cr_expect(fake_on(0, 0) && fake_on(2, 0) && !fake_on(1, 0));
    session_close(session);
    fake_end();
}

Test(session, a_ring_as_large_as_may_be_locked)
{
    struct session_options o = {
        .ops = &fake_perf_ops, .events = &loads, .count = 1, .whom = SESSION_SYSTEM, .cpus = "0", .ring_kib = 512};
    fake.lock_bytes = 70000;
    cr_assert_eq(session_open(&o, &steps, &session, &error), 0, "%s", error.text);
    cr_expect_eq(fake_on(0, 0)->ring_bytes, FAKE_PAGE + 65536);
    cr_expect_not_null(strstr(steps.text, "ring of 64 KiB"));
    session_close(session);
    fake.lock_bytes = 5000;
    cr_expect_eq(session_open(&o, &steps, &session, &error), -EPERM);
    fake_end();
}

/* A ring that ends full says nothing of what it dropped: the kernel's own count does. */
Test(session, received_and_lost_are_all_that_was_counted)
{
    struct session_counts c;
    cr_assert_eq(open_on("0-1", &loads, 1), 0, "%s", error.text);
    session_start(session, &error);
    cr_expect(fake_on(0, 0)->enabled && fake_on(1, 1)->enabled);
    put_samples(fake_on(0, 0), 5);
    put_lost(fake_on(0, 0), 2);
    cr_assert_eq(session_turn(session, 10, &sink), 1);
    cr_expect_eq(session_received(session), 5);
    put_samples(fake_on(1, 0), 3);
    fake_on(0, 0)->value = 705; /* 5 received and 2 lost of a period of 100, and a rest */
    fake_on(0, 0)->lost = 2;
    fake_on(1, 0)->value = 799; /* 3 received, 4 lost and never told */
    fake_on(1, 0)->lost = 4;
    fake_on(1, 1)->lost = 1; /* of the dummy: not a sample */
    cr_assert_eq(session_stop(session, &sink, &c), 0);
    cr_expect(!fake_on(0, 0)->enabled);
    cr_expect_eq(c.received, 8);
    cr_expect_eq(c.lost, 6);
    cr_expect_eq(c.lost_told, 2);
    cr_expect_eq(c.lost_all, 7);
    cr_expect_eq(c.counted, 1504);
    cr_expect_eq(c.due, 14);
    cr_expect(c.checkable && session_counts_agree(&c));
    c.received = 4;
    cr_expect(!session_counts_agree(&c), "four samples are missing");
    cr_expect_eq(got.rounds, 2);
    cr_expect_eq(got.bytes, 8 * 40 + 24);
    session_close(session);
    fake_end();
}

/* Records of 40 bytes in a ring of 16 KiB: they come to lie across its end. */
Test(session, bytes_arrive_whole_when_the_ring_wraps)
{
    cr_assert_eq(open_on("0", &loads, 1), 0, "%s", error.text);
    uint64_t next = 0;
    for (int turn = 0; turn < 20; turn++) {
        got.bytes = 0;
        put_samples(fake_on(0, 0), 100);
        cr_assert_eq(session_turn(session, 0, &sink), 1);
        cr_assert_eq(got.bytes, 4000);
        for (uint64_t i = 0; i < 100; i++, next++)
            cr_assert_eq(memcmp(got.joined + 40 * i + 8, &i, sizeof i), 0, "record %lu", (long)next);
        cr_expect_eq(fake_on(0, 0)->ring->data_tail, fake_on(0, 0)->ring->data_head);
    }
    cr_expect_eq(session_received(session), 2000);
    session_close(session);
    fake_end();
}

/* A task that has ended makes its ring ready for ever: the wait must not become a spin. */
Test(session, a_ring_whose_task_ended_is_not_waited_for)
{
    cr_assert_eq(open_on("0", &loads, 1), 0, "%s", error.text);
    fake.hang_up = true;
    session_turn(session, 100, &sink);
    fake.hang_up = false;
    session_turn(session, 100, &sink);
    cr_expect_eq(fake.timeout_ms, 20);
    put_samples(fake_on(0, 0), 1);
    session_turn(session, 100, &sink);
    cr_expect_eq(session_received(session), 1);
    session_close(session);
    fake_end();
}

Test(session, a_corrupt_ring_is_left_alone_and_told)
{
    struct session_counts c;
    cr_assert_eq(open_on("0-1", &loads, 1), 0, "%s", error.text);
    put_samples(fake_on(0, 0), 2);
    ((struct abi_header *)((unsigned char *)fake_on(0, 0)->ring + FAKE_PAGE + 40))->size = 0;
    put_samples(fake_on(1, 0), 3);
    cr_assert_eq(session_turn(session, 0, &sink), 1);
    cr_assert_eq(session_turn(session, 0, &sink), 1);
    session_stop(session, &sink, &c);
    cr_expect_eq(c.skipped, 1);
    cr_expect_eq(got.cpu, 1);
    session_close(session);
    fake_end();
}

/* --- SPE: through the AUX area and the spool into a trace --- */

static const struct encode_event spe = {
    .name = "arm_spe_0//", .how = "sysfs", .code = {8, {0x10003}}, .period = 4096, .flags = ENCODE_AUX_AREA};

/* One load, by the packet rules: PC, operation, events (retired, L1 access and refill, last-level access and miss),
 * total latency 200, data address, timestamp. */
static size_t spe_record(unsigned char *out, uint64_t address, uint64_t timestamp)
{
    static const unsigned char head[] = {0xb0, 0x00, 0x10, 0x40, 0,    0,    0,   0, 0,
                                         0x49, 0x00, 0x52, 0x0e, 0x03, 0x98, 200, 0};
    size_t n = sizeof head;
    memcpy(out, head, n);
    out[n++] = 0xb2;
    memcpy(out + n, &address, 8);
    out[n + 8] = 0x71;
    memcpy(out + n + 9, &timestamp, 8);
    return n + 17;
}

static void put_spe(struct fake_event *ring, unsigned n)
{
    unsigned char bytes[64];
    uint64_t from = ring->ring->aux_head, aux[3] = {from, 0, 0};
    for (unsigned i = 0; i < n; i++)
        fake_put_aux(ring, bytes, spe_record(bytes, UINT64_C(0x7000000000) + i * UINT64_C(4096), 1000 + i));
    aux[1] = ring->ring->aux_head - from;
    unsigned char body[24 + 32] = {0}; /* offset, size, flags; then pid and tid, time, CPU, identifier */
    uint64_t id = 1000 + FAKE_FIRST + (uint64_t)(ring - fake.event);
    memcpy(body, aux, sizeof aux);
    memcpy(body + 48, &id, sizeof id);
    fake_put(ring, ABI_RECORD_AUX, body, sizeof body);
}

/* The ring's clock: ns = 2 x cycles. */
static void set_clock(struct fake_event *ring)
{
    ring->ring->cap_user_time_zero = 1;
    ring->ring->time_mult = 4;
    ring->ring->time_shift = 1;
}

Test(session, spe_samples_reach_the_trace)
{
    struct tree tree;
    struct spool spool;
    struct session_counts counts;
    struct import_options import;
    struct import_counts taken;
    struct to_trace_counts samples;
    struct trace *trace;
    char *const argv[] = {"test"};
    char out[128];
    tree_new(&tree);
    snprintf(out, sizeof out, "%s/spe.h5", tree.root);
    cr_assert_eq(open_on("0", &spe, 1), 0, "%s", error.text);
    cr_assert_not_null(fake_on(0, 0)->aux);
    cr_expect_eq(fake_on(0, 0)->attr.sample_type & (ABI_ADDR | ABI_DATA_SRC), 0);
    set_clock(fake_on(0, 0));
    cr_assert_eq(spool_open(&spool, out, &error), 0, "%s", error.text);
    cr_assert_eq(spool_header(&spool, session, "spe", &steps, 1, argv, &error), 0, "%s", error.text);
    struct session_sink into = spool_sink(&spool);
    put_spe(fake_on(0, 0), 10);
    cr_assert_eq(session_turn(session, 0, &into), 1);
    put_spe(fake_on(0, 0), 5);
    cr_assert_eq(session_stop(session, &into, &counts), 0);
    cr_expect_eq(fake_on(0, 0)->ring->aux_tail, fake_on(0, 0)->ring->aux_head);
    import_defaults(&import);
    int err = spool_finish(&spool, out, &import, &(struct to_trace_options){0}, &taken, &samples, &error);
    cr_assert_eq(err, 0, "%s", error.text);
    cr_expect_eq(taken.taken, 15);
    cr_expect_eq(samples.level[LEVEL_L3_MISS][OP_READ], 15);
    cr_assert_eq(trace_open(out, &trace, &error), 0, "%s", error.text);
    cr_expect_eq(trace_meta(trace)->pages, 10);
    cr_expect_eq(trace_addresses(trace)[0], UINT64_C(0x7000000000));
    cr_expect_eq(trace_meta(trace)->first_time, 2000);
    cr_expect_str_eq(trace_meta(trace)->source, "spe");
    trace_close(trace);
    spool_close(&spool, false);
    session_close(session);
    tree_free(&tree);
    fake_end();
}

Test(session, a_spool_that_is_there_is_not_overwritten, .timeout = 20)
{
    struct tree tree;
    struct spool spool, second;
    char out[128], part[140];
    tree_new(&tree);
    snprintf(out, sizeof out, "%s/a.h5", tree.root);
    snprintf(part, sizeof part, "%s.part", out);
    cr_assert_eq(spool_open(&spool, out, &error), 0);
    cr_expect_eq(spool_open(&second, out, &error), -EEXIST);
    cr_expect_not_null(strstr(error.text, "a.h5.part: another recording"), "%s", error.text);
    spool_close(&spool, true); /* nothing in it: it goes all the same */
    cr_assert_eq(spool_open(&spool, out, &error), 0);
    spool_close(&spool, false);
    cr_assert_eq(mkfifo(part, 0600), 0); /* which to open waits for a writer */
    cr_expect_eq(spool_open(&spool, out, &error), -EEXIST);
    cr_expect_not_null(strstr(error.text, "a.h5.part: is there already"), "%s", error.text);
    unlink(part);
    tree_free(&tree);
}
