/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/cpu.h"

static void other(void)
{
    for (;;)
        cpu_idle();
}

static void show_node(uint32_t n)
{
    const struct memory_node *m = &machine_x86.memory.node[n];
    print("node %u: %lu MiB, %lu KiB of them the monitor's, %lu frames free", n, m->total >> 20, m->monitor >> 10,
          machine_x86.frames[n]);
    for (uint32_t to = 0; to < machine_x86.nodes; to++)
        print("node %u to node %u: %u ns", n, to, machine_x86.latency_ps[n * machine_x86.nodes + to] / 1000);
}

void monitor_main(void)
{
    cpu_start_others(other);
    machine_seal();
    print("%u CPUs, %u nodes, TSC %lu kHz", machine_x86.cpus, machine_x86.nodes, machine_x86.tsc_khz);
    for (uint32_t i = 0; i < machine_x86.cpus; i++) {
        const struct cpu *c = machine_x86.cpu[i];
        print("cpu %u: APIC %u, node %u, text at %lx of node %u", i, c->apic_id, c->node, c->text,
              memory_node_of(&machine_x86.memory, c->text));
    }
    for (uint32_t n = 0; n < machine_x86.nodes; n++)
        show_node(n);
    for (uint32_t i = 0; i < machine_x86.nmodules; i++)
        print("module %s: %lu bytes: %s", machine_x86.module[i].name, machine_x86.module[i].size,
              machine_x86.module[i].text);
    print("off");
    machine_off();
}
