/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Conformance vectors of classes for nodes of equal rank, worked out by hand from the rules that the heads of their
 * sources state. How a line is read: tests/core/script.h. Local latency 100 ns, remote 201 ns and a little more.
 */
#include <criterion/criterion.h>

#include "tests/core/script.h"

/* Counters of 8 bits would never reach 256 or 300. */
Test(vectors, migrep_counts_as_far_as_either_threshold)
{
    script_run_all((const struct script[]){
        {"migrep:sharing=300", 4, .words = "r0.0*299 r2.0*128 0=0x4"},
        {"migrep:sharing=300", 4, .words = "r0.0*300 r2.0*128 0=0x5"},
        {"migrep:sharing=256", 4, .words = "r0.0*256 r2.0*128 0=0x5"},
        {"migrep:trigger=256", 4, .words = "r0.0 r2.0*255 0=0x1 r2.0 0=0x4"},
        {"migrate_only:trigger=300", 8, .words = "r0.0 r7.0*299 0=0x1 r7.0 0=0x80"},
        {"migrate_only:sharing=300", 8, .words = "r0.0*300 r7.0*128 0=0x1"},
        {"replicate_only:trigger=300", 8, .words = "r0.0 r7.0*299 0=0x1 r7.0 0=0x81"},
        {0},
    });
}

/* One miss in two is seen, the first of each node among them. The write that collapses is not; the collapse counts in
 * its place. That a page was freed is no write. */
Test(vectors, migrep_sees_a_collapse_but_no_free_as_a_write)
{
    script_run_all((const struct script[]){
        {"migrep", 4, .sampling = 2, .words = "r0.0*64 r1.0*129 0=0x3 w1.0 0=0x2 r2.0*128 0=0x2"},
        {"migrep", 4, .sampling = 2, .words = "r0.0 f0 r0.0*64 r2.0*128 0=0x5"},
        {0},
    });
}

Test(vectors, halves_of_migrep_take_their_own_parameters)
{
    script_run_all((const struct script[]){
        {"migrate_only:reset_ns=10ms,trigger=64,sharing=16", 4,
         .words = "r0.0*15 @1ms r2.0*63 0=0x1 @9ms r2.0 0=0x4 r0.1*16 r2.1*64 1=0x1"},
        {"migrate_only:reset_ns=10ms,trigger=64,sharing=16", 4,
         .words = "r0.0 @9ms r2.0*63 @10ms r2.0*63 0=0x1 r2.0 0=0x4"},
        {"replicate_only:reset_ns=10ms,trigger=64,write=3", 4,
         .words = "w0.0*2 @1ms r2.0*63 0=0x1 @9ms r2.0 0=0x5 w0.1*3 r2.1*64 1=0x1"},
        {0},
    });
}

/* A decision each second, counted from the last one or from the end of its moves. Nodes 0 and 1 use each other's page;
 * an untouched page is nobody's. What was counted while pages moved does not enter: 1000 misses (10 bits) across would
 * outweigh the 100 (7 bits) at home that follow. */
Test(vectors, asymsched_decides_once_a_second)
{
    script_run_all((const struct script[]){
        {"asymsched", 3,
         .words = "r0.0 r1.1 r2.2 t2s r0.1*1000 r1.0*1000 t2500ms t2600ms moves=0 t3s moves=0 t3001ms "
                  "0=0x2 1=0x1 2=0x4 refused=0"},
        {"asymsched", 2,
         .words = "r0.0 r1.1 t2s r0.1*1000 r1.0*1000 t3s t3500ms moves=2 r0.0*1000 r1.1*1000 t4s "
                  "t4200ms moves=2 t4500ms t4501ms moves=4 0=0x1"},
        {"asymsched", 2,
         .words = "r0.0 r1.1 t2s r0.1*1000 r1.0*1000 t3s r0.1*1000 r1.0*1000 t3500ms moves=2 r0.1*100 "
                  "r1.0*100 t4500ms t4501ms moves=2"},
        {0},
    });
}

/* One access has the weight 1. 2000 accesses of node 1 weigh 11 bits, whether they write or not, 500 of node 0 weigh 9:
 * 9 x 10 + 11 x 5 = 145 stay below 9 x 5 + 11 x 10 = 155. */
Test(vectors, asymsched_weighs_reads_and_writes)
{
    script_run_all((const struct script[]){
        {"asymsched:keep=100", 2, .words = "r0.0 r1.1 t2s r1.0 t4s t4001ms 0=0x2 1=0x1"},
        {"asymsched:keep=100", 2, .words = "r0.0 r1.1 t2s r0.0*500 r1.0*1000 w1.0*1000 t4s t4001ms 0=0x2 1=0x1"},
        {0},
    });
}

/* Two pairs of nodes use each other's memory: 14 bits each way (10000 accesses) and 7 bits (100). As it is: 42 x 5; the
 * first pair exchanged: 28 x 10 + 14 x 5 = 350 of 420 are 83 %: enough, wherever that pair stands. */
Test(vectors, asymsched_exchanges_the_pair_that_gains_most)
{
    script_run_all((const struct script[]){
        {"asymsched:keep=80", 4,
         .words = "r0.0 r1.1 r2.2 r3.3 t2s r0.1*10000 r1.0*10000 r2.3*100 r3.2*100 t4s t4001ms 0=0x2 1=0x1 moves=2"},
        {"asymsched:keep=80", 4,
         .words = "r0.0 r1.1 r2.2 r3.3 t2s r0.1*100 r1.0*100 r2.3*10000 r3.2*10000 t4s t4001ms 2=0x8 3=0x4 moves=2"},
        {0},
    });
}

/* 86 % of 7 is above six, 100 % is seven: the seventh bounce freezes, the seventh request thaws. The thawed page's
 * bounces are counted anew, the move that thawed it as the first. */
Test(vectors, irix_counts_bounces_and_melting_up_to_seven)
{
    static const char *const to_and_fro =
        "r0.0 r1.0*1025 r0.0*1024 r1.0*1024 r0.0*1024 r1.0*1024 r0.0*1024 r1.0*1024 moves=7 r0.0*1024 moves=7 "
        "r0.0*7167 moves=7 r0.0 moves=8 r1.0*1024 r0.0*1024 r1.0*1024 r0.0*1024 r1.0*1024 moves=13 r0.0*1024 moves=13";
    script_run_all((const struct script[]){
        {"irix:dampening=0,freeze=100,melt=86", 4, .words = to_and_fro},
        {"irix:dampening=0,freeze=86,melt=100", 4, .words = to_and_fro},
        {0},
    });
}

/* 67 % of 3 is above two. A grant that finds no room ends the row as well. */
Test(vectors, irix_grants_the_last_of_a_row)
{
    script_run_all((const struct script[]){
        {"irix:dampening=67", 4, .words = "r0.0 r2.0*3072 0=0x1 r2.0 0=0x4"},
        {"irix", 4, .frames = 1, .words = "r0.0 r2.1 r2.0*3073 0=0x1 f1 r2.0*3071 0=0x1 r2.0 0=0x4 refused=0"},
        {0},
    });
}

/* 1843 is above 90 % of 2047, but nothing above 100 %. Counters that were begun again are kept for the rest of the
 * interval. With a threshold of 100 % no lead is great enough. */
Test(vectors, irix_begins_full_counters_again)
{
    script_run_all((const struct script[]){
        {"irix:dampening=0", 4, .words = "r0.0*1843 @80ms r1.0*1023 0=0x1 r1.0 0=0x2"},
        {"irix:dampening=0", 4, .words = "r0.2*3000 r1.2*3000 @80ms r1.2*1023 2=0x1 r1.2 2=0x2"},
        {"irix:dampening=0,unpeg=100", 4, .words = "r0.0*3000 r1.0*3000 @80ms r1.0*2000 0=0x1"},
        {"irix:dampening=0", 4, .words = "@80ms r0.0*1900 r1.0*1500 0=0x1"},
        {"irix:dampening=0,threshold=100", 4, .words = "r0.0 r1.0*2047 @80ms r1.0*2047 0=0x1"},
        {0},
    });
}

/* Without the memories' bandwidth the traffic filter is open; a freed page has no counters. */
Test(vectors, irix_counts_reads_and_writes_of_the_page_that_is)
{
    script_run_all((const struct script[]){
        {"irix:dampening=0", 4, .words = "r0.0 t80ms w1.0*1024 0=0x1 w1.0 0=0x2"},
        {"irix:dampening=0", 4, .words = "r0.0 r1.0*1024 f0 r0.0 r1.0*1024 0=0x1 r1.0 0=0x2"},
        {0},
    });
}

/* A look after 5 s; after one that moved something 5 s more, else twice the time before, at most 15 s. Page 0 belongs
 * to the task of the node that leads its misses. */
Test(vectors, numad_looks_less_often_while_nothing_moves)
{
    script_run_all((const struct script[]){
        {"numad:memory_min=0,cpu_min=0", 2,
         .words = "r0.0 r1.0*9 t4999ms 0=0x1 t5s 0=0x2 r0.0*20 t9999ms 0=0x2 t10s 0=0x1"},
        {"numad:memory_min=0,cpu_min=0", 2, .words = "r0.0 t5s r1.0*9 t14999ms 0=0x1 t15s 0=0x2"},
        {"numad:memory_min=0,cpu_min=0", 2, .words = "r0.0 t5s r0.0 t15s r1.0*9 t29999ms 0=0x1 t30s 0=0x2"},
        {"numad:memory_min=0,cpu_min=0,interval_max_ns=8s", 2, .words = "r0.0 t5s r1.0*9 t12999ms 0=0x1 t13s 0=0x2"},
        {0},
    });
}

/* A task may fill 85 % of 20 frames, that is 17; with 9 of its 10 pages in place it is left alone. Writes count. */
Test(vectors, numad_fills_85_percent_and_leaves_90_in_place)
{
    script_run_all((const struct script[]){
        {"numad:memory_min=0", 2, 0, 20, 32, .words = "r0.0-16 r1.0-16*3 t5s 0=0x2 16=0x2 moves=17"},
        {"numad:memory_min=0", 2, 0, 20, 32, .words = "r0.0-17 r1.0-17*3 t5s moves=0"},
        {"numad:memory_min=0", 2, .words = "r1.0-8*3 r0.9 r1.9*3 t5s moves=0"},
        {"numad:memory_min=0", 2, .words = "r1.0-7*3 r0.8-9 w1.8-9*3 t5s 8=0x2 9=0x2 refused=0"},
        {0},
    });
}

/* Where costs are unknown a place has the price of 40 local misses of 100 ns: 4000 ns are 4096 units. A remote miss of
 * node 1 pays 101 ns: 103, at twice the price 51. The first touch was a vote for node 0, of 105 or 52, which two misses
 * take back; then 40 buy, or 81. */
Test(vectors, thrift_buys_at_the_price_of_forty_local_misses)
{
    script_run_all((const struct script[]){
        {"thrift:price=100,steady=1000", 4, .words = "w0.0 w1.0*41 t1ms 0=0x1 w1.0 t2ms 0=0x2"},
        {"thrift:price=200,steady=1000", 4, .words = "w0.0 w1.0*82 t1ms 0=0x1 w1.0 t2ms 0=0x2"},
        {0},
    });
}
