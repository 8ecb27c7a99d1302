/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/sched/world.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define SLICE (10 * WORLD_MS)
#define SECONDS UINT64_C(1000000000)

static const node_t two_two[] = {0, 0, 1, 1};
static const node_t each[] = {0, 1, 2, 3};

static const struct world_habit hog = {0};

/* An event is served after at most the head start of two slices of all others, and their slices. */
static void check_whole(const struct world *w, const char *what)
{
    cr_assert_null(w->broken, "%s: %s", what, w->broken);
    cr_assert_lt(w->waited, SLICE + SLICE / 2, "%s: one waited %lu us beside an idle CPU", what, w->waited / 1000);
    for (uint32_t n = 0; n < w->nvcpus; n++)
        cr_assert_lt(w->vcpu[n].worst, (3 * w->nvcpus + 4) * SLICE, "%s: virtual CPU %u waited %lu us for its event",
                     what, n, w->vcpu[n].worst / 1000);
}

/* Within a tenth of the expected. */
static void check_share(const struct world *w, uint32_t n, uint64_t expected, const char *what)
{
    uint64_t ran = w->vcpu[n].ran;
    cr_assert(ran * 10 >= expected * 9 && ran * 10 <= expected * 11, "%s: virtual CPU %u ran %lu ms of %lu", what, n,
              ran / WORLD_MS, expected / WORLD_MS);
}

/* Every number of CPUs and virtual CPUs, all of them always runnable: min(1, CPUs / virtual CPUs) of 10 s each. */
Test(monitor_sched, shares_are_equal)
{
    for (uint32_t cpus = 1; cpus <= 4; cpus++)
        for (uint32_t vcpus = 1; vcpus <= 16; vcpus += vcpus < 6 ? 1 : 5) {
            static struct world w;
            char what[64];
            snprintf(what, sizeof what, "%u on %u", vcpus, cpus);
            world_init(&w, cpus * 100 + vcpus, cpus, two_two, SLICE);
            for (uint32_t n = 0; n < vcpus; n++)
                world_add(&w, hog, n % 3 ? (node_t)(n % 2) : (node_t)NODE_NONE);
            world_run(&w, 10 * SECONDS);
            check_whole(&w, what);
            for (uint32_t n = 0; n < vcpus; n++)
                check_share(&w, n, vcpus > cpus ? 10 * SECONDS * cpus / vcpus : 10 * SECONDS, what);
        }
}

/* All want node 0 of four: affinity does not make anyone poorer. */
Test(monitor_sched, fair_where_all_want_one_node)
{
    static struct world w;
    world_init(&w, 5, 4, each, SLICE);
    for (uint32_t n = 0; n < 7; n++)
        world_add(&w, hog, 0);
    world_run(&w, 10 * SECONDS);
    check_whole(&w, "one node");
    for (uint32_t n = 0; n < 7; n++)
        check_share(&w, n, 10 * SECONDS * 4 / 7, "one node");
}

/* Three that always run beside two that want a fifth of a CPU each, on two CPUs: those get it, the others share
 * 2 - 0.4 CPUs. The two sleep 40 ms after 10 ms of work, whatever they waited: they want a little less than a fifth. */
Test(monitor_sched, sleepers_get_what_they_want_and_hogs_the_rest)
{
    static struct world w;
    world_init(&w, 7, 2, each, SLICE);
    for (uint32_t n = 0; n < 3; n++)
        world_add(&w, hog, NODE_NONE);
    struct world_habit light = {.burst = 2 * WORLD_MS, .sleep = 8 * WORLD_MS, .timer = true};
    world_add(&w, light, NODE_NONE);
    light.timer = false;
    world_add(&w, light, NODE_NONE);
    world_run(&w, 10 * SECONDS);
    check_whole(&w, "light");
    uint64_t light_ran = w.vcpu[3].ran + w.vcpu[4].ran;
    cr_assert_gt(light_ran, 10 * SECONDS * 3 / 10, "the light ones ran %lu ms", light_ran / WORLD_MS);
    for (uint32_t n = 0; n < 3; n++)
        check_share(&w, n, (20 * SECONDS - light_ran) / 3, "hog beside light ones");
    for (uint32_t n = 3; n < 5; n++)
        cr_assert_lt(w.vcpu[n].worst, 2 * SLICE, "a light one waited %lu us", w.vcpu[n].worst / 1000);
}

/* One that takes a CPU for itself while two others use the second one in turn has taken nothing from anybody. */
Test(monitor_sched, what_nobody_wanted_is_not_held_against_it)
{
    static struct world w;
    world_init(&w, 9, 2, each, SLICE);
    world_add(&w, hog, NODE_NONE);
    struct world_habit half = {.burst = 300 * WORLD_MS, .sleep = 300 * WORLD_MS, .timer = true};
    world_add(&w, half, NODE_NONE);
    half.from = 300 * WORLD_MS;
    world_add(&w, half, NODE_NONE);
    struct world_habit late = {.from = 6 * SECONDS};
    world_add(&w, late, NODE_NONE);
    world_add(&w, late, NODE_NONE);
    world_run(&w, 6 * SECONDS);
    uint64_t before = w.vcpu[0].ran;
    world_run(&w, 6 * SECONDS + 500 * WORLD_MS);
    check_whole(&w, "alone");
    /* From three to five share two CPUs: the first one has a right to 200 ms of these 500 at least. */
    cr_assert_gt(w.vcpu[0].ran - before, 150 * WORLD_MS, "it ran %lu ms", (w.vcpu[0].ran - before) / WORLD_MS);
}

/* Sleeping five seconds earns one slice, not five seconds. */
Test(monitor_sched, sleep_earns_nothing)
{
    static struct world w;
    world_init(&w, 11, 1, each, SLICE);
    world_add(&w, hog, NODE_NONE);
    struct world_habit late = {.from = 5 * SECONDS};
    world_add(&w, late, NODE_NONE);
    world_run(&w, 5 * SECONDS);
    uint64_t before = w.vcpu[0].ran;
    world_run(&w, 5 * SECONDS + 200 * WORLD_MS);
    check_whole(&w, "late");
    cr_assert_gt(w.vcpu[0].ran - before, 100 * WORLD_MS - 2 * SLICE);
    cr_assert_gt(w.vcpu[1].ran, 100 * WORLD_MS - SLICE);
}

static void check_home(const struct world *w, uint64_t percent, const char *what)
{
    for (uint32_t n = 0; n < w->nvcpus; n++)
        cr_assert(w->vcpu[n].home * 100 >= w->vcpu[n].ran * percent, "%s: virtual CPU %u was at home %lu of %lu ms",
                  what, n, w->vcpu[n].home / WORLD_MS, w->vcpu[n].ran / WORLD_MS);
}

/* As many for each node as it has CPUs, or twice as many: all stay at home. */
Test(monitor_sched, affinity_where_the_load_allows_it)
{
    for (uint32_t per_node = 1; per_node <= 2; per_node++) {
        static struct world w;
        world_init(&w, 13 + per_node, 4, each, SLICE);
        for (uint32_t n = 0; n < 4 * per_node; n++)
            world_add(&w, hog, (node_t)(3 - n % 4));
        world_run(&w, 10 * SECONDS);
        check_whole(&w, "four nodes");
        check_home(&w, 90, "four nodes");
    }
}

/* Light ones that halt and wake all the time go back to their node, too. */
Test(monitor_sched, affinity_of_light_ones)
{
    static struct world w;
    world_init(&w, 17, 4, each, SLICE);
    for (uint32_t n = 0; n < 4; n++)
        world_add(&w, (struct world_habit){.burst = WORLD_MS, .sleep = WORLD_MS, .timer = n % 2}, (node_t)n);
    world_run(&w, 5 * SECONDS);
    check_whole(&w, "light");
    check_home(&w, 90, "light");
}

/* Two that run at each other's memory change places soon after it becomes known. */
Test(monitor_sched, strangers_change_places)
{
    static struct world w;
    world_init(&w, 19, 2, each, SLICE);
    world_add(&w, hog, NODE_NONE);
    world_add(&w, hog, NODE_NONE);
    world_run(&w, SECONDS);
    for (uint16_t n = 0; n < 2; n++)
        world_prefer(&w, n, w.sched.cpu_node[1 - w.sched.vcpu[n].cpu]);
    for (uint32_t n = 0; n < 2; n++)
        w.vcpu[n].ran = w.vcpu[n].home = 0;
    world_run(&w, 2 * SECONDS);
    check_whole(&w, "change");
    cr_assert_geq(w.sched.migrations, 2, "%lu migrations were counted", w.sched.migrations);
    check_home(&w, 85, "change");
}

/* Anything goes: nothing is lost, nothing is double. */
Test(monitor_sched, random_habits)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        static struct world w;
        uint64_t r = seed * UINT64_C(0x9e3779b97f4a7c15);
        world_init(&w, seed, 1 + (r >> 60) % 4, seed % 2 ? each : two_two, SLICE);
        uint32_t vcpus = 1 + (r >> 50) % 16;
        for (uint32_t n = 0; n < vcpus; n++) {
            uint64_t h = (r >> n) * (n + 3);
            struct world_habit habit = {.burst = h % 4 ? 1000 << (h >> 3) % 15 : 0,
                                        .sleep = 1000 << (h >> 7) % 15,
                                        .timer = (h >> 11) % 2,
                                        .from = (h >> 13) % 7 * 10 * WORLD_MS};
            world_add(&w, habit, (h >> 17) % 5 ? (node_t)((h >> 17) % 5 - 1) : (node_t)NODE_NONE);
        }
        world_run(&w, SECONDS);
        char what[32];
        snprintf(what, sizeof what, "seed %lu", (unsigned long)seed);
        check_whole(&w, what);
        for (uint32_t n = 0; n < w.nvcpus; n++)
            cr_assert_gt(w.vcpu[n].ran, 0, "%s: virtual CPU %u never ran", what, n);
    }
}

/* A removed one is never picked again, and is quiet once its CPU has let it go. */
Test(monitor_sched, removal)
{
    static struct sched s;
    uint16_t kick;
    sched_init(&s, 2, each, SLICE);
    for (uint16_t n = 0; n < 3; n++) {
        sched_add(&s, n);
        sched_wake(&s, n, 0);
    }
    uint16_t first = sched_pick(&s, 0, 1000, &kick);
    cr_assert_neq(first, SCHED_NONE);
    cr_assert_eq(sched_remove(&s, first, 2000), 0);
    cr_assert_eq(sched_due(&s, 0), 0);
    cr_assert_not(sched_quiet(&s, first));
    cr_assert_not(sched_halt(&s, 0, 2500, UINT64_MAX));
    uint16_t second = sched_pick(&s, 0, 3000, &kick);
    cr_assert_neq(second, first);
    sched_release(&s, first, 3100);
    cr_assert(sched_quiet(&s, first));
    cr_assert_eq(sched_wake(&s, first, 3200), SCHED_NONE);
    uint16_t third = sched_pick(&s, 1, 3300, &kick);
    cr_assert_eq(first + second + third, 3);
    sched_add(&s, first);
    sched_wake(&s, first, 4000);
    cr_assert_eq(s.vcpu[first].state, SCHED_READY);
}

/* Until its CPU has put it away, nobody else takes one that has been woken again. */
Test(monitor_sched, state_is_handed_over)
{
    static struct sched s;
    uint16_t kick;
    sched_init(&s, 2, each, SLICE);
    sched_add(&s, 0);
    sched_wake(&s, 0, 0);
    cr_assert_eq(sched_pick(&s, 0, 10, &kick), 0);
    cr_assert(sched_halt(&s, 0, 20, 5000));
    sched_wake(&s, 0, 30);
    cr_assert_eq(sched_pick(&s, 1, 40, &kick), SCHED_NONE);
    cr_assert_eq(sched_pick(&s, 0, 50, &kick), 0);
    cr_assert(sched_halt(&s, 0, 60, 5000));
    cr_assert_eq(sched_pick(&s, 0, 70, &kick), SCHED_NONE);
    cr_assert_eq(sched_due(&s, 0), 5000, "the CPU that it halted on wakes it");
    sched_release(&s, 0, 80);
    cr_assert_eq(sched_pick(&s, 1, 5000, &kick), 0, "anyone may find that its time has come");
}

/* A wake-up between the last look and the halt makes the halt void; one before the look does not. */
Test(monitor_sched, no_wake_up_is_lost_at_a_halt)
{
    static struct sched s;
    uint16_t kick;
    sched_init(&s, 1, each, SLICE);
    sched_add(&s, 0);
    sched_wake(&s, 0, 0);
    sched_pick(&s, 0, 10, &kick);
    sched_wake(&s, 0, 20);
    sched_enter(&s, 0);
    cr_assert(sched_halt(&s, 0, 30, UINT64_MAX));
    sched_wake(&s, 0, 35);
    sched_pick(&s, 0, 40, &kick);
    sched_enter(&s, 0);
    cr_assert_eq(sched_wake(&s, 0, 50), 0, "the CPU that runs it is kicked");
    cr_assert_not(sched_halt(&s, 0, 60, UINT64_MAX));
    cr_assert_not(sched_halt(&s, 0, 70, 70), "its own timer is due");
}

/* Its memory is there, nobody else wants the CPU: no look at the clock until somebody comes. */
Test(monitor_sched, one_alone_is_left_alone)
{
    static struct sched s;
    uint16_t kick;
    sched_init(&s, 2, each, SLICE);
    for (uint16_t n = 0; n < 3; n++) {
        sched_add(&s, n);
        sched_prefer(&s, n, n ? NODE_NONE : 0);
    }
    sched_wake(&s, 0, 0);
    cr_assert_eq(sched_pick(&s, 0, 0, &kick), 0);
    cr_assert_eq(sched_due(&s, 0), UINT64_MAX);
    cr_assert_eq(sched_used(&s, 0, 300 * WORLD_MS), 300 * WORLD_MS, "its time counts all the same");
    cr_assert_eq(sched_prefer(&s, 0, 1), 0, "it has to go home");
    cr_assert_eq(sched_due(&s, 0), 0);
    sched_prefer(&s, 0, 0);
    cr_assert_eq(sched_pick(&s, 0, 301 * WORLD_MS, &kick), 0);
    cr_assert_eq(sched_wake(&s, 1, 302 * WORLD_MS), 1, "an idle CPU");
    cr_assert_eq(sched_pick(&s, 1, 302 * WORLD_MS, &kick), 1);
    cr_assert_eq(sched_due(&s, 0), UINT64_MAX);
    cr_assert_eq(sched_due(&s, 1), UINT64_MAX);
    /* Away from its memory it looks whether it can go home. */
    sched_prefer(&s, 0, 1);
    cr_assert_eq(sched_pick(&s, 0, 303 * WORLD_MS, &kick), 0);
    cr_assert_leq(sched_due(&s, 0), 303 * WORLD_MS + SLICE);
}

/* One that has just had its share waits, but no longer than a slice. */
Test(monitor_sched, one_alone_is_told_when_somebody_waits)
{
    static struct sched s;
    uint16_t kick;
    sched_init(&s, 1, each, SLICE);
    for (uint16_t n = 0; n < 2; n++)
        sched_add(&s, n);
    sched_wake(&s, 0, 0);
    cr_assert_eq(sched_pick(&s, 0, 0, &kick), 0);
    cr_assert(sched_halt(&s, 0, 100 * WORLD_MS, UINT64_MAX));
    sched_wake(&s, 1, 100 * WORLD_MS);
    cr_assert_eq(sched_pick(&s, 0, 100 * WORLD_MS, &kick), 1);
    sched_release(&s, 0, 100 * WORLD_MS);
    cr_assert_eq(sched_due(&s, 0), UINT64_MAX);
    cr_assert_eq(sched_wake(&s, 0, 101 * WORLD_MS), 0);
    cr_assert_eq(sched_pick(&s, 0, 101 * WORLD_MS, &kick), 1);
    cr_assert_leq(sched_due(&s, 0), 101 * WORLD_MS + SLICE);
}

/* Its timer is watched by the CPU that it halted on, which is in the middle of another's slice when it comes: the one
 * that has had more than its share on the other CPU makes room. */
Test(monitor_sched, a_timer_is_as_good_as_a_wake_up)
{
    static struct sched s;
    uint16_t kick;
    const uint64_t begun = 100 * WORLD_MS, due = 105 * WORLD_MS;
    sched_init(&s, 2, two_two, SLICE);
    for (uint16_t n = 0; n < 3; n++)
        sched_add(&s, n);
    sched_wake(&s, 1, 0);
    cr_assert_eq(sched_pick(&s, 1, 0, &kick), 1);
    sched_wake(&s, 0, 0);
    cr_assert_eq(sched_pick(&s, 0, 0, &kick), 0);
    cr_assert(sched_halt(&s, 0, WORLD_MS, due));
    cr_assert_eq(sched_pick(&s, 0, WORLD_MS, &kick), SCHED_NONE);
    sched_release(&s, 0, WORLD_MS);
    cr_assert_eq(sched_wake(&s, 2, begun), 0);
    cr_assert_eq(sched_pick(&s, 0, begun, &kick), 2);
    cr_assert_eq(sched_due(&s, 0), due);
    cr_assert_eq(sched_pick(&s, 0, due, &kick), 2, "half a slice behind is not enough in the middle of one");
    cr_assert_eq(kick, 1);
    cr_assert_eq(sched_pick(&s, 1, due, &kick), 0);
}
