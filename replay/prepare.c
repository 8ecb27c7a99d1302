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

/* An event's second half is put together as one word: page, task << 32, node << 48, what << 56. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && sizeof(struct event) == 16, "layout of struct event");

static void set_kinds(const struct prepare *p, struct prepared *c)
{
    static const uint8_t lanes[] = {LANE_READ, LANE_WRITE, LANE_READ, LANE_UPGRADE}; /* by enum trace_kind */
    for (uint32_t i = 0; i < p->machine->cpus * 4; i++) {
        uint64_t cpu = i / 4, lane = lanes[i % 4], node = p->machine->cpu_node[cpu];
        uint64_t what = event_what(lane == LANE_READ ? EVENT_READ : EVENT_WRITE, 0);
        c->kind[i].tail = cpu << 32 | node << 48 | what << 56;
        c->kind[i].row = (uint32_t)((cpu << LANE_SHIFT | lane) << p->node_shift);
    }
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
    if (meta->columns & TRACE_HAS_TID)
        c->tids = malloc(TRACE_CHUNK * sizeof *c->tids);
    c->segments = malloc(TRACE_CHUNK * sizeof *c->segments);
    c->cpus = malloc(TRACE_CHUNK * sizeof *c->cpus);
    c->records = malloc(TRACE_CHUNK * sizeof *c->records);
    c->cpu = malloc((meta->cpus + 1) * sizeof *c->cpu);
    c->kind = malloc((meta->cpus + 1) * 4 * sizeof *c->kind);
    bool missing = ((meta->columns & TRACE_HAS_WEIGHT) && !c->weights) || ((meta->columns & TRACE_HAS_TID) && !c->tids);
    if (c->kind)
        set_kinds(p, c);
    if (c->events && c->rows && c->segments && c->cpus && c->records && c->cpu && c->kind && !missing)
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
    free(c->tids);
    free(c->segments);
    free(c->cpus);
    free(c->records);
    free(c->cpu);
    free(c->kind);
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

static struct segment *open_segment(struct prepared *c, uint32_t first, uint64_t window)
{
    struct segment *s = &c->segments[c->nsegments++];
    *s = (struct segment){.window = window, .first = first, .cpus = c->ncpus};
    return s;
}

static void close_segment(struct prepared *c, struct segment *s, uint32_t end)
{
    s->n = end - s->first;
    s->ncpus = c->ncpus - s->cpus;
    for (uint32_t i = s->cpus; i < c->ncpus; i++) {
        const struct prepared_cpu *k = &c->cpu[c->cpus[i]];
        c->records[i] = (uint32_t)(k->records - k->records_before);
        s->recorded_ns += k->held_ns - k->held_before;
    }
}

/* A CPU's first record in a segment. The gap before its first in the chunk is closed when chunks are joined: until then
 * it is none. */
static void enter_segment(struct prepared *c, uint16_t cpu, uint64_t time, uint64_t stall)
{
    struct prepared_cpu *k = &c->cpu[cpu];
    if (k->mark == 0) {
        k->first_time = k->last_time = time;
        k->first_stall_ns = stall;
        k->first_segment = c->nsegments - 1;
    }
    k->held_before = k->held_ns;
    k->records_before = k->records;
    k->mark = c->nsegments;
    c->cpus[c->ncpus++] = cpu;
}

static unsigned log2_weight(uint32_t weight)
{
    unsigned log2 = 31u - (unsigned)__builtin_clz(weight | 1);
    return log2 < 15 ? log2 : 15;
}

/* First and last time are attributes of the file: whatever they claim, no record may lie outside of the pass. */
static uint64_t within(const struct prepare *p, uint64_t time)
{
    if (time < p->first_time)
        return p->first_time;
    return time < p->last_time ? time : p->last_time;
}

/* `recorded_stall` and `scaled` are dear; most traces need neither. */
static bool is_plain(const struct prepare *p, const struct trace_block *b)
{
    bool inside = b->n && b->time[0] >= p->first_time && b->time[b->n - 1] <= p->last_time;
    return inside && !b->weight && !b->latency_ns && p->time_scale_ppm == MILLION &&
           p->machine->desc.mlp_ppm == MILLION;
}

/* The loop, made once for plain traces and once for all. Returns the sum of the recorded stalls. */
static inline __attribute__((always_inline)) unsigned __int128 prepare_as(const struct prepare *p,
                                                                          const struct trace_block *b,
                                                                          uint64_t first_window, struct prepared *out,
                                                                          bool plain)
{
    const uint64_t base = first_window * REPLAY_WINDOW_NS - (plain ? p->first_time : 0);
    const uint64_t mlp_ppm = p->machine->desc.mlp_ppm;
    const uint64_t *const times = b->time;
    const uint32_t *const pages = b->page;
    const uint16_t *const cpus = b->cpu;
    const uint8_t *const flags = b->flags;
    const struct prepared_kind *const kinds = out->kind;
    struct prepared_cpu *const known = out->cpu;
    struct event *const events = out->events;
    uint32_t *const rows = out->rows;
    struct segment *s = NULL;
    unsigned __int128 stalls = plain ? (unsigned __int128)b->n * REPLAY_LATENCY_NS : 0;
    uint64_t end = 0;
    for (uint32_t i = 0, n = b->n; i < n; i++) {
        uint64_t recorded = plain ? times[i] : within(p, times[i]);
        uint64_t time = base + (plain ? recorded : prepare_scaled(p, recorded - p->first_time));
        uint64_t stall = plain ? REPLAY_LATENCY_NS : recorded_stall(b, i, mlp_ppm);
        if (__builtin_expect(time >= end, 0)) {
            if (s)
                close_segment(out, s, i);
            s = open_segment(out, i, time / REPLAY_WINDOW_NS);
            end = (s->window + 1) * REPLAY_WINDOW_NS;
        }
        struct prepared_cpu *k = &known[cpus[i]];
        if (__builtin_expect(k->mark != out->nsegments, 0))
            enter_segment(out, cpus[i], recorded, stall);
        uint64_t gap = recorded - k->last_time;
        k->last_time = recorded;
        k->held_ns += gap < stall ? gap : stall;
        k->records++;
        const struct prepared_kind *kind = &kinds[cpus[i] << 2 | (flags[i] & TRACE_KIND_MASK)];
        uint64_t tail = kind->tail | pages[i];
        if (!plain && b->weight)
            tail |= (uint64_t)log2_weight(b->weight[i]) << 60;
        stalls += plain ? 0 : stall;
        memcpy(&events[i], &time, sizeof time);
        memcpy((unsigned char *)&events[i] + sizeof time, &tail, sizeof tail);
        rows[i] = kind->row;
    }
    if (s)
        close_segment(out, s, b->n);
    return stalls;
}

void prepare_chunk(const struct prepare *p, const struct trace_block *b, uint64_t pass, struct prepared *out)
{
    memset(out->cpu, 0, p->machine->cpus * sizeof *out->cpu);
    out->n = b->n;
    out->nsegments = out->ncpus = 0;
    if (is_plain(p, b))
        out->recorded_ns = prepare_as(p, b, pass * p->pass_windows, out, true);
    else
        out->recorded_ns = prepare_as(p, b, pass * p->pass_windows, out, false);
    if (out->weights)
        memcpy(out->weights, b->weight, b->n * sizeof *out->weights);
    if (out->tids)
        memcpy(out->tids, b->tid, b->n * sizeof *out->tids);
    memset(out->events + b->n, 0, PREPARE_AHEAD * sizeof *out->events);
}

void prepare_pass(const struct prepare *p, struct prepare_clock *clock)
{
    for (uint32_t cpu = 0; cpu < p->machine->cpus; cpu++)
        clock->last_time[cpu] = p->first_time;
}

/* Which number a thread has depends on all records before, so that threads wait for the join. */
static int number_tasks(struct numbers *tasks, struct prepared *c)
{
    uint32_t number = 0, last = 0;
    for (uint32_t i = 0; c->tids && i < c->n; i++) {
        if (i == 0 || c->tids[i] != last) {
            last = c->tids[i];
            number = numbers_of(tasks, last);
            if (number == UINT32_MAX)
                return -ENOMEM;
        }
        c->events[i].task = (uint16_t)number;
    }
    return 0;
}

int prepare_join(const struct prepare *p, struct prepare_clock *clock, struct prepared *c)
{
    unsigned __int128 held = 0;
    for (uint32_t cpu = 0; cpu < p->machine->cpus; cpu++) {
        struct prepared_cpu *k = &c->cpu[cpu];
        if (k->mark == 0)
            continue;
        uint64_t gap = k->first_time - clock->last_time[cpu];
        uint64_t first_held = gap < k->first_stall_ns ? gap : k->first_stall_ns;
        c->segments[k->first_segment].recorded_ns += first_held;
        clock->compute_ns[cpu] += k->last_time - clock->last_time[cpu] - k->held_ns - first_held;
        clock->last_time[cpu] = k->last_time;
        held += k->held_ns + first_held;
    }
    clock->recorded_ns += c->recorded_ns;
    clock->capped_ns += c->recorded_ns - held;
    return number_tasks(&clock->tasks, c);
}
