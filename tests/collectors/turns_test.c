/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Turns of CPUs in one thread: spans of 100 cycles, the clocks worked out by hand.
 */
#include <criterion/criterion.h>

#include "collectors/plugin/turns.h"

enum { QUANTUM = 100 };

static struct turns t;
static uint64_t horizon;

static void start(void)
{
    turns_init(&t, 3, QUANTUM);
}

Test(plugin_turns, one_alone_goes_on, .init = start)
{
    cr_expect_eq(turns_begin(&t, 0, 0), 0);
    cr_expect_eq(t.cpu[0].limit, 100);
    cr_expect_not(turns_step(&t, 0, 105, &horizon), "nobody else is awake");
    cr_expect_eq(horizon, 105);
    cr_expect_eq(t.cpu[0].limit, 200);
    cr_expect_not(turns_step(&t, 0, 1234, &horizon));
    cr_expect_eq(t.cpu[0].limit, 1300);
}

Test(plugin_turns, who_is_ahead_gives_way, .init = start)
{
    turns_begin(&t, 0, 0);
    turns_step(&t, 0, 105, &horizon);
    cr_expect_eq(turns_begin(&t, 1, 0), 105, "time has passed for it");
    cr_expect_eq(t.cpu[1].limit, 200);
    turns_begin(&t, 0, 105);
    cr_expect(turns_step(&t, 0, 203, &horizon), "the other is at 105");
    cr_expect_eq(horizon, 105);
    cr_expect_eq(turns_begin(&t, 1, 105), 105);
    cr_expect_not(turns_step(&t, 1, 207, &horizon), "both have reached 200");
    cr_expect_eq(horizon, 203);
    cr_expect_eq(t.cpu[1].limit, 300);
}

/* Halted: it takes no turn between two of another that waits for it. */
Test(plugin_turns, a_sleeper_is_passed_over, .init = start)
{
    turns_begin(&t, 0, 0);
    turns_begin(&t, 1, 0);
    turns_begin(&t, 0, 0);
    cr_expect(turns_step(&t, 0, 101, &horizon));
    cr_expect(turns_step(&t, 0, 105, &horizon));
    cr_expect_not(turns_step(&t, 0, 110, &horizon));
    cr_expect_not(t.cpu[1].awake);
    cr_expect_eq(horizon, 110);
    cr_expect_eq(t.cpu[0].limit, 200);
    cr_expect_eq(turns_begin(&t, 1, 7), 110, "it wakes");
    cr_expect_eq(t.cpu[1].limit, 200);
}

/* Slow, as in a loop of pauses, which each end a turn: it is waited for. */
Test(plugin_turns, who_takes_turns_is_waited_for, .init = start)
{
    turns_begin(&t, 0, 0);
    turns_begin(&t, 1, 0);
    for (uint64_t i = 0; i < 10; i++) {
        turns_begin(&t, 0, 100 + i);
        cr_expect(turns_step(&t, 0, 101 + i, &horizon));
        turns_begin(&t, 1, i);
        cr_expect(t.cpu[1].awake);
    }
    cr_expect_eq(t.end, 100);
}

Test(plugin_turns, no_quantum_is_one_cycle, .init = start)
{
    turns_init(&t, 1, 0);
    turns_begin(&t, 0, 0);
    cr_expect_not(turns_step(&t, 0, 5, &horizon));
    cr_expect_eq(t.cpu[0].limit, 6);
}
