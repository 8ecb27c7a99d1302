/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The plugin's parts without QEMU: the order of the capture, the pace.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collectors/plugin/log.h"
#include "collectors/plugin/pace.h"

/* --- the capture --- */

static struct log_record stamp(uint64_t what, uint64_t time)
{
    return (struct log_record){what, time};
}

Test(plugin_log, order_and_limit)
{
    static struct log log;
    static const struct log_header header = {64, 4096, false, 1000, 64, 8, 1024, 16};
    char name[] = "/tmp/mirrorball-log-XXXXXX";
    uint64_t word[8 + 2 * 5 + 1];
    close(mkstemp(name));
    cr_expect_eq(log_open(&log, name, &header, 2, 5), -EEXIST);
    unlink(name);
    cr_assert_eq(log_open(&log, name, &header, 2, 5), 0);
    log_put(&log, 1, stamp(1, 10));
    log_put(&log, 1, stamp(2, 30));
    log_put(&log, 0, stamp(3, 20));
    log_put(&log, 0, stamp(4, 30));
    log_put(&log, 0, stamp(5, 40));
    log_put(&log, 1, stamp(6, 50)); /* beyond the limit */
    log_close(&log);
    FILE *f = fopen(name, "rb");
    cr_assert_eq(fread(word, 8, 8 + 2 * 5 + 1, f), 8 + 2 * 5);
    fclose(f);
    unlink(name);
    static const uint64_t want[] = {1, 10, 3, 20, 4, 30, 2, 30, 5, 40};
    cr_expect_arr_eq(word + 8, want, sizeof want);
    cr_expect_eq(word[7], UINT64_C(0x0040000804000010));
}

static uint64_t least(const uint64_t *of, unsigned n)
{
    return n == 1 || *of < least(of + 1, n - 1) ? *of : least(of + 1, n - 1);
}

/* Three CPUs, runs of all lengths, equal times, horizons: the order is that of a sort by time, then CPU. */
Test(plugin_log, runs)
{
    static struct log log;
    static const struct log_header header = {64, 4096, false, 0, 64, 8, 1024, 16};
    enum { CPUS = 3, N = 40000 };
    char name[] = "/tmp/mirrorball-log-XXXXXX";
    uint64_t random = 1, clock[CPUS] = {0}, word[2], last = 0, next[CPUS] = {0};
    unsigned last_cpu = 0, n = 0;
    close(mkstemp(name));
    unlink(name);
    cr_assert_eq(log_open(&log, name, &header, CPUS, 0), 0);
    for (uint64_t i = 0; i < N; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        unsigned cpu = 0;
        for (unsigned k = 1; k < CPUS; k++) /* the slowest, so that its time is the horizon */
            cpu = clock[k] < clock[cpu] ? k : cpu;
        for (unsigned k = random >> 60; k; k--, random = random << 7 | random >> 57) {
            clock[cpu] += random & 3;
            log_put(&log, cpu, stamp((uint64_t)cpu << 56 | next[cpu]++ << 32 | clock[cpu], clock[cpu]));
        }
        clock[cpu] += random & 7;
        log_advance(&log, cpu, least(clock, CPUS));
    }
    log_close(&log);
    FILE *f = fopen(name, "rb");
    fseek(f, 64, SEEK_SET);
    for (memset(clock, 0, sizeof clock); fread(word, 8, 2, f) == 2; n++) {
        unsigned cpu = (unsigned)(word[0] >> 56);
        cr_assert(word[1] > last || (word[1] == last && cpu >= last_cpu), "record %u", n);
        cr_assert_eq(word[0] >> 32 & 0xffffff, clock[cpu]++, "record %u", n);
        cr_assert_eq(word[0] & UINT32_MAX, word[1], "record %u has another's time", n);
        last = word[1];
        last_cpu = cpu;
    }
    fclose(f);
    unlink(name);
    cr_expect_eq(n, next[0] + next[1] + next[2]);
    cr_expect_gt(n, LOG_RING);
}

/* More than the rings hold, never advanced: nothing is lost and time does not go back. */
Test(plugin_log, full_ring)
{
    static struct log log;
    static const struct log_header header = {64, 4096, false, 0, 64, 8, 1024, 16};
    char name[] = "/tmp/mirrorball-log-XXXXXX";
    close(mkstemp(name));
    unlink(name);
    cr_assert_eq(log_open(&log, name, &header, 2, 0), 0);
    enum { N = 3 * LOG_RING };
    for (uint64_t i = 0; i < N; i++)
        log_put(&log, 0, stamp(i, 2 * i));
    log_put(&log, 1, stamp(N, 7)); /* late: gets the time that was written last */
    log_close(&log);
    FILE *f = fopen(name, "rb");
    struct log_record r;
    uint64_t last = 0, n = 0;
    fseek(f, 64, SEEK_SET);
    for (; fread(&r, sizeof r, 1, f) == 1; n++) {
        cr_assert_geq(r.b, last);
        last = r.b;
    }
    fclose(f);
    unlink(name);
    cr_expect_eq(n, N + 1);
}

/* --- the pace --- */

static struct pace pace;
static atomic_bool arrived;

static void *step_to_the_end(void *unused)
{
    uint64_t horizon;
    pace_step(&pace, 1, 1000, &horizon);
    atomic_store(&arrived, true);
    return unused;
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* CPU 1 is at the end of the span and waits for CPU 0. On a busy host this thread may be away for 30 ms, after which
 * CPU 1 may go on: then nothing is shown, and the next try counts. */
Test(plugin_pace, together, .timeout = 60)
{
    bool shown = false;
    for (int i = 0; i < 50 && !shown; i++) {
        pthread_t thread;
        uint64_t horizon, before = now_ms();
        cr_assert_eq(pace_init(&pace, 2, 1000), 0);
        atomic_store(&arrived, false);
        pace_enter(&pace, 0, 0);
        pace_enter(&pace, 1, 0);
        pthread_create(&thread, NULL, step_to_the_end, NULL);
        cr_expect_eq(pace_step(&pace, 0, 999, &horizon), 999);
        usleep(10000);
        bool early = atomic_load(&arrived);
        shown = now_ms() - before < PACE_STALL_NS / 1000000;
        cr_expect(!early || !shown, "it did not wait");
        cr_expect_eq(pace_step(&pace, 0, 1000, &horizon), 1000);
        pthread_join(thread, NULL);
        cr_expect(pace.cpu[1].limit == 2000);
    }
    cr_expect(shown, "the host is too busy to show it");
}

Test(plugin_pace, who_waits_catches_up, .timeout = 60)
{
    uint64_t horizon;
    cr_assert_eq(pace_init(&pace, 2, 1000), 0);
    pace_enter(&pace, 0, 0);
    pace_enter(&pace, 1, 0);
    pace_leave(&pace, 1, 5);
    cr_expect_eq(pace_step(&pace, 0, 2500, &horizon), 2500);
    cr_expect_eq(horizon, 2500);
    cr_expect_eq(pace.cpu[0].limit, 3000);
    cr_expect_eq(pace_enter(&pace, 1, 5), 2500, "time passed for it");
    cr_expect_eq(pace_step(&pace, 0, 3000, &horizon), 3000, "the other stands still: left behind after 30 ms");
    cr_expect_eq(pace_step(&pace, 1, 2510, &horizon), 3000);
}
