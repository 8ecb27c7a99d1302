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
