/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The child that tries first: what happens in it stays in it, and it is told from a child that came to its end.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "datasets/guard.h"

TestSuite(guard, .timeout = 60);

static void end(void *context)
{
    (void)context;
}

static void crash(void *context)
{
    (void)context;
    raise(SIGSEGV);
}

static void give_up(void *context)
{
    (void)context;
    abort();
}

static void leave(void *context)
{
    (void)context;
    _exit(0);
}

static void loop(void *context)
{
    volatile int *forever = context;
    while (*forever)
        continue;
}

struct seen {
    struct rlimit time, memory, core;
    int value;
};

static void look(void *context)
{
    struct seen *seen = context;
    getrlimit(RLIMIT_CPU, &seen->time);
    getrlimit(RLIMIT_AS, &seen->memory);
    getrlimit(RLIMIT_CORE, &seen->core);
    seen->value++;
}

Test(guard, tells_how_it_ended)
{
    cr_assert(guard(end, NULL, 0));
    cr_assert_not(guard(crash, NULL, 0));
    cr_assert_not(guard(give_up, NULL, 0));
    cr_assert_not(guard(leave, NULL, 0), "who leaves half-way has not done the work");
    cr_assert(guard(end, NULL, 0));
}

Test(guard, ends_a_loop)
{
    int forever = 1;
    cr_assert_not(guard(loop, &forever, 0));
}

/* 100 MiB: 3 + 6 s. The limits are the child's alone, and so is what it writes to memory. */
Test(guard, limits)
{
    struct rlimit before, after;
    struct seen own = {.value = 7};
    struct seen *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(shared, MAP_FAILED);
    getrlimit(RLIMIT_CPU, &before);
    cr_assert(guard(look, shared, 100 << 20));
    cr_assert(guard(look, &own, 0));
    getrlimit(RLIMIT_CPU, &after);
    cr_assert_eq(shared->value, 1);
    cr_assert_eq(own.value, 7);
    cr_assert_eq(shared->time.rlim_cur, 9);
    cr_assert_eq(shared->core.rlim_cur, 0);
    cr_assert_eq(before.rlim_cur, after.rlim_cur);
#if !defined(__SANITIZE_ADDRESS__)
#if !defined(__has_feature)
    cr_assert_gt(shared->memory.rlim_cur, (rlim_t)4 << 30);
    cr_assert_lt(shared->memory.rlim_cur, (rlim_t)6 << 30);
#endif
#endif
}
