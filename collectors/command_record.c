/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "collectors/command.h"
#include "collectors/qemu.h"
#include "collectors/record.h"
#include "datasets/leftover.h"
#include "datasets/plural.h"

#define OUTPUT "recorded.h5"
enum { WAYS_MAX = 32 }; /* qemu.h */

static const struct cli_option options[] = {
    {"output", 'o', "FILE", "the trace to write (" OUTPUT ")"},
    {"source", 's', "NAME", "auto (default), ibs, pebs, spe, faults or qemu"},
    {"pid", 'p', "PID", "record a running process, all its threads"},
    {"all", 'a', NULL, "record the whole system; with --source qemu: a whole machine"},
    {"duration", 'd', "SECONDS", "stop after this time; a command then gets SIGTERM"},
    {"period", 'c', "N", "one sample in N events (a default that suits the source)"},
    {"rate", 'F', "N", "instead: about N samples per second and CPU"},
    {"stores", 0, NULL, "stores besides loads (pebs, spe; ibs and faults always have them)"},
    {"latency", 0, "CYCLES", "only loads that take at least so long (pebs: 30; spe)"},
    {"user-only", 'u', NULL, "leave the kernel's own accesses out"},
    {"all-levels", 0, NULL, "ibs: keep what hit a cache even where the hardware can drop it"},
    {"buffer", 0, "KIB", "ring buffer of each CPU, a power of two (512)"},
    {"counters", 0, "LIST", "counters to read ten times a second, by PAPI's native names, or none"},
    {"name", 0, "TEXT", "name of the trace (the file's)"},
    {"note", 0, "TEXT", "how it was made; stored with it"},
    {"cpus", 0, "N", "qemu: CPUs of the modelled machine (8)"},
    {"nodes", 'n', "N", "qemu, whole machine: its nodes (4)"},
    {"memory", 0, "BYTES", "qemu, whole machine: its memory (2Gi)"},
    {"l1", 0, "BYTES", "qemu: each first-level cache (32Ki)"},
    {"l2", 0, "BYTES", "qemu: second-level cache of each CPU (1Mi)"},
    {"l1-ways", 0, "N", "qemu: ways of each first-level cache (8)"},
    {"l2-ways", 0, "N", "qemu: ways of the second level (16)"},
    {"quantum", 0, "CYCLES", "qemu: no CPU runs further ahead of the slowest (1000; 0: no bound)"},
    {"line", 0, "BYTES", "qemu: line size: 64 (default), 128 or 256"},
    {"host-time", 0, NULL, "qemu, whole machine: its clock follows the host's, not its instructions"},
    {"records", 0, "N", "qemu: end after so many misses"},
    {"mark", 0, NULL, "qemu: capture from the program's start mark to its end mark (docs/recording.md)"},
    {"from-kernel", 0, NULL, "qemu, whole machine: capture from the kernel's first code, not from reset"},
    {"raw", 0, "FILE", "qemu: keep the raw capture, under this name"},
    {NULL, 0, NULL, NULL},
};

static const struct cli_example examples[] = {
    {"mirrorball record -o app.h5 -- ./app --threads 8", "a command, from its start to its end"},
    {"mirrorball record -p 4711 -d 30 -o server.h5", "half a minute of a running server"},
    {"mirrorball record -a -d 10 -o system.h5", "everything on this machine (needs rights)"},
    {"mirrorball record --source faults -- make -j8", "without a counter: the first touch of each page"},
    {"mirrorball record --source qemu -o sim.h5 -- ./app", "under emulation, with modelled caches"},
    {NULL, NULL},
};

static int run(const struct cli *);

const struct cli_command command_record = {
    .name = "record",
    .arguments = "[-- COMMAND...]",
    .summary = "record what a running program or system does to memory",
    .description = "Samples memory accesses with the processor's own counters and writes a trace.\n"
                   "\n"
                   "  ibs     AMD: loads and stores with address, level and latency\n"
                   "  pebs    Intel: loads slower than --latency, with --stores also stores\n"
                   "  spe     Arm: loads, with --stores also stores\n"
                   "  faults  page faults: each page's first touch, on any machine; no cache misses\n"
                   "  qemu    the program runs under emulation and the misses of modelled caches\n"
                   "          are recorded, all of them\n"
                   "  auto    the first of ibs, pebs, spe that works here, else faults\n"
                   "\n"
                   "What a source is goes into the file, with everything the kernel refused. Ctrl-C ends the\n"
                   "recording and keeps it. 'mirrorball probe' tells what works here, and why the rest does not.",
    .options = options,
    .examples = examples,
    .min_args = 0,
    .max_args = -1,
    .run = run,
};

static volatile int stop;

static void on_signal(int number)
{
    (void)number;
    stop = stop + 1;
}

/* --- what was asked for --- */

static bool parse_source(const struct cli *cli, int *source, bool *qemu)
{
    static const char *const names[] = {"auto", "ibs", "pebs", "spe", "faults", "qemu", NULL};
    const char *given = cli_value(cli, "source");
    *qemu = given && !strcmp(given, "qemu");
    *source = given ? source_named(given) : -1;
    if (!given || *source >= 0 || *qemu || !strcmp(given, "auto"))
        return true;
    const char *like = cli_nearest(given, names);
    cli_usage(cli, "--source '%s': it must be one of auto, ibs, pebs, spe, faults, qemu%s%s%s", given,
              like ? "; did you mean '" : "", like ? like : "", like ? "'?" : "");
    return false;
}

static bool parse_whom(const struct cli *cli, struct record_options *o, char **command)
{
    uint64_t pid = 0;
    int ways = cli_has(cli, "pid") + cli_has(cli, "all") + (cli_args(cli) > 0);
    if (ways != 1) {
        cli_usage(cli, ways ? "choose one of -p PID, -a and -- COMMAND"
                            : "nothing to record: give -- COMMAND, -p PID or -a");
        return false;
    }
    if (!cli_u64(cli, "pid", 1, INT32_MAX, &pid))
        return false;
    for (size_t i = 0; i < cli_args(cli); i++)
        command[i] = (char *)cli_arg(cli, i);
    o->whom = pid ? SESSION_PROCESS : cli_has(cli, "all") ? SESSION_SYSTEM : SESSION_COMMAND;
    o->pid = (pid_t)pid;
    o->command = command;
    return true;
}

static bool parse_numbers(const struct cli *cli, struct record_options *o)
{
    uint64_t seconds = 0, latency = 0, buffer = 0;
    if (!cli_u64(cli, "duration", 1, 1u << 30, &seconds) ||
        !cli_u64(cli, "period", 1, (uint64_t)1 << 40, &o->encode.period) ||
        !cli_u64(cli, "rate", 1, 1000000, &o->rate) || !cli_u64(cli, "latency", 1, 65535, &latency) ||
        !cli_u64(cli, "buffer", 16, 1u << 20, &buffer))
        return false;
    if (buffer & (buffer - 1)) {
        cli_usage(cli, "--buffer %" PRIu64 ": it must be a power of two", buffer);
        return false;
    }
    if (cli_has(cli, "period") && cli_has(cli, "rate")) {
        cli_usage(cli, "choose one of --period and --rate");
        return false;
    }
    o->duration_ns = seconds * 1000000000;
    o->encode.latency = (unsigned)latency;
    o->ring_kib = (uint32_t)buffer;
    o->encode.stores = cli_has(cli, "stores");
    o->encode.user_only = cli_has(cli, "user-only");
    o->encode.all_levels = cli_has(cli, "all-levels");
    o->counters = cli_value(cli, "counters");
    return true;
}

/* Options that do not mean something to every source. */
#define KERNELS "ibs, pebs, spe, faults"
static const struct meaning {
    const char *option, *sources;
} meanings[] = {
    {"latency", "pebs, spe"},
    {"all-levels", "ibs"},
    {"period", "ibs, pebs, spe"},
    {"rate", "ibs, pebs, faults"},
    {"stores", KERNELS},
    {"user-only", KERNELS},
    {"buffer", KERNELS},
    {"counters", KERNELS},
    {"duration", KERNELS},
    {"pid", KERNELS},
    {"cpus", "qemu"},
    {"nodes", "qemu"},
    {"memory", "qemu"},
    {"l1", "qemu"},
    {"l2", "qemu"},
    {"l1-ways", "qemu"},
    {"l2-ways", "qemu"},
    {"quantum", "qemu"},
    {"line", "qemu"},
    {"host-time", "qemu"},
    {"records", "qemu"},
    {"mark", "qemu"},
    {"raw", "qemu"},
    {"from-kernel", "qemu"},
    {NULL, NULL},
};

/* The next option from *at on that was given and means nothing to that source (null: to none of the kernel's); null:
 * there is none. */
static const struct meaning *meaningless(const struct cli *cli, const char *source, const struct meaning *at)
{
    for (; at->option; at++)
        if (cli_has(cli, at->option) && (source ? !strstr(at->sources, source) : !strcmp(at->sources, "qemu")))
            return at;
    return NULL;
}

/* An option that would be passed over without a word is a mistake. What `auto` will be is not known yet: one of the
 * kernel's. */
static bool fits(const struct cli *cli, const char *source)
{
    static const char *const machine[] = {"nodes", "memory", "host-time", "from-kernel", NULL};
    bool automatic = !source || !strcmp(source, "auto");
    const struct meaning *m = meaningless(cli, automatic ? NULL : source, meanings);
    if (m && automatic)
        cli_usage(cli, "--%s is only for --source %s", m->option, m->sources);
    else if (m)
        cli_usage(cli, "--%s is not for --source %s, only for %s", m->option, source, m->sources);
    for (const char *const *name = machine; !m && !automatic && !strcmp(source, "qemu") && *name; name++)
        if (cli_has(cli, *name) && !cli_has(cli, "all")) {
            cli_usage(cli, "--%s is only for a whole machine (-a)", *name);
            return false;
        }
    return !m;
}

/* --- what came out --- */

static void report_command(const struct cli *cli, int status)
{
    if (WIFSIGNALED(status))
        cli_warn(cli, "the command was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WIFEXITED(status) && WEXITSTATUS(status))
        cli_warn(cli, "the command exited with %d", WEXITSTATUS(status));
}

static void report_counts(const struct cli *cli, const struct record_result *r)
{
    const struct session_counts *c = &r->counts;
    if (c->lost)
        cli_warn(cli, "%" PRIu64 " of %" PRIu64 " samples found no room; record with a larger --buffer or --period",
                 c->lost, c->received + c->lost);
    if (c->throttled)
        cli_warn(cli,
                 "the kernel stopped the event %" PRIu64 " time%s for coming too often; record with a larger "
                 "--period",
                 c->throttled, plural(c->throttled));
    if (!session_counts_agree(c))
        cli_warn(cli, "%" PRIu64 " samples received and %" PRIu64 " lost, but the kernel counted %" PRIu64, c->received,
                 c->lost, c->due);
    if (c->skipped)
        cli_warn(cli, "%" PRIu64 " ring buffers were corrupt and not read to their end", c->skipped);
}

/* What the recorder took from the machine, and so perhaps from the program. */
static void report_cost(const struct record_cost *c)
{
    double seconds = (double)c->recorded / 1e9;
    if (seconds < 1) /* a share of so little says nothing */
        fprintf(stderr, "cost: %.1f ms of CPU time in %.0f ms", (double)c->during / 1e6, seconds * 1e3);
    else
        fprintf(stderr, "cost: %.2f %% of one core for %.1f s", 100.0 * (double)c->during / (double)c->recorded,
                seconds);
    fprintf(stderr, ", and %.0f ms before and %.0f ms after it\n", (double)c->before / 1e6, (double)c->after / 1e6);
}

static void report(const struct cli *cli, const char *out, const struct record_result *r)
{
    const char *source = sources[r->source].name;
    report_command(cli, r->status);
    report_counts(cli, r);
    for (const struct meaning *m = meanings; (m = meaningless(cli, source, m)); m++)
        cli_warn(cli, "--%s means nothing to %s, which was chosen here", m->option, source);
    if (cli_has(cli, "quiet"))
        return;
    fprintf(stderr, "source: %s (%s)\n", source, sources[r->source].what);
    attr_steps_print(stderr, &r->steps);
    report_cost(&r->cost);
    fprintf(stderr, "%s: %" PRIu64 " sample%s, %" PRIu64 " record%s\n", out, r->counts.received,
            plural(r->counts.received), r->import.taken, plural(r->import.taken));
}

static void show_progress(void *context, uint64_t samples)
{
    cli_progress_set(context, samples);
}

/* A signal ends the recording, not the program; one while the trace is made leaves the spool. */
static int record(const struct cli *cli, const struct record_options *asked)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal}, old[3];
    struct record_result *result = malloc(sizeof *result);
    struct record_options o = *asked;
    struct trace_error error;
    struct cli_progress progress;
    if (!result)
        return cli_error(cli, "%s", strerror(ENOMEM));
    for (size_t i = 0; i < 3; i++) {
        sigaction(numbers[i], NULL, &old[i]);
        if (numbers[i] != SIGHUP || old[i].sa_handler != SIG_IGN) /* nohup */
            sigaction(numbers[i], &action, NULL);
    }
    cli_progress_start(&progress, cli, "record", "samples", 0);
    o.progress = o.whom == SESSION_COMMAND ? NULL : show_progress;
    o.context = &progress;
    o.stop = &stop;
    int err = record_run(&o, result, &error), code = CLI_DONE;
    cli_progress_end(&progress);
    if (err && result->spooled)
        code = cli_error(cli, "%s; what was recorded is in %s.part: mirrorball import reads it", error.text, o.out);
    else if (err)
        code = cli_error(cli, "%s", error.text);
    else
        report(cli, o.out, result);
    /* Not before it is said what became of the recording. */
    for (size_t i = 0; i < 3; i++)
        sigaction(numbers[i], &old[i], NULL);
    free(result);
    return code;
}

/* --- under emulation --- */

static bool parse_qemu(const struct cli *cli, struct qemu_options *q)
{
    uint64_t cpus = q->cpus, nodes = q->nodes, quantum = q->quantum, line = q->line;
    uint64_t l1_ways = q->l1_ways, l2_ways = q->l2_ways;
    if (!cli_u64(cli, "cpus", 1, 64, &cpus) || !cli_u64(cli, "nodes", 1, NODE_MAX, &nodes) ||
        !cli_u64(cli, "memory", 1 << 20, (uint64_t)2 << 30, &q->memory) ||
        !cli_u64(cli, "l1", 1024, 1 << 30, &q->l1_bytes) || !cli_u64(cli, "l2", 1024, 1 << 30, &q->l2_bytes) ||
        !cli_u64(cli, "l1-ways", 1, WAYS_MAX, &l1_ways) || !cli_u64(cli, "l2-ways", 1, WAYS_MAX, &l2_ways) ||
        !cli_u64(cli, "line", 64, 256, &line) || !cli_u64(cli, "quantum", 0, 1u << 30, &quantum) ||
        !cli_u64(cli, "records", 1, UINT64_MAX, &q->records))
        return false;
    q->cpus = (uint32_t)cpus;
    q->nodes = (uint32_t)nodes;
    q->quantum = (uint32_t)quantum;
    q->line = (uint32_t)line;
    q->l1_ways = (uint32_t)l1_ways;
    q->l2_ways = (uint32_t)l2_ways;
    q->trigger = cli_has(cli, "mark");
    q->kernel = cli_has(cli, "from-kernel");
    q->raw = cli_value(cli, "raw");
    q->whole_system = cli_has(cli, "all");
    q->host_time = cli_has(cli, "host-time");
    return true;
}

static int emulate(const struct cli *cli, const char *out, const char *typed)
{
    struct qemu_options q;
    struct qemu_result result;
    struct trace_error error;
    const char **command = calloc(cli_args(cli) + 1, sizeof *command);
    if (!command)
        return cli_error(cli, "%s", strerror(ENOMEM));
    qemu_defaults(&q);
    for (size_t i = 0; i < cli_args(cli); i++)
        command[i] = cli_arg(cli, i);
    q.command = command;
    q.out = out;
    q.import.name = cli_value(cli, "name");
    q.import.note = cli_value(cli, "note");
    q.import.command = typed;
    int code = CLI_USAGE;
    if (!cli_args(cli))
        cli_usage(cli, "--source qemu runs a command: give it behind --");
    else if (parse_qemu(cli, &q)) {
        int err = qemu_record(&q, &result, &error);
        code = err ? cli_error(cli, "%s", error.text) : CLI_DONE;
        if (!err)
            report_command(cli, result.status);
        if (!err && !cli_has(cli, "quiet"))
            fprintf(stderr, "source: qemu (misses of modelled caches)\n%s: %" PRIu64 " record%s\n", out,
                    result.counts.taken, plural(result.counts.taken));
    }
    free(command);
    return code;
}

/* --- --- */

/* The file is asked for before a long run, not after it; so is what an earlier one left there. */
static bool writable(const struct cli *cli, const char *out)
{
    char left[2 * TRACE_TEXT], *temporary = cli_temporary(out);
    if (!temporary) {
        cli_error(cli, "%s: %s; give another name with -o", out, strerror(errno));
        return false;
    }
    cli_discard(temporary);
    if (leftover_line(out, NULL, left, sizeof left))
        cli_warn(cli, "%s", left);
    return true;
}

static int from_kernel(const struct cli *cli, struct record_options *o)
{
    char **command = calloc(cli_args(cli) + 1, sizeof *command);
    int code = CLI_USAGE;
    if (!command)
        return cli_error(cli, "%s", strerror(ENOMEM));
    if (parse_whom(cli, o, command) && parse_numbers(cli, o))
        code = writable(cli, o->out) ? record(cli, o) : CLI_FAILED;
    free(command);
    return code;
}

static int run(const struct cli *cli)
{
    struct record_options o = {.out = cli_value(cli, "output")};
    char typed[TRACE_TEXT];
    char *words[] = {typed};
    bool qemu;
    if (!o.out)
        o.out = OUTPUT;
    if (!parse_source(cli, &o.source, &qemu) || !fits(cli, cli_value(cli, "source")))
        return CLI_USAGE;
    cli_typed(typed, sizeof typed);
    if (qemu)
        return writable(cli, o.out) ? emulate(cli, o.out, typed) : CLI_FAILED;
    import_defaults(&o.import);
    o.import.name = cli_value(cli, "name");
    o.import.note = cli_value(cli, "note");
    o.import.command = typed;
    o.argc = 1;
    o.argv = words;
    return from_kernel(cli, &o);
}
