/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/start.h"

static uint64_t cut(uint64_t from, uint64_t to, uint64_t start, uint64_t end)
{
    to = start > from && start < to ? start : to;
    return end > from && end < to ? end : to;
}

/* The end of the piece that starts at `from`, lies in [from, to), belongs to one node, and is taken or free as a whole.
 */
static uint64_t piece_end(const struct acpi *a, const struct start_facts *f, uint64_t from, uint64_t to)
{
    for (uint32_t i = 0; i < a->nmemory; i++)
        to = cut(from, to, a->memory[i].start, a->memory[i].end);
    for (uint32_t i = 0; i < f->ntaken; i++)
        to = cut(from, to, f->taken[i].start, f->taken[i].end);
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

void nodes_fill(const struct acpi *a, const struct start_facts *f)
{
    struct machine_x86 *m = &machine_x86;
    if (a->nodes > MACHINE_NODES)
        panic("%u NUMA nodes; at most %u: let the firmware make fewer (nodes per socket, L3 caches as nodes)", a->nodes,
              MACHINE_NODES);
    m->nodes = a->nodes;
    memory_init(&m->memory, m->memory.base, a->nodes);
    give_memory(a, f);
    __builtin_memset(m->tier, 1, sizeof(m->tier)); /* until a CPU of the node is found */
    for (uint32_t i = 0; i < a->nodes * a->nodes; i++)
        m->latency_ps[i] = a->distance[i] * 10000u;
    m->topology = (struct topology){.nodes = m->nodes,
                                    .page_size = MEMORY_FRAME,
                                    .cpu_node = m->cpu_node,
                                    .tier = m->tier,
                                    .latency_ps = m->latency_ps,
                                    .frames = m->frames};
}

void *cpu_reserve(node_t node, uint64_t bytes, const char *what)
{
    void *block = memory_reserve(&machine_x86.memory, node, bytes);
    if (!block)
        panic("no %lu KiB of memory for %s; give the machine more or the VMs less", bytes >> 10, what);
    return block;
}

void machine_seal(void)
{
    struct machine_x86 *m = &machine_x86;
    memory_seal(&m->memory);
    for (uint32_t n = 0; n < m->nodes; n++)
        m->frames[n] = memory_free(&m->memory, (node_t)n);
}
