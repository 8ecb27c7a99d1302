/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/start.h"

static struct cpu *make_one(uint32_t id, uint32_t apic_id, node_t node)
{
    struct machine_x86 *m = &machine_x86;
    struct cpu *c = cpu_reserve(node, sizeof(*c), "a CPU's own");
    void *host_save = cpu_reserve(node, MEMORY_FRAME, "a CPU's own");
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
    return c;
}

static struct cpu *make_next(uint32_t apic_id, node_t node)
{
    struct machine_x86 *m = &machine_x86;
    m->cpu_node[m->cpus] = node;
    m->tier[node] = 0;
    return make_one(m->cpus++, apic_id, node);
}

/* QEMU's emulated CPUs (TCG; 7.2, and newer sources read the same): one that restores its FPU clears IGNNE# of the
 * first CPU (target/i386, cpu_clear_ignne), from its own thread and without a lock, in the very word in which VMRUN and
 * #VMEXIT keep GIF and nested paging. What the first CPU writes there at that moment is lost: so it runs no guests. */
static bool stays_apart(const struct acpi *a)
{
    struct cpuid c = cpuid_host(0x40000000, 0);
    return a->ncpus > 1 && __builtin_memcmp(&c.ebx, "TCGTCGTCGTCG", 3 * sizeof c.ebx) == 0;
}

/* The boot processor first, if it runs guests, the others as the firmware lists them; where there are too many, as many
 * of each node. */
void percpu_make(const struct acpi *a, uint32_t boot_apic_id)
{
    struct machine_x86 *m = &machine_x86;
    node_t boot_node = acpi_node_of_cpu(a, boot_apic_id);
    bool apart = stays_apart(a);
    uint32_t others = a->ncpus - apart, made[NODE_MAX] = {0};
    uint32_t share = others <= CPUS_MAX ? CPUS_MAX : CPUS_MAX / a->nodes;
    m->boot = apart ? make_one(CPU_APART, boot_apic_id, boot_node) : make_next(boot_apic_id, boot_node);
    made[boot_node] += !apart;
    for (uint32_t i = 0; i < a->ncpus && m->cpus < CPUS_MAX; i++) {
        const struct acpi_cpu *c = &a->cpu[i];
        if (c->apic_id != boot_apic_id && made[c->node]++ < share)
            make_next(c->apic_id, c->node);
    }
    m->topology.cpus = m->cpus;
    if (apart)
        print("the first CPU of this emulator runs no guests (docs/monitor.md, Limits)");
    if (m->cpus < others)
        print("%u of the machine's %u CPUs are used", m->cpus, a->ncpus);
}

void percpu_enter(struct cpu *c)
{
    traps_cpu(c);
    apic_cpu();
    __atomic_store_n(&c->up, true, __ATOMIC_RELEASE);
}
