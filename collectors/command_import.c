/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "collectors/command.h"
#include "collectors/readers.h"
#include "datasets/import.h"
#include "datasets/leftover.h"
#include "datasets/plural.h"

static const struct cli_option options[] = {
    {"output", 'o', "FILE", "the trace to write"},
    {"from", 0, "FORMAT", "one of those above; told from the content by default"},
    {"levels", 0, "LIST", "samples: memory levels that count, or all; default: those beyond the caches"},
    {"event", 0, "TEXT", "samples: only of events whose name contains this"},
    {"physical", 0, NULL, "samples: pages are physical ones, not those of each process"},
    {"miss-latency", 0, "CYCLES", "samples: where the level is unknown, this long is a miss"},
    {"cpu-mhz", 0, "N", "samples: clock that turns cycles into ns (the file's)"},
    {"fold-cpus", 0, "N", "CPU number modulo N"},
    {"node-shift", 0, "BITS", "a page's recorded node is its address >> BITS (29 for whole-system captures)"},
    {"no-nodes", 0, NULL, "take no node from the address"},
    {"limit-address", 0, "BYTES", "drop records at or beyond this address; 0: none (2Gi for whole-system captures)"},
    {"skip", 0, "N", "pass over the first N records"},
    {"limit", 0, "N", "take at most N records"},
    {"rebase", 0, NULL, "let time begin at 0"},
    {"page-size", 0, "BYTES", "a power of two (the source's, else 4096)"},
    {"step", 0, "NS", "lackey, view, drmemtrace: time of one access (1)"},
    {"compress", 0, "HOW", "deflate (default), smallest, none, or blosc (needs a plug-in to read)"},
    {"name", 0, "TEXT", "name of the trace (the file's)"},
    {"note", 0, "TEXT", "how it was made; stored with it"},
    {"host", 0, "TEXT", "the recorded machine; stored with it"},
    {"kernel", 0, "TEXT", "its operating system; stored with it"},
    {NULL, 0, NULL, NULL},
};

static const struct cli_example examples[] = {
    {"mirrorball import pmake4.tr.zst -o pmake.h5", "a raw whole-system capture; pages get the guest's nodes"},
    {"mirrorball import dss8.tr.zst --fold-cpus 8 -o dss.h5", "nine threads on eight CPUs"},
    {"mirrorball import misses.csv -o misses.h5", "columns time_ns, cpu, address, op and more, by name"},
    {"mirrorball import perf.data -o app.h5", "a recording of perf mem; perf itself is not needed"},
    {"mirrorball import perf.data --levels remote-dram,remote-cache -o far.h5", "only what came from another node"},
    {"valgrind --tool=lackey --trace-mem=yes --log-fd=9 ls 9>&1 >ls.out | mirrorball import - -o ls.h5",
     "from standard input"},
    {"mirrorball import drmemtrace.app.4711.0042.dir -o app.h5", "DynamoRIO's recording of all threads"},
    {"mirrorball import long.h5 --skip 1M --limit 500k -o cut.h5", "a part of a trace"},
    {NULL, NULL},
};

static int run(const struct cli *);

const struct cli_command command_import = {
    .name = "import",
    .arguments = "FILE",
    .summary = "make a trace from perf.data, a raw capture, CSV or other text",
    .description = "Reads FILE ('-': standard input; zstd, gzip and zip are unpacked) and writes a trace.\n"
                   "\n"
                   "  perf    perf.data of Linux perf or of 'mirrorball record', whole or cut short:\n"
                   "          samples with data addresses (perf mem, IBS, SPE, page faults). Those\n"
                   "          whose data came from memory become records; what was left out and what\n"
                   "          a record weighs is said\n"
                   "  script  perf script -F comm,pid,tid,cpu,time,event,addr,data_src,weight\n"
                   "  mitos   CSV of Mitos and MemAxes\n"
                   "  view    text of DynamoRIO's drmemtrace tool 'view': all accesses, not misses\n"
                   "  drmemtrace\n"
                   "          DynamoRIO's own trace, post-processed: a thread's file, or the folder\n"
                   "          with the files of all threads. All accesses, not misses\n"
                   "  tr      raw capture of the QEMU cache-model plugin. In whole-system captures\n"
                   "          pages get their node from the address, and records beyond 2 GiB\n"
                   "          (device memory) are dropped\n"
                   "  csv     header row with time_ns, cpu, address, op (r, w, i, u) in any order;\n"
                   "          weight, latency_ns, tid and node if there. Numbers are decimal or 0x.\n"
                   "          Rows in time order\n"
                   "  lackey  valgrind --tool=lackey --trace-mem=yes: all accesses of one thread,\n"
                   "          not misses\n"
                   "  trace   a trace again, to cut, fold or compress it anew",
    .options = options,
    .examples = examples,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
}

static bool was_interrupted(void *context)
{
    (void)context;
    return interrupted != 0;
}

static bool show_progress(void *context, uint64_t done, uint64_t total)
{
    struct cli_progress *progress = context;
    progress->total = total;
    cli_progress_set(progress, done);
    return interrupted != 0;
}

/* One of the words: its index, or -1 with the usage error printed. */
static int word(const struct cli *cli, const char *option, const char *const *words)
{
    const char *given = cli_value(cli, option);
    if (!given)
        return 0;
    for (int i = 0; words[i]; i++)
        if (!strcmp(given, words[i]))
            return i;
    char list[128] = "";
    for (int i = 0; words[i]; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", words[i]);
    cli_usage(cli, "--%s '%s': it must be one of %s", option, given, list);
    return -1;
}

/* Names of the formats: those of the trace library, then the readers'. */
enum { FORMATS_MAX = 16 };
static void list_formats(const char *names[FORMATS_MAX + 1])
{
    static const char *const own[IMPORT_FORMATS] = {"auto", "tr", "csv", "lackey", "trace"};
    size_t n = 0;
    for (; n < IMPORT_FORMATS; n++)
        names[n] = own[n];
    for (size_t i = 0; readers_list[i].name && n < FORMATS_MAX; i++)
        names[n++] = readers_list[i].name;
    names[n] = NULL;
}

static bool parse_words(const struct cli *cli, struct import_options *o)
{
    const char *formats[FORMATS_MAX + 1];
    static const char *const ways[] = {"deflate", "none", "blosc", "smallest", NULL};
    list_formats(formats);
    int from = word(cli, "from", formats);
    int compress = from < 0 ? -1 : word(cli, "compress", ways);
    if (compress < 0)
        return false;
    o->from = (unsigned)from;
    o->compress = (enum trace_compress)compress;
    return true;
}

static bool parse_numbers(const struct cli *cli, struct import_options *o)
{
    uint64_t fold = 0, shift = IMPORT_NO_NODES, page_size = 0;
    if (!cli_u64(cli, "fold-cpus", 1, CPU_MAX, &fold) || !cli_u64(cli, "node-shift", 0, 63, &shift) ||
        !cli_u64(cli, "limit-address", 0, UINT64_MAX, &o->limit_address) ||
        !cli_u64(cli, "skip", 0, UINT64_MAX, &o->skip) || !cli_u64(cli, "limit", 1, UINT64_MAX, &o->limit) ||
        !cli_u64(cli, "page-size", 64, 1u << 30, &page_size) ||
        !cli_u64(cli, "step", 0, (uint64_t)1 << 30, &o->step_ns))
        return false;
    if (page_size & (page_size - 1)) {
        cli_usage(cli, "--page-size %" PRIu64 ": it must be a power of two", page_size);
        return false;
    }
    o->fold_cpus = (uint32_t)fold;
    o->node_shift = (uint32_t)shift;
    o->node_shift_given = cli_has(cli, "node-shift") || cli_has(cli, "no-nodes");
    if (cli_has(cli, "no-nodes"))
        o->node_shift = IMPORT_NO_NODES;
    o->limit_address_given = cli_has(cli, "limit-address");
    o->page_size = (uint32_t)page_size;
    return true;
}

static bool add_level(const struct cli *cli, const char *name, size_t length, uint32_t *levels)
{
    char word[32];
    snprintf(word, sizeof word, "%.*s", (int)length, name);
    int level = sample_level_named(word);
    if (!strcmp(word, "all"))
        *levels |= LEVELS_ALL;
    else if (level >= 0)
        *levels |= UINT32_C(1) << level;
    else {
        char list[512] = "all";
        for (int i = 0; i < LEVEL_COUNT; i++)
            snprintf(list + strlen(list), sizeof list - strlen(list), ", %s", sample_level_name((enum sample_level)i));
        cli_usage(cli, "--levels '%s': a level is one of %s", word, list);
        return false;
    }
    return true;
}

static bool parse_samples(const struct cli *cli, struct to_trace_options *o)
{
    uint64_t mhz = 0, cycles = 0;
    const char *levels = cli_value(cli, "levels");
    while (levels) {
        size_t length = strcspn(levels, ",");
        if (!add_level(cli, levels, length, &o->levels))
            return false;
        levels = levels[length] ? levels + length + 1 : NULL;
    }
    if (!cli_u64(cli, "cpu-mhz", 1, 100000, &mhz) || !cli_u64(cli, "miss-latency", 1, UINT32_MAX, &cycles))
        return false;
    o->miss_latency = (uint32_t)cycles;
    o->cpu_mhz = (uint32_t)mhz;
    o->physical = cli_has(cli, "physical");
    o->event = cli_value(cli, "event");
    return true;
}

/* The command as one would type it, for the trace's provenance: file names without folders. */
static void command_text(const struct cli *cli, char *text, size_t size)
{
    const char *in = cli_arg(cli, 0), *base = strrchr(in, '/');
    int used = snprintf(text, size, "mirrorball import %s", base ? base + 1 : in);
    for (const struct cli_option *o = options + 1; o->name && used > 0 && (size_t)used < size; o++) {
        if (!cli_has(cli, o->name) || !strcmp(o->value ? o->value : "", "TEXT"))
            continue;
        const char *value = cli_value(cli, o->name);
        used += snprintf(text + used, size - (size_t)used, " --%s%s%s", o->name, value ? " " : "", value ? value : "");
    }
}

/* What the input was not: whole, or clear. */
static void warn_of_input(const struct cli *cli, const struct perfdata_facts *f)
{
    if (f->unclosed)
        cli_warn(cli, "the file was never closed: its recorder died; read up to its end");
    if (f->truncated)
        cli_warn(cli, "the file is cut short; read up to its last whole record");
    if (f->stopped[0])
        cli_warn(cli, "not read to its end: %s", f->stopped);
    if (f->bad)
        cli_warn(cli, "passed over: %" PRIu64 " record%s with contradictions", f->bad, plural(f->bad));
    if (f->orphans)
        cli_warn(cli, "passed over: %" PRIu64 " sample%s of events that the file does not describe", f->orphans,
                 plural(f->orphans));
}

static void report_samples(const struct cli *cli, const struct readers *r)
{
    const struct to_trace_counts *c = &r->counts;
    warn_of_input(cli, &r->facts);
    if (c->lost)
        cli_warn(cli, "%" PRIu64 " record%s lost while recording; 'mirrorball info' shows when", c->lost,
                 plural(c->lost));
    if (cli_has(cli, "quiet"))
        return;
    fprintf(stderr,
            "%" PRIu64 " sample%s: %" PRIu64 " taken, %" PRIu64 " without an address, %" PRIu64
            " of other levels, %" PRIu64 " without time, CPU or physical address, %" PRIu64 " of other events\n",
            c->samples, plural(c->samples), c->taken, c->no_address, c->other_level,
            c->no_time + c->no_cpu + c->no_physical, c->other_event);
}

static void report(const struct cli *cli, const char *out, const struct import_counts *counts)
{
    if (counts->beyond_address)
        cli_warn(cli, "%" PRIu64 " of %" PRIu64 " records dropped: beyond the address limit (--limit-address)",
                 counts->beyond_address, counts->read - counts->skipped);
    if (counts->cut_bytes)
        cli_warn(cli, "the capture ends within a record, whose %" PRIu64 " bytes were passed over: it was cut short",
                 counts->cut_bytes);
    if (!cli_has(cli, "quiet"))
        fprintf(stderr, "%s: %" PRIu64 " record%s\n", out, counts->taken, plural(counts->taken));
}

static int import(const struct cli *cli, const struct import_options *o, const char *out)
{
    struct import_counts counts;
    struct trace_error error;
    struct cli_progress progress;
    struct sigaction action = {.sa_handler = on_signal}, interrupt, terminate;
    char left[2 * TRACE_TEXT];
    if (leftover_line(out, cli_arg(cli, 0), left, sizeof left))
        cli_warn(cli, "%s", left);
    sigaction(SIGINT, &action, &interrupt);
    sigaction(SIGTERM, &action, &terminate);
    cli_progress_start(&progress, cli, "import", "B", 0);
    int err = import_run(cli_arg(cli, 0), out, o, &counts, show_progress, &progress, NULL, &error);
    cli_progress_end(&progress);
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGTERM, &terminate, NULL);
    if (interrupted && err) /* else the trace was whole already */
        raise(interrupted);
    const struct readers *readers = o->reader_context;
    if (err && readers->samples)
        warn_of_input(cli, &readers->facts);
    if (err)
        return cli_error(cli, "%s", error.text);
    if (readers->samples)
        report_samples(cli, readers);
    report(cli, out, &counts);
    return CLI_DONE;
}

static int run(const struct cli *cli)
{
    struct import_options o;
    struct readers readers = {.samples = false};
    char command[TRACE_TEXT];
    import_defaults(&o);
    o.readers = readers_list;
    o.reader_context = &readers;
    if (!parse_words(cli, &o) || !parse_numbers(cli, &o) || !parse_samples(cli, &readers.options))
        return CLI_USAGE;
    const char *out = cli_value(cli, "output");
    if (!out)
        return cli_usage(cli, "no output; name the trace to write with -o FILE");
    if (cli_same_file(cli_arg(cli, 0), out))
        return cli_usage(cli, "%s is what is read; name another file for the trace with -o", out);
    command_text(cli, command, sizeof command);
    o.rebase = cli_has(cli, "rebase");
    o.name = cli_value(cli, "name");
    o.note = cli_value(cli, "note");
    o.host = cli_value(cli, "host");
    o.kernel = cli_value(cli, "kernel");
    o.command = command;
    o.stop.asked = was_interrupted;
    return import(cli, &o, out);
}
