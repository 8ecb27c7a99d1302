/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Conformance vectors of classes for two tiers, worked out by hand from the rules that the heads of their sources
 * state. How a line is read: tests/core/script.h. Node 0 has the CPU, node 1 is the slow memory; a page that finds no
 * room in the fast tier is touched in the slow one.
 */
#include <criterion/criterion.h>

#include "tests/core/script.h"

/* Three fast pages with 4 samples, of which two are freed; slow ones with 2, 1 and 1. */
#define HALF_FAST "r0.0 r0.4 r0.3*2 r0.1*2 r0.2 r0.6 f0 f4 "

/* Binary search: p = 4 of 8, the middle of [0.5, 1] is 0.75: 2 of 8 samples go up, one page. Latencies less than delta
 * apart are equal. */
Test(tier_vectors, colloid_takes_near_latencies_for_equal)
{
    script_run_all((const struct script[]){
        {"colloid:formula=0,smoothing=0", 2, 1, 3, .words = HALF_FAST "t10ms/100/104 moves=0"},
        {"colloid:formula=0,smoothing=0", 2, 1, 3, .words = HALF_FAST "t10ms/100/105 moves=1 1=0x1"},
        {"colloid:formula=0,smoothing=0,delta=20", 2, 1, 3, .words = HALF_FAST "t10ms/100/119 moves=0"},
        {0},
    });
}

/* Then p = 6 of 10 with the slow tier faster: the middle of [0.5, 0.6] is 0.05 away, which of 18 samples are none. With
 * an epsilon of 100 % the lower bound opens: 0.3 of 18 are 5, page 1 with 2 goes down again, page 3 with 8 does not
 * fit. */
Test(tier_vectors, colloid_opens_a_short_interval)
{
    script_run_all((const struct script[]){
        {"colloid:formula=0,smoothing=0", 2, 1, 3,
         .words = HALF_FAST "t10ms/100/400 1=0x1 r0.3*6 r0.2*4 t20ms/200/100 moves=1"},
        {"colloid:formula=0,smoothing=0,epsilon=100", 2, 1, 3,
         .words = HALF_FAST "t10ms/100/400 1=0x1 r0.3*6 r0.2*4 t20ms/200/100 1=0x2 moves=2"},
        {0},
    });
}

/* A loop takes 10 ms from the last one; windows between count. In the second loop p is 4 of 8 again, 0.25 of 16 samples
 * are 4: page 2 with 3. */
Test(tier_vectors, colloid_decides_every_10_ms)
{
    script_run_all((const struct script[]){
        {"colloid:formula=0,smoothing=0", 2, 1, 3,
         .words = HALF_FAST "t9999us/100/400 moves=0 t10ms 1=0x1 r0.3*4 r0.2*2 r0.6*2 t15ms/100/400 moves=1 t19999us "
                            "moves=1 t20ms 2=0x1 moves=2"},
        {"colloid:formula=0,smoothing=0,loop_ns=5ms", 2, 1, 3,
         .words = HALF_FAST "t4999us/100/400 moves=0 t5ms moves=1"},
        {0},
    });
}

/* Four fast pages with a sample each and four slow ones, 2 of 8 samples go up, but the budget is one move: page 2 stays
 * in its tier's list of pages with one sample. Then 4 of 15 are 3: page 7 with 5 does not fit, page 2 does. */
Test(tier_vectors, colloid_keeps_the_count_of_a_page_that_did_not_move)
{
    script_run(&(const struct script){
        "colloid:formula=0,smoothing=0,line=65536", 2, 1, 3, .budget = 1,
        .words = "r0.0 r0.4 r0.3*2 r0.1 r0.2 r0.6 r0.7 f0 f4 t10ms/100/400 1=0x1 2=0x2 refused=1 f6 r0.3*4 r0.7*4 "
                 "t20ms/100/400 2=0x1 moves=2"});
}

/* A promotion or demotion that the engine refused is tried again: one move a window. */
Test(tier_vectors, hemem_tries_again_what_was_refused)
{
    script_run_all((const struct script[]){
        {"hemem", 2, 1, 4, .budget = 1, .words = "p0.0-5 f0 f1 r0.4-5*8 t10ms 4=0x1 5=0x2 refused=1 t20ms 5=0x1"},
        {"hemem", 2, 1, 2, .budget = 1,
         .words = "p0.0-3 r0.2-3*8 t10ms 0=0x2 1=0x1 t20ms 2=0x1 1=0x1 t30ms 1=0x2 t40ms 3=0x1 moves=4"},
        {0},
    });
}

/* A freed page is in no list, be it hot or cold. A pass serves as many requests as pass_bytes hold. */
Test(tier_vectors, hemem_serves_its_lists)
{
    script_run_all((const struct script[]){
        {"hemem", 2, 1, 4, .words = "p0.0-5 f0 r0.4-5*8 f4 t10ms 5=0x1 moves=1"},
        {"hemem", 2, 1, 2, .words = "p0.0-3 f0 p0.4 4=0x1 r0.2*8 t10ms 1=0x2 t20ms 2=0x1 4=0x1"},
        {"hemem:pass_bytes=4096", 2, 1, 4, .words = "p0.0-5 f0 f1 r0.4-5*8 t10ms moves=1 t20ms moves=2"},
        {0},
    });
}

/* The 19th sample of page 3 halves: 8 of pages 0 and 1 become 4. The sweep looks at one page of each hot list a tick,
 * after the pass: page 0 in the first, page 1 in the second. Page 2's first sample is halved away. */
Test(tier_vectors, hemem_sweeps_so_many_pages_a_tick)
{
    script_run(&(const struct script){
        "hemem:config=3,sweep=1", 2, 1, 2,
        .words = "p0.0-3 r0.0-1*8 r0.3*19 t10ms moves=0 t20ms 0=0x2 1=0x1 moves=1 t30ms 3=0x1 moves=2 r0.2*8 t40ms "
                 "moves=2 r0.2 t50ms 1=0x2 t60ms 2=0x1 moves=4"});
}

/* Of 100 fast frames 3 stay free, by 10 % 10. New pages are hot. */
Test(tier_vectors, memtis_promotes_down_to_its_watermark)
{
    script_run_all((const struct script[]){
        {"memtis", 2, 1, 100, 128, .words = "p0.0-109 f0 f1 f2 t500ms moves=0 f3 t1s 100=0x1 101=0x2 moves=1"},
        {"memtis:promote_mark=4", 2, 1, 100, 128,
         .words = "p0.0-109 f0 f1 f2 f3 t500ms moves=0 f4 t1s 100=0x1 moves=1"},
        {0},
    });
}

/* 103 frames: 100 for the hot set, so that with 103 pages the sampled ones alone are hot. 75 fill 75 %: the others are
 * cold, and the oldest of them go until 3 frames are free, once less than 2 are. With 74 the others are warm and stay,
 * until a page that waits finds no cold one; it goes up when 4 are free. */
Test(tier_vectors, memtis_demotes_below_its_watermark_what_is_not_warm)
{
    script_run_all((const struct script[]){
        {"memtis:adapt_samples=75", 2, 1, 103, 128,
         .words = "p0.0-102 r0.0-74 t500ms moves=3 75=0x2 76=0x2 77=0x2 t1s moves=3"},
        {"memtis:adapt_samples=75", 2, 1, 103, 128, .words = "p0.0-102 r0.0-74 f102 t500ms moves=2 75=0x2 76=0x2"},
        {"memtis:adapt_samples=75", 2, 1, 103, 128, .words = "p0.0-102 r0.0-74 f102 f101 t500ms moves=0"},
        {"memtis:adapt_samples=75,demote_mark=3", 2, 1, 103, 128,
         .words = "p0.0-102 r0.0-74 f102 f101 t500ms moves=1 75=0x2"},
        {"memtis:adapt_samples=74", 2, 1, 103, 128, .words = "p0.0-102 r0.0-73 t500ms moves=0 t1s moves=0"},
        {"memtis:adapt_samples=74", 2, 1, 103, 128,
         .words = "p0.0-112 r0.0-72 r0.103 t500ms moves=0 t1s moves=4 73=0x2 76=0x2 t1500ms 103=0x1 moves=5"},
        {0},
    });
}

/* Whatever is refused is tried again; so is what waits behind a freed page. */
Test(tier_vectors, memtis_tries_again_what_was_refused)
{
    script_run_all((const struct script[]){
        {"memtis", 2, 1, 100, 128, .budget = 1,
         .words = "p0.0-101 f0 f1 f2 f3 f4 t500ms 100=0x1 101=0x2 refused=1 t1s 101=0x1 moves=2"},
        {"memtis:adapt_samples=75", 2, 1, 103, 128, .budget = 1,
         .words = "p0.0-102 r0.0-74 t500ms 75=0x2 moves=1 t1s moves=2 t1500ms moves=2"},
        {"memtis", 2, 1, 100, 128, .words = "p0.0-109 f100 f0 f1 f2 f3 t500ms 101=0x1 moves=1"},
        {0},
    });
}

Test(tier_vectors, sampling_periods_of_their_own)
{
    script_run_all((const struct script[]){
        {"memtis:period=1024", 2, 1, 100, .words = "p0.0 t500ms sampling=1024"},
        {"hemem:period=4096", 2, 1, 100, .words = "p0.0 t10ms sampling=4096 t20ms sampling=4096 refused=0"},
        {"hemem", 2, 1, 100, .sampling = 8, .words = "p0.0 t10ms sampling=8"},
        {0},
    });
}

Test(tier_vectors, parameters_that_do_not_fit)
{
    script_is_invalid("memtis:period=768");
    script_is_invalid("memtis:slack=31");
    script_is_invalid("hemem:period=768");
    script_is_invalid("multiclock:low=21");
    script_is_invalid("pghot:threshold=4");
    script_is_invalid("pghot:target=2");
    script_is_invalid("numad:interval_min_ns=2s,interval_max_ns=1s");
    script_run_all((const struct script[]){
        {"memtis:slack=30", 2, .words = "r0.0"},
        {"multiclock:low=20", 2, .words = "r0.0"},
        {"pghot:precise=1,threshold=7,target=1", 2, .words = "r0.0"},
        {"numad:interval_min_ns=1s,interval_max_ns=1s", 2, .words = "r0.0"},
        {0},
    });
}

/* Accessed in each tick: referenced, active, referenced, promote list, and up in the fifth. A tick without sends an
 * unreferenced active page back to the inactive list. */
Test(tier_vectors, multiclock_climbs_a_step_a_tick)
{
    script_run_all((const struct script[]){
        {"multiclock", 2, 1, 2, .words = "p0.0-2 f1 r0.2 t1s r0.2 t2s r0.2 t3s r0.2 t4s 2=0x2 t5s 2=0x1"},
        {"multiclock", 2, 1, 2,
         .words = "p0.0-2 f1 r0.2 t1s r0.2 t2s t3s r0.2 t4s r0.2 t5s r0.2 t6s r0.2 t7s 2=0x2 t8s 2=0x1"},
        {"multiclock", 2, 1, 4, .budget = 1,
         .words = "p0.0-5 f0 f1 r0.4-5 t1s r0.4-5 t2s r0.4-5 t3s r0.4-5 t4s moves=0 t5s 4=0x1 5=0x2 t6s 5=0x1"},
        {0},
    });
}

/* One step a tick in both tiers, whichever list is looked at first: a page that found no room to go up, or has just
 * become active, stays active until the next tick. Page 1 waits two ticks for room, one of them without an access;
 * of 100 frames' pages all but the newest are active as the last one fills. */
Test(tier_vectors, multiclock_takes_one_step_a_tick)
{
    script_run_all((const struct script[]){
        {"multiclock", 2, 1, 1,
         .words = "p0.0-1 r0.1 t1s r0.1 t2s r0.1 t3s r0.1 t4s t5s f0 r0.1 t6s r0.1 t7s 1=0x2 t8s 1=0x1"},
        {"multiclock", 2, 1, 100, 128,
         .words = "p0.0-98 r0.0-98 t1s r0.0-98 t2s moves=0 p0.99 t3s 99=0x2 0=0x1 moves=1"},
        {0},
    });
}

/* Less than 1 % free: the oldest that rest go down until 2 % are free. A freed page is none of them; a page that the
 * engine did not move queues again. */
Test(tier_vectors, multiclock_demotes_between_its_marks)
{
    script_run_all((const struct script[]){
        {"multiclock", 2, 1, 100, 128, .words = "p0.0-99 r0.1 t1s 0=0x2 1=0x1 2=0x2 moves=2 t2s moves=2"},
        {"multiclock", 2, 1, 100, 128, .words = "p0.0-99 f0 p0.100 t1s 1=0x2 2=0x2 moves=2"},
        {"multiclock:low=50,high=70", 2, 1, 100, 128, .words = "p0.0-99 f0 f1 f2 f3 f4 t1s moves=0"},
        {"multiclock:low=50,high=70", 2, 1, 100, 128, .words = "p0.0-99 f0 f1 f2 f3 t1s moves=3"},
        {"multiclock", 2, 1, 2550, 2560, .words = "p0.0-2549 t1s moves=51"},
        {"multiclock:low=20", 2, 1, 100, 128, .budget = 1, .words = "p0.0-99 t1s 0=0x2 1=0x1 t2s 1=0x1 2=0x2 moves=2"},
        {0},
    });
}

/* Of 8 fast frames one stays free at first touch (pages 0 to 6 find room, 7 does not), and a promotion needs more than
 * the high watermark, 2, and itself. The window of 3 s are 23 whole buckets of 128 ms, 30 of 100 ms; of 1 s 7. */
Test(tier_vectors, pghot_counts_within_its_window)
{
    script_run_all((const struct script[]){
        {"pghot", 2, 1, 8, .words = "p0.0-7 f0 f1 f2 r0.7 @3071ms r0.7 t3200ms 7=0x1"},
        {"pghot", 2, 1, 8, .words = "p0.0-7 f0 f1 f2 r0.7 @3072ms r0.7 t3200ms 7=0x2 w0.7 t3300ms 7=0x1"},
        {"pghot:window_ns=1s", 2, 1, 8, .words = "p0.0-7 f0 f1 f2 r0.7 @1023ms r0.7 t1100ms 7=0x1"},
        {"pghot:window_ns=1s", 2, 1, 8, .words = "p0.0-7 f0 f1 f2 r0.7 @1024ms r0.7 t1100ms 7=0x2"},
        {"pghot:bucket_ns=100ms", 2, 1, 8, .words = "p0.0-7 f0 f1 f2 r0.7 @3099ms r0.7 t3200ms 7=0x1"},
        {"pghot:bucket_ns=100ms", 2, 1, 8, .words = "p0.0-7 f0 f1 f2 r0.7 @3100ms r0.7 t3200ms 7=0x2"},
        {"pghot:precise=1", 2, 1, 8, .words = "p0.0-7 f0 f1 f2 r0.7 @5s r0.7 t5100ms 7=0x1"},
        {"pghot:precise=1", 2, 1, 8, .words = "p0.0-7 f0 f1 f2 r0.7 @5001ms r0.7 t5100ms 7=0x2"},
        {"pghot:threshold=3", 2, 1, 8, .words = "p0.0-7 f0 f1 f2 r0.7*2 t100ms 7=0x2 r0.7 t200ms 7=0x1"},
        {0},
    });
}

/* A promotion without room forgets the page, and wakes demotion: one page until more than 3 frames are free. A target
 * of its own. */
Test(tier_vectors, pghot_promotes_where_there_is_room)
{
    script_run_all((const struct script[]){
        {"pghot:demote=0", 2, 1, 8,
         .words = "p0.0-7 f0 f1 r0.7*2 t100ms 7=0x2 f2 t200ms moves=0 r0.7*2 t300ms 7=0x1 moves=1"},
        {"pghot", 2, 1, 8, .words = "p0.0-7 f0 f1 r0.7*2 t100ms moves=0 t200ms moves=1 7=0x2 t300ms moves=1"},
        {"pghot:demote=0", 2, 1, 8, .words = "p0.0-8 f0 f1 f2 r0.7-8*2 t100ms 7=0x1 8=0x2 f3 r0.8*2 t200ms 8=0x1"},
        {"pghot:target=1", 3, 2, 8, .words = "p0.0-14 14=0x4 f7 f8 f9 r0.14*2 t100ms 14=0x2"},
        {0},
    });
}
