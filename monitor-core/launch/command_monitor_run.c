/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "datasets/leftover.h"
#include "datasets/plural.h"
#include "monitor-core/launch/command.h"
#include "monitor-core/launch/gather.h"
#include "monitor-core/launch/machine.h"
#include "monitor-core/launch/record.h"
#include "monitor-core/launch/results.h"
#include "monitor-core/launch/session.h"
#include "reports/show.h"

enum { NODES = 4, TIMEOUT_MAX = 1000000 };

/* Everything of one run; too large for a stack. */
struct job {
    const struct cli *cli;
    struct plan plan;
    struct emulator emulator;
    struct session session;
    struct gather gather;
    struct record record;
    uint64_t timeout_s;
    const char *end;         /* how it ended, as the result set has it */
    struct trace_error line; /* and as the operator was told */
};

static void on_frame(void *context, const struct telemetry_frame *f)
{
    struct job *job = context;
    if (gather_frame(&job->gather, f))
        record_frame(&job->record, f);
}

static bool on_finished(void *context)
{
    return ((struct job *)context)->gather.ended;
}

static void on_status(void *context, char *text, size_t size)
{
    const struct gather *g = &((struct job *)context)->gather;
    uint32_t running = 0;
    uint64_t all, local;
    for (uint32_t i = 0; i < g->nvms; i++)
        running += strcmp(gather_vm_end(&g->vm[i]), "running") == 0;
    gather_seen(g, &all, &local);
    if (!g->engine.time_ns)
        snprintf(text, size, "mirrorball: the machine starts");
    else
        snprintf(text, size,
                 "mirrorball %" PRIu64 " s: %" PRIu32 " VM%s on, moves %" PRIu64 ", copies %" PRIu64
                 ", collapses %" PRIu64 ", %.0f %% local",
                 g->engine.time_ns / 1000000000, running, plural(running), g->engine.stats.moves,
                 g->engine.stats.copies, g->engine.stats.collapses, all ? 100.0 * (double)local / (double)all : 0.0);
}

static int read_numbers(struct job *job)
{
    const struct cli *cli = job->cli;
    struct plan *p = &job->plan;
    uint64_t nodes = NODES, cpus = 0;
    if (!cli_u64(cli, "nodes", 1, PLAN_NODES, &nodes))
        return CLI_USAGE;
    cpus = nodes;
    if (!cli_u64(cli, "cpus", 1, PLAN_CPUS, &cpus) || !cli_u64(cli, "timeout", 1, TIMEOUT_MAX, &job->timeout_s))
        return CLI_USAGE;
    p->nodes = (uint32_t)nodes;
    p->cpus = (uint32_t)cpus;
    const char *memory = cli_value(cli, "memory");
    if (memory && (!plan_parse_memory(memory, &p->memory) || p->memory == 0))
        return cli_usage(cli, "--memory is a size, as in 4G or 1536M, not '%s'", memory);
    return CLI_DONE;
}

static int read_words(struct job *job)
{
    const struct cli *cli = job->cli;
    struct plan *p = &job->plan;
    p->policy = cli_value(cli, "policy") ? cli_value(cli, "policy") : "first_touch";
    p->machine = cli_value(cli, "machine") ? cli_value(cli, "machine") : "q35";
    p->qemu = cli_value(cli, "qemu") ? cli_value(cli, "qemu") : "qemu-system-x86_64";
    p->record = cli_has(cli, "record");
    if (strcmp(p->machine, "q35") != 0 && strcmp(p->machine, "pc") != 0)
        return cli_usage(cli, "--machine is q35 or pc, not '%s'", p->machine);
    p->nsettings = (uint32_t)cli_count(cli, "set");
    if (p->nsettings > PLAN_SETTINGS)
        return cli_usage(cli, "--set: at most %d settings", PLAN_SETTINGS);
    for (uint32_t i = 0; i < p->nsettings; i++) {
        p->setting[i] = cli_nth(cli, "set", i);
        if (!strchr(p->setting[i], '=') || strpbrk(p->setting[i], "[]\n\r#"))
            return cli_usage(cli, "--set takes KEY=VALUE, as in around=16, not '%s'", p->setting[i]);
    }
    return CLI_DONE;
}

static void warn_of_leftovers(const struct job *job)
{
    const char *path = cli_value(job->cli, "record");
    char left[2 * TRACE_TEXT];
    if (path && leftover_line(path, NULL, left, sizeof left))
        cli_warn(job->cli, "%s", left);
}

/* A run of minutes must not end in a folder that does not exist. */
static int try_outputs(struct job *job)
{
    static const char *const names[] = {"output", "report", "record"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = cli_value(job->cli, names[i]);
        if (!path)
            continue;
        if (!*path)
            return cli_usage(job->cli, "--%s: the name of the file is empty", names[i]);
        for (size_t j = 0; j < i; j++)
            if (cli_value(job->cli, names[j]) && strcmp(path, cli_value(job->cli, names[j])) == 0)
                return cli_usage(job->cli, "--%s and --%s name the same file %s", names[j], names[i], path);
        char *temporary = cli_temporary(path);
        if (!temporary)
            return cli_error(job->cli, "%s: cannot be written: %s; choose a file in an existing, writable folder", path,
                             strerror(errno));
        cli_discard(temporary);
    }
    return CLI_DONE;
}

static int read_vms(struct job *job)
{
    const struct cli *cli = job->cli;
    struct trace_error why;
    if (!cli_count(cli, "vm"))
        return cli_usage(cli, "no virtual machine: --vm debian, or --vm kernel=FILE,initrd=FILE,mem=512M");
    for (size_t i = 0; i < cli_count(cli, "vm"); i++)
        if (plan_vm(&job->plan, cli_nth(cli, "vm", i), &why))
            return cli_error(cli, "%s", why.text);
    if (plan_check(&job->plan, &why) || plan_image(&job->plan, cli_value(cli, "image"), &why))
        return cli_error(cli, "%s", why.text);
    return CLI_DONE;
}

__attribute__((format(printf, 3, 4))) static int ended(struct job *job, const char *end, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(job->line.text, sizeof job->line.text, format, list);
    va_end(list);
    job->end = end;
    return cli_error(job->cli, "%s", job->line.text);
}

static int judge_vms(struct job *job)
{
    const struct gather *g = &job->gather;
    int code = CLI_DONE;
    for (uint32_t i = 0; i < g->nvms; i++)
        if (g->vm[i].why[0] || g->vm[i].end > 1)
            code = ended(job, "crash", "%s: %s%s%s", g->vm[i].name, gather_vm_end(&g->vm[i]),
                         g->vm[i].why[0] ? ": " : "", g->vm[i].why);
    if (!code && !gather_all_off(g))
        code = ended(job, "stopped", "not every VM has powered off");
    return code;
}

/* What ended it, when that was not the VMs' own will. */
static int judge(struct job *job, enum session_end end)
{
    const struct gather *g = &job->gather;
    const char *complaint = job->session.complaint;
    job->end = "all off";
    if (g->ended && g->end.panicked)
        return ended(job, "panic", "the monitor gave up: %s", g->end.why);
    if (end == SESSION_TIMEOUT)
        return ended(job, "time limit", "the time limit of %" PRIu64 " s came before every VM had ended",
                     job->timeout_s);
    if (end == SESSION_STOPPED || (g->ended && strcmp(g->end.why, TELEMETRY_OPERATOR) == 0))
        return ended(job, "stopped", "stopped by the operator");
    if (end == SESSION_OUTPUT)
        return ended(job, "stopped", "standard output takes no more: the machine was ended");
    if (!g->greeted)
        return ended(job, "cut off", "the machine ended before the monitor said a word%s%s", *complaint ? ": " : "",
                     complaint);
    if (!g->ended)
        return ended(job, "cut off", "the machine ended before the monitor's last word: its latest totals are shown");
    return judge_vms(job);
}

static int publish_set(struct job *job, const struct result_set *set)
{
    const char *output = cli_value(job->cli, "output"), *page = cli_value(job->cli, "report");
    struct trace_error why;
    putchar('\n');
    show_monitor(stdout, set, cli_colour());
    if (output && result_write(output, set, 1, &why))
        return cli_error(job->cli, "%s", why.text);
    if (page && report_write(page, set, 1, &why))
        return cli_error(job->cli, "%s", why.text);
    return CLI_DONE;
}

/* Whatever way it ended, what has arrived is kept. */
static int publish_all(struct job *job)
{
    struct results_context context = {
        .plan = &job->plan, .reader = &job->session.reader, .end = job->end, .why = job->line.text};
    struct result_set set;
    struct trace_error why;
    int code = CLI_DONE;
    cli_typed(context.command, sizeof context.command);
    if (job->gather.greeted) {
        if (results_make(&set, &job->gather, &context, &why))
            return cli_error(job->cli, "%s", why.text);
        code = publish_set(job, &set);
        result_free(&set);
    } else if (cli_has(job->cli, "output") || cli_has(job->cli, "report")) {
        code = cli_error(job->cli, "no result is written: the monitor has told nothing");
    }
    uint64_t lost = job->gather.engine.observations_lost + job->session.reader.lost_frames;
    if (record_close(&job->record, lost, context.command, &why))
        code = cli_error(job->cli, "%s", why.text);
    return code;
}

static int launch(struct job *job)
{
    struct trace_error why;
    if (emulator_start(&job->emulator, &job->plan, &why))
        return cli_error(job->cli, "%s", why.text);
    job->session = (struct session){.cli = job->cli,
                                    .emulator = &job->emulator,
                                    .timeout_s = job->timeout_s,
                                    .frame = on_frame,
                                    .status = on_status,
                                    .finished = on_finished,
                                    .context = job,
                                    .quiet = cli_has(job->cli, "quiet") || !isatty(STDOUT_FILENO)};
    gather_init(&job->gather);
    record_init(&job->record, cli_value(job->cli, "record"), &job->plan);
    enum session_end end = session_run(&job->session);
    emulator_close(&job->emulator);
    int code = judge(job, end), published = publish_all(job);
    return code ? code : published;
}

static int dry_run(struct job *job)
{
    struct machine_line line;
    machine_line(&line, &job->plan, -1, -1);
    if (!line.failed) {
        machine_line_print(stdout, &line);
        puts("\n# the configuration, as a text for mirrorball monitor config");
        plan_write_config(stdout, &job->plan);
    }
    machine_line_free(&line);
    return line.failed ? cli_error(job->cli, "out of memory") : CLI_DONE;
}

/* Is it a kernel, an initrd or a disk of a VM, or the monitor? */
static bool is_input(const struct plan *p, const char *path)
{
    bool found = cli_same_file(path, p->image);
    for (uint32_t i = 0; i < p->nmodules; i++)
        found |= p->module[i].path[0] && cli_same_file(path, p->module[i].path);
    for (uint32_t i = 0; i < p->ndrives; i++)
        found |= cli_same_file(path, p->drive[i].path);
    return found;
}

static int spare_inputs(const struct job *job)
{
    static const char *const names[] = {"output", "report", "record"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = cli_value(job->cli, names[i]);
        if (path && is_input(&job->plan, path))
            return cli_usage(job->cli, "--%s %s would overwrite a file that the run reads; choose another name",
                             names[i], path);
    }
    return CLI_DONE;
}

static int run_job(struct job *job)
{
    int code = read_numbers(job);
    code = code ? code : read_words(job);
    code = code ? code : try_outputs(job);
    code = code ? code : read_vms(job);
    code = code ? code : spare_inputs(job);
    if (code)
        return code;
    warn_of_leftovers(job);
    return cli_has(job->cli, "dry-run") ? dry_run(job) : launch(job);
}

static int run(const struct cli *cli)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return cli_error(cli, "out of memory");
    job->cli = cli;
    int code = run_job(job);
    plan_close(&job->plan);
    free(job);
    return code;
}

static const struct cli_option options[] = {
    {"policy", 'P', "SPEC", "placement policy, as in migrep:trigger=64; default first_touch"},
    {"vm", 0, "VM", "a virtual machine (see above); once for each"},
    {"nodes", 'n', "N", "NUMA nodes of the machine, 1 to 16; default 4"},
    {"cpus", 0, "N", "CPUs that run guests, up to 64; default: one per node"},
    {"memory", 0, "SIZE", "memory of the machine, as in 4G; default: twice what the VMs ask for, at least 1G"},
    {"output", 'o', "FILE.h5", "write the result set here"},
    {"report", 0, "FILE.html", "write the report page here"},
    {"record", 0, "TRACE.h5", "store every observed access as a trace that compare replays"},
    {"set", 0, "KEY=VALUE", "a line of the monitor's configuration: harvest_ms, weight, around, slice_ms"},
    {"timeout", 0, "S", "end the machine after so many seconds"},
    {"machine", 0, "KIND", "kind of PC: q35 (default) or pc"},
    {"image", 0, "FILE", "the monitor; default: monitor.elf beside this program"},
    {"qemu", 0, "PROGRAM", "the emulator; default: qemu-system-x86_64"},
    {"dry-run", 0, NULL, "print the emulator's command and the configuration, start nothing"},
    {NULL, 0, NULL, NULL},
};

static const struct cli_example examples[] = {
    {"mirrorball monitor run --policy migrep --vm debian --vm debian -o run.h5",
     "two Debian VMs on 4 nodes; their pages move and are copied as migrep says"},
    {"mirrorball monitor run --nodes 2 --cpus 4 --vm kernel=vmlinuz,initrd=initrd.img,disk=root.img:shared,vcpus=4,"
     "mem=1G,name=web --timeout 120",
     "one VM of 4 virtual CPUs with a copy-on-write disk"},
    {"mirrorball monitor run --policy migrep --vm debian --record boot.h5",
     "a trace of what the accessed bits showed, for mirrorball compare boot.h5"},
    {NULL, NULL},
};

const struct cli_command command_monitor_run = {
    .name = "monitor run",
    .arguments = "",
    .summary = "boot unmodified operating systems under a policy, on an emulated NUMA machine",
    .description =
        "Starts the monitor on an emulated NUMA machine (QEMU; no root and no KVM needed) with the virtual machines "
        "that --vm asks for. Their consoles appear here, what is typed goes to them; Ctrl-C ends the machine.\n\n"
        "A virtual machine is a list KEY=VALUE,...:\n"
        "  kernel=FILE      a Linux kernel (bzImage)\n"
        "  initrd=FILE      its initial file system\n"
        "  disk=FILE:MODE   up to 4; shared (copy-on-write, the default),\n"
        "                   persistent, or private (as shared, for comparison)\n"
        "  vcpus=N          virtual CPUs, default 2\n"
        "  mem=SIZE         memory, default 512M\n"
        "  cmdline=TEXT     kernel command line, default console=ttyS0\n"
        "  name=WORD        its name\n\n"
        "A comma inside a value is doubled, or the value stands in double quotes. The word debian (or debian-generic) "
        "in the first place stands for a Debian kernel and an initrd that were made beside this program.",
    .options = options,
    .examples = examples,
    .min_args = 0,
    .max_args = 0,
    .run = run,
};
