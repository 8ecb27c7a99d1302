/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "replay/cli_private.h"

struct number_case {
    const char *text;
    bool good;
    uint64_t value;
};

static const struct number_case wholes[] = {
    {"0", true, 0},
    {"7", true, 7},
    {"007", true, 7},
    {"0x1f", true, 31},
    {"0XfF", true, 255},
    {"12k", true, 12000},
    {"3M", true, 3000000},
    {"2G", true, 2000000000},
    {"4Ki", true, 4096},
    {"1Mi", true, 1048576},
    {"1Gi", true, 1073741824},
    {"0x10Ki", true, 16384},
    {"18446744073709551615", true, UINT64_MAX},
    {"0xffffffffffffffff", true, UINT64_MAX},
    {"18446744073709551616", false, 0},
    {"0x10000000000000000", false, 0},
    {"18446744073709551615k", false, 0},
    {"17179869184Gi", false, 0},
    {"17179869183Gi", true, 18446744072635809792u},
    {"", false, 0},
    {"-1", false, 0},
    {"+1", false, 0},
    {" 1", false, 0},
    {"1 ", false, 0},
    {"1.5", false, 0},
    {"1e3", false, 0},
    {"0x", false, 0},
    {"k", false, 0},
    {"1K", false, 0},
    {"1kk", false, 0},
    {"nan", false, 0},
};

/* Expected values in millionths, rounded half up. */
static const struct number_case ratios[] = {
    {"0", true, 0},
    {"1", true, 1000000},
    {"0.33", true, 330000},
    {"33%", true, 330000},
    {"33.5%", true, 335000},
    {"1/3", true, 333333},
    {"2/3", true, 666667},
    {"1/2000000", true, 1},
    {"1/2000001", true, 0},
    {"0.0000005", true, 1},
    {"0.0000004", true, 0},
    {"0.5/2", true, 250000},
    {"12.375", true, 12375000},
    {"18446744073709", true, 18446744073709000000u},
    {"18446744073710", false, 0},
    {"1/0", false, 0},
    {"1/", false, 0},
    {".5", false, 0},
    {"5.", false, 0},
    {"0.1234567890123", false, 0},
    {"-0.5", false, 0},
    {"50%%", false, 0},
    {"50%/2", false, 0},
    {"1e-3", false, 0},
    {"", false, 0},
    {"nan", false, 0},
    {"inf", false, 0},
};

static void check(const struct number_case *c, bool good, uint64_t value)
{
    cr_expect_eq(good, c->good, "'%s': accepted %d", c->text, good);
    if (good && c->good)
        cr_expect_eq(value, c->value, "'%s': %lu, expected %lu", c->text, (unsigned long)value,
                     (unsigned long)c->value);
}

Test(cli_number, whole_numbers)
{
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
        uint64_t value = 0;
        bool good = cli_parse_u64(wholes[i].text, &value);
        check(&wholes[i], good, value);
    }
}

Test(cli_number, ratios)
{
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++) {
        uint64_t value = 0;
        bool good = cli_parse_ratio(ratios[i].text, &value);
        check(&ratios[i], good, value);
    }
}

static const struct cli_option options[] = {
    {"threads", 't', "N", "threads"},   {"capacity", 0, "R", "share"},   {"format", 0, "FORMAT", "form"},
    {"no-contention", 0, NULL, "flat"}, {"output", 'o', "FILE", "file"}, {NULL, 0, NULL, NULL},
};
static const struct cli_command command = {"test", "FILE...", "a test", NULL, options, NULL, 1, 2, NULL};

static int parse(struct cli *cli, int argc, char **argv)
{
    *cli = (struct cli){.command = &command};
    return cli_parse(cli, argc, argv);
}
#define PARSE(cli, ...) parse(cli, (int)(sizeof(char *[]){__VA_ARGS__} / sizeof(char *)), (char *[]){__VA_ARGS__, NULL})

Test(cli_number, options_with_bounds, .init = cr_redirect_stderr)
{
    struct cli cli;
    uint64_t n = 99, ppm = 99;
    cr_assert_eq(PARSE(&cli, "test", "x", "-t", "16", "--capacity=1/4"), CLI_DONE);
    cr_expect(cli_u64(&cli, "threads", 1, 16, &n));
    cr_expect_eq(n, 16);
    cr_expect(cli_ratio(&cli, "capacity", 0, 1000000, &ppm));
    cr_expect_eq(ppm, 250000);
    cr_expect_not(cli_u64(&cli, "threads", 17, 20, &n));
    cr_expect_not(cli_u64(&cli, "threads", 1, 15, &n));
    cr_expect_not(cli_ratio(&cli, "capacity", 250001, 1000000, &ppm));
    cr_expect_eq(n, 16);
    cr_expect_eq(ppm, 250000);
    n = 3;
    cr_expect(cli_u64(&cli, "absent", 1, 2, &n), "an option that is absent is never out of range");
    cr_expect_eq(n, 3);
}

Test(cli_number, formats, .init = cr_redirect_stderr)
{
    struct cli cli;
    enum cli_format format = CLI_JSON;
    PARSE(&cli, "test", "x");
    cr_expect(cli_format(&cli, &format));
    cr_expect_eq(format, CLI_TABLE);
    PARSE(&cli, "test", "x", "--format", "csv");
    cr_expect(cli_format(&cli, &format));
    cr_expect_eq(format, CLI_CSV);
    PARSE(&cli, "test", "x", "--format", "json");
    cr_expect(cli_format(&cli, &format));
    cr_expect_eq(format, CLI_JSON);
    PARSE(&cli, "test", "x", "--format", "JSON");
    cr_expect_not(cli_format(&cli, &format));
}

Test(cli_parse, order_repetition_and_arguments)
{
    struct cli cli;
    cr_assert_eq(PARSE(&cli, "test", "a", "-o", "1", "--no-contention", "--output", "2", "-o3", "--", "--b"), CLI_DONE);
    cr_expect_eq(cli_args(&cli), 2);
    cr_expect_str_eq(cli_arg(&cli, 0), "a");
    cr_expect_str_eq(cli_arg(&cli, 1), "--b");
    cr_expect_null(cli_arg(&cli, 2));
    cr_expect_eq(cli_count(&cli, "output"), 3);
    cr_expect_str_eq(cli_value(&cli, "output"), "3");
    cr_expect_str_eq(cli_nth(&cli, "output", 0), "1");
    cr_expect_str_eq(cli_nth(&cli, "output", 1), "2");
    cr_expect_null(cli_nth(&cli, "output", 3));
    cr_expect(cli_has(&cli, "no-contention"));
    cr_expect_null(cli_value(&cli, "no-contention"));
    cr_expect_not(cli_has(&cli, "threads"));
    cr_expect_null(cli_value(&cli, "threads"));
}

Test(cli_parse, wrong_usage, .init = cr_redirect_stderr)
{
    struct cli cli;
    cr_expect_eq(PARSE(&cli, "test"), CLI_USAGE, "an argument is missing");
    cr_expect_eq(PARSE(&cli, "test", "a", "b", "c"), CLI_USAGE, "one argument too many");
    cr_expect_eq(PARSE(&cli, "test", "a", "--thread"), CLI_USAGE, "the value is missing");
    cr_expect_eq(PARSE(&cli, "test", "a", "-x"), CLI_USAGE);
    cr_expect_eq(PARSE(&cli, "test", "a", "--unknown"), CLI_USAGE);
    cr_expect_eq(PARSE(&cli, "test", "a", "--no-contention=1"), CLI_USAGE);
    cr_expect_eq(PARSE(&cli, "test", "--help"), CLI_DONE, "help needs no argument");
}

Test(cli_parse, nearest)
{
    static const char *const names[] = {"compare", "import", "info", "policies", "replay", "report", NULL};
    cr_expect_str_eq(cli_nearest("comapre", names), "compare");
    cr_expect_str_eq(cli_nearest("polices", names), "policies");
    cr_expect_str_eq(cli_nearest("imfo", names), "info");
    cr_expect_str_eq(cli_nearest("rep", names), "replay", "the first of those it begins");
    cr_expect_null(cli_nearest("zzz", names));
    cr_expect_null(cli_nearest("", names));
}
