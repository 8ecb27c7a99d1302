/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/host_nodes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PS_PER_DISTANCE = 10000, LOCAL = 10, REMOTE = 20, TEXT = 8192, DISTANCE_MAX = 255 };

static bool read_text(char *text, size_t size, const char *sys, uint32_t node, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/node%u/%s", sys, node, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t n = fread(text, 1, size - 1, file);
    text[n] = 0;
    fclose(file);
    return true;
}

static void take_cpus(struct host_nodes *h, node_t node, unsigned long from, unsigned long to)
{
    for (unsigned long cpu = from; cpu <= to && cpu < CPU_MAX; cpu++) {
        h->cpu_node[cpu] = node;
        if (cpu >= h->cpus)
            h->cpus = (uint32_t)cpu + 1;
    }
}

/* "0-3,8": as the kernel prints lists. */
static bool take_list(struct host_nodes *h, node_t node, const char *text)
{
    bool any = false;
    while (*text && *text != '\n') {
        char *end;
        unsigned long from = strtoul(text, &end, 10), to = from;
        if (end == text)
            break;
        if (*end == '-')
            to = strtoul(end + 1, &end, 10);
        take_cpus(h, node, from, to);
        any = true;
        text = *end == ',' ? end + 1 : end;
    }
    return any;
}

/* The kernel lists the distances to nodes that are there, in the order of their numbers. */
static void take_distances(struct host_nodes *h, nodeset_t there, uint32_t node, const char *text)
{
    for (uint32_t to = 0; to < h->nodes; to++) {
        char *end = NULL;
        unsigned long distance = nodeset_has(there, (node_t)to) ? strtoul(text, &end, 10) : 0;
        if (end == text || distance < LOCAL || distance > DISTANCE_MAX)
            distance = to == node ? LOCAL : REMOTE;
        if (end)
            text = end;
        h->latency_ps[node * h->nodes + to] = (uint32_t)distance * PS_PER_DISTANCE;
    }
}

static nodeset_t find_nodes(struct host_nodes *h, const char *sys)
{
    char text[TEXT];
    nodeset_t there = 0;
    for (uint32_t node = 0; node < NODE_MAX; node++) {
        if (!read_text(text, sizeof text, sys, node, "cpulist"))
            continue;
        there |= nodeset_of((node_t)node);
        h->nodes = node + 1;
        h->tier[node] = !take_list(h, (node_t)node, text);
    }
    return there;
}

static void flat(struct host_nodes *h)
{
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    h->nodes = 1;
    take_cpus(h, 0, 0, cpus > 0 ? (unsigned long)cpus - 1 : 0);
}

int host_nodes_read(struct host_nodes *h, const char *sys, uint32_t page_size, struct trace_error *error)
{
    char text[TEXT];
    memset(h, 0, sizeof *h);
    nodeset_t there = find_nodes(h, sys);
    if (!there) {
        flat(h);
        there = 1;
    }
    if (!h->cpus) {
        snprintf(error->text, sizeof error->text, "%s: no node lists a CPU: is this the kernel's node folder?", sys);
        return -ENODEV;
    }
    for (uint32_t node = 0; node < h->nodes; node++) {
        if (!read_text(text, sizeof text, sys, node, "distance"))
            text[0] = 0;
        take_distances(h, there, node, text);
        h->frames[node] = FRAMES_UNBOUNDED;
    }
    h->topology = (struct topology){.nodes = h->nodes,
                                    .cpus = h->cpus,
                                    .page_size = page_size,
                                    .cpu_node = h->cpu_node,
                                    .tier = h->tier,
                                    .latency_ps = h->latency_ps,
                                    .frames = h->frames};
    return 0;
}
