/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The shape of this host as the kernel tells it under /sys/devices/system/node (Documentation/ABI/stable/
 * sysfs-devices-node): nodes, which CPU lies on which, distances (ACPI SLIT; 10 is local).
 */
#ifndef COLLECTORS_HOST_NODES_H
#define COLLECTORS_HOST_NODES_H

#include "datasets/trace.h"
#include "policy/numa.h"

struct host_nodes {
    uint32_t nodes; /* numbered as by the kernel; gaps count as nodes without CPUs */
    uint32_t cpus;
    node_t cpu_node[CPU_MAX];
    uint32_t latency_ps[NODE_MAX * NODE_MAX]; /* 10 ns per unit of distance: an assumption, not a measurement */
    uint8_t tier[NODE_MAX];                   /* 1 where a node has no CPUs */
    uint64_t frames[NODE_MAX];                /* FRAMES_UNBOUNDED: the kernel refuses what does not fit */
    struct topology topology;                 /* points into this struct: do not copy it */
};

/* `sys`: the folder, "/sys/devices/system/node" for the host. A kernel without NUMA: one node with all CPUs. 0, or
 * -errno with a line. */
int host_nodes_read(struct host_nodes *, const char *sys, uint32_t page_size, struct trace_error *);

#endif
