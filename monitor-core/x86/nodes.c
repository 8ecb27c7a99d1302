/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/start.h"

/* The end of the piece that starts at `from`, lies in [from, to), belongs to one node, and is taken or free as a whole.
 */
static uint64_t piece_end(const struct acpi *a, const struct start_facts *f, uint64_t from, uint64_t to)
{
    for (uint32_t i = 0; i < a->nmemory; i++) {
        if (a->memory[i].start > from && a->memory[i].start < to)
            to = a->memory[i].start;
        if (a->memory[i].end > from && a->memory[i].end < to)
            to = a->memory[i].end;
    }
    for (uint32_t i = 0; i < f->ntaken; i++) {
        if (f->taken[i].start > from && f->taken[i].start < to)
            to = f->taken[i].start;
        if (f->taken[i].end > from && f->taken[i].end < to)
            to = f->taken[i].end;
    }
    return to;
}

static bool is_taken(const struct start_facts *f, uint64_t physical)
{
    for (uint32_t i = 0; i < f->ntaken; i++) {
        if (physical >= f->taken[i].start && physical < f->taken[i].end)
            return true;
    }
    return false;
}

static void give_memory(const struct acpi *a, const struct start_facts *f)
{
    struct memory *m = &machine_x86.memory;
    for (uint32_t i = 0; i < f->nram; i++) {
        for (uint64_t at = f->ram[i].start, end; at < f->ram[i].end; at = end) {
            end = piece_end(a, f, at, f->ram[i].end);
            node_t node = acpi_node(a, at);
            m->node[node].total += end - at;
            if (!is_taken(f, at))
                memory_add(m, node, at, end);
            else if (at >= 0x100000 && at < (uint64_t)image_end - START_IMAGE)
                m->node[node].monitor += end - at;
        }
    }
}

/* The boot processor first, the others as the firmware lists them. */
static void give_cpus(const struct acpi *a, uint32_t boot_apic_id)
{
    static struct cpu found[CPUS_MAX]; /* until percpu_make gives each a block on its node */
    struct machine_x86 *m = &machine_x86;
    found[0] = (struct cpu){.apic_id = boot_apic_id};
    m->cpus = 1;
    for (uint32_t i = 0; i < a->ncpus; i++) {
        if (a->cpu[i].apic_id == boot_apic_id)
            found[0].node = a->cpu[i].node;
        else if (m->cpus < CPUS_MAX)
            found[m->cpus++] = (struct cpu){.apic_id = a->cpu[i].apic_id, .node = a->cpu[i].node};
    }
    for (uint32_t i = 0; i < m->cpus; i++) {
        found[i].id = i;
        m->cpu[i] = &found[i];
        m->cpu_node[i] = found[i].node;
    }
}

/* Memory without CPUs is the slower tier: memory on a CXL device shows itself so. */
static void give_tiers(void)
{
    struct machine_x86 *m = &machine_x86;
    for (uint32_t n = 0; n < m->nodes; n++) {
        m->tier[n] = 1;
        for (uint32_t i = 0; i < m->cpus; i++) {
            if (m->cpu_node[i] == n)
                m->tier[n] = 0;
        }
    }
}

void nodes_fill(const struct acpi *a, const struct start_facts *f, uint32_t boot_apic_id)
{
    struct machine_x86 *m = &machine_x86;
    m->nodes = a->nodes;
    memory_init(&m->memory, m->memory.base, a->nodes);
    give_memory(a, f);
    give_cpus(a, boot_apic_id);
    give_tiers();
    for (uint32_t i = 0; i < a->nodes * a->nodes; i++)
        m->latency_ps[i] = a->distance[i] * 10000u;
    m->topology = (struct topology){.nodes = m->nodes,
                                    .cpus = m->cpus,
                                    .page_size = MEMORY_FRAME,
                                    .cpu_node = m->cpu_node,
                                    .tier = m->tier,
                                    .latency_ps = m->latency_ps,
                                    .frames = m->frames};
}

void machine_seal(void)
{
    struct machine_x86 *m = &machine_x86;
    memory_seal(&m->memory);
    for (uint32_t n = 0; n < m->nodes; n++)
        m->frames[n] = memory_free(&m->memory, (node_t)n);
    m->topology.cpus = m->cpus;
}
