/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The machine as a trace sees it: CPU map, frames per node, topology.
 */
#include "replay/driver.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLION 1000000ull
enum { TIERED_FAST_PPM = 333333 }; /* fast:slow 1:2 */

static int fail(struct trace_error *error, const char *text)
{
    snprintf(error->text, sizeof error->text, "%s", text);
    return -EINVAL;
}

static void map_in_blocks(struct replay_machine *m)
{
    node_t with_cpus[NODE_MAX];
    uint32_t n = 0;
    for (uint32_t node = 0; node < m->desc.nodes; node++)
        if (m->desc.node_cpus[node])
            with_cpus[n++] = (node_t)node;
    for (uint32_t cpu = 0; cpu < m->cpus; cpu++)
        m->cpu_node[cpu] = with_cpus[m->cpus <= n ? cpu : cpu * n / m->cpus];
}

/* A decimal number at *s up to `max`; moves *s behind it. */
static bool number(const char **s, unsigned long max, unsigned long *out)
{
    if (**s < '0' || **s > '9')
        return false;
    char *end;
    errno = 0;
    *out = strtoul(*s, &end, 10);
    *s = end;
    return errno == 0 && *out <= max;
}

/* One "A-B:N" or "A:N" of a CPU map. */
static int map_item(struct replay_machine *m, const char **s, struct trace_error *error)
{
    const char *item = *s;
    int length = (int)strcspn(item, ",");
    unsigned long low, high, node;
    bool good = number(s, CPU_MAX - 1, &low);
    high = low;
    if (good && **s == '-') {
        ++*s;
        good = number(s, CPU_MAX - 1, &high) && high >= low;
    }
    good = good && *(*s)++ == ':' && number(s, NODE_NONE, &node) && (**s == ',' || **s == 0);
    if (!good) {
        snprintf(error->text, sizeof error->text,
                 "--cpu-map: '%.*s' is not CPU:NODE or CPU-CPU:NODE with CPUs below %d; write it like 0-3:0,4-7:1",
                 length < 64 ? length : 64, item, CPU_MAX);
        return -EINVAL;
    }
    if (node >= m->desc.nodes || m->desc.node_cpus[node] == 0) {
        snprintf(error->text, sizeof error->text,
                 "--cpu-map: '%.*s' names node %lu, %s of machine %s (nodes 0-%" PRIu32 "); choose a node with CPUs",
                 length < 64 ? length : 64, item, node,
                 node >= m->desc.nodes ? "which is no node" : "which has no CPUs on it, a memory-only node",
                 m->desc.name, m->desc.nodes - 1);
        return -EINVAL;
    }
    for (unsigned long cpu = low; cpu <= high && cpu < m->cpus; cpu++) {
        if (m->cpu_node[cpu] != NODE_NONE) {
            snprintf(error->text, sizeof error->text, "--cpu-map: CPU %lu is given twice; name each CPU once", cpu);
            return -EINVAL;
        }
        m->cpu_node[cpu] = (node_t)node;
    }
    return 0;
}

static int map_as_told(struct replay_machine *m, const char *map, struct trace_error *error)
{
    memset(m->cpu_node, NODE_NONE, sizeof m->cpu_node);
    for (const char *s = map;; s++) {
        int err = map_item(m, &s, error);
        if (err)
            return err;
        if (*s == 0)
            break;
    }
    for (uint32_t cpu = 0; cpu < m->cpus; cpu++)
        if (m->cpu_node[cpu] == NODE_NONE) {
            snprintf(error->text, sizeof error->text,
                     "--cpu-map: CPU %" PRIu32 " of the trace has no node; name all CPUs 0-%" PRIu32, cpu, m->cpus - 1);
            return -EINVAL;
        }
    return 0;
}

static bool is_tiered(const struct machine_desc *d)
{
    for (uint32_t node = 0; node < d->nodes; node++)
        if (d->tier[node] != 0)
            return true;
    return false;
}

/* Nodes of tier 0 are bounded: each by the share, or, in a tiered machine, together by it. */
static int set_frames(struct replay_machine *m, uint64_t pages, uint64_t share_ppm, struct trace_error *error)
{
    bool tiered = is_tiered(&m->desc);
    uint32_t fast = 0, done = 0;
    for (uint32_t node = 0; node < m->desc.nodes; node++)
        fast += m->desc.tier[node] == 0;
    if (share_ppm == 0 && tiered)
        share_ppm = TIERED_FAST_PPM;
    uint64_t share = share_ppm ? (uint64_t)(((unsigned __int128)pages * share_ppm + MILLION - 1) / MILLION) : 0;
    for (uint32_t node = 0; node < m->desc.nodes; node++) {
        if (share_ppm == 0 || m->desc.tier[node] != 0)
            m->frames[node] = FRAMES_UNBOUNDED;
        else if (tiered)
            m->frames[node] = share / fast + (done++ < share % fast);
        else
            m->frames[node] = share;
    }
    if (share_ppm && !tiered && (unsigned __int128)share * m->desc.nodes < pages) {
        snprintf(error->text, sizeof error->text,
                 "--capacity: %" PRIu64 " frames on each of %" PRIu32 " nodes do not hold the trace's %" PRIu64
                 " pages; give at least %.4f",
                 share, m->desc.nodes, pages, 1.0 / m->desc.nodes);
        return -EINVAL;
    }
    return 0;
}

static int check(const struct machine_desc *d, const struct trace_meta *meta, struct trace_error *error)
{
    uint32_t with_cpus = 0;
    if (d->nodes == 0 || d->nodes > NODE_MAX)
        return fail(error, "the machine must have 1 to 64 nodes; correct its description");
    for (uint32_t node = 0; node < d->nodes; node++)
        with_cpus += d->node_cpus[node] != 0;
    if (with_cpus == 0)
        return fail(error, "the machine has no node with CPUs; correct its description");
    if (d->mlp_ppm == 0)
        return fail(error, "the machine's memory-level parallelism (mlp) must be above 0; correct its description");
    if (meta->cpus == 0 || meta->records == 0) {
        snprintf(error->text, sizeof error->text, "%s: the trace has no records; record or import it again",
                 meta->name);
        return -EINVAL;
    }
    if (meta->cpus > CPU_MAX) {
        snprintf(error->text, sizeof error->text,
                 "%s: %" PRIu32 " CPUs in the trace; a replay takes up to %d: fold them when importing (--fold-cpus)",
                 meta->name, meta->cpus, CPU_MAX);
        return -EINVAL;
    }
    if (meta->page_size == 0 || (meta->page_size & (meta->page_size - 1))) {
        snprintf(error->text, sizeof error->text,
                 "%s: page size %" PRIu32 " is no power of two; correct the trace's attribute", meta->name,
                 meta->page_size);
        return -EINVAL;
    }
    return 0;
}

static void set_costs(struct replay_machine *m)
{
    const struct machine_costs *c = &m->desc.costs;
    m->costs = (struct costs){.sample_ns = c->sample_ns,
                              .page_ns = c->fill_ns + c->drop_ns,
                              .sync_ns = c->sync_ns + (m->cpus - 1) * c->sync_target_ns};
}

int replay_machine_init(struct replay_machine *m, const struct machine_desc *desc, const struct trace_meta *meta,
                        const struct replay_options *options, struct trace_error *error)
{
    int err = check(desc, meta, error);
    if (err)
        return err;
    memset(m, 0, sizeof *m);
    m->desc = *desc;
    m->cpus = meta->cpus;
    if (options->cpu_map)
        err = map_as_told(m, options->cpu_map, error);
    else
        map_in_blocks(m);
    if (!err)
        err = set_frames(m, meta->pages, options->capacity_ppm, error);
    set_costs(m);
    m->topology = (struct topology){.nodes = m->desc.nodes,
                                    .cpus = m->cpus,
                                    .page_size = meta->page_size,
                                    .cpu_node = m->cpu_node,
                                    .tier = m->desc.tier,
                                    .latency_ps = m->desc.latency_ps,
                                    .frames = m->frames,
                                    .bandwidth = m->desc.memory_bps,
                                    .costs = &m->costs};
    return err;
}
