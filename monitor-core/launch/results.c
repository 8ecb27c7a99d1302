/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/launch/results.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "datasets/plural.h"
#include "replay/run_counts.h"
#include "reports/result_monitor.h"

enum { PAGE = 4096, HELLO_NODES = 16, WINDOW_NS = 1000000 };

_Static_assert((int)RESULT_EXITS == (int)EXIT_KINDS, "exits as the monitor counts them");
_Static_assert((int)RESULT_VM_NODES == (int)GATHER_NODES && (int)RESULT_VMS == (int)CONFIG_VMS &&
                   (int)RESULT_VCPUS == (int)SCHED_VCPUS && (int)RESULT_DISKS == (int)CONFIG_DISKS,
               "as many as there can be");

#define COPY_TEXT(to, from) snprintf(to, sizeof(to), "%s", from)

static void fill_machine(struct result_set *set, const struct gather *g, const struct plan *p)
{
    struct machine_desc *m = &set->machine;
    const struct telemetry_hello *h = &g->hello;
    snprintf(m->name, sizeof m->name, "%s-%u", p->machine, (unsigned)h->nodes);
    snprintf(m->summary, sizeof m->summary, "emulated %s machine under the monitor, %u CPU%s", p->machine,
             (unsigned)h->cpus, plural(h->cpus));
    COPY_TEXT(m->source, "the machine's ACPI tables, as the monitor read them");
    m->nodes = h->nodes;
    for (uint32_t c = 0; c < h->cpus; c++)
        m->node_cpus[h->cpu_node[c]]++;
    for (uint32_t from = 0; from < h->nodes; from++) {
        set->frames[from] = g->node[from].total_bytes / PAGE;
        for (uint32_t to = 0; to < h->nodes; to++)
            m->latency_ps[from * h->nodes + to] = h->latency_ps[from * HELLO_NODES + to];
    }
}

/* The stream that a trace of this run would hold. */
static void fill_source(struct result_set *set, const struct gather *g, const struct plan *p)
{
    struct trace_meta *t = &set->trace;
    struct utsname host;
    uint64_t local;
    for (uint32_t i = 0; i < p->nvms; i++) {
        size_t used = strlen(t->name);
        snprintf(t->name + used, sizeof t->name - used, "%s%s", i ? "+" : "", p->vm[i].name);
    }
    COPY_TEXT(t->source, "monitor");
    snprintf(t->event, sizeof t->event, "accessed bits, harvested every %u ms, weight %u",
             (unsigned)g->hello.harvest_ms, (unsigned)g->hello.weight);
    if (uname(&host) == 0)
        COPY_TEXT(t->host, host.nodename);
    gather_seen(g, &t->misses, &local);
    t->period = g->hello.weight;
    t->last_time = g->engine.time_ns;
    t->pages = g->hello.npages;
    t->cpus = g->hello.cpus;
    t->nodes = g->hello.nodes;
    t->page_size = PAGE;
    memset(t->cpu_node, NODE_NONE, sizeof t->cpu_node);
    memcpy(t->cpu_node, g->hello.cpu_node, g->hello.cpus);
}

/* As the monitor itself parsed it from the same text. */
static void fill_policy(struct result_run *run, const struct gather *g)
{
    const struct policy_class *policy;
    uint64_t param[POLICY_PARAMS_MAX];
    struct policy_error error;
    COPY_TEXT(run->spec, g->hello.policy);
    snprintf(run->policy, sizeof run->policy, "%.*s", (int)strcspn(run->spec, ":"), run->spec);
    if (!policy_parse(g->hello.policy, &policy, param, &error))
        run_counts_policy(run, policy, param);
}

static void fill_counts(struct result_run *run, const struct gather *g)
{
    run->batch = g->hello.batch;
    run->sampling = g->hello.sampling;
    gather_seen(g, &run->misses, &run->local_misses);
    run_counts_fill(run, &g->engine.stats, PAGE);
    run->digest = g->engine.digest;
    run->to_optimum_ppm = RESULT_NONE;
    COPY_TEXT(run->labels[0], "monitor run");
    COPY_TEXT(run->labels[1], "A-bit-fed");
    run->nlabels = 2;
}

static int fill_traffic(struct result_run *run, const struct gather *g)
{
    uint32_t nodes = g->hello.nodes;
    run->traffic = calloc((size_t)nodes * nodes * 2, sizeof *run->traffic);
    for (uint32_t i = 0; run->traffic && i < nodes * nodes; i++)
        memcpy(run->traffic + (size_t)i * 2, g->node[i / nodes].seen[i % nodes], 2 * sizeof *run->traffic);
    return run->traffic ? 0 : -ENOMEM;
}

static uint64_t gained(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

/* Slices are what lies between two samples; the last sample ends the last slice. */
static int fill_series(struct result_run *run, const struct gather *g)
{
    struct gather_sample before = {0};
    uint64_t sum = 0;
    run->series = calloc(g->nsamples + 1, sizeof *run->series);
    if (!run->series)
        return -ENOMEM;
    for (uint32_t i = 0; i < g->nsamples; i++) {
        const struct gather_sample *now = &g->sample[i];
        run->series[run->nseries++] = (struct result_slice){.time_ns = before.time_ns,
                                                            .misses = gained(now->seen, before.seen),
                                                            .local_misses = gained(now->seen_local, before.seen_local),
                                                            .moves = gained(now->moves, before.moves),
                                                            .copies = gained(now->copies, before.copies),
                                                            .collapses = gained(now->collapses, before.collapses),
                                                            .replica_pages = now->replicas};
        sum += now->replicas * gained(now->time_ns, before.time_ns) / WINDOW_NS;
        before = *now;
    }
    uint64_t windows = before.time_ns / WINDOW_NS;
    run->slice_windows = g->nsamples ? (uint32_t)(windows / g->nsamples) : 0;
    run->replica_bytes_mean = windows ? sum / windows * PAGE : 0;
    return 0;
}

static void fill_vms(struct result_monitor *m, const struct gather *g)
{
    for (uint32_t i = 0; i < g->nvms; i++) {
        const struct telemetry_vm *from = &g->vm[i];
        struct result_vm *vm = &m->vm[m->nvms++];
        *vm = (struct result_vm){.vcpus = from->vcpus,
                                 .memory_pages = from->pages,
                                 .private_pages = from->private_pages,
                                 .shared_pages = from->shared_pages,
                                 .touches = from->touches,
                                 .copies_on_write = from->copies_on_write,
                                 .resets = from->resets,
                                 .local_accesses = from->local};
        memcpy(vm->accesses, from->to_node, sizeof vm->accesses);
        COPY_TEXT(vm->name, from->name);
        COPY_TEXT(vm->end, gather_vm_end(from));
        COPY_TEXT(vm->why, from->why);
    }
    for (uint32_t i = 0; i < g->nvcpus; i++) {
        const struct telemetry_vcpu *from = &g->vcpu[i];
        struct result_vcpu *v = &m->vcpu[m->nvcpus++];
        *v = (struct result_vcpu){
            from->vm < m->nvms ? from->vm : 0, from->index, from->guest_ns, from->monitor_ns, from->used_ns, {0}};
        memcpy(v->exits, from->exits, sizeof v->exits);
    }
}

static void fill_rest(struct result_monitor *m, const struct gather *g)
{
    m->nnodes = g->hello.nodes;
    for (uint32_t n = 0; n < m->nnodes; n++)
        m->node[n] = (struct result_memory){g->node[n].total_bytes, g->node[n].free_bytes, g->node[n].monitor_bytes};
    for (uint32_t i = 0; i < g->ndisks; i++) {
        const struct telemetry_disk *from = &g->disk[i];
        struct result_disk *d = &m->disk[m->ndisks++];
        *d = (struct result_disk){.persistent = from->persistent,
                                  .drive_reads = from->drive_reads,
                                  .drive_blocks = from->drive_blocks,
                                  .hits = from->hits,
                                  .maps = from->maps,
                                  .copies = from->copies,
                                  .private_blocks = from->private_blocks,
                                  .let_go = from->let_go,
                                  .resident_blocks = from->resident};
        COPY_TEXT(d->name, from->name);
    }
}

static void fill_monitor(struct result_monitor *m, const struct gather *g, const struct results_context *c)
{
    const struct telemetry_hello *h = &g->hello;
    const struct telemetry_engine *e = &g->engine;
    *m = (struct result_monitor){.duration_ns = g->ended ? g->end.time_ns : e->time_ns,
                                 .memory_bytes = h->memory_bytes,
                                 .tsc_khz = h->tsc_khz,
                                 .harvest_ms = h->harvest_ms,
                                 .weight = h->weight,
                                 .around = h->around,
                                 .record = h->record,
                                 .pages = h->npages,
                                 .shootdowns = e->shootdowns,
                                 .kicks = e->kicks,
                                 .shootdown_wait_ns = e->shootdown_wait_ns,
                                 .nested_tables = e->nested_tables,
                                 .harvests = e->harvests,
                                 .shared_pages = e->shared_pages,
                                 .switches = e->switches,
                                 .vcpu_migrations = e->vcpu_migrations,
                                 .idle_ns = e->idle_ns,
                                 .frames = c->reader->frames,
                                 .lost_frames = c->reader->lost_frames,
                                 .bad_bytes = c->reader->bad_bytes,
                                 .observations_lost = e->observations_lost};
    COPY_TEXT(m->config_digest, h->config_digest);
    COPY_TEXT(m->end, c->end);
    COPY_TEXT(m->why, c->why ? c->why : "");
    fill_vms(m, g);
    fill_rest(m, g);
}

static void fill_set(struct result_set *set, const struct gather *g, const struct results_context *c)
{
    time_t now = time(NULL);
    struct tm utc;
    COPY_TEXT(set->program, "mirrorball " MIRRORBALL_VERSION);
    COPY_TEXT(set->command, c->command);
    strftime(set->date, sizeof set->date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    set->repeat = set->intensity = 1;
    set->time_scale_ppm = 1000000;
    fill_machine(set, g, c->plan);
    fill_source(set, g, c->plan);
}

int results_make(struct result_set *set, const struct gather *g, const struct results_context *c,
                 struct trace_error *why)
{
    memset(set, 0, sizeof *set);
    if (!g->greeted) {
        snprintf(why->text, sizeof why->text, "the monitor has told nothing: there is no result");
        return -ENODATA;
    }
    fill_set(set, g, c);
    set->runs = calloc(1, sizeof *set->runs);
    int error = set->runs ? 0 : -ENOMEM;
    if (!error) {
        struct result_run *run = set->runs;
        set->nruns = 1;
        run->monitor = calloc(1, sizeof *run->monitor);
        error = run->monitor ? 0 : -ENOMEM;
        fill_policy(run, g);
        if (!error)
            fill_monitor(run->monitor, g, c);
        fill_counts(run, g);
        error = error ? error : fill_traffic(run, g);
        error = error ? error : fill_series(run, g);
    }
    if (error) {
        snprintf(why->text, sizeof why->text, "out of memory for the results");
        result_free(set);
    }
    return error;
}
