/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/start.h"

static void make_one(uint32_t apic_id, node_t node)
{
    struct machine_x86 *m = &machine_x86;
    struct cpu *c = cpu_reserve(node, sizeof(*c), "a CPU's own");
    void *host_save = cpu_reserve(node, MEMORY_FRAME, "a CPU's own");
    uint32_t id = m->cpus++;
    *c = (struct cpu){.self = c,
                      .id = id,
                      .apic_id = apic_id,
                      .node = node,
                      .host_save = memory_physical(&m->memory, host_save),
                      .text = paging_node(node),
                      .stack = paging_stack(id, 0, node),
                      .timer = UINT64_MAX};
    traps_make(id, paging_stack(id, 1, node), paging_stack(id, 2, node));
    m->cpu[id] = c;
    m->cpu_node[id] = node;
    m->tier[node] = 0;
}

/* The boot processor first, the others as the firmware lists them; where there are too many, as many of each node. */
void percpu_make(const struct acpi *a, uint32_t boot_apic_id)
{
    uint32_t share = a->ncpus <= CPUS_MAX ? CPUS_MAX : CPUS_MAX / a->nodes, made[NODE_MAX] = {0};
    node_t boot_node = acpi_node_of_cpu(a, boot_apic_id);
    make_one(boot_apic_id, boot_node);
    made[boot_node]++;
    for (uint32_t i = 0; i < a->ncpus && machine_x86.cpus < CPUS_MAX; i++) {
        const struct acpi_cpu *c = &a->cpu[i];
        if (c->apic_id != boot_apic_id && made[c->node]++ < share)
            make_one(c->apic_id, c->node);
    }
    machine_x86.topology.cpus = machine_x86.cpus;
    if (machine_x86.cpus < a->ncpus)
        print("%u of the machine's %u CPUs are used", machine_x86.cpus, a->ncpus);
}

void percpu_enter(struct cpu *c)
{
    traps_cpu(c);
    apic_cpu();
    __atomic_store_n(&c->up, true, __ATOMIC_RELEASE);
}
