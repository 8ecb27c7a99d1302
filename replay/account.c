/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/account.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/load.h"

#define MILLION 1000000ull
#define WINDOW_PS (REPLAY_WINDOW_NS * 1000ull)

size_t account_size(const struct replay_machine *m)
{
    size_t matrix = (size_t)m->desc.nodes * m->desc.nodes;
    return m->cpus * sizeof(unsigned __int128) + (4 + 3 * 2) * matrix * sizeof(uint64_t) +
           2 * m->desc.nodes * sizeof(uint64_t) + matrix * sizeof(uint32_t);
}

static void place_arrays(struct account *a, void *memory)
{
    size_t nodes = a->nodes, matrix = nodes * nodes;
    a->cpu_stall = memory;
    uint64_t *at = (uint64_t *)(a->cpu_stall + a->cpus);
    a->stall = at;
    a->latency = at += matrix;
    a->line_bytes = at += matrix;
    a->copy_bytes = at += matrix;
    a->traffic = at += matrix;
    a->seen = at += 2 * matrix;
    a->total = at += 2 * matrix;
    a->write_bytes = at += 2 * matrix;
    a->seen_latency = at += nodes;
    a->link_damped = (uint32_t *)(at + nodes);
}

/* With few windows a slice is one; else the least power of two that makes RESULT_SERIES_MAX do. */
static int start_series(struct account *a, uint64_t windows)
{
    a->windows = windows;
    a->slice_windows = 1;
    while ((windows + a->slice_windows - 1) / a->slice_windows > RESULT_SERIES_MAX)
        a->slice_windows *= 2;
    a->nslices = (windows + a->slice_windows - 1) / a->slice_windows;
    a->series = calloc(a->nslices, sizeof *a->series);
    a->slice_utilisation = calloc(a->nslices * a->nodes, sizeof *a->slice_utilisation);
    if (a->series && a->slice_utilisation)
        return 0;
    account_free(a);
    return -ENOMEM;
}

int account_init(struct account *a, const struct replay_machine *machine, const struct replay_options *options,
                 uint64_t windows, bool loads, const struct machine_model *model, void *memory)
{
    memset(a, 0, sizeof *a);
    a->machine = machine;
    a->model = model;
    a->nodes = machine->desc.nodes;
    a->cpus = machine->cpus;
    a->contention = options->contention;
    a->loads = loads;
    a->intensity = options->intensity;
    a->time_scale_ppm = options->time_scale_ppm;
    place_arrays(a, memory);
    load_start(a);
    return start_series(a, windows);
}

void account_free(struct account *a)
{
    free(a->series);
    free(a->slice_utilisation);
    a->series = NULL;
    a->slice_utilisation = NULL;
}

static void add_bytes(uint64_t *sum, uint64_t misses, uint64_t each)
{
    uint64_t bytes;
    if (__builtin_mul_overflow(misses, each, &bytes) || __builtin_add_overflow(*sum, bytes, sum))
        *sum = UINT64_MAX;
}

/* One lane's misses from `from`, served by `to`. */
static void take(struct account *a, uint32_t cpu, unsigned class, node_t from, node_t to, uint64_t misses)
{
    size_t at = (size_t)from * a->nodes + to;
    unsigned __int128 stall = (unsigned __int128)misses * a->stall[at];
    a->misses += misses;
    a->cpu_stall[cpu] += stall;
    a->window_stall += stall;
    if (from == to)
        a->local += stall;
    else
        a->remote += stall;
    a->traffic[at * 2 + (class != LANE_READ)] += misses;
    if (class != LANE_UPGRADE)
        add_bytes(&a->line_bytes[at], misses, a->machine->desc.line_size * a->intensity);
}

void account_segment(struct account *a, const struct prepared *c, const struct segment *s, uint64_t *count,
                     unsigned shift)
{
    a->window_recorded_ns += s->recorded_ns;
    for (uint32_t i = 0; i < s->ncpus; i++) {
        uint32_t cpu = c->cpus[s->cpus + i];
        node_t from = a->machine->cpu_node[cpu];
        a->from_seen |= nodeset_of(from);
        for (unsigned class = 0; class < LANE_CLASSES; class ++) {
            uint64_t *row = count + ((size_t)(cpu << LANE_SHIFT | class) << shift);
            for (uint32_t to = 0; to < a->nodes; to++)
                if (row[to]) {
                    take(a, cpu, class, from, (node_t)to, row[to]);
                    row[to] = 0;
                }
        }
    }
}

bool account_quiet(const struct account *a, const struct engine_stats *stats)
{
    return a->from_seen == 0 && a->model->total == a->overhead_before && a->window_recorded_ns == 0 &&
           stats->moves == a->at_window.moves && stats->copies == a->at_window.copies;
}

/* The slice of a window. Slices that only idle windows passed through hold the replicas as they were. */
static struct result_slice *slice_of(struct account *a, uint64_t window, uint64_t replicas)
{
    uint64_t at = window / a->slice_windows;
    if (at >= a->nslices)
        at = a->nslices - 1;
    while (a->last_slice < at)
        a->series[++a->last_slice].replica_pages = replicas;
    return &a->series[at];
}

static void note_orders(struct account *a, struct result_slice *s, const struct engine_stats *stats)
{
    s->moves += stats->moves - a->at_window.moves;
    s->copies += stats->copies - a->at_window.copies;
    s->collapses += stats->collapses - a->at_window.collapses;
    s->replica_pages = stats->replicas;
    a->at_window = *stats;
}

/* What counters of the machine would show: each CPU stands for `intensity` of them. */
static void scale_traffic(struct account *a)
{
    size_t cells = 2 * (size_t)a->nodes * a->nodes;
    for (size_t i = 0; i < cells; i++)
        if (__builtin_mul_overflow(a->seen[i], a->intensity, &a->seen[i]))
            a->seen[i] = UINT64_MAX;
}

/* Adds the window's misses to the run's and hands them to the view. */
static void turn_traffic(struct account *a, struct result_slice *s)
{
    uint64_t *fresh = a->seen;
    size_t row = 2 * (size_t)a->nodes;
    if (a->seen_any)
        memset(fresh, 0, a->nodes * row * sizeof *fresh);
    a->seen_any = a->from_seen != 0;
    for (nodeset_t left = a->from_seen; left; left &= left - 1) {
        node_t from = nodeset_first(left);
        for (size_t i = from * row; i < (from + 1u) * row; i++) {
            a->total[i] += a->traffic[i];
            s->misses += a->traffic[i];
        }
        size_t own = from * row + 2u * from;
        s->local_misses += a->traffic[own] + a->traffic[own + 1];
    }
    a->seen = a->traffic;
    a->traffic = fresh;
    if (a->loads && a->intensity > 1 && a->seen_any)
        scale_traffic(a);
}

void account_window(struct account *a, uint64_t window, const struct engine_stats *stats)
{
    struct result_slice *s = slice_of(a, window, a->at_window.replicas);
    unsigned __int128 overhead = a->model->total - a->overhead_before;
    unsigned __int128 recorded = a->window_recorded_ns * a->time_scale_ppm / 1000;
    unsigned __int128 compute = (unsigned __int128)a->cpus * WINDOW_PS;
    compute = compute > recorded ? compute - recorded : 0;
    load_window(a, compute + a->window_stall + overhead, a->slice_utilisation + (size_t)(s - a->series) * a->nodes);
    s->stall_ns += (uint64_t)(a->window_stall / 1000);
    s->overhead_ns += (uint64_t)(overhead / 1000);
    turn_traffic(a, s);
    note_orders(a, s, stats);
    a->replica_windows += stats->replicas;
    a->overhead_before = a->model->total;
    a->window_stall = a->window_recorded_ns = 0;
    a->from_seen = 0;
}

void account_idle(struct account *a, uint64_t window, uint64_t n, const struct engine_stats *stats)
{
    struct result_slice *s = slice_of(a, window, a->at_window.replicas);
    note_orders(a, s, stats);
    slice_of(a, window + n - 1, stats->replicas)->replica_pages = stats->replicas;
    load_idle(a, n);
    struct result_slice unused = {0};
    turn_traffic(a, &unused);
    a->replica_windows += (unsigned __int128)n * stats->replicas;
}

static void finish_series(struct account *a)
{
    slice_of(a, a->windows - 1, a->at_window.replicas);
    for (uint64_t i = 0; i < a->nslices; i++) {
        uint64_t start = i * a->slice_windows;
        uint64_t n = a->windows - start < a->slice_windows ? a->windows - start : a->slice_windows;
        a->series[i].time_ns = start * REPLAY_WINDOW_NS;
        for (uint32_t node = 0; node < a->nodes; node++)
            a->series[i].memory_utilisation[node] = (uint32_t)(a->slice_utilisation[i * a->nodes + node] / n);
    }
}

/* All that is reported of a run fits when these do: every other time is part of the elapsed one. */
static bool fits(const struct account *a, unsigned __int128 elapsed_ps, unsigned __int128 flat_ps)
{
    return elapsed_ps / 1000 <= INT64_MAX && flat_ps / 1000 <= INT64_MAX && a->misses <= INT64_MAX;
}

/* Returns the sum of the compute times, ps. */
static unsigned __int128 add_clocks(const struct account *a, const unsigned __int128 *compute_ns,
                                    struct result_run *out)
{
    unsigned __int128 exec = 0, longest = 0;
    for (uint32_t cpu = 0; cpu < a->cpus; cpu++) {
        unsigned __int128 compute = compute_ns[cpu] * a->time_scale_ppm / 1000;
        unsigned __int128 clock = compute + a->cpu_stall[cpu] + machine_model_overhead(a->model, cpu);
        exec += compute;
        longest = clock > longest ? clock : longest;
    }
    out->exec_ns = (uint64_t)(exec / 1000);
    out->makespan_ns = (uint64_t)(longest / 1000);
    return exec;
}

/* Returns memory_flat, ps. */
static unsigned __int128 add_misses(const struct account *a, struct result_run *out)
{
    unsigned __int128 flat = a->model->total;
    for (uint32_t from = 0; from < a->nodes; from++)
        for (uint32_t to = 0; to < a->nodes; to++) {
            size_t at = (size_t)from * a->nodes + to;
            uint64_t misses = a->total[at * 2] + a->total[at * 2 + 1];
            out->misses += misses;
            out->local_misses += from == to ? misses : 0;
            flat += (unsigned __int128)misses * load_flat(&a->machine->desc, (node_t)from, (node_t)to);
        }
    out->memory_flat_ns = (uint64_t)(flat / 1000);
    return flat;
}

static void add_memory(const struct account *a, struct result_run *out)
{
    out->local_stall_ns = (uint64_t)(a->local / 1000);
    out->remote_stall_ns = (uint64_t)(a->remote / 1000);
    for (unsigned cause = 0; cause < OVERHEAD_CAUSES; cause++) {
        out->overhead_by[cause] = (uint64_t)(a->model->by[cause] / 1000);
        out->overhead_ns += out->overhead_by[cause];
    }
    out->memory_ns = out->local_stall_ns + out->remote_stall_ns + out->overhead_ns;
    out->elapsed_ns = out->exec_ns + out->memory_ns;
}

static void add_load(const struct account *a, struct result_run *out)
{
    for (uint32_t node = 0; node < a->nodes; node++) {
        out->memory_utilisation_mean[node] = (uint32_t)(a->utilisation_sum[node] / a->windows);
        out->memory_utilisation_peak[node] = a->utilisation_peak[node];
    }
    out->link_utilisation_peak = a->link_peak;
    out->link_from = a->link_from;
    out->link_to = a->link_to;
    out->replica_bytes_mean = (uint64_t)(a->replica_windows * a->machine->topology.page_size / a->windows);
}

static int add_traffic(const struct account *a, struct result_run *out)
{
    size_t bytes = 2 * (size_t)a->nodes * a->nodes * sizeof *a->total;
    out->traffic = malloc(bytes);
    if (!out->traffic)
        return -ENOMEM;
    memcpy(out->traffic, a->total, bytes);
    return 0;
}

int account_result(struct account *a, const unsigned __int128 *compute_ns, struct result_run *out)
{
    unsigned __int128 exec = add_clocks(a, compute_ns, out), flat = add_misses(a, out);
    if (!fits(a, exec + a->local + a->remote + a->model->total, flat))
        return -EOVERFLOW;
    add_memory(a, out);
    add_load(a, out);
    int err = add_traffic(a, out);
    if (err)
        return err;
    finish_series(a);
    out->series = a->series;
    out->nseries = (uint32_t)a->nslices;
    out->slice_windows = (uint32_t)a->slice_windows;
    a->series = NULL;
    return 0;
}
