/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The engine beside a process, with a kernel of our own making behind move_pages: which pages are moved, what the gain
 * is said to be, and that the rate limit and refusals leave the truth as it is.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/live.h"
#include "collectors/live_show.h"

enum { PAGES = 8, BASE = 0x10000, PAGE = 4096 };

/* The kernel: where page BASE + i x PAGE is; what a move of it answers. */
static struct {
    int node[PAGES], answer[PAGES], fails; /* answer: 0 moves, negative: that status */
    unsigned moves, questions;
    unsigned long most;
} kernel;

static long fake_call(int pid, unsigned long count, void **pages, const int *nodes, int *status, int flags)
{
    cr_assert_eq(pid, 42);
    kernel.most = count > kernel.most ? count : kernel.most;
    if (kernel.fails) {
        errno = kernel.fails;
        return -1;
    }
    for (unsigned long i = 0; i < count; i++) {
        uintptr_t at = ((uintptr_t)pages[i] - BASE) / PAGE;
        if (at >= PAGES) {
            status[i] = -EFAULT;
        } else if (!nodes) {
            status[i] = kernel.node[at];
            kernel.questions++;
        } else if (kernel.answer[at]) {
            status[i] = kernel.answer[at];
        } else {
            cr_assert_eq(flags, 2); /* MPOL_MF_MOVE: pages of this process alone */
            status[i] = kernel.node[at] = nodes[i];
            kernel.moves++;
        }
    }
    return 0;
}

static const node_t cpu_node[2] = {0, 1};
static const uint8_t tier[2];
static const uint32_t latency[4] = {100000, 300000, 300000, 100000};
static const uint64_t frames[2] = {FRAMES_UNBOUNDED, FRAMES_UNBOUNDED};
static const struct topology two = {.nodes = 2,
                                    .cpus = 2,
                                    .page_size = PAGE,
                                    .cpu_node = cpu_node,
                                    .tier = tier,
                                    .latency_ps = latency,
                                    .frames = frames};

static struct live *start(bool apply, uint32_t pages_max)
{
    struct live_config c = {.policy = policy_find("migrate_only"),
                            .topology = &two,
                            .pages_max = pages_max,
                            .pid = 42,
                            .apply = apply,
                            .call = fake_call};
    policy_defaults(c.policy, c.param);
    c.param[policy_param_index(c.policy, "trigger", 7)] = 4;
    struct trace_error error = {""};
    struct live *l = NULL;
    memset(&kernel, 0, sizeof kernel);
    cr_assert_eq(live_new(&c, &l, &error), 0, "%s", error.text);
    return l;
}

static uint64_t clock_ns = 1000000000;

static int touch(struct live *l, unsigned page, uint16_t cpu, unsigned times)
{
    int err = 0;
    for (unsigned i = 0; i < times && !err; i++) {
        struct live_access a = {.time = clock_ns += 1000, .address = BASE + page * PAGE + 8, .weight = 1, .cpu = cpu};
        err = live_access(l, &a);
    }
    live_advance(l, clock_ns += LIVE_WINDOW_NS);
    return err;
}

Test(live, a_remote_page_is_moved_to_who_misses_on_it)
{
    struct live *l = start(true, PAGES);
    touch(l, 3, 1, 64);
    cr_assert_eq(kernel.node[3], 1);
    cr_assert_eq(kernel.moves, 1);
    cr_assert_eq(live_machine(l)->moved, 1);
    touch(l, 3, 1, 10);
    const struct live_stats *s = live_stats(l);
    cr_assert_eq(s->misses, 74);
    cr_assert_eq(s->pages, 1);
    cr_assert_eq(s->first_ps, UINT64_C(74) * 300000, "it was first seen on node 0");
    /* The first 64 events go to the policy together: all of them were remote, all after the move were local. */
    cr_assert_eq(s->now_ps, s->wish_ps);
    cr_assert_eq(s->now_ps, s->local * 100000 + (74 - s->local) * 300000);
    cr_assert_eq(s->local, 10);
    live_free(l);
}

Test(live, without_apply_nothing_moves_and_the_gain_is_told)
{
    struct live *l = start(false, PAGES);
    touch(l, 3, 1, 64);
    cr_assert_eq(kernel.moves, 0);
    cr_assert_eq(kernel.node[3], 0);
    const struct live_stats *s = live_stats(l);
    uint64_t before = s->wish_ps;
    cr_assert_eq(s->now_ps, UINT64_C(64) * 300000);
    touch(l, 3, 1, 10);
    cr_assert_eq(s->wish_ps - before, UINT64_C(10) * 100000, "the policy has it on node 1");
    cr_assert_eq(s->now_ps, UINT64_C(74) * 300000);
    cr_assert_eq(s->local, 0);
    live_free(l);
}

/* 64 misses on a page of node 1, by CPU 1: all local; then nothing happens. */
Test(live, a_second_without_misses_has_no_shares)
{
    struct live *l = start(false, PAGES);
    struct live_show show = {.what = "process 42", .policy = "migrate_only", .source = "faults"};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    kernel.node[3] = 1;
    touch(l, 3, 1, 64);
    live_show(&show, l, out);
    live_show(&show, l, out);
    fclose(out);
    char *line = strchr(strchr(text, '\n') + 1, '\n') + 1;
    cr_expect_str_eq(line, "       1           64         1   100.0 %          0.0 %          0.0 %         0\n"
                           "       2            0         1         -              -              -         0\n");
    free(text);
    live_free(l);
}

Test(live, lines_are_cut_at_the_width_of_the_screen)
{
    struct live *l = start(false, PAGES);
    struct live_show show = {.what = "process 42",
                             .policy = "migrate_only",
                             .source = "faults",
                             .screen = true,
                             .colour = true,
                             .columns = 40};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    touch(l, 3, 1, 64);
    live_show(&show, l, out);
    fclose(out);
    cr_expect(strstr(text, "process 42, migrate_only, by faults: not\n"), "40 columns of the first line: %s", text);
    /* Of 50 characters 29 are left behind "local now  "; the colours are whole. */
    cr_expect(strstr(text, "\nlocal now  \033[32m.............................\033[0m\n"), "%s", text);
    cr_expect(strstr(text, "\nCtrl-C ends it; the process runs on\n"), "%s", text);
    free(text);
    live_free(l);
}

Test(live, what_the_kernel_refuses_stays_where_it_is)
{
    struct live *l = start(true, PAGES);
    kernel.answer[3] = -EBUSY;
    touch(l, 3, 1, 64);
    cr_assert_eq(live_machine(l)->moved, 0);
    cr_assert_geq(live_machine(l)->failed, 1);
    cr_assert_eq(live_machine(l)->last_error, EBUSY);
    uint64_t wish = live_stats(l)->wish_ps;
    touch(l, 3, 1, 1);
    cr_assert_eq(live_stats(l)->wish_ps - wish, 300000, "the engine still has it on node 0");
    live_free(l);
}

/* With credit for two pages, then 20 pages a second. */
static struct live *start_slowly(void)
{
    struct live *l = start(true, PAGES);
    struct machine_linux *m = (struct machine_linux *)live_machine(l);
    m->rate_bps = 20 * PAGE;
    m->credit = 2 * PAGE;
    return l;
}

Test(live, moves_beyond_the_rate_wait_and_observation_goes_on)
{
    struct live *l = start_slowly();
    const struct machine_linux *m = live_machine(l);
    for (unsigned page = 0; page < 4; page++)
        touch(l, page, 1, 64);
    cr_assert_eq(kernel.moves, 2, "credit for two pages, %u moved", kernel.moves);
    cr_assert_eq(m->late, 2);
    cr_assert_eq(m->waiting, 2);
    cr_assert_eq(live_stats(l)->misses, 4 * 64, "every access was looked at");
    uint64_t now = live_stats(l)->now_ps, wish = live_stats(l)->wish_ps;
    touch(l, 3, 1, 1);
    cr_assert_eq(live_stats(l)->now_ps - now, 300000, "page 3 still waits on node 0");
    cr_assert_eq(live_stats(l)->wish_ps - wish, 100000, "where the policy has it on node 1");
    /* A page a twentieth of a second: each in its turn, none for what it did not wait for. */
    uint64_t begin = m->credit_at;
    live_advance(l, begin + 40000000);
    cr_assert_eq(kernel.moves, 2);
    live_advance(l, begin + 55000000);
    cr_assert_eq(kernel.moves, 3);
    cr_assert_eq(kernel.node[2], 1, "the oldest first");
    cr_assert_eq(kernel.node[3], 0);
    live_advance(l, begin + 110000000);
    cr_assert_eq(kernel.node[3], 1);
    cr_assert_eq(m->waiting, 0);
    cr_assert_eq(m->moved, 4);
    /* Credit does not run over: one batch of 64 pages at most. */
    live_advance(l, begin + 1000000000000);
    cr_assert_eq(m->credit, 64 * PAGE);
    live_free(l);
}

/* Three pages are wanted on node 1: the third waits. */
static struct live *start_with_one_waiting(void)
{
    struct live *l = start_slowly();
    for (unsigned page = 0; page < 3; page++)
        touch(l, page, 1, 64);
    cr_assert_eq(live_machine(l)->waiting, 1);
    return l;
}

Test(live, what_waits_goes_where_it_is_wanted_last)
{
    struct live *l = start_with_one_waiting();
    const struct machine_linux *m = live_machine(l);
    ((struct machine_linux *)live_machine(l))->rate_bps = PAGE / 16;
    clock_ns += 200000000; /* the class orders a page once in 100 ms */
    touch(l, 2, 0, 64);    /* back to node 0, where it still is */
    cr_assert_eq(m->waiting, 0, "nothing to wait for any more");
    live_advance(l, m->credit_at + UINT64_C(100000000000));
    cr_assert_eq(kernel.moves, 2, "page 2 is where it shall be");
    cr_assert_eq(kernel.node[2], 0);
    live_free(l);
}

Test(live, what_waited_in_vain_is_taken_up_where_it_is)
{
    struct live *l = start_with_one_waiting();
    const struct machine_linux *m = live_machine(l);
    kernel.answer[2] = -EBUSY;
    live_advance(l, m->credit_at + 1000000000);
    cr_assert_eq(m->waiting, 0);
    cr_assert_eq(m->failed, 1);
    cr_assert_eq(m->last_error, EBUSY);
    uint64_t wish = live_stats(l)->wish_ps;
    touch(l, 2, 1, 1);
    cr_assert_eq(live_stats(l)->wish_ps - wish, 300000, "the engine has it on node 0 again");
    kernel.answer[2] = 0;
    touch(l, 2, 1, 64);
    cr_assert_eq(kernel.node[2], 1, "and the policy may order it again");
    live_free(l);
}

Test(live, a_page_that_others_moved_is_taken_up_where_it_is)
{
    struct live *l = start(true, PAGES);
    touch(l, 2, 0, 64);
    cr_assert_eq(kernel.moves, 0);
    kernel.node[2] = 1;
    cr_assert_eq(live_resync(l), 0);
    cr_assert_eq(kernel.moves, 0, "asking moved it back");
    uint64_t now = live_stats(l)->now_ps;
    touch(l, 2, 0, 1);
    cr_assert_eq(live_stats(l)->now_ps - now, 300000);
    touch(l, 2, 0, 64);
    cr_assert_eq(kernel.node[2], 0);
    live_free(l);
}

Test(live, pages_beyond_the_table_and_unmapped_ones_are_counted)
{
    struct live *l = start(true, 2);
    for (unsigned page = 0; page < 4; page++)
        touch(l, page, 0, 3);
    cr_assert_eq(live_stats(l)->pages, 2);
    cr_assert_eq(live_stats(l)->untracked, 6);
    struct live_access strange = {.time = 1, .address = 0x7000000, .weight = 1, .cpu = 9};
    cr_assert_eq(live_access(l, &strange), 0);
    cr_assert_eq(live_stats(l)->untracked, 7, "no such CPU");
    live_free(l);
    l = start(true, PAGES);
    kernel.node[1] = -ENOENT;
    touch(l, 1, 0, 5);
    cr_assert_eq(live_stats(l)->homeless, 5);
    cr_assert_eq(live_stats(l)->misses, 0);
    live_free(l);
}

Test(live, who_may_not_trace_is_told_at_once)
{
    struct live_config c = {
        .policy = policy_find("migrate_only"), .topology = &two, .pages_max = 4, .pid = 42, .call = fake_call};
    policy_defaults(c.policy, c.param);
    struct trace_error error = {""};
    struct live *l = NULL;
    kernel.fails = EPERM;
    cr_assert_eq(live_new(&c, &l, &error), -EPERM);
    cr_assert_not_null(strstr(error.text, "process 42"));
    cr_assert_null(l);
    kernel.fails = ESRCH;
    cr_assert_eq(live_new(&c, &l, &error), -ESRCH);
    kernel.fails = 0;
    cr_assert_eq(live_new(&c, &l, &error), 0);
    kernel.fails = ESRCH;
    cr_assert_eq(touch(l, 0, 0, 1), -ESRCH, "the process ended");
    live_free(l);
}

Test(live, replication_is_refused_by_capability)
{
    struct live_config c = {.policy = policy_find("replicate_only"),
                            .topology = &two,
                            .pages_max = PAGES,
                            .pid = 42,
                            .apply = true,
                            .call = fake_call};
    policy_defaults(c.policy, c.param);
    c.param[policy_param_index(c.policy, "trigger", 7)] = 4;
    struct trace_error error = {""};
    struct live *l = NULL;
    memset(&kernel, 0, sizeof kernel);
    cr_assert_eq(live_new(&c, &l, &error), 0);
    for (unsigned i = 0; i < 20; i++) {
        touch(l, 0, 0, 4);
        touch(l, 0, 1, 4);
    }
    cr_assert_gt(live_engine(l)->refused[REFUSED_NOSUP], 0);
    cr_assert_eq(live_engine(l)->copies, 0);
    cr_assert_eq(kernel.moves, 0);
    live_free(l);
}
