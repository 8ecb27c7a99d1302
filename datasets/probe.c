/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/probe.h"

#include <ctype.h>
#include <errno.h>
#include <hwloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "datasets/machine_text.h"
#include "datasets/probe_measure.h"

enum { BUFFER_BYTES = 512 << 20, BUFFER_LEAST = 32 << 20, LOADED_POINTS = 8 };

struct probe {
    struct machine_desc *m;
    struct probe_notes *notes;
    hwloc_topology_t topology;
    hwloc_obj_t node[NODE_MAX];
    uint64_t stream_ns; /* time of one bandwidth measurement */
    size_t steps;       /* of one chase */
};

__attribute__((format(printf, 2, 3))) static void note(struct probe *p, const char *format, ...)
{
    va_list args;
    char text[sizeof p->notes->text[0]];
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (uint32_t i = 0; i < p->notes->n; i++)
        if (strcmp(p->notes->text[i], text) == 0)
            return;
    if (p->notes->n < PROBE_NOTES)
        strcpy(p->notes->text[p->notes->n++], text);
}

static void wait_ns(uint64_t ns)
{
    nanosleep(&(struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)}, NULL);
}

static int find_nodes(struct probe *p, struct trace_error *error)
{
    int n = hwloc_get_nbobjs_by_type(p->topology, HWLOC_OBJ_NUMANODE);
    uint32_t cpus = 0;
    if (n < 1 || n > NODE_MAX) {
        snprintf(error->text, sizeof error->text, "this host shows %d NUMA nodes; the probe describes 1 to %d", n,
                 NODE_MAX);
        return -ENOTSUP;
    }
    p->m->nodes = (uint32_t)n;
    for (uint32_t i = 0; i < p->m->nodes; i++) {
        int weight;
        p->node[i] = hwloc_get_obj_by_type(p->topology, HWLOC_OBJ_NUMANODE, i);
        weight = hwloc_bitmap_weight(p->node[i]->cpuset);
        p->m->node_cpus[i] = (uint16_t)(weight > 0 && weight <= CPU_MAX ? weight : 0);
        p->m->tier[i] = p->m->node_cpus[i] ? 0 : 1;
        cpus += p->m->node_cpus[i];
    }
    if (cpus == 0 || cpus > CPU_MAX) {
        snprintf(error->text, sizeof error->text, "this host shows %u CPUs; the probe describes 1 to %d", cpus,
                 CPU_MAX);
        return -ENOTSUP;
    }
    return 0;
}

/* Large against the caches, small against the memory that is there. */
static size_t buffer_bytes(const struct probe *p)
{
    long pages = sysconf(_SC_AVPHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    uint64_t share = pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size / 4 / p->m->nodes : 0;
    size_t bytes = BUFFER_BYTES;
    while (bytes > BUFFER_LEAST && bytes > share)
        bytes /= 2;
    return bytes;
}

static int buffer_on(struct probe *p, uint32_t node, struct probe_buffer *b, struct trace_error *error)
{
    if (probe_buffer_new(b, p->topology, p->node[node]->nodeset, buffer_bytes(p))) {
        snprintf(error->text, sizeof error->text, "no memory for a buffer on node %u: free some and try again", node);
        return -ENOMEM;
    }
    if (!b->bound && p->m->nodes > 1)
        note(p, "memory cannot be bound to a node here (%s): the latencies between nodes are not to be trusted",
             strerror(errno));
    if (!b->huge)
        note(p, "no pages of 2 MiB here: the latencies include misses of the translation cache");
    return 0;
}

static void pin(struct probe *p, uint32_t node)
{
    if (!probe_pin(p->topology, p->node[node]->cpuset, 0))
        note(p, "threads cannot be bound to CPUs here (%s): measured wherever they ran", strerror(errno));
}

static uint64_t stream(struct probe *p, const struct probe_buffer *b, uint32_t from, unsigned first, unsigned threads)
{
    struct probe_stream *s = probe_stream_start(b, p->topology, p->node[from]->cpuset, first, threads);
    if (!s) {
        note(p, "threads cannot be started: bandwidth is left unlimited");
        return 0;
    }
    wait_ns(p->stream_ns);
    return probe_stream_stop(s);
}

/* From every node with CPUs to the memory of node `to`. */
static void measure_node(struct probe *p, uint32_t to, const struct probe_buffer *b)
{
    struct machine_desc *m = p->m;
    for (uint32_t from = 0; from < m->nodes; from++) {
        uint64_t bps;
        if (!m->node_cpus[from])
            continue;
        pin(p, from);
        m->latency_ps[from * m->nodes + to] = (uint32_t)probe_chase(b, p->steps);
        bps = stream(p, b, from, 0, m->node_cpus[from]);
        if (from != to)
            m->link_bps[from * m->nodes + to] = bps;
        if (from == to || !m->node_cpus[to])
            m->memory_bps[to] = bps > m->memory_bps[to] ? bps : m->memory_bps[to];
    }
}

static void add_point(struct load_curve *c, uint64_t utilisation, uint64_t factor)
{
    if (c->n == MACHINE_POINTS || utilisation > 2000000 || factor > 100000000 ||
        utilisation <= c->utilisation[c->n - 1] || factor < c->factor[c->n - 1])
        return;
    c->utilisation[c->n] = (uint32_t)utilisation;
    c->factor[c->n++] = (uint32_t)factor;
}

/* One CPU of the node chases while 1, 2, 4, .. others stream. */
static void measure_loaded(struct probe *p, uint32_t node, const struct probe_buffer *b)
{
    struct machine_desc *m = p->m;
    uint64_t idle = m->latency_ps[node * m->nodes + node], peak = m->memory_bps[node];
    unsigned most = m->node_cpus[node] - 1u;
    if (!idle || !peak || most < 1 || most > CPU_MAX)
        return;
    for (unsigned n = 1, points = 0; points < LOADED_POINTS; n = n * 2 < most ? n * 2 : most, points++) {
        struct probe_stream *s = probe_stream_start(b, p->topology, p->node[node]->cpuset, 1, n);
        uint64_t loaded, bps;
        if (!s)
            return;
        pin(p, node);
        loaded = probe_chase(b, p->steps / 2);
        bps = probe_stream_stop(s);
        add_point(&m->memory_curve, bps * 1000000 / peak, loaded * 1000000 / idle);
        if (n == most)
            break;
    }
    m->link_curve = m->memory_curve;
}

static int measure(struct probe *p, struct trace_error *error)
{
    uint32_t nodes = p->m->nodes;
    bool loaded = false;
    p->steps = nodes <= 4 ? 500000 : 100000;
    p->stream_ns = nodes <= 4 ? 200000000 : UINT64_C(4000000000) / (nodes * nodes);
    for (uint32_t to = 0; to < nodes; to++) {
        struct probe_buffer b;
        int err = buffer_on(p, to, &b, error);
        if (err)
            return err;
        measure_node(p, to, &b);
        if (!loaded && p->m->node_cpus[to] > 1) {
            measure_loaded(p, to, &b);
            loaded = true;
        }
        probe_buffer_free(&b);
    }
    return 0;
}

/* A node without CPUs issues no load; its row repeats what reaches it, so that the matrix is whole. */
static void fill_rows(struct machine_desc *m)
{
    for (uint32_t from = 0; from < m->nodes; from++)
        for (uint32_t to = 0; !m->node_cpus[from] && to < m->nodes; to++)
            m->latency_ps[from * m->nodes + to] =
                m->node_cpus[to] ? m->latency_ps[to * m->nodes + from] : m->latency_ps[from];
}

static void describe(struct probe *p)
{
    struct machine_desc *m = p->m;
    struct utsname host;
    hwloc_obj_t package = hwloc_get_obj_by_type(p->topology, HWLOC_OBJ_PACKAGE, 0);
    const char *model = package ? hwloc_obj_get_info_by_name(package, "CPUModel") : NULL;
    time_t now = time(NULL);
    char date[16];
    size_t length = 0;
    strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
    if (uname(&host) == 0)
        for (const char *c = host.nodename; *c && length < sizeof m->name - 1; c++)
            m->name[length++] = isalnum((unsigned char)*c) || strchr("-_.", *c) ? *c : '-';
    if (!length)
        strcpy(m->name, "host");
    snprintf(m->summary, sizeof m->summary, "this host: %.100s", model ? model : "CPU model unknown");
    snprintf(m->source, sizeof m->source,
             "measured by mirrorball machines --probe on %s: pointer chase and streams of reads; costs are not "
             "measured but those of docs/machines.md; links take the curve of memory",
             date);
}

int probe_host(struct machine_desc *m, struct probe_notes *notes, struct trace_error *error)
{
    struct probe p = {.m = m, .notes = notes};
    int err;
    machine_blank(m);
    memset(notes, 0, sizeof *notes);
    /* What it finds wrong is said below, in one line of ours; its own would come besides. */
    setenv("HWLOC_HIDE_ERRORS", "2", 0);
    if (hwloc_topology_init(&p.topology)) {
        snprintf(error->text, sizeof error->text, "the topology of this host cannot be read (hwloc)");
        return -ENOTSUP;
    }
    err = hwloc_topology_load(p.topology) ? -ENOTSUP : 0;
    if (err)
        snprintf(error->text, sizeof error->text, "the topology of this host cannot be read (hwloc): is /sys mounted?");
    if (!err)
        err = find_nodes(&p, error);
    if (!err)
        err = measure(&p, error);
    if (!err) {
        fill_rows(m);
        describe(&p);
        err = machine_check(m, "probe", error);
    }
    hwloc_topology_destroy(p.topology);
    return err;
}
