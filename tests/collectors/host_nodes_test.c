/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The host's shape from folders laid out as the kernel lays out its own.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/host_nodes.h"

static char folder[] = "/tmp/mirrorball-nodes-XXXXXX";

static void put(unsigned node, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/node%u", folder, node);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/node%u/%s", folder, node, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static void clear(void)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
}

Test(host_nodes, two_sockets_and_memory_without_cpus, .fini = clear)
{
    static struct host_nodes h;
    struct trace_error error = {""};
    cr_assert_not_null(mkdtemp(folder));
    put(0, "cpulist", "0-1,4\n");
    put(0, "distance", "10 21 17\n");
    put(1, "cpulist", "2-3\n");
    put(1, "distance", "21 10 28\n");
    put(3, "cpulist", "\n");
    put(3, "distance", "17 28 10\n");
    cr_assert_eq(host_nodes_read(&h, folder, 4096, &error), 0, "%s", error.text);
    cr_assert_eq(h.nodes, 4, "node 2 is a gap");
    cr_assert_eq(h.cpus, 5);
    const node_t expected[5] = {0, 0, 1, 1, 0};
    cr_assert_arr_eq(h.cpu_node, expected, 5);
    cr_assert_eq(topology_latency(&h.topology, 0, 1), 210000);
    cr_assert_eq(topology_latency(&h.topology, 1, 3), 280000);
    cr_assert_eq(topology_latency(&h.topology, 3, 0), 170000);
    cr_assert_eq(topology_latency(&h.topology, 1, 1), 100000);
    cr_assert_eq(h.tier[3], 1);
    cr_assert_eq(h.tier[1], 0);
}

Test(host_nodes, a_kernel_without_numa_is_one_node)
{
    static struct host_nodes h;
    struct trace_error error = {""};
    cr_assert_eq(host_nodes_read(&h, "/nonexistent", 4096, &error), 0);
    cr_assert_eq(h.nodes, 1);
    cr_assert_eq((long)h.cpus, sysconf(_SC_NPROCESSORS_CONF));
    cr_assert_eq(topology_latency(&h.topology, 0, 0), 100000);
}
