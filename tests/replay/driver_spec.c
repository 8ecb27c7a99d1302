/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Runs as written, CPU maps, frames, labels.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/replay/driver_fixture.h"

static bool labelled(const struct result_run *run, const char *label)
{
    for (uint32_t i = 0; i < run->nlabels; i++)
        if (strcmp(run->labels[i], label) == 0)
            return true;
    return false;
}

static void bad_spec(const char *text, int want, const char *word)
{
    struct replay_spec spec;
    struct trace_error error = {""};
    int err = replay_parse_spec(text, &spec, &error);
    cr_expect_eq(err, want, "%s: %d", text, err);
    cr_expect_not_null(strstr(error.text, word), "%s: '%s' lacks '%s'", text, error.text, word);
    cr_expect_null(strchr(error.text, '\n'));
}

Test(driver_spec, parameters)
{
    struct replay_spec spec;
    struct trace_error error = {""};
    const struct policy_class *migrep = policy_find("migrep");
    int trigger = policy_param_index(migrep, "trigger", 7), reset = policy_param_index(migrep, "reset_ns", 8);
    cr_assert(trigger >= 0 && reset >= 0);
    cr_assert_eq(replay_parse_spec("migrep", &spec, &error), 0);
    cr_expect_eq(spec.policy, migrep);
    cr_expect_eq(spec.param[trigger], migrep->params[trigger].preset);
    cr_assert_eq(replay_parse_spec("migrep:trigger=0x40,reset_ns=50ms", &spec, &error), 0, "%s", error.text);
    cr_expect_eq(spec.param[trigger], 64);
    cr_expect_eq(spec.param[reset], 50000000);
    cr_assert_eq(replay_parse_spec("migrep:reset_ns=2s", &spec, &error), 0, "%s", error.text);
    cr_expect_eq(spec.param[reset], 2000000000);
    cr_assert_eq(replay_parse_spec("migrep:reset_ns=250us,trigger=1k", &spec, &error), 0, "%s", error.text);
    cr_expect_eq(spec.param[reset], 250000);
    cr_expect_eq(spec.param[trigger], 1000);
}

Test(driver_spec, errors)
{
    bad_spec("migrap", -ENOENT, "first_touch");
    bad_spec("", -ENOENT, "there are");
    bad_spec("migrep:colour=3", -EINVAL, "trigger");
    bad_spec("migrep:trigger", -EINVAL, "no value");
    bad_spec("migrep:trigger=", -EINVAL, "not a number");
    bad_spec("migrep:trigger=-1", -EINVAL, "not a number");
    bad_spec("migrep:trigger=5ms", -EINVAL, "not a number");
    bad_spec("migrep:trigger=5,trigger=6", -EINVAL, "twice");
    bad_spec("migrep:trigger=99999999999999999999", -EINVAL, "trigger");
    bad_spec("migrep:trigger=18446744073709551615G", -EINVAL, "not a number");
    bad_spec("migrep:", -EINVAL, "no parameter");
    bad_spec("migrep:trigger=5,", -EINVAL, "no parameter");
    bad_spec("migrep:=5", -EINVAL, "no parameter");
    bad_spec("first_touch:trigger=5", -EINVAL, "none");
}

static struct replay_machine *machine_for(uint32_t cpus, uint32_t pages, struct machine_desc *desc,
                                          const struct replay_options *options)
{
    static struct replay_machine machine;
    struct trace_meta meta = {
        .records = 1, .cpus = cpus, .pages = pages, .page_size = 4096, .line_size = 64, .name = "t"};
    struct trace_error error = {""};
    cr_assert_eq(replay_machine_init(&machine, desc, &meta, options, &error), 0, "%s", error.text);
    return &machine;
}

static void expect_map(const struct replay_machine *m, const char *nodes)
{
    for (uint32_t cpu = 0; nodes[cpu]; cpu++)
        cr_expect_eq(m->cpu_node[cpu], nodes[cpu] - '0', "CPU %u on node %u", cpu, m->cpu_node[cpu]);
    cr_expect_eq(m->cpus, strlen(nodes));
}

Test(driver_spec, cpu_map)
{
    struct machine_desc desc;
    struct replay_options options;
    fixture_machine(&desc, 4);
    replay_defaults(&options);
    expect_map(machine_for(3, 10, &desc, &options), "012");
    expect_map(machine_for(8, 10, &desc, &options), "00112233");
    expect_map(machine_for(6, 10, &desc, &options), "001223");
    desc.node_cpus[1] = 0; /* memory only: CPUs go to 0, 2, 3 */
    expect_map(machine_for(6, 10, &desc, &options), "002233");
    options.cpu_map = "1:3,0:0,2-9:2";
    expect_map(machine_for(4, 10, &desc, &options), "0322");
}

/* Shares round up. In two tiers the fast nodes have the share together: 34 of 100 as 17 + 17, by default a third. */
Test(driver_spec, frames)
{
    struct machine_desc desc;
    struct replay_options options;
    fixture_machine(&desc, 3);
    replay_defaults(&options);
    cr_expect_eq(machine_for(2, 100, &desc, &options)->frames[1], FRAMES_UNBOUNDED);
    options.capacity_ppm = 333500;
    cr_expect_eq(machine_for(2, 100, &desc, &options)->frames[2], 34);
    desc.tier[2] = 1;
    const struct replay_machine *m = machine_for(2, 100, &desc, &options);
    cr_expect_eq(m->frames[0] + m->frames[1], 34);
    cr_expect_eq(m->frames[2], FRAMES_UNBOUNDED);
    options.capacity_ppm = 350000;
    m = machine_for(2, 100, &desc, &options);
    cr_expect_eq(m->frames[0], 18, "the odd one goes to the first");
    cr_expect_eq(m->frames[1], 17);
    options.capacity_ppm = 0;
    m = machine_for(2, 300, &desc, &options);
    cr_expect_eq(m->frames[0], 50);
    cr_expect_eq(m->frames[1], 50);
}

/* Page 0 of node 0 is to move to node 1, which is full by then. */
Test(driver_spec, full_node_refuses)
{
    static const struct fixture_record record[] = {{0, 0, 0, TRACE_READ, 1, 0},
                                                   {10, 1, 1, TRACE_READ, 1, 0},
                                                   {20, 2, 0, TRACE_READ, 1, 0},
                                                   {30, 3, 1, TRACE_READ, 1, 0},
                                                   {40, 0, 1, TRACE_READ, 1, 0}};
    struct machine_desc desc;
    struct replay_options options;
    struct trace *trace = fixture_trace(record, 5, 2, 0);
    fixture_machine(&desc, 2);
    replay_defaults(&options);
    options.capacity_ppm = 500000;
    struct result_run run = fixture_run(trace, &desc, &options, &fixture_mover, NULL);
    cr_expect_eq(run.moves, 0);
    cr_expect_eq(run.refused_by[4], 1, "no free frame");
    cr_expect_not(run.inactive);
    cr_expect(labelled(&run, "moved nothing"));
    fixture_drop(&run);
    trace_close(trace);
}

Test(driver_spec, labels_and_names)
{
    static const struct fixture_record record[] = {{0, 0, 0, TRACE_READ, 1, 0}, {10, 0, 1, TRACE_READ, 1, 0}};
    struct machine_desc desc;
    struct replay_options options;
    struct trace *trace = fixture_trace(record, 2, 2, 0);
    ((struct trace_meta *)(uintptr_t)trace_meta(trace))->labels = TRACE_WRITES_UNDER_SEEN | TRACE_SIMULATED_CACHE;
    fixture_machine(&desc, 2);
    replay_defaults(&options);
    struct result_run run = fixture_run(trace, &desc, &options, &fixture_copier, NULL);
    cr_expect(labelled(&run, "writes under-seen") && labelled(&run, "simulated-cache"));
    fixture_drop(&run);
    run = fixture_run(trace, &desc, &options, &fixture_harvester, NULL);
    cr_expect(labelled(&run, "A-bit-fed") && !labelled(&run, "writes under-seen"));
    fixture_drop(&run);

    static struct replay_machine machine;
    struct replay_spec spec;
    struct trace_error error = {""};
    cr_assert_eq(replay_machine_init(&machine, &desc, trace_meta(trace), &options, &error), 0);
    cr_assert_eq(replay_parse_spec("migrep:trigger=64", &spec, &error), 0);
    cr_assert_eq(replay_run(trace, &machine, &options, &spec, 1, &run, NULL, NULL, NULL, &error), 0, "%s", error.text);
    cr_expect_str_eq(run.policy, "migrep");
    cr_expect_str_eq(run.spec, "migrep:trigger=64");
    cr_expect_str_eq(run.param_name[policy_param_index(spec.policy, "trigger", 7)], "trigger");
    cr_expect(run.inactive);
    fixture_drop(&run);

    spec = (struct replay_spec){.policy = policy_find("post_facto")};
    policy_defaults(spec.policy, spec.param);
    cr_expect_eq(replay_run(trace, &machine, &options, &spec, 1, &run, NULL, NULL, NULL, &error), -EINVAL);
    cr_expect_not_null(strstr(error.text, "post_facto"));
    trace_close(trace);
}

/* What a class of these signals and wants is labelled with, on a trace with these labels. */
static struct result_run run_wanting(unsigned signals, unsigned wants, unsigned trace_labels)
{
    static const struct fixture_record record[] = {{0, 0, 0, TRACE_READ, 1, 0}, {10, 0, 1, TRACE_READ, 1, 0}};
    struct policy_class class = fixture_copier;
    struct machine_desc desc;
    struct replay_options options;
    struct trace *trace = fixture_trace(record, 2, 2, 0);

    ((struct trace_meta *)(uintptr_t)trace_meta(trace))->labels = trace_labels;
    fixture_machine(&desc, 2);
    replay_defaults(&options);
    class.signals |= signals;
    class.wants = wants;
    struct result_run run = fixture_run(trace, &desc, &options, &class, NULL);
    trace_close(trace);
    return run;
}

Test(driver_spec, what_the_original_sees_besides)
{
    struct result_run run = run_wanting(0, 0, 0);
    cr_expect(!labelled(&run, "miss-fed") && !labelled(&run, "miss-store variant") && !labelled(&run, "A-bit-fed"));
    fixture_drop(&run);
    run = run_wanting(0, WANT_ACCESSES, 0);
    cr_expect(labelled(&run, "miss-fed") && !labelled(&run, "miss-store variant"));
    fixture_drop(&run);
    run = run_wanting(0, WANT_STORES, 0);
    cr_expect(labelled(&run, "miss-store variant") && !labelled(&run, "miss-fed"));
    fixture_drop(&run);
    run = run_wanting(SIGNAL_HINTS, 0, 0);
    cr_expect(labelled(&run, "miss-fed") && !labelled(&run, "A-bit-fed"));
    fixture_drop(&run);
    run = run_wanting(SIGNAL_HINTS, WANT_ACCESSES | WANT_STORES, TRACE_ALL_ACCESSES);
    cr_expect(!labelled(&run, "miss-fed") && !labelled(&run, "miss-store variant"), "nothing is missing there");
    cr_expect(labelled(&run, "all accesses, not misses"));
    fixture_drop(&run);
}

/* An order that is refused is an order: the run is ranked, and says that no page went anywhere. */
Test(driver_spec, moved_nothing)
{
    struct result_run run = run_wanting(0, 0, 0);
    cr_expect(run.copies == 1 && !labelled(&run, "moved nothing"));
    fixture_drop(&run);
}
