/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Why an order was given: the code of each class's enum of reasons, one vector each. How a line is read:
 * tests/core/script.h.
 */
#include <criterion/criterion.h>

#include "tests/core/script.h"

/* A scan of all pages at each tick. */
#define SCANS "scan_delay_ns=0,scan_min_ns=1000000,scan_max_ns=1000000,scan_floor_ns=1000000,mark_ns=0"

/* 1: hot and private; 2: hot, shared, not written. */
Test(reason_vectors, migrep)
{
    script_run_all((const struct script[]){
        {"migrep", 4, .words = "r0.0 0!0 r2.0*128 0=0x4 0!1"},
        {"migrep", 4, .words = "r0.0*32 r2.0*128 0=0x5 0!2"},
        {"replicate_only", 4, .words = "r0.0*32 r2.0*128 0=0x5 0!2"},
        {0},
    });
}

/* 1: more misses than the home by the threshold; traffic placed better; a task's memory together. */
Test(reason_vectors, classes_with_one_reason)
{
    script_run_all((const struct script[]){
        {"competitive:dampening=0", 4, .words = "r0.0 r1.0*300 0=0x2 0!1"},
        {"irix:dampening=0", 4, .words = "r0.0 w1.0*1025 0=0x2 0!1"},
        {"asymsched", 2, .words = "r0.0 r1.1 t2s r0.1*1000 r1.0*1000 t3s t3001ms 0=0x2 0!1 1!1"},
        {"numad:memory_min=0", 2, .words = "r0.0 r1.0*9 t5s 0=0x2 0!1"},
        {0},
    });
}

/* 1: up, 2: down, in every class for two tiers; with colloid the page's samples, two, stand in the high half. */
Test(reason_vectors, up_and_down)
{
    script_run_all((const struct script[]){
        {"hemem", 2, 1, 2, .words = "p0.0-3 r0.2-3*8 t10ms 0=0x2 0!2 t20ms 2=0x1 2!1"},
        {"memtis", 2, 1, 100, 128, .words = "p0.0-109 f0 f1 f2 f3 t500ms 100=0x1 100!1"},
        {"memtis:adapt_samples=75", 2, 1, 103, 128, .words = "p0.0-102 r0.0-74 t500ms 75=0x2 75!2"},
        {"multiclock", 2, 1, 2, .words = "p0.0-2 f1 r0.2 t1s r0.2 t2s r0.2 t3s r0.2 t4s t5s 2=0x1 2!1"},
        {"multiclock", 2, 1, 100, 128, .words = "p0.0-99 r0.1 t1s 0=0x2 0!2"},
        {"pghot:demote=0", 2, 1, 8, .words = "p0.0-7 f0 f1 f2 r0.7*2 t100ms 7=0x1 7!1"},
        {"pghot", 2, 1, 8, .words = "p0.0-7 f0 f1 r0.7*2 t100ms t200ms moves=1 2=0x2 2!2"},
        {"tmts", 2, 1, 16, .words = "r0.0 t30s t60s t90s t120s t150s 0=0x2 0!2 r0.0 0=0x1 0!1"},
        {"nbt:" SCANS, 2, 1, 8, 8, .words = "p1.0 t1s @1100ms p0.0 0=0x1 0!1"},
        {"tpp:" SCANS, 2, 1, 100, 8, .words = "p1.0 t20ms p0.0 t40ms p0.0 t60ms 0=0x2 p0.0 0=0x1 0!1"},
        {"colloid:formula=0,smoothing=0", 2, 1, 3,
         .words = "r0.0 r0.4 r0.3*2 r0.1*2 r0.2 r0.6 f0 f4 t10ms/100/400 1=0x1 1!0x201"},
        {0},
    });
}

/* Page 15, or 14, has tasks 90 and 91 share memory, which makes them a group with a preferred node.
 * 1: one of the first four scans; 2: the task faulted on it before; 3: the task shares nothing; 4: the weights of
 * nodes. 0x80: the page is shared. The high half: the node it leaves. */
Test(reason_vectors, autonuma)
{
    script_run_all((const struct script[]){
        {"autonuma:" SCANS, 4, .words = "p2.0-3 t10ms p0.0/7 0=0x1 0!0x201"},
        {"autonuma:" SCANS, 4,
         .words = "p3.0-15 t10ms p3.15/90 t20ms p3.15/91 t30ms p3.15/90 t40ms p3.15/91 t50ms p3.15/90 p0.0/90 0=0x8 "
                  "t60ms p0.0/90 0=0x1 0!0x302"},
        {"autonuma:early=0," SCANS, 4, .words = "p3.15 p2.0 t10ms p3.15/90 t20ms p0.0/7 0=0x1 0!0x203"},
        {"autonuma:early=0," SCANS, 4,
         .words = "p0.14 p2.0-13 t10ms p0.14/90 t20ms p0.14/91 t30ms p0.14/90 p2.1/95 t40ms p0.14/91 t50ms p0.14/90 "
                  "p0.0/90 0=0x1 0!0x204 p0.1/90 1=0x4 t60ms p0.14/91 p0.1/91 1=0x1 1!0x284"},
        {0},
    });
}

/* 1: its fault; 2: to another node, where that of the fault is full; 3: gives way; 4: takes that place. */
Test(reason_vectors, autotiering)
{
    script_run_all((const struct script[]){
        {"autotiering:" SCANS, 4, 2, 8, .words = "p0.0 t10ms p1.0 0=0x2 0!1"},
        {"autotiering:" SCANS, 4, 2, 8, .words = "p0.0-6 p1.7-13 p0.14 14=0x4 f7 f8 f9 f10 t10ms p0.14 14=0x2 14!2"},
        {"autotiering:" SCANS, 4, 2, 8,
         .words = "p0.0-6 p1.7-13 p0.14 t10ms p0.1-6 p1.7-13 p0.14 t20ms p0.1-6 p0.14 p1.7-13 14=0x1 14!4 0=0x4 0!3"},
        {0},
    });
}

/* 1: promoted; 3: written from a node without a copy; 4: the copy on the slow node is given up; 5: remembered, watched
 * until young. */
Test(reason_vectors, nomad)
{
    script_run_all((const struct script[]){
        {"nomad:" SCANS, 2, 1, 16, .words = "p1.0 t20ms p0.0 0!5 p0.0 p0.0 0=0x2 0!5 p0.0 0=0x3 0!1"},
        {"nomad:" SCANS, 3, 2, 16, .words = "p2.0 t20ms p0.0 p0.0 p0.0 p0.0 0=0x5 w1.0 0=0x2 0!3"},
        {"nomad:" SCANS, 2, 1, 16, .slow_frames = 4,
         .words = "p1.0 t20ms p0.0 p0.0 p0.0 p0.0 0=0x3 p1.1-2 t40ms 0=0x1 0!4"},
        {0},
    });
}
