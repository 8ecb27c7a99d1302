/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Conformance vectors of classes that live on hint faults, worked out by hand from the rules that the heads of their
 * sources state. How a line is read: tests/core/script.h.
 */
#include <criterion/criterion.h>

#include "tests/core/script.h"

/* A scan of all pages at each tick, after a delay. */
#define SCANS "scan_min_ns=1ms,scan_max_ns=1ms,scan_floor_ns=1ms,mark_ns=0,scan_delay_ns="

/* --- autonuma: a task's faults count 65536 x n / (n + 1) for each node; all are halved with each scan --- */

/* Page 0, faulted on by tasks 90 and 91, makes them a group. CPU of node 0 when the fourth scan is complete: 32768 of
 * task 90, halved, and 32768 of 91, halved, 24576; and 32768 for each task of the third scan. Of node 1 32768 for task
 * 70. Then task 90 faults from node 0 on page 8, of node 1. */
#define GROUP "p0.0-3 p1.4-9 t10ms p0.0/90 t20ms p0.0/91 t30ms p0.0/90 "
Test(fault_vectors, autonuma_weighs_cpus)
{
    script_run_all((const struct script[]){
        /* 24576 + 3 x 32768 = 122880 are more than 3 x 32768 = 98304; 90112 are not. */
        {"autonuma:early=0," SCANS "0", 4, .words = GROUP "p0.1/92 p0.2/93 p1.4/70 t40ms p0.8/90 8=0x1 8!0x104"},
        {"autonuma:early=0," SCANS "0", 4, .words = GROUP "p0.1/92 p1.4/70 t40ms p0.8/90 8=0x2"},
        {"autonuma:early=0,active=2," SCANS "0", 4, .words = GROUP "p0.1/92 p1.4/70 t40ms p0.8/90 8=0x1"},
        {"autonuma:early=0,active=4," SCANS "0", 4, .words = GROUP "p0.1/92 p0.2/93 p1.4/70 t40ms p0.8/90 8=0x2 8!0"},
        {0},
    });
}

/* Faults on memory of node 0: one private, two shared (half of one is kept as one); of node 1 as many as task 70 had
 * there. With three, 49152 for the CPU: 57344 x 3 x 3 = 516096, not above 49152 x 3 x 4 = 589824. With four: 57344 x 4
 * x 3 = 688128, above 52428 x 3 x 4 = 629136. */
Test(fault_vectors, autonuma_weighs_memory)
{
    script_run_all((const struct script[]){
        {"autonuma:early=0," SCANS "0", 4, .words = GROUP "p1.4-6/70 t40ms p0.8/90 8=0x2"},
        {"autonuma:early=0," SCANS "0", 4, .words = GROUP "p1.4-7/70 t40ms p0.8/90 8=0x1 8!0x104"},
        {0},
    });
}

/* Tasks of other numbers, whatever bits they share with 90 and 91, share no memory; those that faulted on each other's
 * page do. */
Test(fault_vectors, autonuma_knows_who_shares)
{
    script_run_all((const struct script[]){
        {"autonuma:early=0," SCANS "0", 4, .words = GROUP "p1.4/70 t40ms p0.8/26 8=0x1 8!0x103"},
        {"autonuma:early=0," SCANS "0", 4, .words = GROUP "p1.4/70 t40ms p0.8/154 8=0x1 8!0x103"},
        {"autonuma:early=0," SCANS "0", 4, .words = GROUP "p1.4/70 t40ms p0.8/92 8=0x1 8!0x103"},
        {"autonuma:early=0," SCANS "0", 4, .words = GROUP "p1.4/70 t40ms p0.8/91 8=0x2"},
        {"autonuma:early=0," SCANS "0", 4,
         .words = "p0.0 p1.4-9 t10ms p0.0/63 t20ms p0.0/64 t30ms p0.0/63 p1.4/70 t40ms p0.8/64 8=0x2 p0.9/63 9=0x2"},
        {0},
    });
}

/* --- colloid_tpp --- */

/* Ten misses on each tier in each of two windows. After the first the fast tier's latency is 100, the slow one's 400
 * ns. Smoothed by a half: 5 and 500, then 7.5 and 250 + 5 L. With L = 560 406 ns, above 400, with 540 393. By a
 * quarter: 2.5 and 250, then 4.375 and 187.5 + 2.5 L: with 620 397, with 640 408. Not smoothed, 390 or 410. */
#define WINDOW "w0.0*10 w0.1*10 "
#define OPEN " p0.0 p0.1 0=0x1 1=0x1 1!1"
#define CLOSED " p0.0 p0.1 0=0x2 1=0x2 0!2"
Test(fault_vectors, colloid_tpp_smooths_latencies)
{
    script_run_all((const struct script[]){
        {"colloid_tpp:" SCANS "30ms", 2, 1, 16,
         .words = "p0.0 p1.1 " WINDOW "t20ms/100/400 " WINDOW "t40ms/540/400" OPEN},
        {"colloid_tpp:" SCANS "30ms", 2, 1, 16,
         .words = "p0.0 p1.1 " WINDOW "t20ms/100/400 " WINDOW "t40ms/560/400" CLOSED},
        {"colloid_tpp:smoothing=2," SCANS "30ms", 2, 1, 16,
         .words = "p0.0 p1.1 " WINDOW "t20ms/100/400 " WINDOW "t40ms/620/400" OPEN},
        {"colloid_tpp:smoothing=2," SCANS "30ms", 2, 1, 16,
         .words = "p0.0 p1.1 " WINDOW "t20ms/100/400 " WINDOW "t40ms/640/400" CLOSED},
        {"colloid_tpp:smoothing=0," SCANS "30ms", 2, 1, 16,
         .words = "p0.0 p1.1 " WINDOW "t20ms/100/400 " WINDOW "t40ms/390/400" OPEN},
        {"colloid_tpp:smoothing=0," SCANS "30ms", 2, 1, 16,
         .words = "p0.0 p1.1 " WINDOW "t20ms/100/400 " WINDOW "t40ms/410/400" CLOSED},
        {0},
    });
}

/* Of 10 ms after the mark; time is kept in units of 1024 ns. */
Test(fault_vectors, colloid_tpp_hot_is_soon_after_the_mark)
{
    script_run_all((const struct script[]){
        {"colloid_tpp:hot_ns=10ms," SCANS "0", 2, 1, 16, .words = "p1.1 t20ms @29990us p0.1 1=0x1"},
        {"colloid_tpp:hot_ns=10ms," SCANS "0", 2, 1, 16, .words = "p1.1 t20ms @30010us p0.1 1=0x2"},
        {"colloid_tpp:hot_ns=0," SCANS "0", 2, 1, 16, .words = "p1.1 t20ms p0.1 1=0x2"},
        {0},
    });
}
