/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/prepare.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLION 1000000ull

/* Longest replay: a series has at most RESULT_SERIES_MAX slices of at most 2^31 windows. */
#define LONGEST_NS (2000000000ull * MILLION * RESULT_SERIES_MAX)

/* A recorded stall beyond this is not told apart: no gap is as long. Keeps the sums of a segment within 64 bits. */
#define STALL_MAX_NS (1ull << 40)

uint64_t prepare_scaled(const struct prepare *p, uint64_t span_ns)
{
    if (p->time_scale_ppm == MILLION)
        return span_ns;
    return span_ns / MILLION * p->time_scale_ppm + span_ns % MILLION * p->time_scale_ppm / MILLION;
}

unsigned prepare_node_shift(const struct replay_machine *machine)
{
    return machine->desc.nodes > 1 ? 32u - (unsigned)__builtin_clz(machine->desc.nodes - 1) : 0;
}

int prepare_init(struct prepare *p, const struct trace *trace, const struct replay_machine *machine,
                 const struct replay_options *options, struct trace_error *error)
{
    const struct trace_meta *meta = trace_meta(trace);
    *p = (struct prepare){.trace = trace,
                          .machine = machine,
                          .first_time = meta->first_time,
                          .last_time = meta->last_time,
                          .time_scale_ppm = options->time_scale_ppm,
                          .node_shift = prepare_node_shift(machine)};
    uint64_t span = meta->last_time >= meta->first_time ? meta->last_time - meta->first_time : 0;
    unsigned __int128 ns = (unsigned __int128)span * options->time_scale_ppm / MILLION + REPLAY_WINDOW_NS;
    if (ns > LONGEST_NS || ns * options->repeat > LONGEST_NS) {
        snprintf(error->text, sizeof error->text,
                 "%s: %" PRIu64 " ns of recorded time, repeated and scaled, is more than a replay can hold (%llu ns); "
                 "lower --repeat or --time-scale, or cut the trace",
                 meta->name, span, LONGEST_NS);
        return -EINVAL;
    }
    p->pass_windows = prepare_scaled(p, span) / REPLAY_WINDOW_NS + 1;
    return 0;
}

struct prepared *prepared_new(const struct prepare *p)
{
    const struct trace_meta *meta = trace_meta(p->trace);
    struct prepared *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->events = malloc((TRACE_CHUNK + PREPARE_AHEAD) * sizeof *c->events);
    c->rows = malloc(TRACE_CHUNK * sizeof *c->rows);
    if (meta->columns & TRACE_HAS_WEIGHT)
        c->weights = malloc(TRACE_CHUNK * sizeof *c->weights);
    c->segments = malloc(TRACE_CHUNK * sizeof *c->segments);
    c->cpus = malloc(TRACE_CHUNK * sizeof *c->cpus);
    c->records = malloc(TRACE_CHUNK * sizeof *c->records);
    c->cpu = malloc((meta->cpus + 1) * sizeof *c->cpu);
    bool weights_missing = (meta->columns & TRACE_HAS_WEIGHT) && !c->weights;
    if (c->events && c->rows && c->segments && c->cpus && c->records && c->cpu && !weights_missing)
        return c;
    prepared_free(c);
    return NULL;
}

void prepared_free(struct prepared *c)
{
    if (!c)
        return;
    free(c->events);
    free(c->rows);
    free(c->weights);
    free(c->segments);
    free(c->cpus);
    free(c->records);
    free(c->cpu);
    free(c);
}

static uint64_t recorded_stall(const struct trace_block *b, uint32_t i, uint64_t mlp_ppm)
{
    uint64_t latency = b->latency_ns ? b->latency_ns[i] : REPLAY_LATENCY_NS;
    uint64_t weight = b->weight ? b->weight[i] : 1;
    unsigned __int128 stall = (unsigned __int128)weight * latency;
    if (mlp_ppm != MILLION)
        stall = stall < STALL_MAX_NS ? (uint64_t)stall * MILLION / mlp_ppm : stall * MILLION / mlp_ppm;
    return stall < STALL_MAX_NS ? (uint64_t)stall : STALL_MAX_NS;
}

/* Sums over a chunk that the loop keeps in registers. */
struct sums {
    uint64_t recorded_ns, capped_ns;
};

/* The gap before a record of recorded stall `stall`: the stall that it held goes, the rest is compute time. */
static inline uint64_t close_gap(struct segment *s, struct sums *sums, uint64_t gap, uint64_t stall)
{
    uint64_t held = stall < gap ? stall : gap;
    s->recorded_ns += held;
    sums->recorded_ns += stall;
    sums->capped_ns += stall - held;
    return gap - held;
}

static struct segment *open_segment(struct prepared *c, uint32_t first, uint64_t window)
{
    struct segment *s = &c->segments[c->nsegments++];
    *s = (struct segment){.window = window, .first = first, .cpus = c->ncpus};
    return s;
}

/* A CPU's first record in a segment; the gap before its first in the chunk is closed when chunks are joined. */
static bool enter_segment(struct prepared *c, struct segment *s, uint16_t cpu, uint64_t time, uint64_t stall)
{
    struct prepared_cpu *k = &c->cpu[cpu];
    bool first = k->mark == 0;
    if (first) {
        k->first_time = k->last_time = time;
        k->first_stall_ns = stall;
        k->first_segment = c->nsegments - 1;
    }
    k->mark = c->nsegments;
    k->slot = c->ncpus++;
    c->cpus[k->slot] = cpu;
    c->records[k->slot] = 0;
    s->ncpus++;
    return first;
}

static inline void note_cpu(struct prepared *c, struct segment *s, struct sums *sums, uint16_t cpu, uint64_t time,
                            uint64_t stall)
{
    struct prepared_cpu *k = &c->cpu[cpu];
    bool first = false;
    if (__builtin_expect(k->mark != c->nsegments, 0))
        first = enter_segment(c, s, cpu, time, stall);
    if (!first)
        k->compute_ns += close_gap(s, sums, time - k->last_time, stall);
    k->last_time = time;
    c->records[k->slot]++;
}

static unsigned log2_weight(uint32_t weight)
{
    unsigned log2 = 31u - (unsigned)__builtin_clz(weight | 1);
    return log2 < 15 ? log2 : 15;
}

static inline struct event make_event(const struct prepare *p, const struct trace_block *b, uint32_t i, uint64_t time,
                                      unsigned class, unsigned log2)
{
    uint16_t cpu = b->cpu[i];
    return (struct event){.time = time,
                          .page = b->page[i],
                          .task = b->tid ? (uint16_t)b->tid[i] : cpu,
                          .node = p->machine->cpu_node[cpu],
                          .what = event_what(class == LANE_READ ? EVENT_READ : EVENT_WRITE, log2)};
}

/* First and last time are attributes of the file: whatever they claim, no record may lie outside of the pass. */
static uint64_t within(const struct prepare *p, uint64_t time)
{
    if (time < p->first_time)
        return p->first_time;
    return time < p->last_time ? time : p->last_time;
}

/* The loop, made for traces with and without a scale and the optional columns. */
static inline __attribute__((always_inline)) void prepare_as(const struct prepare *p, const struct trace_block *b,
                                                             uint64_t first_window, struct prepared *out,
                                                             struct sums *sums, bool plain)
{
    static const uint8_t classes[] = {LANE_READ, LANE_WRITE, LANE_READ, LANE_UPGRADE}; /* by enum trace_kind */
    const uint64_t base = first_window * REPLAY_WINDOW_NS, mlp_ppm = p->machine->desc.mlp_ppm;
    uint64_t end = 0;
    struct segment *s = NULL;
    for (uint32_t i = 0; i < b->n; i++) {
        uint64_t recorded = within(p, b->time[i]), time = recorded - p->first_time;
        if (!plain)
            time = prepare_scaled(p, time);
        if (__builtin_expect(time >= end, 0)) {
            uint64_t window = time / REPLAY_WINDOW_NS;
            if (s)
                s->n = i - s->first;
            s = open_segment(out, i, first_window + window);
            end = (window + 1) * REPLAY_WINDOW_NS;
        }
        unsigned class = classes[b->flags[i] & TRACE_KIND_MASK];
        note_cpu(out, s, sums, b->cpu[i], recorded, plain ? REPLAY_LATENCY_NS : recorded_stall(b, i, mlp_ppm));
        out->rows[i] = ((uint32_t)b->cpu[i] << LANE_SHIFT | class) << p->node_shift;
        if (out->weights)
            out->weights[i] = b->weight[i];
        out->events[i] = make_event(p, b, i, base + time, class, plain ? 0 : log2_weight(b->weight ? b->weight[i] : 1));
    }
    if (s)
        s->n = b->n - s->first;
}

void prepare_chunk(const struct prepare *p, const struct trace_block *b, uint64_t pass, struct prepared *out)
{
    bool plain = !b->weight && !b->latency_ns && p->time_scale_ppm == MILLION && p->machine->desc.mlp_ppm == MILLION;
    struct sums sums = {0, 0};
    memset(out->cpu, 0, p->machine->cpus * sizeof *out->cpu);
    out->n = b->n;
    out->nsegments = out->ncpus = 0;
    if (plain)
        prepare_as(p, b, pass * p->pass_windows, out, &sums, true);
    else
        prepare_as(p, b, pass * p->pass_windows, out, &sums, false);
    out->recorded_ns = sums.recorded_ns;
    out->capped_ns = sums.capped_ns;
    memset(out->events + b->n, 0, PREPARE_AHEAD * sizeof *out->events);
}

void prepare_pass(const struct prepare *p, struct prepare_clock *clock)
{
    for (uint32_t cpu = 0; cpu < p->machine->cpus; cpu++)
        clock->last_time[cpu] = p->first_time;
}

void prepare_join(const struct prepare *p, struct prepare_clock *clock, struct prepared *c)
{
    for (uint32_t cpu = 0; cpu < p->machine->cpus; cpu++) {
        struct prepared_cpu *k = &c->cpu[cpu];
        if (k->mark == 0)
            continue;
        struct sums sums = {0, 0};
        uint64_t gap = k->first_time - clock->last_time[cpu];
        clock->compute_ns[cpu] += close_gap(&c->segments[k->first_segment], &sums, gap, k->first_stall_ns);
        c->recorded_ns += sums.recorded_ns;
        c->capped_ns += sums.capped_ns;
        clock->compute_ns[cpu] += k->compute_ns;
        clock->last_time[cpu] = k->last_time;
    }
    clock->recorded_ns += c->recorded_ns;
    clock->capped_ns += c->capped_ns;
}
