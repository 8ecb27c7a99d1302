/* SPDX-License-Identifier: BSD-2-Clause
 *
 * numad: whole tasks, with intervals of 5 to 15 s, 85 % and 90 % as numad(8) has them, and a task of any size. A tick
 * is 100 ms. Pages are first touched on node 0 by engine_access; misses of a task come from the CPU of its number.
 */
#include <criterion/criterion.h>

#include "tests/core/fixture.h"

#define MS UINT64_C(1000000)
enum { TICK, INTERVAL_MIN, INTERVAL_MAX, UTILISATION, LOCALITY, CPU_MIN, MEMORY_MIN };
enum { NPAGES = 100, TICKS = 50 };

static struct fixture_shape shape;
static struct fixture_run run;
static uint64_t ticks;

static void begin(uint64_t frames, uint64_t memory_min)
{
    fixture_shape(&shape, 4, 8, frames); /* CPUs 0 and 1 on node 0, 2 and 3 on node 1, ... */
    struct engine_config config = fixture_config(policy_find("numad"), &shape, NPAGES);
    config.param[MEMORY_MIN] = memory_min;
    cr_assert_eq(fixture_begin(&run, &config, 0), 0);
    ticks = 0;
}

static void end(void)
{
    machine_check_compare(&run.check, run.engine);
    cr_expect_eq(run.check.breaches, 0, "%s", run.check.first);
    cr_expect(fixture_guarded(&run));
    fixture_end(&run);
}

static void touch(page_t from, page_t to, node_t node)
{
    for (page_t page = from; page < to; page++)
        cr_assert_eq(engine_access(run.engine, page, node, 0, false, run.now), 0);
}

static void misses(uint32_t cpu, page_t from, page_t to)
{
    for (page_t page = from; page < to; page++)
        fixture_miss(&run, cpu, page, false, 0);
}

static void tick(void)
{
    run.now = ++ticks * 100 * MS;
    engine_tick(run.engine, run.now);
}

/* The pages whose home is the node, among [from, to). */
static unsigned on(page_t from, page_t to, node_t node)
{
    unsigned n = 0;
    for (page_t page = from; page < to; page++)
        n += view_home(&run.engine->view, page) == node;
    return n;
}

Test(numad, after_five_seconds_a_tasks_pages_come_to_where_it_runs)
{
    begin(FRAMES_UNBOUNDED, 1);
    touch(0, 20, 0);
    for (unsigned i = 0; i < TICKS - 1; i++) {
        misses(4, 0, 20);
        tick();
    }
    cr_assert_eq(on(0, 20, 0), 20, "4.9 s");
    misses(4, 0, 20);
    tick();
    cr_assert_eq(on(0, 20, 2), 20, "all at once");
    end();
}

/* 1 miss in 20 ticks of other tasks on its pages does not make them theirs. */
Test(numad, pages_belong_to_the_task_that_leads)
{
    begin(FRAMES_UNBOUNDED, 1);
    touch(0, 20, 0);
    for (unsigned i = 0; i < TICKS; i++) {
        misses(4, 0, 10);
        misses(6, 10, 20);
        if (i % 20 == 9) /* in the last tick too */
            misses(6, 0, 20);
        tick();
    }
    cr_assert_eq(on(0, 10, 2), 10);
    cr_assert_eq(on(10, 20, 3), 10);
    end();
}

/* 49 % of the ticks; 300 MB by default. */
Test(numad, idle_and_small_tasks_are_left_alone)
{
    begin(FRAMES_UNBOUNDED, 20 * 4096);
    touch(0, 60, 0);
    for (unsigned i = 0; i < TICKS; i++) {
        if (i < 24)
            misses(4, 0, 20);
        misses(6, 20, 39); /* 19 pages */
        if (i < 25)
            misses(3, 40, 60);
        tick();
    }
    cr_assert_eq(on(0, 40, 0), 40);
    cr_assert_eq(on(40, 60, 1), 20, "half of the ticks and 20 pages are enough");
    end();
}

/* 18 of 20 pages are 90 %: alone. 17 are not: then all go. */
Test(numad, ninety_percent_are_local_enough)
{
    for (page_t local = 17; local <= 18; local++) {
        begin(FRAMES_UNBOUNDED, 1);
        touch(0, local, 2);
        touch(local, 20, 0);
        for (unsigned i = 0; i < TICKS; i++) {
            misses(4, 0, 20);
            tick();
        }
        cr_assert_eq(on(0, 20, 2), local == 18 ? 18 : 20);
        end();
    }
}

/* The task misses from nodes 1 and 2 in turn, from each more than 15 %: both are in the set, and what it has on either
 * stays. */
Test(numad, the_set_gives_85_percent_of_the_misses)
{
    begin(FRAMES_UNBOUNDED, 1);
    touch(0, 10, 1);
    touch(10, 20, 0);
    struct event e = {.task = 77, .what = event_what(EVENT_READ, 0)};
    for (unsigned i = 0; i < TICKS; i++) {
        for (e.page = 0; e.page < 20; e.page++) {
            e.node = e.page % 5 == 0 ? 1 : 2; /* 20 % and 80 % */
            e.time = run.now;
            engine_queue(run.engine, &e);
        }
        tick();
    }
    cr_assert_eq(on(0, 10, 1), 10);
    cr_assert_eq(on(10, 20, 0), 0);
    end();
}

/* 16 frames on each node: 20 pages on node 2 alone would fill more than 85 %, so no single node will do. */
Test(numad, a_task_that_does_not_fit_stays)
{
    begin(16, 1);
    touch(0, 10, 0);
    touch(10, 20, 1);
    for (unsigned i = 0; i < TICKS; i++) {
        misses(4, 0, 20);
        tick();
    }
    cr_assert_eq(on(0, 10, 0), 10);
    cr_assert_eq(on(10, 20, 1), 10);
    end();
}

/* The interval: 5 s after a look that moved something, else 10 s, then 15 s. */
Test(numad, looks_grow_rare_while_nothing_moves)
{
    begin(FRAMES_UNBOUNDED, 1);
    touch(0, 20, 2);
    uint64_t moved[3] = {0};
    unsigned n = 0;
    for (unsigned i = 0; i < 600 && n < 2; i++) {
        misses(i < 60 ? 4 : i < 200 ? 6 : 2, 0, 20);
        uint64_t before = run.engine->stats.moves;
        tick();
        if (run.engine->stats.moves > before)
            moved[n++] = ticks;
    }
    /* Looks at 5 s (local), 15 s (moved by tick 60's change: to node 3), 20 s (nothing yet), 30 s (node 1). */
    cr_assert_eq(moved[0], 150);
    cr_assert_eq(moved[1], 300);
    end();
}
