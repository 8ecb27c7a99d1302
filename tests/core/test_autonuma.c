/* SPDX-License-Identifier: BSD-2-Clause
 *
 * autonuma against what Linux 6.3 does at a hint fault (kernel/sched/fair.c: should_numa_migrate_memory,
 * task_numa_fault, task_numa_placement), worked out by hand. One tick marks every page and completes a scan, unless a
 * test says otherwise. Batch 1; pages are first touched, and fault, by engine_access with a task of the test's choice.
 */
#include <criterion/criterion.h>

#include "tests/core/fixture.h"

#define MS UINT64_C(1000000)
enum { TICK, DELAY, MIN, MAX, FLOOR, SIZE, MARK, IDLE, ACTIVE, EARLY };

static struct fixture_shape shape;
static struct fixture_run run;

static void begin_with(uint32_t npages, uint64_t frames, uint64_t size, uint64_t early)
{
    fixture_shape(&shape, 4, 4, frames);
    struct engine_config config = fixture_config(policy_find("autonuma"), &shape, npages);
    config.batch = 1;
    config.param[DELAY] = 0;
    config.param[MIN] = config.param[MAX] = config.param[FLOOR] = MS;
    config.param[MARK] = 0;
    config.param[SIZE] = size;
    config.param[EARLY] = early;
    cr_assert_eq(fixture_begin(&run, &config, MACHINE_WATCH), 0);
}

static void begin(void)
{
    begin_with(16, FRAMES_UNBOUNDED, UINT64_C(1) << 28, 4);
}

static void end(void)
{
    machine_check_compare(&run.check, run.engine);
    cr_expect_eq(run.check.breaches, 0, "%s", run.check.first);
    cr_expect(fixture_guarded(&run));
    fixture_end(&run);
}

static node_t home(page_t page)
{
    return view_home(&run.engine->view, page);
}

static void touch(page_t from, page_t to, node_t node)
{
    for (page_t page = from; page < to; page++) {
        cr_assert_eq(engine_access(run.engine, page, node, 0, false, run.now), 0);
        cr_assert_eq(home(page), node);
    }
}

/* A window; with the default size all pages, so a whole scan. */
static void scan(void)
{
    fixture_window(&run);
    engine_tick(run.engine, run.now += 10 * MS);
}

static void fault(page_t page, node_t node, uint16_t task)
{
    cr_assert(view_place(&run.engine->view, page)->flags & PLACE_WATCHED, "page %u is not watched", page);
    cr_assert_eq(engine_access(run.engine, page, node, task, false, run.now), 0);
    engine_flush(run.engine);
}

/* Scans completed in which one page, local to node 3, faults: a preferred node, and a group of tasks 90 and 91. */
static void scans(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        scan();
        fault(15, 3, i % 2 ? 90 : 91);
    }
}

Test(autonuma, first_fault_moves_the_page_in_the_first_four_scans)
{
    begin();
    touch(0, 16, 2);
    for (page_t round = 0; round < 4; round++) {
        scan();
        fault(round, 0, 7);
        cr_assert_eq(home(round), 0, "scan %u", round + 1);
    }
    end();
}

/* Vector: no last cpupid, seq 3 -> migrate. */
Test(autonuma, never_faulted_and_sequence_3)
{
    begin();
    touch(0, 15, 2);
    touch(15, 16, 3);
    scans(3);
    fault(0, 0, 90);
    cr_assert_eq(home(0), 0);
    end();
}

/* Tasks of a group, whose faults were all on node 3: without the rule for early scans nothing speaks for node 0. */
Test(autonuma, the_fifth_scan_is_not_early)
{
    for (unsigned n = 4; n <= 5; n++) {
        begin();
        touch(0, 16, 3);
        scans(n);
        fault(0, 0, 90);
        cr_assert_eq(home(0), n == 4 ? 0 : 3, "scan %u", n);
        end();
    }
}

/* Vector: last cpu on node 1, fault from node 0, other pid, seq 10 -> no migration. */
Test(autonuma, two_stages_compare_the_node_of_the_last_fault)
{
    begin();
    touch(0, 15, 1);
    touch(15, 16, 3);
    scans(10);
    fault(0, 1, 8);
    scans(1);
    fault(0, 0, 9);
    cr_assert_eq(home(0), 1);
    scans(1);
    fault(0, 0, 9);
    cr_assert_eq(home(0), 0, "second in a row from node 0, same task");
    end();
}

Test(autonuma, the_same_task_on_another_node_is_stopped_by_the_first_stage)
{
    begin();
    touch(0, 15, 1);
    touch(15, 16, 3);
    scans(10);
    fault(0, 1, 8);
    scans(1);
    fault(0, 0, 8);
    cr_assert_eq(home(0), 1, "after the early scans the node counts, even for the same task");
    end();
}

Test(autonuma, in_the_early_scans_the_same_task_takes_its_page_along)
{
    begin();
    touch(0, 16, 1);
    scan();
    fault(0, 1, 8);
    scan();
    fault(0, 0, 9);
    cr_assert_eq(home(0), 1, "another task: two stages");
    scan();
    fault(0, 3, 9);
    cr_assert_eq(home(0), 3, "task 9 was the last");
    end();
}

/* The page's flags hold 8 bits of the task. */
Test(autonuma, tasks_are_told_apart_by_8_bits)
{
    begin();
    touch(0, 16, 1);
    scan();
    fault(0, 1, 8);
    fault(1, 1, 8);
    scan();
    fault(0, 0, 8 + 256);
    fault(1, 0, 8 + 255);
    cr_assert_eq(home(0), 0);
    cr_assert_eq(home(1), 1);
    end();
}

Test(autonuma, a_task_that_shares_nothing_moves_what_it_faulted_on_twice)
{
    begin_with(16, FRAMES_UNBOUNDED, UINT64_C(1) << 28, 0);
    touch(0, 15, 1);
    touch(15, 16, 3);
    scans(2);
    fault(0, 0, 50);
    cr_assert_eq(home(0), 0, "no group, no fault before");
    end();
}

/* Two tasks of node 0 (10, 11) and two of node 1 (20, 21), each with ten pages of its own node: every round each counts
 * 65536 x 10 / 11, so cpu and mem of both nodes grow alike. Then those of node 1 fall silent: halved twice, cpu(1) is
 * less than a third of cpu(0). Until the second silent scan is complete the weights keep a shared page on node 1. */
enum { LOCAL = 4, EACH = 10, NPAGES = LOCAL + 4 * EACH };

static page_t own_page(unsigned task, unsigned i)
{
    return (page_t)(LOCAL + i * 4 + task);
}

static const uint16_t tasks[4] = {10, 11, 20, 21};

/* The own pages of the first `n` tasks, as far as they lie in [from, to). */
static void own_faults(unsigned n, page_t from, page_t to)
{
    for (unsigned task = 0; task < n; task++)
        for (unsigned i = 0; i < EACH; i++)
            if (own_page(task, i) >= from && own_page(task, i) < to)
                fault(own_page(task, i), (node_t)(task / 2), tasks[task]);
}

static void half_a_round(unsigned n, bool second)
{
    scan();
    own_faults(n, second ? NPAGES / 2 : 0, second ? NPAGES : NPAGES / 2);
}

static void rounds(unsigned rounds, unsigned n)
{
    for (unsigned i = 0; i < rounds; i++) {
        half_a_round(n, false);
        half_a_round(n, true);
    }
}

/* Pages 0 to 3 shared by all: the last fault of each is task 11's, on node 0. Page 3 is what brings task 11 into the
 * group, and goes with it: alone until then, it needs no weights. */
static void share(void)
{
    static const uint16_t order[] = {20, 21, 10, 11};
    touch(0, LOCAL, 1);
    for (unsigned task = 0; task < 4; task++)
        for (unsigned i = 0; i < EACH; i++)
            touch(own_page(task, i), own_page(task, i) + 1, (node_t)(task / 2));
    rounds(6, 4);
    for (unsigned i = 0; i < 4; i++) {
        half_a_round(4, false);
        for (page_t page = LOCAL; page-- > 0;)
            fault(page, order[i] >= 20, order[i]);
        half_a_round(4, true);
    }
}

Test(autonuma, faults_decay_when_a_scan_is_complete_not_by_time)
{
    begin_with(NPAGES, FRAMES_UNBOUNDED, NPAGES / 2 * 4096, 0);
    share();
    cr_assert_eq(home(0), 1);
    rounds(1, 2);
    half_a_round(2, false);
    run.now += UINT64_C(1000) * 1000 * MS;
    fault(0, 0, 10);
    cr_assert_eq(home(0), 1, "one silent scan is complete");
    half_a_round(2, true);
    fault(1, 0, 10);
    cr_assert_eq(home(1), 0, "two are");
    cr_assert_eq(run.engine->stats.moves, 2);
    end();
}

Test(autonuma, without_silence_the_weights_keep_it)
{
    begin_with(NPAGES, FRAMES_UNBOUNDED, NPAGES / 2 * 4096, 0);
    share();
    rounds(1, 4);
    half_a_round(4, false);
    fault(0, 0, 10);
    half_a_round(4, true);
    fault(1, 0, 10);
    cr_assert_eq(run.engine->stats.moves, 1, "page 3's");
    cr_assert_eq(home(3), 0);
    end();
}

/* 100 frames on each node: min 1, gap 1, high 3; more than 3 and the page have to be free. */
Test(autonuma, no_room_above_the_high_watermark_no_move_and_slower_scans)
{
    begin_with(128, 100, UINT64_C(1) << 28, 4);
    touch(0, 96, 0);
    touch(96, 104, 1);
    scan();
    fault(100, 0, 7);
    cr_assert_eq(home(100), 1, "4 free");
    cr_assert_eq(run.engine->stats.refused[REFUSED_MEMORY], 0, "not even ordered");
    cr_assert_eq(engine_free(run.engine, 0, run.now), 0);
    fault(101, 0, 7);
    cr_assert_eq(home(101), 0, "5 free");
    end();
}

/* 100 frames, 96 used: no room. Windows at least 100 ms apart; the first at once; the fault in it finds no faults: 200
 * ms. Of the second scan's faults one had no room: 400 ms, from its first fault on; else it were 260 ms, and the third
 * window 200 ms after the second. */
Test(autonuma, a_move_that_failed_slows_scanning_down)
{
    for (page_t failing = 0; failing < 2; failing++) {
        fixture_shape(&shape, 4, 4, 100);
        struct engine_config config = fixture_config(policy_find("autonuma"), &shape, 128);
        config.batch = 1;
        config.param[DELAY] = config.param[MARK] = 0;
        config.param[MIN] = config.param[FLOOR] = 100 * MS;
        config.param[IDLE] = 10000 * MS;
        cr_assert_eq(fixture_begin(&run, &config, MACHINE_WATCH), 0);
        touch(0, 96, 0);
        touch(96, 98, 1);
        scan();
        fault(0, 0, 7);
        fault(1, 0, 7);
        if (failing)
            fault(96, 0, 7);
        while (run.now < 210 * MS)
            scan();
        fault(0, 0, 7);
        uint64_t watches = run.engine->stats.watches;
        while (run.engine->stats.watches == watches)
            scan();
        cr_assert_eq(run.now, (failing ? 610 : 410) * MS);
        end();
    }
}

Test(autonuma, it_scans_as_often_as_the_faults_say)
{
    fixture_shape(&shape, 4, 4, FRAMES_UNBOUNDED);
    struct engine_config config = fixture_config(policy_find("autonuma"), &shape, 4);
    config.batch = 1;
    cr_assert_eq(fixture_begin(&run, &config, MACHINE_WATCH), 0);
    touch(0, 4, 1);
    /* Published clocks: the first window after 1 s of run time. The first fault after the first scan finds no faults of
     * it yet: the period doubles, from then. The next scan's finds 4, all local and private: 3 slots of 200 ms more,
     * from the window after. */
    uint64_t marked[4] = {0}, n = 0;
    for (uint64_t ms = 4; ms < 9000 && n < 4; ms += 4) {
        run.now = ms * MS;
        fixture_misses(&run, 1, 0, false, 1);
        fixture_window(&run);
        uint64_t watches = run.engine->stats.watches;
        engine_tick(run.engine, run.now);
        if (run.engine->stats.watches == watches)
            continue;
        marked[n++] = ms;
        for (page_t page = 0; page < 4; page++)
            fault(page, 1, 5);
    }
    cr_assert_eq(marked[0], 1000);
    cr_assert_eq(marked[1], 3000);
    cr_assert_eq(marked[2], 5000);
    cr_assert_eq(marked[3], 7600);
    end();
}

/* A machine with published clocks but for the longest period, `npages` pages, the first `of_1` of them on node 1, the
 * others on node 2. */
static void begin_published(uint32_t npages, page_t of_1, uint64_t max_ns, uint32_t budget)
{
    fixture_shape(&shape, 4, 4, FRAMES_UNBOUNDED);
    struct engine_config config = fixture_config(policy_find("autonuma"), &shape, npages);
    config.batch = 1;
    config.budget = budget;
    config.param[MAX] = max_ns;
    cr_assert_eq(fixture_begin(&run, &config, MACHINE_WATCH), 0);
    touch(0, of_1, 1);
    touch(of_1, npages, 2);
}

/* Run time goes on to the next window; when that was, ms. */
static uint64_t next_window(void)
{
    uint64_t watches = run.engine->stats.watches;
    while (run.engine->stats.watches == watches && run.now < 30000 * MS) {
        run.now += 4 * MS;
        fixture_misses(&run, 1, 0, false, 1);
        fixture_window(&run);
        engine_tick(run.engine, run.now);
    }
    return run.now / MS;
}

/* Two tasks in turns fault on the same four pages, all local. The longest period, 1 s, is that of a task alone: with
 * private and shared faults 2 and 4, 1 and 6, 1 and 7 (halved, and 4 shared ones more, with each scan) the group's is
 * 2 s x 5/7, 7/8 and 8/9. 3 slots more each time: 1300, 1690, then 1777.8 instead of 2197 ms; each from the window
 * after, and in ticks of 4 ms. */
Test(autonuma, a_group_scans_less_often)
{
    static const uint64_t windows[] = {1000, 2000, 3000, 4000, 5300, 6992, 8772};
    begin_published(4, 4, 1000 * MS, 0);
    for (unsigned i = 0; i < 7; i++) {
        cr_assert_eq(next_window(), windows[i], "window %u", i);
        for (page_t page = 0; page < 4; page++)
            fault(page, 1, i % 2 ? 5 : 6);
    }
    end();
}

/* Tasks of node 1 and of node 2 in turns fault on each other's pages, which stay (two-stage filter). Of nodes that are
 * both active these faults count as local: 3 slots of 260 ms more. */
Test(autonuma, faults_between_active_nodes_are_local)
{
    static const uint64_t windows[] = {1000, 3000, 5000, 7600, 10980};
    begin_published(4, 2, 60000 * MS, 0);
    for (unsigned i = 0; i < 5; i++) {
        cr_assert_eq(next_window(), windows[i], "window %u", i);
        for (page_t page = 0; page < 4; page++)
            fault(page, (page < 2) == (i % 2 == 0) ? 1 : 2, (page < 2) == (i % 2 == 0) ? 5 : 6);
    }
    for (page_t page = 0; page < 4; page++)
        cr_assert_eq(home(page), page < 2 ? 1 : 2);
    end();
}

/* Three tasks on node 1, one on node 2: it has a third of the faults by CPUs, not more. The fault of node 1 on its page
 * is remote: three in four are local, 7 tenths, 1 slot of 260 ms more. */
Test(autonuma, a_node_with_a_third_of_the_most_is_not_active)
{
    static const uint64_t windows[] = {1000, 3000, 5000, 7600, 10460};
    begin_published(4, 3, 60000 * MS, 0);
    for (unsigned i = 0; i < 5; i++) {
        cr_assert_eq(next_window(), windows[i], "window %u", i);
        for (page_t page = 0; page < 3; page++)
            fault(page, 1, (uint16_t)(5 + (page + i) % 3));
        fault(3, i == 1 ? 1 : 2, i == 1 ? 5 : 9);
    }
    end();
}

/* Two pages should follow their first faults in one window, whose budget is one move: the period doubles. */
Test(autonuma, a_refused_move_slows_scanning_down)
{
    for (uint32_t budget = 1; budget <= 2; budget++) {
        begin_published(4, 4, 60000 * MS, budget);
        next_window();
        for (page_t page = 0; page < 4; page++)
            fault(page, page < 2 ? 1 : 2, 5);
        cr_assert_eq(run.engine->stats.moves, budget);
        cr_assert_eq(next_window(), 3000);
        fault(0, 1, 5);
        cr_assert_eq(next_window(), budget == 1 ? 7000 : 5000);
        end();
    }
}
