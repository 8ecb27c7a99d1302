/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Conformance vectors of thermostat and damon_migrate, worked out by hand from the rules that the heads of their
 * sources state. How a line is read: tests/core/script.h. Node 0 has the CPU, node 1 is the slow memory.
 */
#include <criterion/criterion.h>

#include "tests/core/script.h"

/* --- thermostat: groups of four pages, all of them looked at; a phase is 1 ms, whose budget is 30 accesses --- */

#define GROUPS "thermostat:group_bytes=16384,poison=4,round_ns=3ms,tick_ns=1ms,"

/* All that is watched stands for itself: the rates of groups are what a group's page is read in the second phase. */
Test(region_vectors, thermostat_takes_down_what_fits_the_budget)
{
    script_run_all((const struct script[]){
        {GROUPS "sample=100", 2, 1, 8, .words = "p0.0-7 t1ms r0.0-7 t2ms watches=8 r0.0*20 r0.4*10 t3ms moves=8 0!2"},
        {GROUPS "sample=100", 2, 1, 8, .words = "p0.0-7 t1ms r0.0-7 t2ms r0.0*20 r0.4*11 t3ms moves=4 4=0x2 0=0x1"},
        {GROUPS "sample=100,slowdown=20", 2, 1, 8, .words = "p0.0-7 t1ms r0.0-7 t2ms r0.0*10 r0.4*10 t3ms moves=8"},
        {GROUPS "sample=100,slowdown=20", 2, 1, 8, .words = "p0.0-7 t1ms r0.0-7 t2ms r0.0*10 r0.4*11 t3ms moves=4"},
        {GROUPS "sample=100,slow_ns=2us", 2, 1, 8, .words = "p0.0-7 t1ms r0.0-7 t2ms r0.0*5 r0.4*10 t3ms moves=8"},
        {GROUPS "sample=0", 2, 1, 8, .words = "p0.0-7 t1ms r0.0-7 t2ms t3ms t4ms watches=0 moves=0"},
        {0},
    });
}

/* 2 + 6 + 10 of 2, 6, 10, 14 and 18 fit, in whichever order the groups come. */
Test(region_vectors, thermostat_goes_by_rate)
{
    script_run_all((const struct script[]){
        {GROUPS "sample=100", 2, 1, 20, 20,
         .words = "p0.0-19 t1ms r0.0-19 t2ms r0.0*18 r0.4*2 r0.8*14 r0.12*6 r0.16*10 t3ms 0=0x1 4=0x2 8=0x1 12=0x2 "
                  "16=0x2"},
        {GROUPS "sample=100", 2, 1, 20, 20,
         .words = "p0.0-19 t1ms r0.0-19 t2ms r0.0*2 r0.4*6 r0.8*10 r0.12*14 r0.16*18 t3ms 0=0x2 4=0x2 8=0x2 12=0x1 "
                  "16=0x1"},
        {GROUPS "sample=100", 2, 1, 20, 20,
         .words = "p0.0-19 t1ms r0.0-19 t2ms r0.0*18 r0.4*14 r0.8*10 r0.12*6 r0.16*2 t3ms 0=0x1 4=0x1 8=0x2 12=0x2 "
                  "16=0x2"},
        {GROUPS "sample=100", 2, 1, 20, 20,
         .words = "p0.0-19 t1ms r0.0-19 t2ms r0.0*10 r0.4*18 r0.8*6 r0.12*2 r0.16*14 t3ms 0=0x2 4=0x1 8=0x2 12=0x2 "
                  "16=0x1"},
        {GROUPS "sample=100", 2, 1, 20, 20,
         .words = "p0.0-19 t1ms r0.0-19 t2ms r0.0*14 r0.4*10 r0.8*2 r0.12*18 r0.16*6 t3ms 0=0x1 4=0x2 8=0x2 12=0x1 "
                  "16=0x2"},
        {0},
    });
}

/* Five idle groups went down. In the next round they have 20 + 4 + 12 + 8 + 16 = 60: without the highest two, 24. */
#define ALL_DOWN "p0.0-19 t1ms t2ms t3ms moves=20 t4ms r0.0-19 t5ms "
Test(region_vectors, thermostat_brings_the_hottest_back)
{
    script_run_all((const struct script[]){
        {GROUPS "sample=100", 2, 1, 20, 20,
         .words = ALL_DOWN "r0.0*20 r0.4*4 r0.8*12 r0.12*8 r0.16*16 t6ms t6500us moves=28 0=0x1 3=0x1 16=0x1 0!1 4=0x2 "
                           "8=0x2 12=0x2"},
        {GROUPS "sample=100", 2, 1, 20, 20, .words = ALL_DOWN "r0.0*10 r0.8*20 t6ms t6500us moves=20"},
        {GROUPS "sample=100", 2, 1, 20, 20, .words = ALL_DOWN "r0.0*10 r0.8*21 t6ms t6500us moves=24 8=0x1"},
        {0},
    });
}

/* Of the tier that has most of its pages: two of four are not most, and no group of the fast tier is looked at. What
 * one round saw does not count in the next. */
Test(region_vectors, thermostat_groups)
{
    script_run_all((const struct script[]){
        {GROUPS "sample=0", 2, 1, 6, 8, .words = "p0.0-7 f0 f1 t1ms r0.4-7 t2ms r0.6*40 t3ms t3500us moves=0"},
        {GROUPS "sample=0", 2, 1, 5, 8, .words = "p0.0-7 f0 f1 f2 t1ms r0.4-7 t2ms r0.6*40 t3ms t3500us moves=3 6=0x1"},
        {GROUPS "sample=100", 2, 1, 8, 8, .words = "p0.0-3 t1ms r0.0-3 t2ms watches=4 t3ms t4ms t5ms watches=4"},
        {0},
    });
}

/* A cost of two looks per page of a group that is chosen: the bits are cleared, then read. */
Test(region_vectors, thermostat_pays_for_what_it_looks_at)
{
    const struct policy_rig_param param[] = {{"group_bytes", 16384}, {"sample", 100},      {"poison", 4},
                                             {"round_ns", 3000000},  {"tick_ns", 1000000}, {0}};
    fixture_shape(&policy_rig_shape, 2, 2, 12);
    fixture_tiers(&policy_rig_shape, 1, FRAMES_UNBOUNDED);
    policy_rig_begin("thermostat", 14, param);
    for (page_t page = 0; page < 10; page++)
        cr_assert_eq(engine_access(policy_rig.engine, page, 0, 0, false, 0), 0);
    policy_rig_tick(1000000);
    cr_expect_eq(policy_rig.config.policy->looked(policy_rig.state), 10, "used pages");
    policy_rig_tick(2000000);
    cr_expect_eq(policy_rig.config.policy->looked(policy_rig.state), 12, "three groups");
    cr_expect_eq(policy_rig.config.policy->looked(policy_rig.state), 0, "told once");
    policy_rig_end();
}

/* Half of 400 groups of one page: 200, give or take five times the deviation of 10; others with another seed. */
Test(region_vectors, thermostat_chooses_at_random)
{
    static nodeset_t chosen[2][400];
    unsigned differ = 0;
    for (uint64_t seed = 0; seed < 2; seed++) {
        const struct policy_rig_param param[] = {{"group_bytes", 4096}, {"sample", 50}, {"round_ns", 3000000},
                                                 {"tick_ns", 1000000},  {"seed", seed}, {0}};
        fixture_shape(&policy_rig_shape, 2, 2, 400);
        fixture_tiers(&policy_rig_shape, 1, FRAMES_UNBOUNDED);
        policy_rig_begin("thermostat", 400, param);
        for (page_t page = 0; page < 400; page++)
            cr_assert_eq(engine_access(policy_rig.engine, page, 0, 0, false, 0), 0);
        for (uint64_t phase = 1; phase <= 3; phase++)
            policy_rig_tick(phase * 1000000);
        cr_expect_geq(policy_rig.engine->stats.moves, 150);
        cr_expect_leq(policy_rig.engine->stats.moves, 250);
        for (page_t page = 0; page < 400; page++)
            chosen[seed][page] = view_copies(&policy_rig.engine->view, page);
        policy_rig_end();
    }
    for (page_t page = 0; page < 400; page++)
        differ += chosen[0][page] != chosen[1][page];
    cr_expect_geq(differ, 150);
    cr_expect_leq(differ, 250);
}

/* --- damon_migrate: regions of one page, four samples or two to an aggregation --- */

#define REGIONS "damon_migrate:min_regions=16,max_regions=16,used_bp=0,free_bp=0,"
#define FAST REGIONS "tick_ns=1ms,aggregation_ns=4ms,"
#define SLOW REGIONS "tick_ns=500ms,aggregation_ns=1s,quota_ns=100s,apply_ns=6s,young=0,"

/* Page 4 is found accessed in one of four samples, page 5 in two. */
#define ONE_AND_TWO "p0.0-6 f0 f1 f2 r0.4-5 t1ms r0.5 t2ms t3ms moves=0 t4ms "
Test(region_vectors, damon_promotes_from_a_share_of_samples_on)
{
    script_run_all((const struct script[]){
        {FAST "young=0,cold_age_ns=1000s", 2, 1, 4, .words = ONE_AND_TWO "moves=2 4=0x1 5=0x1 4!1"},
        {FAST "young=0,cold_age_ns=1000s,hot_percent=25", 2, 1, 4, .words = ONE_AND_TWO "moves=2"},
        {FAST "young=0,cold_age_ns=1000s,hot_percent=26", 2, 1, 4, .words = ONE_AND_TWO "moves=1 5=0x1"},
        {FAST "young=0,cold_age_ns=1000s,hot_percent=50", 2, 1, 4, .words = ONE_AND_TWO "moves=1"},
        {FAST "young=0,cold_age_ns=1000s,hot_percent=51", 2, 1, 4, .words = ONE_AND_TWO "moves=0"},
        {0},
    });
}

/* The first pass is that of the first aggregation, at 4 ms; the next 8 ms later, not 7. */
#define PASSES "p0.0-5 f0 f1 t1ms t2ms t3ms t4ms r0.4 t5ms t6ms t7ms t8ms 4=0x2 r0.4 t9ms t10ms t11ms t12ms "
Test(region_vectors, damon_passes_every_apply_ns)
{
    script_run_all((const struct script[]){
        {FAST "young=0,cold_age_ns=1000s,apply_ns=8ms", 2, 1, 4, .words = PASSES "4=0x1"},
        {FAST "young=0,cold_age_ns=1000s,apply_ns=8001us", 2, 1, 4, .words = PASSES "4=0x2"},
        {0},
    });
}

/* One page each 8 ms: pages 4, 5 and 6 are alike. */
Test(region_vectors, damon_tries_no_more_than_its_quota)
{
    script_run(&(const struct script){
        FAST "young=0,cold_age_ns=1000s,apply_ns=4ms,quota_bytes=4096,quota_ns=8ms", 2, 1, 4,
        .words = "p0.0-6 f0 f1 f2 r0.4-6 t1ms t2ms t3ms t4ms 4=0x1 moves=1 r0.4-6 t5ms t6ms t7ms t8ms moves=1 r0.4-6 "
                 "t9ms t10ms t11ms t12ms 5=0x1 moves=2 r0.4-6 t13ms t14ms t15ms t16ms moves=2 r0.4-6 t17ms t18ms t19ms "
                 "t20ms moves=3"});
}

/* In the pass at 7 s page 1 has been idle for seven seconds, pages 0, 2 and 3 for two. One page is tried. */
Test(region_vectors, damon_demotes_the_coldest)
{
    static const char *const idle =
        "p0.0-3 r0.0 r0.2-3 t500ms t1s r0.0 r0.2-3 t1500ms t2s r0.0 r0.2-3 t2500ms t3s r0.0 "
        "r0.2-3 t3500ms t4s t4500ms t5s t5500ms t6s t6500ms moves=0 t7s 1=0x2 1!2 moves=1";
    script_run_all((const struct script[]){
        {SLOW "quota_bytes=4096,cold_age_ns=2s", 2, 1, 4, .words = idle},
        {SLOW "quota_bytes=4096,cold_age_ns=7s", 2, 1, 4, .words = idle},
        {SLOW "cold_age_ns=3s", 2, 1, 4, .words = idle},
        {0},
    });
}

/* In the pass at 7 s page 5 has been read for six seconds, once a second, page 4 for two, twice a second. */
#define LONG_OR_OFTEN                                                                                               \
    "p0.0-5 f0 t500ms t1s r0.5 t1500ms t2s r0.5 t2500ms t3s r0.5 t3500ms t4s r0.5 t4500ms t5s r0.4-5 t5500ms r0.4 " \
    "t6s "                                                                                                          \
    "r0.4-5 t6500ms r0.4 moves=0 t7s moves=1 "
Test(region_vectors, damon_weighs_frequency_and_age)
{
    script_run_all((const struct script[]){
        {SLOW "cold_age_ns=1000s,quota_bytes=4096,weight_freq=0", 2, 1, 4, .words = LONG_OR_OFTEN "5=0x1"},
        {SLOW "cold_age_ns=1000s,quota_bytes=4096,weight_age=0", 2, 1, 4, .words = LONG_OR_OFTEN "4=0x1"},
        {0},
    });
}

/* Page 0 is read in the first aggregation alone: in the second it was accessed since it was last looked at. */
#define READ_ONCE "p0.0 r0.0 t1ms t2ms t3ms t4ms 0=0x1 t5ms t6ms t7ms 0=0x1 t8ms "
Test(region_vectors, damon_looks_whether_a_page_is_young)
{
    script_run_all((const struct script[]){
        {FAST "apply_ns=4ms", 2, 1, 4, .words = READ_ONCE "0=0x1 t9ms t10ms t11ms 0=0x1 t12ms 0=0x2"},
        {FAST "apply_ns=4ms,young=0", 2, 1, 4, .words = READ_ONCE "0=0x2"},
        {0},
    });
    script_is_invalid("damon_migrate:min_regions=4,max_regions=3");
    script_is_invalid("damon_migrate:tick_ns=2ms,aggregation_ns=1ms");
}
