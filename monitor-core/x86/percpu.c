/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/start.h"

struct block {
    struct cpu cpu;
    uint64_t gdt[5] __attribute__((aligned(16)));
    uint32_t tss[26] __attribute__((aligned(16)));
};

static void *reserve(node_t node, uint64_t bytes)
{
    void *p = memory_reserve(&machine_x86.memory, node, bytes, MEMORY_FRAME);
    if (!p)
        panic("no memory left for the CPUs' own blocks; give the machine more");
    return p;
}

static void make_one(struct cpu **slot)
{
    struct block *b = reserve((*slot)->node, sizeof(*b));
    struct cpu *c = &b->cpu;
    *c = **slot;
    c->self = c;
    c->timer = UINT64_MAX;
    c->host_save = memory_physical(&machine_x86.memory, reserve(c->node, MEMORY_FRAME));
    paging_node(c->node);
    paging_stacks(c);
    c->stack = traps_stack(c, START_STACK, START_STACK_PAGES);
    c->text = paging_text(c->node);
    *slot = c;
}

void percpu_make(void)
{
    for (uint32_t i = 0; i < machine_x86.cpus; i++)
        make_one(&machine_x86.cpu[i]);
}

void percpu_enter(struct cpu *c)
{
    struct block *b = (struct block *)c;
    traps_cpu(c, b->gdt, b->tss);
    if (paging_physical(image_text) != c->text)
        panic("CPU %u does not run its node's copy of the monitor", c->id);
    apic_cpu();
    __atomic_store_n(&c->up, true, __ATOMIC_RELEASE);
}
