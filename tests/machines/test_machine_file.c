/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "datasets/machine_number.h"
#include "datasets/machine_text.h"

static struct machine_desc m, again;
static struct trace_error error;

static int parse(const char *text)
{
    error.text[0] = 0;
    return machine_parse(text, strlen(text), "own.ini", &m, &error);
}

/* --- numbers --- */

static bool number(const char *text, uint64_t scale, uint64_t max, uint64_t *out)
{
    return machine_number(&text, scale, max, out) && *text == 0;
}

Test(machine_number, exact)
{
    uint64_t x;
    cr_assert(number("12", 1, 100, &x) && x == 12);
    cr_assert(number("73.8", 1000, 1000000, &x) && x == 73800);
    cr_assert(number("0.0126", 1000000000, 1000000000, &x) && x == 12600000);
    cr_assert(number("1.23456", 100, 1000, &x) && x == 123, "digits beyond the scale are cut");
    cr_assert(number("18446744073709551615", 1, UINT64_MAX, &x) && x == UINT64_MAX);
}

Test(machine_number, refused)
{
    const char *bad[] = {"", "-1", "+1", ".5", "1.", "nan", "inf", "1e3", "0x10", " 1", "18446744073709551616"};
    uint64_t x;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect(!number(bad[i], 1, UINT64_MAX, &x), "'%s' was taken for a number", bad[i]);
    cr_expect(!number("101", 1, 100, &x));
    cr_expect(!number("10.1", 10, 100, &x));
    cr_expect(number("10.0", 10, 100, &x) && x == 100);
    cr_expect(!number("5", 1, 4, &x));
}

Test(machine_number, lists)
{
    uint64_t x[3];
    cr_assert_eq(machine_numbers(" 1, 2\t3 ", 1, 9, x, 3), 3);
    cr_assert(x[0] == 1 && x[1] == 2 && x[2] == 3);
    cr_assert_eq(machine_numbers("", 1, 9, x, 3), 0);
    cr_assert_eq(machine_numbers("1 2 3 4", 1, 9, x, 3), -1);
    cr_assert_eq(machine_numbers("1x", 1, 9, x, 3), -1);
    cr_assert_eq(machine_numbers("1 10", 1, 9, x, 3), -1);
}

/* --- presets --- */

static bool within_15_percent(uint32_t a, uint32_t b)
{
    uint32_t low = a < b ? a : b, high = a < b ? b : a;
    return (uint64_t)high * 100 <= (uint64_t)low * 115;
}

static void check_matrix(const struct machine_desc *d)
{
    for (uint32_t i = 0; i < d->nodes; i++)
        for (uint32_t k = 0; k < d->nodes; k++) {
            uint32_t there = d->latency_ps[i * d->nodes + k], back = d->latency_ps[k * d->nodes + i];
            cr_expect(within_15_percent(there, back), "%s: %u-%u not symmetric", d->name, i, k);
            if (d->node_cpus[i])
                cr_expect_leq(d->latency_ps[i * d->nodes + i], there, "%s: node %u: local is not the least", d->name,
                              i);
        }
}

Test(machine_presets, all_load_and_are_consistent)
{
    unsigned n = 0;
    for (const char *const *name = machine_presets(); *name; name++, n++) {
        cr_assert_eq(machine_load(*name, &m, &error), 0, "%s", error.text);
        cr_expect_str_eq(m.name, *name);
        cr_expect(m.summary[0] && m.source[0], "%s: no summary or source", *name);
        cr_expect_eq(m.memory_curve.factor[0], 1000000);
        cr_expect_eq(m.memory_curve.utilisation[0], 0);
        cr_expect(m.sampling && (m.sampling & (m.sampling - 1)) == 0);
        cr_expect(m.costs.fill_ns && m.costs.sync_ns && m.costs.drop_ns);
        check_matrix(&m);
    }
    cr_expect_eq(n, 12);
}

Test(machine_presets, read_back_as_written)
{
    for (const char *const *name = machine_presets(); *name; name++) {
        static char text[65536];
        FILE *out = fmemopen(text, sizeof text, "w");
        cr_assert_eq(machine_load(*name, &m, &error), 0);
        machine_write(out, &m);
        fclose(out);
        cr_assert_eq(machine_parse(text, strlen(text), "back", &again, &error), 0, "%s: %s", *name, error.text);
        cr_expect(memcmp(&m, &again, sizeof m) == 0, "%s is not what was written", *name);
    }
}

static void load(const char *name)
{
    cr_assert_eq(machine_load(name, &m, &error), 0, "%s", error.text);
}

/* The paper's Table 3, us: a migration and a replication as the engine carries them out. */
static void check_table3(const char *name, uint64_t others, uint64_t move_ns, uint64_t copy_ns)
{
    load(name);
    const struct machine_costs *c = &m.costs;
    uint64_t shootdown = c->sync_ns + c->sync_page_ns + others * c->sync_target_ns;
    cr_expect_eq(c->fill_ns + 2 * shootdown + c->drop_ns, move_ns, "%s", name);
    cr_expect_eq(c->fill_ns + shootdown, copy_ns, "%s", name);
    cr_expect_eq(c->sample_ns, 0);
    cr_expect_eq(m.sampling, 1);
}

Test(machine_presets, flash)
{
    check_table3("flash-8", 7, 67000, 57000);
    check_table3("flash-16", 15, 102000, 73000);
    cr_expect_eq(m.nodes, 16);
    cr_expect(m.latency_ps[0] == 300000 && m.latency_ps[1] == 900000 && m.latency_ps[17] == 300000);
    load("flash-4");
    cr_expect_eq(m.nodes, 4);
    /* 1 / (1 - 0.9) */
    cr_expect_eq(m.memory_curve.utilisation[11], 900000);
    cr_expect_eq(m.memory_curve.factor[11], 10000000);
}

Test(machine_presets, figures_of_their_sources)
{
    load("broadwell-cod");
    cr_expect(m.nodes == 4 && m.latency_ps[0] == 73800 && m.latency_ps[3] == 196000 && m.latency_ps[13] == 194600);
    cr_expect_eq(m.memory_bps[2], 36400000000);
    load("skylake-2s");
    cr_expect(m.latency_ps[0] == 81300 && m.latency_ps[1] == 131100 && m.link_bps[1] == 51000000000);
    cr_expect(m.link_bps[0] == 0 && m.memory_bps[1] == 108000000000);
    /* 227 ns at 215 GB/s, of 81.4 idle and 216 at most */
    cr_expect_eq(m.memory_curve.utilisation[6], 995000);
    cr_expect_eq(m.memory_curve.factor[6], 2789000);
    load("e7-4800-4s");
    cr_expect(m.latency_ps[12] == 202000 && m.memory_bps[0] == 0);
    load("cxl-fpga");
    cr_expect(m.tier[0] == 0 && m.tier[1] == 1 && m.node_cpus[1] == 0 && m.latency_ps[1] == 564500);
}

Test(machine_default, smallest_flash_with_a_node_for_every_cpu)
{
    cr_expect_str_eq(machine_default(1), "flash-4");
    cr_expect_str_eq(machine_default(4), "flash-4");
    cr_expect_str_eq(machine_default(5), "flash-8");
    cr_expect_str_eq(machine_default(8), "flash-8");
    cr_expect_str_eq(machine_default(9), "flash-16");
    cr_expect_str_eq(machine_default(300), "flash-16");
}

/* --- files --- */

Test(machine_parse, all_that_the_form_has)
{
    cr_assert_eq(parse("; comment\n# comment\r\n[machine]\r\nname = own-1\nnodes = 3\ncpus = 2 2 0\ntier = 0 0 1\n"
                       "line_size = 128\nmlp = 2.5\nsampling = 16\n[latency]\nfrom0 = 80 130\n   200 ; far\n"
                       "from1 = 130, 80, 210.5\nfrom2 = 200 210 80 ; far\n[bandwidth]\nmemory = 100 100 20\n"
                       "link_from0 = 0 30 10\nlink_from1 = 30 0 10\n[load]\nmemory = 0:1 0.5:1.25\n   1:3\n"
                       "link = 0:1\n[costs]\nsample_ns = 7\nscan_ps = 9\n"),
                 0, "%s", error.text);
    cr_expect_str_eq(m.name, "own-1");
    cr_expect(m.nodes == 3 && m.node_cpus[1] == 2 && m.node_cpus[2] == 0 && m.tier[2] == 1);
    cr_expect(m.line_size == 128 && m.mlp_ppm == 2500000 && m.sampling == 16);
    cr_expect(m.latency_ps[2] == 200000 && m.latency_ps[5] == 210500 && m.latency_ps[8] == 80000);
    cr_expect(m.memory_bps[2] == 20000000000 && m.link_bps[2] == 10000000000 && m.link_bps[6] == 0);
    cr_expect(m.memory_curve.n == 3 && m.memory_curve.utilisation[1] == 500000 && m.memory_curve.factor[2] == 3000000);
    cr_expect(m.costs.sample_ns == 7 && m.costs.scan_ps == 9 && m.costs.hint_ns == 1000);
}

/* Texts that a careless writer would cut into comments or into lines too long. */
Test(machine_parse, texts_read_back_as_written)
{
    static char word[200], text[65536];
    memset(word, 'w', 186);
    const char *texts[] = {"two  blanks and a\ttab", "#1 first", "a #1 #2 #3", "socket #1 of #2", word};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        snprintf(
            text, sizeof text,
            "[machine]\nsummary=%s\nsource = x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x\n"
            "  #1 is a comment\n  y y y y y y y y y y y y y y y y y y #2 #3 #4 #5 #6 #7 #8 #9\n %s\nnodes=1\ncpus=1\n"
            "[latency]\nlocal=1\n",
            texts[i], word);
        cr_assert_eq(parse(text), 0, "%s", error.text);
        FILE *out = fmemopen(text, sizeof text, "w");
        machine_write(out, &m);
        fclose(out);
        cr_assert_eq(machine_parse(text, strlen(text), "back", &again, &error), 0, "%s\n%s", error.text, text);
        cr_expect(memcmp(&m, &again, sizeof m) == 0, "%s | %s", m.summary, again.summary);
    }
    cr_expect_str_eq(m.summary, word);
}

Test(machine_parse, least_file)
{
    cr_assert_eq(parse("[machine]\nnodes=1\ncpus=1\n[latency]\nlocal=100\n"), 0, "%s", error.text);
    cr_expect_str_eq(m.name, "unnamed");
    cr_expect(m.latency_ps[0] == 100000 && m.memory_bps[0] == 0 && m.memory_curve.n == 1 && m.line_size == 64);
}

#define HEAD "[machine]\nnodes = 2\ncpus = 1\n"
#define GOOD HEAD "[latency]\nlocal = 80\nremote = 130\n"

static const struct {
    const char *text, *line, *says;
} bad_files[] = {
    {"", "own.ini:0:", "nodes is missing"},
    {"[machine]\nnodes = 2\n", ":2:", "cpus is missing"},
    {HEAD, ":3:", "local is missing"},
    {HEAD "[latency]\nlocal = 80\n", ":5:", "remote is missing"},
    {GOOD "[machine]\nname =\n", ":8:", "the value is missing"},
    {GOOD "[costs]\nsample = 3\n", ":8:", "unknown key 'sample'"},
    {GOOD "[cost]\nsample_ns = 3\n", ":8:", "section [cost]"},
    {"nodes = 2\n", ":1:", "before the first [section]"},
    {"[machine]\nnonsense\n", ":2:", "neither [section]"},
    {"[machine]\nnodes = 2\nnodes = 2\n", ":3:", "given twice"},
    {"[machine]\nnodes = 65\n", ":2:", "1 to 64"},
    {"[machine]\nnodes = 0\n", ":2:", "1 to 64"},
    {"[machine]\nnodes = -1\n", ":2:", "1 to 64"},
    {"[machine]\nnodes = 2 3\n", ":2:", "1 to 64"},
    {"[machine]\ncpus = 1\nnodes = 2\n", ":2:", "nodes has to be given first"},
    {"[machine]\nnodes = 2\ncpus = 1 1 1\n", ":3:", "one for each"},
    {"[machine]\nnodes = 2\ncpus = 0\n[latency]\nlocal = 1\nremote = 2\n", "own.ini:", "want 1 to 1024"},
    {"[machine]\nnodes = 2\ncpus = 600\n[latency]\nlocal = 1\nremote = 2\n", "own.ini:", "1200 in all"},
    {HEAD "[latency]\nlocal = 0\n", ":5:", "above 0"},
    {HEAD "[latency]\nlocal = 1000001\n", ":5:", "at most 1000000"},
    {HEAD "[latency]\nlocal = nan\n", ":5:", "above 0"},
    {HEAD "[latency]\nfrom0 = 80 130\n", ":5:", "from1 is missing"},
    {HEAD "[latency]\nfrom0 = 80 130 140\n", ":5:", "want 2 numbers"},
    {HEAD "[latency]\nfrom0 = 80\n", ":5:", "want 2 numbers"},
    {HEAD "[latency]\nfrom0 = 80 0\n", ":5:", "0 ns"},
    {HEAD "[latency]\nfrom2 = 80 130\n", ":5:", "no such node"},
    {HEAD "[latency]\nfrom00 = 80 130\n", ":5:", "no such node"},
    {HEAD "[latency]\nfrom = 80 130\n", ":5:", "unknown key"},
    {GOOD "from0 = 80 130\nfrom1 = 130 80\n", ":8:", "not both"},
    {GOOD "[bandwidth]\nmemory = 1000001\n", ":8:", "GB/s"},
    {GOOD "[bandwidth]\nmemory = 1 2 3\n", ":8:", "GB/s"},
    {GOOD "[bandwidth]\nlink_from0 = 1\n", ":8:", "want 2 numbers"},
    {GOOD "[load]\nmemory = 0.1:1 1:2\n", "own.ini:", "first point has to be 0:1"},
    {GOOD "[load]\nmemory = 0:1 0.5:2 0.5:3\n", "own.ini:", "point 3"},
    {GOOD "[load]\nmemory = 0:1 0.5:2 0.9:1.5\n", "own.ini:", "point 3"},
    {GOOD "[load]\nmemory = 0:1 0.5\n", ":8:", "utilisation:factor"},
    {GOOD "[load]\nmemory = 0:1 1:2 2:3 3:4 4:5 5:6 6:7 7:8 8:9 9:9 9.1:9 9.2:9 9.3:9 9.4:9 9.5:9 9.6:9 9.7:9\n",
     ":8:", "up to 16"},
    {GOOD "[costs]\nfill_ns = 1000000001\n", ":8:", "a second"},
    {GOOD "[costs]\nfill_ns = 1 2\n", ":8:", "whole number"},
    {"[machine]\nnodes = 2\nsampling = 48\n", ":3:", "power of two"},
    {"[machine]\nnodes = 2\nsampling = 65536\n", ":3:", "32768"},
    {"[machine]\nnodes = 2\nmlp = 0.05\n", ":3:", "0.1 to 64"},
    {"[machine]\nnodes = 2\nline_size = 96\n", ":3:", "power of two"},
    {"[machine]\nname = a b\n", ":2:", "letters, digits"},
    {"[machine]\nname = \033[2J\n", ":2:", "0x1b"},
};

Test(machine_parse, bad_files_end_in_a_line_that_says_where)
{
    for (size_t i = 0; i < sizeof bad_files / sizeof bad_files[0]; i++) {
        int err = parse(bad_files[i].text);
        cr_expect_eq(err, -EINVAL, "taken: %s", bad_files[i].text);
        cr_expect(strstr(error.text, bad_files[i].line) && strstr(error.text, bad_files[i].says), "'%s' is not '%s %s'",
                  error.text, bad_files[i].line, bad_files[i].says);
        cr_expect_null(strchr(error.text, '\n'));
    }
}

Test(machine_parse, hostile_sizes)
{
    static char text[MACHINE_TEXT_MAX];
    memset(text, 'a', sizeof text);
    cr_expect_eq(machine_parse(text, sizeof text, "own.ini", &m, &error), -EINVAL);
    cr_expect(strstr(error.text, "line longer than"));
    memset(text, '\n', sizeof text);
    cr_expect_eq(machine_parse(text, sizeof text, "own.ini", &m, &error), -EINVAL);
    memset(text, 0, sizeof text);
    cr_expect_eq(machine_parse(text, sizeof text, "own.ini", &m, &error), -EINVAL);
    cr_expect(strstr(error.text, "not a text file"));
    /* continuation lines without end */
    memcpy(text, "[machine]\nname = x\n", 19);
    for (size_t i = 19; i + 4 <= sizeof text; i += 4)
        memcpy(text + i, " xx\n", 4);
    cr_expect_eq(machine_parse(text, 19 + (sizeof text - 19) / 4 * 4, "own.ini", &m, &error), -EINVAL);
    cr_expect(strstr(error.text, "too long"), "%s", error.text);
}

Test(machine_load, names_and_files)
{
    cr_expect_eq(machine_load("flash-9", &m, &error), -ENOENT);
    cr_expect(strstr(error.text, "flash-8") && strstr(error.text, "cxl-fpga"));
    cr_expect_eq(machine_load("./flash-8", &m, &error), -ENOENT, "with a '/' it is a file");
    cr_expect_eq(machine_load("tests/machines", &m, &error), -EISDIR);
    cr_expect_eq(machine_load("/dev/zero", &m, &error), -EFBIG);
    cr_expect_eq(machine_load("datasets/machines/flash-8.ini", &again, &error), 0, "%s", error.text);
    load("flash-8");
    cr_expect(memcmp(&m, &again, sizeof m) == 0);
}
