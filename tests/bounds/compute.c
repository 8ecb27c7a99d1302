/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The yardsticks of whole traces: the worked example of docs/bounds.md, and the runs they are compared with.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "replay/bounds.h"
#include "tests/bounds/small_trace.h"

enum { A = 0, B = 1 };

/* docs/bounds.md, section "A worked example". */
static const struct brute_access example[] = {
    {B, 1, false, 1}, {A, 0, true, 1},  {A, 0, true, 1},  {A, 0, true, 1}, {B, 0, false, 1},
    {B, 1, false, 1}, {B, 0, false, 1}, {B, 0, false, 1}, {A, 1, true, 1}, {A, 1, true, 1},
    {A, 1, true, 1},  {A, 1, true, 1},  {B, 1, false, 1},
};

static struct replay_machine machine;
static struct machine_desc desc;

static void compute(const struct trace *t, const struct replay_options *o, struct result_bounds *out, node_t *advice)
{
    struct trace_error error = {""};
    int err = bounds_compute(t, &machine, o, out, advice, NULL, NULL, &error);
    cr_assert_eq(err, 0, "%s", error.text);
    cr_assert(out->present);
}

Test(compute, worked_example)
{
    struct trace *t = small_trace(example, sizeof(example) / sizeof(*example));
    struct replay_options o;
    struct result_bounds b;
    node_t advice[2];
    replay_defaults(&o);
    small_machine(&desc, 2);
    small_set_up(&machine, &desc, t, &o);
    compute(t, &o, &b, advice);
    cr_assert_eq(b.uma_ns, 3900);
    cr_assert_eq(b.first_touch_ns, 8100);
    cr_assert_eq(b.round_robin_ns, 7500);
    cr_assert_eq(b.post_facto_ns, 7500);
    cr_assert_eq(b.optimum_ns, 6150);
    cr_assert_eq(b.lagrangian_ns, 0);
    cr_assert(b.optimum_exact);
    cr_assert_str_eq(b.label, "unbounded capacity, no contention, exact");
    cr_assert_eq(advice[A], 1);
    cr_assert_eq(advice[B], 1);
    trace_close(t);
}

/* Three rounds, by hand. A: the first round moves it (1150); later ones leave it on node 1, for three remote writes
 * (1800) are cheaper than to move there and back (2300). B: its replica lasts, so one copy (1100). */
Test(compute, repeat_goes_on_where_the_round_before_ended)
{
    struct trace *t = small_trace(example, sizeof(example) / sizeof(*example));
    struct replay_options o;
    struct result_bounds b;
    replay_defaults(&o);
    o.repeat = 3;
    small_machine(&desc, 2);
    small_set_up(&machine, &desc, t, &o);
    compute(t, &o, &b, NULL);
    cr_assert_eq(b.uma_ns, 3 * 3900);
    cr_assert_eq(b.first_touch_ns, 3 * 8100);
    cr_assert_eq(b.post_facto_ns, 3 * 7500);
    cr_assert_eq(b.optimum_ns, 3 * 3900 + 1150 + 2 * 1800 + 1100);
    trace_close(t);
}

Test(compute, same_numbers_for_any_threads)
{
    struct trace *t = small_trace_random(7, 600000, 8, 5000, true);
    struct replay_options o;
    struct result_bounds one, more;
    static node_t advice[2][5000];
    replay_defaults(&o);
    cr_assert_eq(machine_load("flash-8", &desc, &(struct trace_error){""}), 0);
    for (unsigned capped = 0; capped < 2; capped++) {
        o.capacity_ppm = capped ? 200000 : 0;
        small_set_up(&machine, &desc, t, &o);
        o.threads = 1;
        compute(t, &o, &one, advice[0]);
        cr_assert_eq(one.lagrangian_ns > 0, capped);
        for (o.threads = 2; o.threads <= 16; o.threads += 3) {
            compute(t, &o, &more, advice[1]);
            cr_assert_eq(memcmp(&one, &more, sizeof(one)), 0, "%u threads", o.threads);
            cr_assert_eq(memcmp(advice[0], advice[1], sizeof(advice[0])), 0);
        }
    }
    trace_close(t);
}

/* --- against the runs --- */

static uint64_t flat(const struct trace *t, const struct replay_options *o, const char *spec, const node_t *advice)
{
    struct replay_spec s;
    struct result_run run = {0};
    struct trace_error error = {""};
    uint64_t capped;
    cr_assert_eq(replay_parse_spec(spec, &s, &error), 0, "%s", error.text);
    s.advice = advice;
    cr_assert_eq(replay_run(t, &machine, o, &s, 1, &run, &capped, NULL, NULL, &error), 0, "%s", error.text);
    free(run.traffic);
    free(run.series);
    return run.memory_flat_ns;
}

static const char *const movers[] = {
    "migrep:trigger=2,sharing=1", "migrep:trigger=16,sharing=4", "migrate_only:trigger=4",
    "replicate_only:trigger=2",   "replicate_only:trigger=32",   "competitive",
};

static void check_runs(const char *name, const struct trace *t, struct replay_options *o)
{
    struct result_bounds b;
    node_t advice[600];
    cr_assert_eq(machine_load(name, &desc, &(struct trace_error){""}), 0);
    small_set_up(&machine, &desc, t, o);
    compute(t, o, &b, advice);
    cr_assert_eq(flat(t, o, "first_touch", NULL), b.first_touch_ns, "%s", name);
    cr_assert_eq(flat(t, o, "interleave", NULL), b.round_robin_ns, "%s", name);
    cr_assert_eq(flat(t, o, "post_facto", advice), b.post_facto_ns, "%s", name);
    cr_assert_leq(b.optimum_ns, b.post_facto_ns);
    cr_assert_leq(b.post_facto_ns, b.first_touch_ns);
    cr_assert_leq(b.post_facto_ns, b.round_robin_ns);
    cr_assert_leq(b.lagrangian_ns, b.post_facto_ns);
    for (size_t i = 0; i < sizeof(movers) / sizeof(*movers); i++) {
        uint64_t run = flat(t, o, movers[i], NULL);
        cr_assert_leq(b.optimum_ns, run, "%s on %s: %lu, optimum %lu", movers[i], name, run, b.optimum_ns);
        cr_assert_leq(b.lagrangian_ns, run, "%s on %s: %lu, bound %lu", movers[i], name, run, b.lagrangian_ns);
    }
}

Test(compute, no_run_is_below_the_bounds)
{
    static const char *const machines[] = {"flash-8",         "origin-2000",   "skylake-2s",
                                           "epyc-9354p-nps4", "broadwell-cod", "dram-cxl"};
    struct replay_options o;
    for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++)
        for (unsigned variant = 0; variant < 4; variant++) {
            struct trace *t = small_trace_random(100 + i, 60000, 8, 600, variant & 1);
            replay_defaults(&o);
            o.capacity_ppm = variant & 2 ? 600000 : 0;
            o.repeat = 1 + (variant == 3);
            check_runs(machines[i], t, &o);
            trace_close(t);
        }
}

/* --- capacity --- */

/* Three pages, the second hot, the third less so; with phases, another one is hot in each third of the trace. */
static page_t skewed(uint64_t *seed, uint32_t phase)
{
    uint32_t dice = brute_below(seed, 100);
    return ((dice < 60 ? 1 : dice < 90 ? 2 : 0) + phase) % 3;
}

Test(compute, bound_under_capacity_holds_and_is_tight_on_two_tiers)
{
    uint64_t seed = 31;
    for (int i = 0; i < 40; i++) {
        struct brute_case c = {.nodes = 2,
                               .npages = 3,
                               .naccesses = 240,
                               .copy = 1000 * brute_below(&seed, 10000),
                               .drop = 1000 * brute_below(&seed, 100),
                               .latency = {100000, 300000, 300000, 100000}};
        for (uint32_t a = 0; a < c.naccesses; a++)
            c.access[a] = (struct brute_access){skewed(&seed, i & 1 ? a / 80 : 0), 0, brute_below(&seed, 3) == 0, 1};
        for (uint32_t p = 0; p < 3; p++)
            c.access[p].page = p; /* every page is touched */
        c.frames[0] = 1;
        c.frames[1] = 3;
        struct trace *t = small_trace(c.access, c.naccesses);
        struct replay_options o;
        struct result_bounds b;
        replay_defaults(&o);
        small_machine_of(&desc, &c, 1);
        small_set_up(&machine, &desc, t, &o);
        machine.frames[0] = c.frames[0];
        machine.frames[1] = c.frames[1];
        compute(t, &o, &b, NULL);
        uint64_t truth = brute_joint(&c) / 1000;
        cr_assert_leq(b.lagrangian_ns, truth, "case %d: bound %lu, optimum %lu", i, b.lagrangian_ns, truth);
        cr_assert_leq(b.optimum_ns, b.lagrangian_ns);
        cr_assert_leq(truth, b.post_facto_ns);
        uint64_t percent = i & 1 ? 90 : 98;
        cr_assert_geq(b.lagrangian_ns * 100, truth * percent, "case %d: bound %lu, optimum %lu", i, b.lagrangian_ns,
                      truth);
        trace_close(t);
    }
}

/* Pages whose heat does not change: the static placement is the optimum under capacity, and the bound finds it. */
Test(compute, bound_is_within_two_percent_for_steady_tiers)
{
    enum { PAGES = 300, RECORDS = 60000 };
    static struct brute_access a[RECORDS];
    uint64_t seed = 41;
    struct replay_options o;
    struct result_bounds b;
    for (uint32_t i = 0; i < RECORDS; i++) {
        uint32_t x = brute_below(&seed, PAGES), y = brute_below(&seed, PAGES);
        a[i] = (struct brute_access){i < PAGES ? i : x < y ? x : y, 0, brute_below(&seed, 4) == 0, 1};
    }
    struct trace *t = small_trace(a, RECORDS);
    replay_defaults(&o);
    cr_assert_eq(machine_load("dram-cxl", &desc, &(struct trace_error){""}), 0);
    small_set_up(&machine, &desc, t, &o);
    machine.frames[0] = PAGES / 3;
    compute(t, &o, &b, NULL);
    cr_assert_lt(b.optimum_ns, b.lagrangian_ns);
    cr_assert_leq(b.lagrangian_ns, b.post_facto_ns);
    cr_assert_geq(b.lagrangian_ns * 100, b.post_facto_ns * 98, "bound %lu, static %lu", b.lagrangian_ns,
                  b.post_facto_ns);
    trace_close(t);
}

Test(compute, too_few_frames_are_one_clear_line)
{
    struct trace *t = small_trace(example, sizeof(example) / sizeof(*example));
    struct replay_options o;
    struct result_bounds b;
    struct trace_error error = {""};
    replay_defaults(&o);
    small_machine(&desc, 2);
    small_set_up(&machine, &desc, t, &o);
    machine.frames[0] = 1;
    machine.frames[1] = 0;
    cr_assert_eq(bounds_compute(t, &machine, &o, &b, NULL, NULL, NULL, &error), -ENOMEM);
    cr_assert(strstr(error.text, "fewer frames"), "%s", error.text);
    cr_assert_not(strchr(error.text, '\n'));
    trace_close(t);
}

/* Weights that lie: a sum that 64 bits could not hold is refused, not wrapped. */
Test(compute, absurd_weights_are_one_clear_line)
{
    enum { RECORDS = 2000 };
    static struct brute_access a[RECORDS];
    struct replay_options o;
    struct result_bounds b;
    struct trace_error error = {""};
    for (uint32_t i = 0; i < RECORDS; i++)
        a[i] = (struct brute_access){i % 3, (node_t)(i % 2), i % 5 == 0, UINT32_MAX};
    struct trace *t = small_trace(a, RECORDS);
    replay_defaults(&o);
    small_machine(&desc, 2);
    small_set_up(&machine, &desc, t, &o);
    cr_assert_eq(bounds_compute(t, &machine, &o, &b, NULL, NULL, NULL, &error), -EOVERFLOW);
    cr_assert(strstr(error.text, "weight column"), "%s", error.text);
    trace_close(t);
}
