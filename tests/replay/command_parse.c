/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What --policy and --vary may say, and the share of the way to the optimum.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "replay/compare.h"
#include "replay/select.h"
#include "replay/vary.h"

static uint64_t param(const struct replay_spec *spec, const char *name)
{
    int i = policy_param_index(spec->policy, name, strlen(name));

    cr_assert_geq(i, 0);
    return spec->param[i];
}

static void expect_names(const struct select *s, const char *const *names, uint32_t n)
{
    cr_assert_eq(s->n, n, "%u runs, not %u", s->n, n);
    for (uint32_t i = 0; i < n; i++)
        cr_assert_str_eq(s->specs[i].policy->name, names[i]);
}

Test(command_select, comma_separates_policies_and_parameters)
{
    struct select s = {0};
    struct trace_error error;
    const char *const names[] = {"migrep", "first_touch", "migrep", "interleave"};

    cr_assert_eq(select_add(&s, "migrep:trigger=64,sharing=8,first_touch,migrep,trigger=65,interleave", &error), 0,
                 "%s", error.text);
    expect_names(&s, names, 4);
    cr_assert_eq(param(&s.specs[0], "trigger"), 64);
    cr_assert_eq(param(&s.specs[0], "sharing"), 8);
    cr_assert_eq(param(&s.specs[2], "trigger"), 65);
    select_free(&s);
}

Test(command_select, the_same_run_is_made_once_another_parameter_is_another_run)
{
    struct select s = {0};
    struct trace_error error;

    cr_assert_eq(select_add(&s, "migrep,migrep:trigger=64", &error), 0);
    cr_assert_eq(select_add(&s, "migrep:trigger=128", &error), 0);
    cr_assert_eq(select_add(&s, "migrep:trigger=64", &error), 0);
    cr_assert_eq(s.n, 2);
    select_free(&s);
}

static uint32_t classes(void)
{
    uint32_t n = 0;

    while (policy_classes[n])
        n++;
    return n;
}

Test(command_select, all_holds_as_recorded_only_where_the_trace_has_it)
{
    struct select without = {0}, with = {.with_recorded = true};
    struct trace_error error;

    cr_assert_eq(select_add(&without, "all", &error), 0);
    cr_assert_eq(select_all(&with, &error), 0);
    cr_assert_eq(with.n, classes());
    cr_assert_eq(without.n, classes() - 1);
    select_free(&with);
    select_free(&without);
}

Test(command_select, refuses_in_one_line)
{
    static const char *const texts[] = {
        "",           ",",      "migrep,",         ",migrep",         "migrep,,first_touch",
        "trigger=64", "nosuch", "migrep:nosuch=1", "migrep:trigger=", "migrep:trigger=abc"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct select s = {0};
        struct trace_error error = {""};
        cr_assert_neq(select_add(&s, texts[i], &error), 0, "'%s'", texts[i]);
        cr_assert_gt(strlen(error.text), 10, "'%s'", texts[i]);
        cr_assert_null(strchr(error.text, '\n'));
        select_free(&s);
    }
}

static void expect_values(const char *text, const uint64_t *values, uint32_t n)
{
    struct vary v;
    struct trace_error error;

    cr_assert_eq(vary_parse(&v, policy_find("migrep"), text, &error), 0, "%s: %s", text, error.text);
    cr_assert_eq(v.n, n, "%s: %u values, not %u", text, v.n, n);
    for (uint32_t i = 0; i < n; i++)
        cr_assert_eq(v.value[i], values[i], "%s: value %u is %lu", text, i, (unsigned long)v.value[i]);
    vary_free(&v);
}

Test(command_vary, ranges_and_lists)
{
    expect_values("trigger=16..512:x2", (const uint64_t[]){16, 32, 64, 128, 256, 512}, 6);
    expect_values("trigger=16..500:x2", (const uint64_t[]){16, 32, 64, 128, 256}, 5);
    expect_values("trigger=10..40:+10", (const uint64_t[]){10, 20, 30, 40}, 4);
    expect_values("trigger=10..45:+10", (const uint64_t[]){10, 20, 30, 40}, 4);
    expect_values("trigger=7..9", (const uint64_t[]){7, 8, 9}, 3);
    expect_values("trigger=8,32,16", (const uint64_t[]){8, 32, 16}, 3);
    expect_values("trigger=8,8,10..12,11", (const uint64_t[]){8, 10, 11, 12}, 4);
    expect_values("trigger=2..9:x1.5", (const uint64_t[]){2, 3, 5, 8}, 4); /* 4.5 and 7.5 are rounded up */
    expect_values("trigger=64..64:x2", (const uint64_t[]){64}, 1);
}

Test(command_vary, values_take_the_units_of_the_parameter)
{
    expect_values("reset_ns=10ms..1s:x10", (const uint64_t[]){10000000, 100000000, 1000000000}, 3);
    expect_values("reset_ns=10ms..30ms:+10ms", (const uint64_t[]){10000000, 20000000, 30000000}, 3);
}

Test(command_vary, refuses_in_one_line)
{
    static const char *const texts[] = {"trigger",          "trigger=",          "=1",
                                        "nosuch=1..2",      "trigger=9..1",      "trigger=1..9:x1",
                                        "trigger=1..9:x0",  "trigger=1..9:+0",   "trigger=1..9:-1",
                                        "trigger=1..9:",    "trigger=1..9:x",    "trigger=1..9:xnan",
                                        "trigger=1..9:+-3", "trigger=..",        "trigger=1,,2",
                                        "trigger=1..",      "trigger=abc..def",  "reset_ns=1ms..20s:+1us",
                                        "trigger=1..9:x2x", "trigger=1..9:xinf", "trigger=1..2..3"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct vary v;
        struct trace_error error = {""};
        cr_assert_neq(vary_parse(&v, policy_find("migrep"), texts[i], &error), 0, "'%s'", texts[i]);
        cr_assert_gt(strlen(error.text), 10, "'%s'", texts[i]);
        cr_assert_null(strchr(error.text, '\n'));
    }
}

Test(command_vary, product_changes_the_last_fastest)
{
    const struct policy_class *class = policy_find("migrep");
    struct vary v[2];
    struct trace_error error;
    struct replay_spec base, *specs;
    uint32_t n;

    cr_assert_eq(replay_parse_spec("migrep:write=3", &base, &error), 0);
    cr_assert_eq(vary_parse(&v[0], class, "trigger=100,200", &error), 0);
    cr_assert_eq(vary_parse(&v[1], class, "sharing=1..3", &error), 0);
    cr_assert_eq(vary_product(v, 2, &base, &specs, &n, &error), 0);
    cr_assert_eq(n, 6);
    for (uint32_t i = 0; i < n; i++) {
        cr_assert_eq(param(&specs[i], "trigger"), i < 3 ? 100 : 200);
        cr_assert_eq(param(&specs[i], "sharing"), i % 3 + 1);
        cr_assert_eq(param(&specs[i], "write"), 3);
    }
    free(specs);
    vary_free(&v[0]);
    vary_free(&v[1]);
}

Test(command_vary, product_is_bounded_and_names_the_count)
{
    const struct policy_class *class = policy_find("migrep");
    struct vary v[2];
    struct trace_error error;
    struct replay_spec base, *specs;
    uint32_t n;

    cr_assert_eq(replay_parse_spec("migrep", &base, &error), 0);
    cr_assert_eq(vary_parse(&v[0], class, "trigger=1..100", &error), 0);
    cr_assert_eq(vary_parse(&v[1], class, "sharing=1..41", &error), 0);
    cr_assert_eq(vary_product(v, 2, &base, &specs, &n, &error), -E2BIG);
    cr_assert_not_null(strstr(error.text, "4100"), "%s", error.text);
    vary_free(&v[0]);
    vary_free(&v[1]);
}

Test(command_optimum, share_of_the_way)
{
    struct result_bounds b = {.present = true, .first_touch_ns = 1000, .optimum_ns = 200};

    cr_assert_eq(compare_to_optimum(&b, 1000), 0);
    cr_assert_eq(compare_to_optimum(&b, 200), 1000000);
    cr_assert_eq(compare_to_optimum(&b, 400), 750000);
    cr_assert_eq(compare_to_optimum(&b, 1400), -500000);
    b.optimum_ns = 991; /* a gap of 0.9 % */
    cr_assert_eq(compare_to_optimum(&b, 995), RESULT_NONE);
    b.optimum_ns = 990; /* 1 % */
    cr_assert_eq(compare_to_optimum(&b, 995), 500000);
    b.optimum_ns = 950;
    cr_assert_eq(compare_to_optimum(&b, 975), 500000);
    b.optimum_ns = 1000;
    cr_assert_eq(compare_to_optimum(&b, 1000), RESULT_NONE);
    b = (struct result_bounds){.first_touch_ns = 1000, .optimum_ns = 200};
    cr_assert_eq(compare_to_optimum(&b, 400), RESULT_NONE, "no yardsticks, no share");
    b = (struct result_bounds){.present = true, .first_touch_ns = 100000000000000000, .optimum_ns = 1};
    cr_assert_eq(compare_to_optimum(&b, 50000000000000000), 500000, "large sums do not overflow");
    b = (struct result_bounds){.present = true, .first_touch_ns = 100, .optimum_ns = 98};
    cr_assert_eq(compare_to_optimum(&b, INT64_MAX), -INT64_MAX, "far beyond: the least share there is");
}
