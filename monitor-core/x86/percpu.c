/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/msr.h"
#include "monitor-core/x86/start.h"

struct block {
    struct cpu cpu;
    struct traps_tables tables;
    unsigned char host_save[MEMORY_FRAME] __attribute__((aligned(MEMORY_FRAME)));
};

static void make_one(uint32_t apic_id, node_t node)
{
    struct machine_x86 *m = &machine_x86;
    struct block *b = cpu_reserve(node, sizeof(*b), "a CPU's block");
    uint32_t id = m->cpus++;
    b->cpu = (struct cpu){.self = &b->cpu,
                          .id = id,
                          .apic_id = apic_id,
                          .node = node,
                          .host_save = memory_physical(&m->memory, b->host_save),
                          .text = paging_node(node),
                          .stack = paging_stack(id, 0, node),
                          .timer = UINT64_MAX};
    traps_make(&b->tables, paging_stack(id, 1, node), paging_stack(id, 2, node));
    m->cpu[id] = &b->cpu;
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
    traps_cpu(c, &((struct block *)c)->tables);
    apic_cpu();
    __atomic_store_n(&c->up, true, __ATOMIC_RELEASE);
}

void percpu_recover(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) gdt;
    __asm__ volatile("sgdt %0" : "=m"(gdt));
    for (uint32_t i = 0; i < machine_x86.cpus; i++)
        if ((uint64_t)((struct block *)machine_x86.cpu[i])->tables.gdt == gdt.base)
            msr_set(MSR_GS_BASE, (uint64_t)machine_x86.cpu[i]);
}
