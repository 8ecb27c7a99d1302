/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a trace of samples says about itself.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "collectors/to_trace_private.h"

/* Generic events: misses of the last level cache and of the node; a result of 1 is a miss. */
static bool generic_miss(const struct decode_event *e)
{
    unsigned cache = e->config & 0xff, result = e->config >> 16 & 0xff;
    if (e->type == ABI_TYPE_HARDWARE)
        return (e->config & 0xff) == 3;
    return e->type == ABI_TYPE_HW_CACHE && (cache == 2 || cache == 6) && result == 1;
}

/* Intel's retired loads by where they found their data: MEM_LOAD_RETIRED.L3_MISS, MEM_LOAD_L3_MISS_RETIRED.* */
static bool intel_miss(const struct decode_event *e)
{
    unsigned code = e->config & 0xff, umask = e->config >> 8 & 0xff;
    return e->type == ABI_TYPE_RAW && ((code == 0xd1 && umask == 0x20) || (code == 0xd3 && umask));
}

static bool named_miss(const char *name)
{
    static const char *const words[] = {"l3_miss",          "llc-load-misses",   "llc-store-misses", "cache-misses",
                                        "node-load-misses", "node-store-misses", "page-faults",      "page_fault"};
    if (strcasestr(name, "l1-") || strcasestr(name, "branch"))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasestr(name, words[i]))
            return true;
    return false;
}

bool to_trace_counts_misses(const struct decode_event *e)
{
    if (e->kind == DECODE_PAGE_FAULT || e->kind == DECODE_FAULT_TRACE)
        return true;
    if (e->kind == DECODE_IBS_OP || e->kind == DECODE_SPE)
        return false;
    return generic_miss(e) || intel_miss(e) || named_miss(e->name);
}

/* Nominal clock: told, or in the CPU's own name, or that of the time stamp counter, which runs at it on x86. */
static uint32_t clock_mhz(const struct to_trace *t)
{
    const struct perfdata_facts *f = t->facts;
    if (t->options.cpu_mhz || !f)
        return t->options.cpu_mhz;
    const char *at = strstr(f->cpu, "@ ");
    double ghz = at && strstr(at, "GHz") ? strtod(at + 2, NULL) : 0;
    if (ghz > 0.1 && ghz < 20)
        return (uint32_t)(ghz * 1000 + 0.5);
    if (strcmp(f->arch, "x86_64") || !f->clock.mult)
        return 0;
    double mhz = 1000.0 * (double)((unsigned __int128)1 << f->clock.shift) / f->clock.mult;
    return mhz > 100 && mhz < 20000 ? (uint32_t)(mhz + 0.5) : 0;
}

void to_trace_rates(struct to_trace *t)
{
    if (!t->rated)
        t->mhz = clock_mhz(t);
    t->rated = true;
}

/* Columns are settled with the first record: from what the events can give. */
static unsigned columns(struct to_trace *t)
{
    unsigned has = 0;
    for (uint32_t i = 0; i < decoder_events(t->decoder); i++) {
        const struct decode_event *e = decoder_event(t->decoder, i);
        bool latency =
            e->sample_type & (ABI_WEIGHT | ABI_WEIGHT_STRUCT) || e->kind == DECODE_SPE || e->kind == DECODE_IBS_OP;
        if (t->options.event && !strstr(e->name, t->options.event))
            continue;
        has |= to_trace_counts_misses(e) && (e->freq || e->period > 1) ? TRACE_HAS_WEIGHT : 0;
        has |= e->sample_type & ABI_TID || e->kind == DECODE_SPE ? TRACE_HAS_TID : 0;
        has |= latency && t->mhz ? TRACE_HAS_LATENCY : 0;
    }
    t->weights = has & TRACE_HAS_WEIGHT;
    t->latencies = has & TRACE_HAS_LATENCY;
    return has;
}

static unsigned labels_of(const struct to_trace *t)
{
    unsigned labels = t->labels | (t->all_levels ? TRACE_ALL_ACCESSES : 0);
    for (uint32_t i = 0; i < decoder_events(t->decoder); i++) {
        const struct decode_event *e = decoder_event(t->decoder, i);
        if (!(t->event_seen[i / 8] >> i % 8 & 1))
            continue;
        bool faults = e->kind == DECODE_PAGE_FAULT || e->kind == DECODE_FAULT_TRACE ||
                      strcasestr(e->name, "page-fault") || strcasestr(e->name, "page_fault");
        labels |= faults ? TRACE_PAGE_TOUCH : 0;
        labels |= e->kind == DECODE_FAULT_TRACE || (t->labels & TRACE_ALL_ACCESSES) ? 0 : TRACE_WRITES_UNDER_SEEN;
    }
    return labels;
}

static void machine(const struct to_trace *t, struct trace_meta *meta)
{
    const struct perfdata_facts *f = t->facts;
    memset(meta->cpu_node, NODE_NONE, sizeof meta->cpu_node);
    if (!f)
        return;
    if (f->cpus && f->cpus <= CPU_MAX && !t->threads_as_cpus)
        meta->cpus = f->cpus;
    if (!t->sink->options->fold_cpus && !t->threads_as_cpus)
        memcpy(meta->cpu_node, f->cpu_node, sizeof meta->cpu_node);
    meta->nodes = f->nodes <= NODE_MAX ? f->nodes : 0;
    snprintf(meta->host, sizeof meta->host, "%.120s%s%.120s", f->host, f->host[0] && f->cpu[0] ? ": " : "", f->cpu);
    snprintf(meta->kernel, sizeof meta->kernel, "%s", f->release);
    snprintf(meta->command, sizeof meta->command, "%s", f->command);
}

int to_trace_start(struct to_trace *t, struct trace_error *error)
{
    struct trace_meta meta = {.page_size = 4096, .line_size = 64, .period = 1};
    to_trace_rates(t);
    meta.columns = columns(t);
    machine(t, &meta);
    int err = import_start(t->sink, &meta, false, error);
    t->started = !err;
    return err;
}

static void say(struct trace_meta *meta, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct trace_meta *meta, const char *format, ...)
{
    size_t used = strlen(meta->note), room = sizeof meta->note - used;
    va_list args;
    if (used && room > 3) {
        strcpy(meta->note + used, "; ");
        used += 2;
        room -= 2;
    }
    va_start(args, format);
    vsnprintf(meta->note + used, room, format, args);
    va_end(args);
}

static void name_events(struct to_trace *t, struct trace_meta *meta)
{
    size_t used = 0;
    uint64_t period = 0;
    bool same = true;
    for (uint32_t i = 0; i < decoder_events(t->decoder); i++) {
        const struct decode_event *e = decoder_event(t->decoder, i);
        if (!(t->event_seen[i / 8] >> i % 8 & 1))
            continue;
        if (used < sizeof meta->event)
            used += (size_t)snprintf(meta->event + used, sizeof meta->event - used, "%s%s%s", used ? ", " : "",
                                     e->name[0] ? e->name : "event without a name",
                                     e->freq && e->period ? " (period varies)" : "");
        same &= !e->freq && (!period || period == e->period);
        period = e->period;
    }
    meta->period = same && period ? period : 1;
}

static void say_counts(const struct to_trace *t, struct trace_meta *meta)
{
    const struct to_trace_counts *c = &t->counts;
    unsigned long long lack = c->no_time + c->no_cpu + c->no_physical;
    say(meta, "%llu of %llu samples taken", (unsigned long long)c->taken, (unsigned long long)c->samples);
    if (c->no_address)
        say(meta, "%llu without an address rejected", (unsigned long long)c->no_address);
    if (c->other_level)
        say(meta, "%llu of levels that are no misses", (unsigned long long)c->other_level);
    if (lack)
        say(meta, "%llu without time, CPU or physical address", lack);
    if (sorter_late(t->sorter))
        say(meta, "%llu came out of order; their times were raised", (unsigned long long)sorter_late(t->sorter));
    if (c->checked)
        say(meta, "the source's remote bit disagrees with the nodes in %llu of %llu", (unsigned long long)c->disagree,
            (unsigned long long)c->checked);
}

static void say_meaning(const struct to_trace *t, struct trace_meta *meta)
{
    if (t->weights)
        say(meta, "weight: the sample's period, which counts misses");
    else
        say(meta, "a record is one sample: its period does not count misses, or is 1");
    if (t->latencies)
        say(meta, "latency: cycles at %u MHz", t->mhz);
    if (t->options.miss_latency)
        say(meta, "where the level is unknown, loads of %u cycles or more count as misses", t->options.miss_latency);
    if (t->options.physical)
        say(meta, "physical addresses");
    else if (t->processes.n > 1)
        say(meta, "virtual addresses; bits 48-62 number the %u processes", t->processes.n);
    uint32_t cpus = t->facts && t->facts->cpus && t->facts->cpus <= CPU_MAX ? t->facts->cpus : CPU_MAX;
    if (t->threads_as_cpus && t->threads.n > cpus)
        say(meta, "no CPU was recorded: %u threads stand for %u in turn", t->threads.n, cpus);
    else if (t->threads_as_cpus)
        say(meta, "no CPU was recorded: each thread stands for one");
}

/* The moment of the first record, where the file relates its clock to the wall's. */
static void date(const struct to_trace *t, struct trace_meta *meta)
{
    const struct perfdata_facts *f = t->facts;
    struct tm utc;
    if (!f || !f->wall_ns)
        return;
    time_t seconds = (time_t)((f->wall_ns + t->sink->first_time - f->wall_clock_ns) / 1000000000);
    if (gmtime_r(&seconds, &utc))
        strftime(meta->date, sizeof meta->date, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static int levels(struct to_trace *t)
{
    int err = 0;
    for (int i = 0; !err && i < LEVEL_COUNT; i++) {
        const uint64_t *by_op = t->counts.level[i];
        struct collect_level row = {.reads = by_op[OP_READ], .writes = by_op[OP_WRITE], .taken = t->taken_level[i]};
        row.others = by_op[OP_UNKNOWN] + by_op[OP_PREFETCH] + by_op[OP_FETCH];
        snprintf(row.name, sizeof row.name, "%s", sample_level_name((enum sample_level)i));
        if (row.reads + row.writes + row.others)
            err = trace_collect_level(&t->collect, &row);
    }
    return err;
}

int to_trace_finish(struct to_trace *t, struct trace_error *error)
{
    struct trace_meta *meta = trace_writer_meta(t->sink->writer);
    snprintf(meta->source, sizeof meta->source, "%s", t->source);
    meta->labels = labels_of(t);
    meta->lost = t->counts.lost;
    name_events(t, meta);
    say_meaning(t, meta);
    say_counts(t, meta);
    date(t, meta);
    if (levels(t) || trace_collect_copy(trace_writer_collect(t->sink->writer), &t->collect))
        return trace_fail(error, ENOMEM, "out of memory for the side tables");
    return 0;
}
