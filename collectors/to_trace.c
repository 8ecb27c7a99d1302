/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/to_trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/to_trace_private.h"

enum { SPACE_SHIFT = 48, SPACES_MAX = (1 << 15) - 1, PULSE = 65536 };
#define KERNEL_HALF (UINT64_C(1) << 63)
#define TIME_MAX (UINT64_C(1) << 62)

/* Out of the order, into the trace. */
static int emit(void *context, const struct trace_record *record, const struct trace_record *next, size_t n)
{
    struct to_trace *t = context;
    if (t->sink->full)
        return 0;
    int err = t->started ? 0 : to_trace_start(t, t->error);
    if (err)
        return err;
    trace_writer_expect(t->sink->writer, next, n);
    return import_put(t->sink, record, t->error);
}

static uint32_t default_levels(void)
{
    uint32_t levels = 0;
    for (int i = 0; i < LEVEL_COUNT; i++)
        if (sample_level_miss((enum sample_level)i) == MISS_YES)
            levels |= UINT32_C(1) << i;
    return levels;
}

struct to_trace *to_trace_new(struct import_sink *sink, const struct to_trace_options *options)
{
    struct to_trace *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->sink = sink;
    t->options = *options;
    uint32_t misses = default_levels();
    if (!t->options.levels)
        t->options.levels = misses;
    t->all_levels = t->options.levels & ~(misses | UINT32_C(1) << LEVEL_REMOTE_CACHE | UINT32_C(1) << LEVEL_LFB);
    strcpy(t->source, "perf.data");
    t->sorter = sorter_new(emit, t, 0);
    if (!t->sorter) {
        free(t);
        return NULL;
    }
    return t;
}

void to_trace_free(struct to_trace *t)
{
    if (!t)
        return;
    sorter_free(t->sorter);
    numbers_free(&t->processes);
    numbers_free(&t->threads);
    trace_collect_free(&t->collect);
    free(t);
}

void to_trace_facts(struct to_trace *t, const struct perfdata_facts *facts, struct decoder *decoder)
{
    t->facts = facts;
    t->decoder = decoder;
}

void to_trace_source(struct to_trace *t, const char *source, unsigned labels)
{
    snprintf(t->source, sizeof t->source, "%s", source);
    t->labels |= labels;
}

const struct to_trace_counts *to_trace_counts(const struct to_trace *t)
{
    return &t->counts;
}

static bool wanted_event(const struct to_trace *t, const struct decode_event *e)
{
    return !t->options.event || strstr(e->name, t->options.event);
}

/* The answer of to_trace_counts_misses, which looks at names, once per event. */
static bool counts_misses(struct to_trace *t, const struct sample *s, const struct decode_event *e)
{
    signed char *verdict = &t->verdict[s->event % DECODE_EVENTS_MAX];
    if (!*verdict)
        *verdict = to_trace_counts_misses(e) ? 1 : -1;
    return *verdict > 0;
}

/* Is it a miss? Where the sample does not say, its event may. */
static bool wanted_level(struct to_trace *t, const struct sample *s, const struct decode_event *e)
{
    if (t->options.levels >> s->level & 1)
        return true;
    if (s->level != LEVEL_UNKNOWN)
        return false;
    bool slow = t->options.miss_latency && (s->has & SAMPLE_LATENCY) && s->latency >= t->options.miss_latency;
    return slow || counts_misses(t, s, e);
}

static bool address_of(struct to_trace *t, const struct sample *s, uint64_t *address)
{
    if (t->options.physical) {
        t->counts.no_physical += !(s->has & SAMPLE_PA);
        *address = s->pa;
        return s->has & SAMPLE_PA;
    }
    uint32_t space = s->has & SAMPLE_TASK ? numbers_of(&t->processes, s->pid) : 0;
    if (space > SPACES_MAX)
        space = SPACES_MAX;
    *address = s->va & KERNEL_HALF ? s->va : s->va ^ (uint64_t)space << SPACE_SHIFT;
    return true;
}

/* A source that knows threads only: each stands for a CPU. */
static bool cpu_of(struct to_trace *t, const struct sample *s, uint16_t *cpu)
{
    uint32_t number = s->cpu, limit = t->facts ? t->facts->cpus : 0;
    if (!limit || limit > CPU_MAX)
        limit = CPU_MAX;
    if (!(s->has & SAMPLE_CPU)) {
        number = s->has & SAMPLE_TASK ? numbers_of(&t->threads, s->tid) % limit : UINT32_MAX;
        t->threads_as_cpus = true;
    }
    if (number >= limit)
        return false;
    *cpu = (uint16_t)number;
    return true;
}

static uint8_t flags_of(const struct sample *s, uint64_t address)
{
    static const uint8_t kinds[OP_COUNT] = {[OP_WRITE] = TRACE_WRITE, [OP_FETCH] = TRACE_FETCH};
    unsigned kind = s->op < OP_COUNT ? kinds[s->op] : TRACE_READ;
    bool kernel = address & KERNEL_HALF;
    return (uint8_t)(kind | (s->dirty ? TRACE_DIRTY : 0) | (kernel ? TRACE_KERNEL : 0));
}

static uint32_t latency_ns(const struct to_trace *t, const struct sample *s)
{
    if (!t->mhz || !(s->has & SAMPLE_LATENCY))
        return 0;
    return (uint32_t)((uint64_t)s->latency * 1000 / t->mhz > UINT32_MAX ? UINT32_MAX
                                                                        : (uint64_t)s->latency * 1000 / t->mhz);
}

static void cross_check(struct to_trace *t, const struct sample *s, node_t page)
{
    const struct perfdata_facts *f = t->facts;
    bool dram = s->level == LEVEL_LOCAL_DRAM || s->level == LEVEL_REMOTE_DRAM;
    if (!dram || page >= NODE_MAX || !(s->has & SAMPLE_CPU) || s->cpu >= CPU_MAX || f->cpu_node[s->cpu] >= NODE_MAX)
        return;
    t->counts.checked++;
    t->counts.disagree += (f->cpu_node[s->cpu] != page) != s->remote;
}

static uint32_t weight_of(struct to_trace *t, const struct sample *s, const struct decode_event *e)
{
    uint64_t period = s->has & SAMPLE_PERIOD ? s->period : e->freq ? 1 : e->period;
    if (!period || !counts_misses(t, s, e))
        return 1;
    return period > UINT32_MAX ? UINT32_MAX : (uint32_t)period;
}

static int take(struct to_trace *t, const struct sample *s, const struct decode_event *e, struct trace_error *error)
{
    struct trace_record r = {.time = s->time, .weight = weight_of(t, s, e), .node = NODE_NONE};
    if (!cpu_of(t, s, &r.cpu)) {
        t->counts.no_cpu++;
        return 0;
    }
    if (!address_of(t, s, &r.address))
        return 0;
    if (t->facts && (s->has & SAMPLE_PA))
        r.node = perfdata_node(t->facts, s->pa);
    if (r.node == NODE_NONE && t->options.home && (s->has & SAMPLE_TASK))
        r.node = t->options.home(t->options.home_context, s->pid, s->va);
    r.flags = flags_of(s, s->va);
    r.tid = s->tid;
    if (!t->rated)
        to_trace_rates(t);
    r.latency_ns = latency_ns(t, s);
    if (t->facts)
        cross_check(t, s, r.node);
    t->counts.taken++;
    t->taken_level[s->level]++;
    t->event_seen[s->event / 8] |= (unsigned char)(1u << s->event % 8);
    int err = sorter_add(t->sorter, &r);
    return err ? trace_fail(error, -err, "cannot keep the records to sort them: %s", strerror(-err)) : 0;
}

static int sample(struct to_trace *t, const struct sample *s, struct trace_error *error)
{
    const struct decode_event *e = decoder_event(t->decoder, s->event);
    t->counts.samples++;
    if (!wanted_event(t, e)) {
        t->counts.other_event++;
        return 0;
    }
    if (!(s->has & SAMPLE_VA)) {
        t->counts.no_address++;
        return 0;
    }
    t->counts.level[s->level][s->op]++;
    if (!wanted_level(t, s, e))
        t->counts.other_level++;
    else if (!(s->has & SAMPLE_TIME) || s->time >= TIME_MAX)
        t->counts.no_time++;
    else
        return take(t, s, e, error);
    return 0;
}

int to_trace_record(struct to_trace *t, const struct decoded *d, struct trace_error *error)
{
    int err = 0;
    t->error = error;
    if (d->kind == DECODED_SAMPLE)
        err = sample(t, &d->sample, error);
    else if (d->kind == DECODED_ROUND)
        err = sorter_round(t->sorter);
    else
        to_trace_gap(t, d);
    if (d->kind != DECODED_ROUND && (d->sample.has & SAMPLE_TIME) && d->sample.time < TIME_MAX) {
        if (d->sample.time > t->last_time)
            t->last_time = d->sample.time;
        if ((d->sample.has & SAMPLE_CPU) && d->sample.cpu < CPU_MAX)
            t->cpu_time[d->sample.cpu] = d->sample.time;
    }
    return err;
}

static int series(struct to_trace *t, const void *bytes)
{
    struct perfdata_series note;
    struct collect_series row = {.cpu = -1};
    memcpy(&note, bytes, sizeof note);
    if (note.index != t->collect.nseries)
        return 0; /* a damaged file: values of unknown series are dropped */
    memcpy(row.name, note.name, sizeof row.name - 1);
    memcpy(row.unit, note.unit, sizeof row.unit - 1);
    row.cpu = note.cpu;
    int number = trace_collect_series(&t->collect, &row);
    return number < 0 ? number : 0;
}

static int value(struct to_trace *t, const void *bytes)
{
    struct perfdata_value note;
    memcpy(&note, bytes, sizeof note);
    if (note.series >= t->collect.nseries)
        return 0;
    struct collect_value row = {.time = note.time, .value = note.value, .series = note.series};
    return trace_collect_value(&t->collect, &row);
}

static int gap(struct to_trace *t, const void *bytes)
{
    struct perfdata_gap note;
    memcpy(&note, bytes, sizeof note);
    struct collect_gap row = {
        .from = note.from, .to = note.to, .lost = note.lost, .cpu = note.cpu, .cause = note.cause};
    return trace_collect_gap(&t->collect, &row);
}

/* Text of a note, ended and without control characters. */
static void note_text(const void *bytes, size_t n, char *text, size_t size)
{
    snprintf(text, size, "%.*s", (int)strnlen(bytes, n < size ? n : size - 1), (const char *)bytes);
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            *text = ' ';
}

int to_trace_note(struct to_trace *t, enum perfdata_note note, const void *bytes, size_t n, struct trace_error *error)
{
    char text[COLLECT_STEP];
    int err = 0;
    if (note == NOTE_STEP || note == NOTE_SOURCE)
        note_text(bytes, n, text, sizeof text);
    if (note == NOTE_STEP)
        err = trace_collect_step(&t->collect, text);
    else if (note == NOTE_SOURCE)
        snprintf(t->source, sizeof t->source, "%s", text);
    else if (note == NOTE_SERIES && n >= sizeof(struct perfdata_series))
        err = series(t, bytes);
    else if (note == NOTE_VALUE && n >= sizeof(struct perfdata_value))
        err = value(t, bytes);
    else if (note == NOTE_GAP && n >= sizeof(struct perfdata_gap))
        err = gap(t, bytes);
    else if (note == NOTE_LOST && n >= sizeof t->at_end) {
        memcpy(&t->at_end, bytes, sizeof t->at_end);
        t->counted = true;
    }
    return err == -ENOMEM ? trace_fail(error, ENOMEM, "out of memory for what the recorder noted") : 0;
}

static int nothing(const struct to_trace *t, struct trace_error *error)
{
    const struct to_trace_counts *c = &t->counts;
    unsigned long long lack = c->no_time + c->no_cpu + c->no_physical + c->other_event;
    if (!c->samples)
        return trace_fail(error, ENODATA,
                          "no sample came: what was recorded did nothing that the source counts, or it "
                          "ended too soon");
    return trace_fail(error, ENODATA,
                      "no sample is a miss: of %llu samples %llu have no address, %llu are of other levels (caches or "
                      "unknown), %llu lack a time, a CPU or what else is needed; --levels all takes every one with an "
                      "address",
                      (unsigned long long)c->samples, (unsigned long long)c->no_address,
                      (unsigned long long)c->other_level, lack);
}

int to_trace_end(struct to_trace *t, struct trace_error *error)
{
    t->error = error;
    if (!t->counts.taken)
        return nothing(t, error);
    int err = sorter_end(t->sorter);
    to_trace_gaps_end(t);
    t->counts.processes = t->processes.n;
    /* The rings count records of any kind, and say nothing of a last loss; the kernel's counts are of samples. */
    t->counts.lost = (t->counted ? t->at_end : t->in_band) + t->hardware;
    return err || !t->started ? err : to_trace_finish(t, error);
}

static int read_items(struct to_trace *t, struct perfdata *p, struct import_input *in, struct trace_error *error)
{
    struct perfdata_item item;
    int got, err = 0;
    for (uint64_t n = 0; !err && !t->sink->full && (got = perfdata_next(p, &item, error)) != 0; n++) {
        if (got < 0)
            return got;
        err = item.kind == ITEM_NOTE ? to_trace_note(t, item.note, item.bytes, item.n, error)
                                     : to_trace_record(t, &item.record, error);
        if (!err && n % PULSE == 0)
            err = import_pulse_now(t->sink, in, error);
    }
    return err;
}

int to_trace_perfdata(struct import_input *in, struct import_sink *sink, const struct to_trace_options *options,
                      struct to_trace_counts *counts, struct perfdata_facts *facts, struct trace_error *error)
{
    struct perfdata *p;
    int err = perfdata_open(in, &p, error);
    if (err)
        return err;
    struct to_trace *t = to_trace_new(sink, options);
    if (!t) {
        perfdata_close(p);
        return trace_fail(error, ENOMEM, "out of memory");
    }
    to_trace_facts(t, perfdata_facts(p), perfdata_decoder(p));
    err = read_items(t, p, in, error);
    if (!err)
        err = to_trace_end(t, error);
    *counts = t->counts;
    *facts = *perfdata_facts(p);
    facts->memory = NULL;
    facts->memories = 0;
    to_trace_free(t);
    perfdata_close(p);
    return err;
}
