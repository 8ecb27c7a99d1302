/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/show.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/columns.h"
#include "reports/text.h"
#include "tests/reports/sample.h"

Test(text, figures)
{
    char t[TEXT_FIGURE];
    cr_assert_str_eq(text_count(t, sizeof t, 0), "0");
    cr_assert_str_eq(text_count(t, sizeof t, 999), "999");
    cr_assert_str_eq(text_count(t, sizeof t, 1000), "1,000");
    cr_assert_str_eq(text_count(t, sizeof t, UINT64_MAX), "18,446,744,073,709,551,615");
    cr_assert_str_eq(text_bytes(t, sizeof t, 1023), "1023 B");
    cr_assert_str_eq(text_bytes(t, sizeof t, 1536), "1.5 KiB");
    cr_assert_str_eq(text_bytes(t, sizeof t, (uint64_t)1 << 20), "1.0 MiB");
    cr_assert_str_eq(text_bytes(t, sizeof t, ((uint64_t)1 << 20) - 1), "1.0 MiB");
    cr_assert_str_eq(text_duration(t, sizeof t, 999), "999 ns");
    cr_assert_str_eq(text_duration(t, sizeof t, 1500), "1.50 us");
    cr_assert_str_eq(text_duration(t, sizeof t, 12340000000u), "12.34 s");
    cr_assert_str_eq(text_percent(t, sizeof t, 765432), "76.5");
    cr_assert_str_eq(text_percent(t, sizeof t, -50000), "-5.0");
    cr_assert_str_eq(text_percent(t, sizeof t, RESULT_NONE), "-");
    cr_assert_str_eq(text_part(t, sizeof t, 1, 3), "33.3");
    cr_assert_str_eq(text_part(t, sizeof t, 1, 0), "-");
}

Test(text, foreign_names)
{
    char t[32];
    cr_assert_str_eq(text_clean(t, sizeof t, "a\033[31mb\nc\x7f"), "a?[31mb?c?");
    cr_assert_str_eq(text_clean(t, sizeof t, "Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\xaa\xa9"),
                     "Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\xaa\xa9");
    cr_assert_str_eq(text_clean(t, sizeof t, "\xff\xc3"), "??");
    cr_assert_str_eq(text_clean(t, sizeof t, "\xc0\xafx"), "??x");      /* overlong */
    cr_assert_str_eq(text_clean(t, sizeof t, "\xed\xa0\x80x"), "???x"); /* surrogate */
    cr_assert_str_eq(text_clean(t, sizeof t,
                                "a\xe2\x80\xae"
                                "b"),
                     "a?b"); /* right-to-left override */
    cr_assert_str_eq(text_clean(t, 4, "abc\xc3\xbc"), "abc");
}

static char *printed(const struct columns *table, unsigned width)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    cr_assert(columns_print(f, table, width, false));
    fclose(f);
    return text;
}

Test(columns, align_and_leave_out_the_least_important)
{
    static const struct column heads[] = {
        {{"", "name"}, true, 0}, {{"", "time"}, false, 1}, {{"col-", "lapses"}, false, 3}, {{"", "moves"}, false, 2}};
    struct columns *t = columns_new(heads, 4);
    static const char *const cells[] = {"a", "1.5", "7", "1,000", "longer", "12.5", "-", "0"};
    for (int i = 0; i < 8; i++)
        columns_cell(t, cells[i]);
    char *wide = printed(t, 0), *narrow = printed(t, 19);
    cr_assert_str_eq(wide, "                col-       \n"
                           "name    time  lapses  moves\n"
                           "---------------------------\n"
                           "a        1.5       7  1,000\n"
                           "longer  12.5       -      0\n");
    cr_assert_str_eq(narrow, "name    time  moves\n"
                             "-------------------\n"
                             "a        1.5  1,000\n"
                             "longer  12.5      0\n");
    free(wide);
    free(narrow);
    columns_free(t);
}

/* One comparison by hand. first_touch: exec 400, stalls 100 + 500, so elapsed 1000 = 100 %. */
static struct result_set by_hand(struct result_run runs[3])
{
    struct result_set set = {
        .nruns = 3, .runs = runs, .repeat = 1, .intensity = 1, .time_scale_ppm = 1000000, .contention = true};
    strcpy(set.trace.name, "hand");
    strcpy(set.machine.name, "two");
    set.machine.nodes = 2;
    set.trace.records = 8;
    set.trace.misses = 10;
    runs[0] = (struct result_run){.policy = "first_touch",
                                  .spec = "first_touch",
                                  .elapsed_ns = 1000,
                                  .exec_ns = 400,
                                  .local_stall_ns = 100,
                                  .remote_stall_ns = 500,
                                  .memory_ns = 600,
                                  .misses = 10,
                                  .local_misses = 3,
                                  .is_static = true};
    runs[1] = (struct result_run){.policy = "migrep",
                                  .spec = "migrep:trigger=64",
                                  .nparams = 2,
                                  .param_name = {"trigger", "reset"},
                                  .param = {64, UINT64_MAX},
                                  .elapsed_ns = 800,
                                  .exec_ns = 400,
                                  .local_stall_ns = 240,
                                  .remote_stall_ns = 60,
                                  .overhead_ns = 100,
                                  .overhead_by = {[OVERHEAD_MOVE] = 100},
                                  .memory_ns = 400,
                                  .misses = 10,
                                  .local_misses = 8,
                                  .moves = 1234567,
                                  .copies = 2,
                                  .refused_by = {1, 2, 0, 4},
                                  .replica_bytes_peak = 8192,
                                  .digest = 0xabc,
                                  .to_optimum_ppm = 500000,
                                  .nlabels = 1,
                                  .labels = {"miss-fed"}};
    runs[2] = (struct result_run){.policy = "competitive",
                                  .spec = "competitive",
                                  .elapsed_ns = 700,
                                  .misses = 10,
                                  .inactive = true,
                                  .to_optimum_ppm = RESULT_NONE};
    set.bounds = (struct result_bounds){.present = true,
                                        .uma_ns = 200,
                                        .first_touch_ns = 600,
                                        .round_robin_ns = 660,
                                        .post_facto_ns = 480,
                                        .optimum_ns = 300,
                                        .optimum_exact = true,
                                        .label = "exact"};
    return set;
}

Test(show, the_table_by_hand)
{
    struct result_run runs[3];
    struct result_set set = by_hand(runs);
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    show_table(f, &set, false);
    fclose(f);
    static const char *const lines[] = {
        "time and its parts in % of first_touch's elapsed CPU time, 1.00 us\n",
        "\nmigrep:trigger=64   80.0  40.0   24.0     6.0   10.0     80.0  1,234,567       2          0        7   8.0 "
        "KiB      50.0\n",
        "\nfirst_touch        100.0  40.0   10.0    50.0    0.0     30.0          0       0          0        0       "
        "0 B       0.0\n",
        "\npost facto, best fixed placement  480 ns        80.0\n",
        "\nround robin                       660 ns       110.0\n",
        "\nordered nothing in this run, not ranked: competitive\n",
        "\nmiss-fed: migrep:trigger=64\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        cr_assert(strstr(text, lines[i]), "no line '%s' in:\n%s", lines[i], text);
    cr_assert_null(strstr(text, "\ncompetitive "), "the inactive run has a row:\n%s", text);
    static const char end[] = "\nbest here: migrep:trigger=64, 1.25x faster than first_touch, 50 % of the way to the "
                              "optimum\n";
    cr_assert_str_eq(text + size - strlen(end), end);
    free(text);
}

static json_t *member(json_t *object, const char *name, json_type type)
{
    json_t *value = json_object_get(object, name);
    cr_assert(value && json_typeof(value) == type, "member %s", name);
    return value;
}

static json_t *as_json(const struct result_set *sets, uint32_t n)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    cr_assert_eq(show_json(f, sets, n), 0);
    fclose(f);
    json_t *all = json_loads(text, 0, NULL);
    cr_assert(all, "%s", text);
    free(text);
    return all;
}

Test(show, the_json_by_hand)
{
    struct result_run runs[3];
    struct result_set set = by_hand(runs);
    json_t *all = as_json(&set, 1);
    cr_assert_str_eq(json_string_value(member(all, "trace", JSON_STRING)), "hand");
    cr_assert_str_eq(json_string_value(member(all, "machine", JSON_STRING)), "two");
    cr_assert_eq(json_integer_value(member(all, "records", JSON_INTEGER)), 8);
    cr_assert_eq(json_integer_value(member(all, "misses", JSON_INTEGER)), 10);
    json_t *list = member(all, "runs", JSON_ARRAY), *run = json_array_get(list, 0);
    cr_assert_eq(json_array_size(list), 3);
    cr_assert_str_eq(json_string_value(member(run, "policy", JSON_STRING)), "migrep");
    static const struct {
        const char *name;
        json_int_t value;
    } numbers[] = {{"elapsed_ns", 800},     {"makespan_ns", 0},   {"exec_ns", 400},   {"local_stall_ns", 240},
                   {"remote_stall_ns", 60}, {"overhead_ns", 100}, {"memory_ns", 400}, {"moves", 1234567},
                   {"copies", 2},           {"collapses", 0},     {"refused", 7},     {"replica_bytes_peak", 8192}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        cr_assert_eq(json_integer_value(member(run, numbers[i].name, JSON_INTEGER)), numbers[i].value, "%s",
                     numbers[i].name);
    cr_assert_eq(json_real_value(member(run, "local_share", JSON_REAL)), 0.8);
    cr_assert_eq(json_real_value(member(run, "to_optimum", JSON_REAL)), 0.5);
    cr_assert_str_eq(json_string_value(member(run, "digest", JSON_STRING)), "0000000000000abc");
    member(run, "inactive", JSON_FALSE);
    cr_assert_eq(json_integer_value(member(member(run, "params", JSON_OBJECT), "trigger", JSON_INTEGER)), 64);
    member(member(run, "params", JSON_OBJECT), "reset", JSON_NULL);
    cr_assert_str_eq(json_string_value(json_array_get(member(run, "labels", JSON_ARRAY), 0)), "miss-fed");
    cr_assert_eq(json_integer_value(member(member(run, "refused_by", JSON_OBJECT), "budget", JSON_INTEGER)), 4);
    member(json_array_get(list, 2), "inactive", JSON_TRUE);
    member(json_array_get(list, 2), "to_optimum", JSON_NULL);
    json_t *bounds = member(all, "bounds", JSON_OBJECT);
    cr_assert_eq(json_integer_value(member(bounds, "uma_ns", JSON_INTEGER)), 200);
    cr_assert_eq(json_integer_value(member(bounds, "first_touch_ns", JSON_INTEGER)), 600);
    cr_assert_eq(json_integer_value(member(bounds, "post_facto_ns", JSON_INTEGER)), 480);
    cr_assert_eq(json_integer_value(member(bounds, "optimum_ns", JSON_INTEGER)), 300);
    json_decref(all);
}

Test(show, several_sets_are_an_array_and_hostile_names_are_text)
{
    struct result_set *sets = calloc(2, sizeof *sets);
    sample_set(&sets[0], "a");
    sample_set(&sets[1], "\xff\"\n\\");
    json_t *all = as_json(sets, 2);
    cr_assert_eq(json_array_size(all), 2);
    cr_assert_str_eq(json_string_value(json_object_get(json_array_get(all, 1), "trace")), "?\"?\\");
    json_decref(all);
    result_free(&sets[0]);
    result_free(&sets[1]);
    free(sets);
}

/* Every line of CSV has as many fields as the first; a name with a comma and quotes stays one field. */
static unsigned fields(const char *line)
{
    unsigned n = 1;
    bool quoted = false;
    for (; *line && (*line != '\n' || quoted); line++) {
        quoted ^= *line == '"';
        n += *line == ',' && !quoted;
    }
    return n;
}

Test(show, csv_has_a_field_for_every_name)
{
    struct result_set *set = calloc(1, sizeof *set);
    char *text = NULL;
    size_t size;
    unsigned lines = 0;
    sample_set(set, "a,\"b\"");
    FILE *f = open_memstream(&text, &size);
    show_csv(f, set, 1);
    fclose(f);
    unsigned n = fields(text);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1, lines++)
        cr_assert_eq(fields(line), n, "%.60s", line);
    cr_assert_eq(lines, 1 + set->nruns);
    cr_assert(strstr(text, "\n\"a,\"\"b\"\"\",fedcba9876543210,flash-8,first_touch,first_touch,,"));
    free(text);
    result_free(set);
    free(set);
}

/* One set of two checks: 20 where the paper has 33 and 28 to 38 is allowed; one without a figure in the paper. */
static char *as_shown(void (*show)(FILE *, const struct result_set *, uint32_t), const char *workload)
{
    struct result_check checks[2] = {
        {.paper = 33, .here = 20, .low = 28, .high = 38, .judged = true, .unit = "%", .quantity = "gain"},
        {.paper = NAN, .here = 1234.5, .low = NAN, .high = NAN, .quantity = "moves", .origin = "derived"}};
    struct result_set *set = calloc(1, sizeof *set);
    char *text = NULL;
    size_t size;
    for (int i = 0; i < 2; i++)
        strcpy(checks[i].workload, workload);
    set->checks = checks;
    set->nchecks = 2;
    FILE *f = open_memstream(&text, &size);
    show(f, set, 1);
    fclose(f);
    free(set);
    return text;
}

Test(show, checks_of_a_publication)
{
    char *text = as_shown(show_checks, "a\033[31m\"b");
    cr_assert(strstr(text, "\na?[31m\"b "), "%s", text);
    cr_assert(strstr(text, "    33.0     20.0    -13.00             NO,   28..38\n"), "%s", text);
    cr_assert(strstr(text, "       -     1234         -  derived    \n"), "%s", text); /* half to even */
    cr_assert(strstr(text, "\n0 of 1 quantities lie within their tolerance.\n"), "%s", text);
    free(text);
    text = as_shown(show_checks_csv, "a\033[31m\"b");
    cr_assert_str_eq(text, "workload,quantity,unit,paper,here,low,high,within,origin\n"
                           "\"a?[31m\"\"b\",\"gain\",\"%\",33,20,28,38,no,\"\"\n"
                           "\"a?[31m\"\"b\",\"moves\",\"\",,1234.5,,,,\"derived\"\n");
    free(text);
}
