/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The scanner of hint faults and the watermarks against figures worked out by hand from Linux 6.3 (kernel/sched/fair.c:
 * task_nr_scan_windows, task_scan_min, task_scan_max, update_task_scan_period; mm/page_alloc.c), with the kernel's
 * defaults: 1 s delay, 1 s to 60 s, windows of 256 MB, 2560 MB/s at most.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "policy/hint_scan.h"
#include "policy/zone.h"

#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
enum { PAGES = 64, ORDERS = 4096 };

static uint64_t param[] = {SECOND, SECOND, 60 * SECOND, 100 * MS, 256 << 20, 0, 100 * MS};
static const struct topology topology = {.nodes = 2, .page_size = 4096};
static struct hint_scan scan;
static struct place places[PAGES];
static uint64_t traffic[2 * 2 * 2];
static struct order list[ORDERS];
static struct orders orders;
static struct view view = {.topology = &topology,
                           .npages = PAGES,
                           .places = (const unsigned char *)places,
                           .stride = sizeof *places,
                           .traffic = traffic};

static void begin(uint64_t resident)
{
    hint_scan_init(&scan, param);
    scan.resident = resident;
    for (page_t page = 0; page < PAGES; page++)
        places[page] = (struct place){.copies = 1, .home = 0, .flags = PLACE_PRESENT};
    orders = (struct orders){.list = list, .max = ORDERS};
    traffic[0] = 1;
}

/* A tick carried out: what was ordered is watched from now on. */
static uint32_t tick(uint64_t now)
{
    orders.n = 0;
    uint32_t n = hint_scan_tick(&scan, &view, now, ~(nodeset_t)0, &orders);
    cr_assert_eq(n, orders.n);
    for (uint32_t i = 0; i < n; i++)
        places[list[i].page].flags |= PLACE_WATCHED;
    return n;
}

static void unwatch(void)
{
    for (page_t page = 0; page < PAGES; page++)
        places[page].flags = PLACE_PRESENT;
}

static void is_ms(uint64_t ns, uint64_t ms)
{
    cr_assert_eq(ns, ms * MS, "%llu ms, not %llu", (unsigned long long)(ns / MS), (unsigned long long)ms);
}

/* 10 GB: 40 windows; 1000 / 40 = 25 ms is under the floor, 60000 / 40 = 1500 ms. */
Test(hint_scan, ten_gigabytes_are_forty_windows)
{
    begin(UINT64_C(10) << 30 >> 12);
    cr_assert_eq(hint_scan_windows(&scan, &topology), 40);
    is_ms(hint_scan_least(&scan, &topology), 100);
    is_ms(hint_scan_greatest(&scan, &topology), 1500);
}

Test(hint_scan, two_hundred_megabytes_are_one_window)
{
    begin(UINT64_C(200) << 20 >> 12);
    cr_assert_eq(hint_scan_windows(&scan, &topology), 1);
    is_ms(hint_scan_least(&scan, &topology), 1000);
    is_ms(hint_scan_greatest(&scan, &topology), 60000);
    scan.resident = (UINT64_C(256) << 20 >> 12) + 1;
    cr_assert_eq(hint_scan_windows(&scan, &topology), 2, "one page more than a window");
    scan.resident = 0;
    cr_assert_eq(hint_scan_windows(&scan, &topology), 1, "at least one");
}

/* 4 tasks, 3 of 4 faults shared: 4 x (30 + 1) / (10 + 30 + 1) = 124 / 41. */
Test(hint_scan, a_group_scans_less_often)
{
    begin(UINT64_C(200) << 20 >> 12);
    scan.group = (struct hint_scan_group){.tasks = 4, .shared = 30, .private = 10};
    cr_assert_eq(hint_scan_start(&scan, &topology), SECOND * 124 / 41);
    cr_assert_eq(hint_scan_greatest(&scan, &topology), 60 * SECOND * 124 / 41);
    is_ms(hint_scan_least(&scan, &topology), 1000);
    scan.group = (struct hint_scan_group){.tasks = 2, .shared = 0, .private = 99};
    is_ms(hint_scan_start(&scan, &topology), 1000);
}

/* A vector of the period: faults in, ms out; from 1000 ms within 100 to 60000 unless said otherwise. */
static void adapts(uint64_t from, struct hint_scan_faults faults, uint64_t to)
{
    begin(UINT64_C(10) << 30 >> 12); /* least 100, greatest 1500 */
    scan.limits.max_ns = 40 * 60 * SECOND;
    scan.period = from * MS;
    scan.faults = faults;
    hint_scan_adapt(&scan, &topology);
    is_ms(scan.period, to);
    cr_assert_eq(scan.faults.local + scan.faults.remote + scan.faults.failed, 0, "counts start again");
}

Test(hint_scan, the_period_follows_the_faults)
{
    /* slot 100; private tenths 2, local tenths 9: two slots longer */
    adapts(1000, (struct hint_scan_faults){.local = 9, .remote = 1, .private = 2, .shared = 8}, 1200);
    /* local tenths 2, private tenths 5: 7 - 5 slots shorter */
    adapts(1000, (struct hint_scan_faults){.local = 2, .remote = 8, .private = 5, .shared = 5}, 800);
    /* private tenths decide before local ones: 10 - 7, not 9 - 7 */
    adapts(1000, (struct hint_scan_faults){.local = 9, .remote = 1, .private = 10}, 1300);
    adapts(1000, (struct hint_scan_faults){.local = 9, .remote = 1, .private = 8, .shared = 2}, 1100);
    /* 7 tenths exactly: one slot at least */
    adapts(1000, (struct hint_scan_faults){.local = 7, .remote = 3, .private = 1, .shared = 9}, 1100);
    /* nothing of either: seven slots shorter */
    adapts(1000, (struct hint_scan_faults){.remote = 10, .shared = 10}, 300);
    /* 200 - 7 x 20 = 60 is under the least */
    adapts(200, (struct hint_scan_faults){.remote = 10, .shared = 10}, 100);
    /* any move that failed, and no fault, double it */
    adapts(1000, (struct hint_scan_faults){.local = 2, .remote = 8, .private = 5, .shared = 5, .failed = 1}, 2000);
    adapts(1000, (struct hint_scan_faults){0}, 2000);
    adapts(59000, (struct hint_scan_faults){0}, 60000);
    /* faults that are all remote and private count as none, as in the kernel's local + shared */
    adapts(1000, (struct hint_scan_faults){.remote = 5, .private = 5}, 2000);
}

Test(hint_scan, the_first_window_waits_for_the_delay)
{
    begin(PAGES);
    for (uint64_t ms = 4; ms < 1000; ms += 4)
        cr_assert_eq(tick(ms * MS), 0);
    cr_assert_eq(tick(1000 * MS), PAGES);
    cr_assert_eq(scan.sequence, 1);
    is_ms(scan.period, 1000);
}

Test(hint_scan, a_window_is_size_pages_and_the_next_goes_on_behind_it)
{
    param[4] = 24 * 4096;
    begin(PAGES);
    scan.limits.floor_ns = MS;
    cr_assert_eq(tick(0), 0);
    /* 3 windows of 24 pages: 1000 / 3 ms apart */
    cr_assert_eq(tick(1000 * MS), 24);
    cr_assert_eq(list[0].page, 0);
    cr_assert_eq(list[23].page, 23);
    cr_assert_eq(tick(1333 * MS), 0);
    cr_assert_eq(tick(1334 * MS), 24);
    cr_assert_eq(list[0].page, 24);
    cr_assert_eq(scan.sequence, 0);
    cr_assert_eq(tick(1668 * MS), 16, "the last page ends the window");
    cr_assert_eq(scan.sequence, 1);
    cr_assert_eq(scan.at, 0);
}

Test(hint_scan, a_window_ends_after_eight_times_its_size_of_other_pages)
{
    param[4] = 4 * 4096;
    begin(4);
    for (page_t page = 0; page < 60; page++)
        places[page].flags = 0;
    tick(0);
    cr_assert_eq(tick(1000 * MS), 0);
    cr_assert_eq(scan.at, 32);
    cr_assert_eq(tick(2000 * MS), 4, "28 pages not there, then 4");
    cr_assert_eq(scan.sequence, 1);
}

Test(hint_scan, pages_watched_already_are_passed_over)
{
    begin(PAGES);
    tick(0);
    places[3].flags |= PLACE_WATCHED;
    cr_assert_eq(tick(1000 * MS), PAGES - 1);
    cr_assert_eq(tick(2000 * MS), 0);
    unwatch();
    cr_assert_eq(tick(3000 * MS), PAGES);
}

Test(hint_scan, only_homes_asked_for_are_watched)
{
    begin(PAGES);
    for (page_t page = 0; page < 10; page++)
        places[page].home = 1;
    orders.n = 0;
    cr_assert_eq(hint_scan_tick(&scan, &view, 0, nodeset_of(1), &orders), 0);
    cr_assert_eq(hint_scan_tick(&scan, &view, 1000 * MS, nodeset_of(1), &orders), 10);
}

Test(hint_scan, a_full_array_of_orders_spreads_a_window_over_ticks)
{
    begin(PAGES);
    orders.max = 40;
    tick(0);
    cr_assert_eq(tick(1000 * MS), 40);
    cr_assert_eq(tick(1004 * MS), 24, "goes on without a period in between");
    cr_assert_eq(orders.lost, 0);
    cr_assert_eq(scan.sequence, 1);
    is_ms(scan.due, 2000);
}

/* 64 pages of 1 ms each: 64 ms, 32 times that is 2048 ms. */
Test(hint_scan, a_window_waits_32_times_as_long_as_it_took)
{
    begin(PAGES);
    scan.limits.mark_ns = MS;
    tick(0);
    cr_assert_eq(tick(1000 * MS), PAGES);
    is_ms(scan.due, 1000 + 2048);
}

/* Linux counts sum_exec_runtime, not the time of day: a process that sleeps is not scanned. */
Test(hint_scan, the_clock_is_run_time)
{
    begin(PAGES);
    for (uint64_t ms = 4; ms <= 500; ms += 4)
        tick(ms * MS);
    is_ms(scan.clock, 500);
    memset(traffic, 0, sizeof traffic);
    for (uint64_t ms = 504; ms <= 4500; ms += 4)
        cr_assert_eq(tick(ms * MS), 0);
    is_ms(scan.clock, 600); /* idle_ns after the last sign */
    /* ticks left out: the sleep is not made up for */
    traffic[5] = 1;
    tick(100 * SECOND);
    is_ms(scan.clock, 600);
    for (uint64_t ms = 100004; ms < 100400; ms += 4)
        cr_assert_eq(tick(ms * MS), 0);
    cr_assert_eq(tick(100400 * MS), PAGES);
}

Test(hint_scan, first_touches_and_events_are_signs_of_a_run)
{
    begin(0);
    memset(traffic, 0, sizeof traffic);
    for (uint64_t ms = 4; ms <= 400; ms += 4) {
        hint_scan_touch(&scan);
        tick(ms * MS);
    }
    is_ms(scan.clock, 400);
    cr_assert_eq(scan.resident, 100);
    for (uint64_t ms = 404; ms <= 800; ms += 4) {
        struct event e = {.time = (ms - 2) * MS, .what = event_what(EVENT_HINT, 0)};
        hint_scan_event(&scan, &e);
        tick(ms * MS);
    }
    is_ms(scan.clock, 800);
    struct event freed = {.time = 800 * MS, .what = event_what(EVENT_FREED, 0)};
    hint_scan_event(&scan, &freed);
    cr_assert_eq(scan.resident, 99);
}

Test(hint_scan, one_scan_with_promotions_doubles_the_period_once)
{
    begin(UINT64_C(200) << 20 >> 12);
    scan.period = 1000 * MS;
    hint_scan_promoted(&scan, &topology);
    hint_scan_promoted(&scan, &topology);
    is_ms(scan.period, 1000);
    scan.sequence++;
    hint_scan_promoted(&scan, &topology);
    hint_scan_promoted(&scan, &topology);
    is_ms(scan.period, 2000);
}

/* One node of 16 GiB: sqrt(16777216 KiB) x 4 = 16384 KiB = 4096 pages; gap = 4194304 / 1000. One of 4 MiB: 4 x 64 = 256
 * KiB is 64 pages, of which 1 % of 1024 stays; gap = 10 / 4. */
Test(zone, watermarks)
{
    uint64_t frames[3] = {4194304, FRAMES_UNBOUNDED, 1024};
    struct topology t = {.nodes = 2, .page_size = 4096, .frames = frames};
    struct zone z = {0};
    zone_init(&z, &t);
    cr_assert_eq(z.min[0], 4096);
    cr_assert_eq(z.low[0], 4096 + 4194);
    cr_assert_eq(z.high[0], 4096 + 2 * 4194);
    cr_assert_eq(z.promo[0], 4096 + 3 * 4194);
    cr_assert_eq(z.min[1] + z.low[1] + z.high[1] + z.promo[1], 0);
    struct zone small = {0};
    t = (struct topology){.nodes = 1, .page_size = 4096, .frames = frames + 2};
    zone_init(&small, &t);
    cr_assert_eq(small.min[0], 10);
    cr_assert_eq(small.low[0], 12);
    cr_assert_eq(small.promo[0], 16);
}

Test(zone, first_touch_takes_the_nearest_node_above_low)
{
    uint64_t frames[3] = {1024, 1024, 1024}, free[3] = {13, 500, 500};
    uint32_t latency[9] = {100, 300, 200, 300, 100, 300, 200, 300, 100};
    struct topology t = {.nodes = 3, .page_size = 4096, .frames = frames, .latency_ps = latency};
    struct view v = {.topology = &t, .free = free};
    struct zone z = {0};
    zone_init(&z, &t); /* 4 x sqrt(12288) = 440 KiB: 36 pages each, 1 % of 1024 stays: low 12, high 14 */
    cr_assert_eq(zone_place(&z, &v, 0), 0);
    free[0] = 12;
    cr_assert_eq(zone_place(&z, &v, 0), 2, "200 is nearer than 300");
    free[2] = 12;
    cr_assert_eq(zone_place(&z, &v, 0), 1);
    free[1] = 1;
    cr_assert_eq(zone_place(&z, &v, 0), 0, "no node: the toucher's");
    free[1] = 15;
    cr_assert_not(zone_admits(&z, &v, 1), "high and the page itself");
    free[1] = 16;
    cr_assert(zone_admits(&z, &v, 1));
}
