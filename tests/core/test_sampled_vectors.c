/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Conformance vectors of memtis and hybridtier, worked out by hand from the rules that the heads of their sources
 * state. How a line is read: tests/core/script.h. Node 0 has the CPU, node 1 is the slow memory.
 */
#include <criterion/criterion.h>

#include "tests/core/script.h"

/* --- memtis: a new page has count 4 at threshold 1, bin 2; with one sample 516, bin 9; with two 1028, bin 10 --- */

/* Pages 0 to 9 fill the fast tier, 10 to 14 have two samples each, 15 none. What has bin 2 and more is too much: the
 * threshold is 3. */
#define RISES "p0.0-15 r0.10-14*2 "
#define ROOM "f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 "

/* Five hot pages are less than 75 % of ten: bin 2 is warm, until nothing colder is found. Page 15 is not hot; page 16,
 * new with 2 ^ (3 + 1), is. */
Test(sampled_vectors, memtis_threshold_is_the_lowest_bin_that_fits)
{
    script_run_all((const struct script[]){
        {"memtis:adapt_samples=10", 2, 1, 10, 32,
         .words =
             RISES "t500ms moves=0 t1s moves=5 0=0x2 4=0x2 5=0x1 t1500ms moves=10 10=0x1 14=0x1 15=0x2 t2s t2500ms "
                   "moves=10 p0.16 16=0x2 t3s 5=0x2 t3500ms 16=0x1 15=0x2"},
        {"memtis:adapt_samples=11", 2, 1, 10, 32, .words = RISES "t500ms t1s t1500ms moves=0"},
        {"memtis:adapt_samples=10", 2, 1, 10, 32, .words = RISES ROOM "t500ms moves=5 15=0x2 r0.15 t1s 15=0x1"},
        {0},
    });
}

/* All pages fit in the end. Only a cooling lets the threshold fall, and by one bin. A new page's count is not halved by
 * its first. */
Test(sampled_vectors, memtis_threshold_falls_by_one_bin_with_a_cooling)
{
    script_run_all((const struct script[]){
        {"memtis:adapt_samples=10", 2, 1, 10, 32,
         .words = RISES ROOM "t500ms moves=5 r0.10-14*2 t1s r0.10-14*2 t1500ms 15=0x2 moves=5"},
        {"memtis:adapt_samples=10,cool_samples=20", 2, 1, 10, 32,
         .words = RISES ROOM "t500ms 15=0x2 r0.10-14 r0.10-13 t1s 15=0x2 r0.10 t1500ms 15=0x1"},
        /* 13 pages of bin 9 and more, two of bin 10: the threshold is 10, then 9. */
        {"memtis:adapt_samples=15,cool_samples=30", 2, 1, 10, 32,
         .words = "p0.0-13 r0.0-9 r0.10-11*2 r0.12 " ROOM
                  "t500ms 10=0x1 11=0x1 12=0x2 13=0x2 moves=2 r0.10*15 t1s 12=0x1 13=0x2 moves=3"},
        {0},
    });
}

/* One frame. Page 1 has six samples, 3076, halved by the second cooling: 1538, bin 10. Page 2 has five after it, bin
 * 11, and is the only one of the hot set. */
Test(sampled_vectors, memtis_cooling_halves)
{
    script_run_all((const struct script[]){
        {"memtis:adapt_samples=25,cool_samples=10", 2, 1, 1,
         .words = "p0.0-3 r0.1*6 r0.3*14 f3 r0.2*5 t500ms 0=0x2 t1s 2=0x1 1=0x2 moves=2 refused=0"},
        {"memtis:adapt_samples=25,cool_samples=15", 2, 1, 1,
         .words = "p0.0-3 r0.1*6 r0.3*14 f3 r0.2*5 t500ms t1s t1500ms moves=0"},
        {0},
    });
}

/* Six pages are in use when pages 0 to 9 are freed; two more are 8 of 32768 bytes. */
Test(sampled_vectors, memtis_cools_when_memory_has_grown)
{
    script_run_all((const struct script[]){
        {"memtis:adapt_samples=10,cool_bytes=32768", 2, 1, 10, 32,
         .words = RISES ROOM "t500ms 15=0x2 p0.16 t1s 15=0x2 p0.17 t1500ms 15=0x1"},
        {"memtis:adapt_samples=10,cool_bytes=32768", 2, 1, 10, 32,
         .words = RISES ROOM "t500ms 15=0x2 p0.16 f16 p0.17 t1s 15=0x2"},
        {0},
    });
}

/* 3 % of 500 ms are 15 samples of 1 ms; above 3.5 %, 17.5 samples, the period doubles, below 2.5 %, 12.5, it halves,
 * within 256 to 16384. With samples of half a millisecond 35 and 25 are the limits themselves. */
Test(sampled_vectors, memtis_keeps_its_quota)
{
    script_run_all((const struct script[]){
        {"memtis:quota_ns=500ms,sample_ns=1ms", 2, 1, 10, .sampling = 256,
         .words = "p0.0 t500ms r0.0*4352 t1s sampling=256 r0.0*4608 t1500ms sampling=512"},
        {"memtis:quota_ns=500ms,sample_ns=1ms", 2, 1, 10, .sampling = 512,
         .words = "p0.0 t500ms r0.0*6656 t1s sampling=512 r0.0*6144 t1500ms sampling=256 t2s sampling=256"},
        {"memtis:quota_ns=500ms,sample_ns=500us", 2, 1, 10, .sampling = 256,
         .words = "p0.0 t500ms r0.0*8960 t1s sampling=256 r0.0*9216 t1500ms sampling=512 r0.0*12800 t2s sampling=512 "
                  "r0.0*12288 t2500ms sampling=256"},
        {"memtis:quota_ns=500ms,sample_ns=1ms", 2, 1, 10, .sampling = 16384,
         .words = "p0.0 t500ms r0.0*294912 t1s sampling=16384"},
        {"memtis:period=1024", 2, .words = "p0.0 r0.0*10 t500ms sampling=1 moves=0 refused=0"},
        {0},
    });
}

/* --- hybridtier --- */

/* 80 fast pages: 1634 counters, of which a hundredth needs one block of 128: so many samples halve momenta. */
Test(sampled_vectors, hybridtier_halves_momenta)
{
    script_run_all((const struct script[]){
        {"hybridtier:batch=127", 2, 1, 80, 128, .words = "p0.0-99 f0 r0.91*2 r0.5*124 r0.91 t10ms 91=0x1 91!1"},
        {"hybridtier:batch=128", 2, 1, 80, 128, .words = "p0.0-99 f0 r0.91*2 r0.5*125 r0.91 t10ms 91=0x2"},
        {"hybridtier:batch=129", 2, 1, 80, 128, .words = "p0.0-99 f0 r0.91*2 r0.5*126 r0.91 t10ms 91=0x2"},
        {0},
    });
}

/* Two fast pages: 320 samples halve frequencies. */
Test(sampled_vectors, hybridtier_halves_frequencies)
{
    script_run_all((const struct script[]){
        {"hybridtier:momentum=15,batch=319", 2, 1, 2, .words = "p0.0-3 f0 r0.2*4 r0.1*314 r0.2 t10ms 2=0x1"},
        {"hybridtier:momentum=15,batch=320", 2, 1, 2, .words = "p0.0-3 f0 r0.2*4 r0.1*315 r0.2 t10ms 2=0x2"},
        {"hybridtier:momentum=15,batch=321", 2, 1, 2, .words = "p0.0-3 f0 r0.2*4 r0.1*316 r0.2 t10ms 2=0x2"},
        {0},
    });
}

/* Each batch has its ten samples; a page that was hot in the one before is no candidate in the next. */
Test(sampled_vectors, hybridtier_batches)
{
    script_run_all((const struct script[]){
        {"hybridtier:momentum=15,batch=10", 2, 1, 80, 128,
         .words = "p0.0-99 f0 f1 f2 f3 r0.90*5 r0.5*5 t10ms 90=0x1 t20ms t30ms t40ms r0.91*5 r0.5*4 t50ms t60ms 91=0x2 "
                  "r0.5 t70ms 91=0x1 moves=2"},
        {0},
    });
}

/* The round of a batch: promotion, second chances, the scan, the look for a plateau, a tick each. In 30 ms four pages
 * of 1 MiB go down, 133 MiB/s: samples of the next second do not count. Of half the size they do. */
#define FOUR_GO_DOWN \
    "p0.0-99 r0.0*10 r0.85-94*2 r0.95-99 r0.2*4 r0.99 t10ms t20ms moves=0 t30ms moves=4 1=0x2 1!2 t40ms "
Test(sampled_vectors, hybridtier_sleeps_a_second)
{
    script_run_all((const struct script[]){
        {"hybridtier:batch=40,momentum=15,momentum_window=10", 2, 1, 80, 128, 1048576,
         .words =
             FOUR_GO_DOWN "r0.90*40 t50ms t60ms 90=0x2 @1029999us r0.90*40 t1030ms 90=0x2 r0.90*40 t1040ms 90=0x1"},
        {"hybridtier:batch=40,momentum=15,momentum_window=10", 2, 1, 80, 128, 524288,
         .words = FOUR_GO_DOWN "r0.90*40 t50ms 90=0x1"},
        {0},
    });
}

/* Of 400 frames, 5 free begin demotion, 6 do not; it ends at 20 free, and goes on from there in the next round. */
Test(sampled_vectors, hybridtier_keeps_5_percent_free)
{
    script_run_all((const struct script[]){
        {"hybridtier:batch=40,momentum=15,momentum_window=10", 2, 1, 400, 512,
         .words = "p0.0-449 r0.300*40 t10ms t20ms t30ms moves=20 0=0x2 19=0x2 20=0x1 t40ms p0.450-469 r0.300*40 t50ms "
                  "t60ms t70ms moves=40 39=0x2 40=0x1"},
        {"hybridtier:batch=40,momentum=15,momentum_window=10", 2, 1, 400, 512,
         .words = "p0.0-449 f395 f396 f397 f398 f399 r0.300*40 t10ms t20ms t30ms moves=15 14=0x2 15=0x1"},
        {"hybridtier:batch=40,momentum=15,momentum_window=10", 2, 1, 400, 512,
         .words = "p0.0-449 f394 f395 f396 f397 f398 f399 r0.300*40 t10ms t20ms t30ms t40ms moves=0"},
        {0},
    });
}

/* Page 0 has been seen more often than a counter of 15 tells. A single sample more shows all the same. */
#define FULL_COUNTER                                                                                     \
    "p0.0-99 r0.0*20 r0.85-94*2 r0.95-99 r0.2*4 r0.99 t10ms t20ms t30ms t40ms moves=4 0=0x1 p0.100-103 " \
    "@61s "
Test(sampled_vectors, hybridtier_second_chance_of_a_full_counter)
{
    script_run_all((const struct script[]){
        {"hybridtier:batch=50,momentum=15,momentum_window=10", 2, 1, 80, 128,
         .words = FULL_COUNTER "r0.2*10 r0.85-94*4 t61100ms t61200ms 0=0x2"},
        {"hybridtier:batch=50,momentum=15,momentum_window=10", 2, 1, 80, 128,
         .words = FULL_COUNTER "r0.0 r0.2*9 r0.85-94*4 t61100ms t61200ms t61300ms t61400ms 0=0x1"},
        {0},
    });
}

/* A batch that moved up more than one page is no plateau; one that moved up one is, and four samples are enough then.
 * Not before `after` batches are over. */
#define EIGHT_FREE "p0.0-99 f0 f1 f2 f3 f4 f5 f6 f7 "
Test(sampled_vectors, hybridtier_lowers_the_threshold_on_a_plateau)
{
    script_run_all((const struct script[]){
        {"hybridtier:batch=10,momentum=15,after=0,plateau=1,plateau_bytes=4096", 2, 1, 80, 128,
         .words = EIGHT_FREE "r0.90-91*5 t10ms t20ms t30ms t40ms moves=2 r0.92*4 r0.8*6 t50ms 92=0x2"},
        {"hybridtier:batch=10,momentum=15,after=0,plateau=1,plateau_bytes=4096", 2, 1, 80, 128,
         .words = EIGHT_FREE "r0.90*5 r0.8*5 t10ms t20ms t30ms t40ms moves=1 r0.92*4 r0.8*6 t50ms 92=0x1"},
        {"hybridtier:batch=10,momentum=15,after=0,plateau=1,plateau_bytes=4096", 2, 1, 80, 128,
         .words = EIGHT_FREE "r0.90-91*5 t10ms t20ms t30ms t40ms r0.8*10 t50ms t60ms t70ms t80ms r0.92*4 r0.8*6 t90ms "
                             "92=0x1"},
        {"hybridtier:batch=10,momentum=15,after=1,plateau=1,plateau_bytes=4096", 2, 1, 80, 128,
         .words = EIGHT_FREE "r0.90*5 r0.8*5 t10ms t20ms t30ms t40ms moves=1 r0.92*4 r0.8*6 t50ms 92=0x2"},
        {0},
    });
}

/* Hot pages of 80 % of ten frames and more: there is nothing to be gained, sampling stops. */
Test(sampled_vectors, hybridtier_stops_when_hot_pages_fill_the_tier)
{
    script_run_all((const struct script[]){
        {"hybridtier:batch=40,momentum=15,after=0,plateau=1", 2, 1, 10, 32,
         .words = "p0.0-9 f9 r0.0-7*5 t10ms t20ms t30ms t40ms sampling=32768"},
        {"hybridtier:batch=36,momentum=15,after=0,plateau=1", 2, 1, 10, 32,
         .words = "p0.0-9 f9 r0.0-6*5 r0.8 t10ms t20ms t30ms t40ms sampling=1"},
        {"hybridtier:batch=1", 2, .words = "p0.0 r0.0*10 t10ms t20ms t30ms t40ms sampling=1 moves=0 refused=0"},
        {0},
    });
}

/* All fast pages are in use: two scans in a row find nothing, and sampling stops at 120 ms. Rest until 120.12 s; then a
 * point every second. A share that falls by 0.010 each time is not enough, one that falls by 0.011 is. */
#define STOPS                                                                                            \
    "p0.0-99 r0.0-79*10 t10ms t20ms t30ms t40ms sampling=1 r0.0-79*10 t50ms t60ms t70ms sampling=32768 " \
    "t120069ms t120070ms "
Test(sampled_vectors, hybridtier_begins_again_when_the_share_falls)
{
    script_run_all((const struct script[]){
        {"hybridtier:batch=800,momentum=15,momentum_window=1000000,point_ns=1s", 2, 1, 80, 128,
         .words = STOPS "r0.6*900 r0.90*100 t122s r0.6*890 r0.90*110 t123s r0.6*880 r0.90*120 t124s r0.6*870 r0.90*130 "
                        "t125s r0.6*860 r0.90*140 t126s r0.6*850 r0.90*150 t127s sampling=32768"},
        {"hybridtier:batch=800,momentum=15,momentum_window=1000000,point_ns=1s", 2, 1, 80, 128,
         .words = STOPS "r0.6*900 r0.90*100 t122s r0.6*889 r0.90*111 t123s r0.6*878 r0.90*122 t124s r0.6*867 r0.90*133 "
                        "t125s r0.6*856 r0.90*144 t126s sampling=32768 r0.6*845 r0.90*155 t127s sampling=1"},
        /* What falls in the time of rest does not count. */
        {"hybridtier:batch=800,momentum=15,momentum_window=1000000,point_ns=1s", 2, 1, 80, 128,
         .words = "p0.0-99 r0.0-79*10 t10ms t20ms t30ms t40ms r0.0-79*10 t50ms t60ms t70ms sampling=32768 r0.6*90 "
                  "r0.90*10 t2s r0.6*80 r0.90*20 t4s r0.6*70 r0.90*30 t6s r0.6*60 r0.90*40 t8s r0.6*50 r0.90*50 t10s "
                  "r0.6*40 r0.90*60 t12s r0.6*30 r0.90*70 t14s r0.6*20 r0.90*80 t16s sampling=32768"},
        {"hybridtier:batch=800,momentum=15,momentum_window=1000000,point_ns=1s,settle_ns=1s", 2, 1, 80, 128,
         .words = "p0.0-99 r0.0-79*10 t10ms t20ms t30ms t40ms r0.0-79*10 t50ms t60ms t70ms sampling=32768 r0.6*90 "
                  "r0.90*10 t2s r0.6*80 r0.90*20 t4s r0.6*70 r0.90*30 t6s r0.6*60 r0.90*40 t8s r0.6*50 r0.90*50 t10s "
                  "r0.6*40 r0.90*60 t12s sampling=32768 r0.6*30 r0.90*70 t14s sampling=1"},
        /* Too soon for the sixth. */
        {"hybridtier:batch=800,momentum=15,momentum_window=1000000,point_ns=1s", 2, 1, 80, 128,
         .words = STOPS "r0.6*900 r0.90*100 t122s r0.6*889 r0.90*111 t123s r0.6*878 r0.90*122 t124s r0.6*867 r0.90*133 "
                        "t125s r0.6*856 r0.90*144 t126s r0.6*845 r0.90*155 t126999ms sampling=32768"},
        {0},
    });
}
