/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Threads are tasks: whatever ids they have, a policy sees the numbers of their first appearance.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "datasets/numbers.h"
#include "tests/replay/driver_fixture.h"

enum { TASKS = 65536, MANY = TRACE_CHUNK + 1000 };

/* One CPU's misses on seven pages, 50 ns apart. */
static struct trace *threads_trace(const uint32_t *tid, size_t n)
{
    const struct trace_meta meta = {.cpus = 1, .page_size = 4096, .columns = TRACE_HAS_TID, .name = "threads"};
    struct trace_error error = {""};
    struct trace_writer *writer;
    struct trace *trace = NULL;
    cr_assert_eq(trace_writer_open(NULL, &meta, TRACE_NONE, &writer, &error), 0, "%s", error.text);
    for (size_t i = 0; i < n; i++) {
        struct trace_record r = {
            .time = 50 * i, .address = i % 7 * 4096, .weight = 1, .node = NODE_NONE, .tid = tid[i]};
        cr_assert_eq(trace_writer_add(writer, &r, &error), 0, "%s", error.text);
    }
    cr_assert_eq(trace_writer_close(writer, &trace, &error), 0, "%s", error.text);
    return trace;
}

/* What a run under a policy that sees every miss was told: its digest is over the events, tasks included. */
static uint64_t told(const uint32_t *tid, size_t n, uint32_t threads, uint32_t repeat)
{
    struct machine_desc machine;
    struct replay_options options;
    struct trace *trace = threads_trace(tid, n);
    fixture_machine(&machine, 1);
    replay_defaults(&options);
    options.threads = threads;
    options.repeat = repeat;
    struct result_run run = fixture_run(trace, &machine, &options, &fixture_sampler, NULL);
    uint64_t digest = run.digest;
    fixture_drop(&run);
    trace_close(trace);
    return digest;
}

Test(driver, tasks_are_numbered_as_they_appear)
{
    const uint32_t ids[] = {70001, 5, 5 + TASKS, 70001, UINT32_MAX, 5, 5 + 2 * TASKS, 0};
    const uint32_t numbers[] = {0, 1, 2, 0, 3, 1, 4, 5}, cut[] = {4465, 5, 5, 4465, 65535, 5, 5, 0};
    const size_t n = sizeof ids / sizeof *ids;
    cr_assert_eq(told(ids, n, 1, 1), told(numbers, n, 1, 1));
    cr_assert_neq(told(cut, n, 1, 1), told(numbers, n, 1, 1), "the digest does not see tasks");
    cr_assert_eq(told(ids, n, 1, 3), told(numbers, n, 1, 3), "a repeated trace has its threads again");
}

/* As many as there are numbers, and after them from 0 on again; over two chunks, in order whoever prepares them. */
Test(driver, tasks_beyond_their_numbers)
{
    uint32_t *ids = malloc(MANY * sizeof *ids), *numbers = malloc(MANY * sizeof *numbers);
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t thread = i < MANY - 1000 ? i / 4 : i / 4 + 3; /* 65536 in the first chunk, others in the second */
        ids[i] = 1000000 - 3 * thread;
        numbers[i] = i < MANY - 1000 ? i / 4 : i / 4 - TASKS;
    }
    uint64_t digest = told(ids, MANY, 1, 1);
    cr_assert_eq(digest, told(numbers, MANY, 1, 1));
    cr_assert_eq(digest, told(ids, MANY, 3, 1));
    free(ids);
    free(numbers);
}

/* A few MiB of packed trace can name any number of threads, all of which would be held. */
Test(driver, more_threads_than_a_system_has)
{
    struct numbers tasks = {0};
    uint32_t key = 1 << 20;
    for (uint32_t i = 0; i < 1 << 22; i++)
        cr_assert_eq(numbers_of(&tasks, key + i), i);
    cr_expect_eq(numbers_of(&tasks, key - 1), UINT32_MAX);
    cr_expect_eq(numbers_of(&tasks, key + 4711), 4711);
    numbers_free(&tasks);
}
