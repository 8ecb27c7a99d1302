/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Long-mode tables (AMD64 APM volume 2, 5.3). Everything but the image hangs below the boot tables' root, which every
 * node's root copies: what is mapped later, below an entry that is there already, is seen by all.
 */
#include "monitor-core/x86/nested.h"
#include "monitor-core/x86/start.h"

#define PRESENT NESTED_PRESENT
#define WRITE NESTED_WRITE
#define UNCACHED UINT64_C(0x18)
#define LARGE UINT64_C(0x80)
#define NO_EXECUTE (UINT64_C(1) << 63)

static struct paging_node_tables {
    uint64_t cr3, text;
} tables_of[MACHINE_NODES];

static uint64_t physical_of(const void *p)
{
    return memory_physical(&machine_x86.memory, p);
}

static uint64_t *boot_root(void)
{
    return memory_at(&machine_x86.memory, (uint64_t)boot_pml4);
}

static uint64_t take_table(void *context, node_t node)
{
    (void)context;
    return physical_of(cpu_reserve(node, MEMORY_FRAME, "page tables"));
}

/* The entry that maps `address` at that level; tables on the way are made on `node`. */
static uint64_t *entry(const uint64_t *root, uint64_t address, unsigned level, node_t node)
{
    return nested_make(&machine_x86.memory, physical_of(root), address % NESTED_LIMIT, level, take_table, NULL, node);
}

static void map(const uint64_t *root, uint64_t address, uint64_t physical, uint64_t bytes, uint64_t flags, node_t node)
{
    for (uint64_t at = 0; at < bytes; at += MEMORY_FRAME)
        *entry(root, address + at, 0, node) = (physical + at) | flags | PRESENT;
}

/* RAM only: device registers must not be reachable as cached memory. */
static void direct_range(const uint64_t *root, const struct start_range *r, node_t node)
{
    const uint64_t large = UINT64_C(2) << 20, flags = PRESENT | WRITE | NO_EXECUTE;
    uint64_t at = (r->start + MEMORY_FRAME - 1) & ~(uint64_t)(MEMORY_FRAME - 1);
    while (at < r->end && r->end - at >= MEMORY_FRAME) {
        bool whole = at % large == 0 && r->end - at >= large;
        *entry(root, START_DIRECT + at, whole, node) = at | flags | (whole ? LARGE : UINT64_C(0));
        at += whole ? large : MEMORY_FRAME;
    }
}

void paging_direct(const struct start_facts *f)
{
    node_t node = machine_x86.memory.range[0].node;                  /* the lowest: the boot tables reach 4 GiB */
    uint64_t *made = cpu_reserve(node, MEMORY_FRAME, "page tables"); /* beside those, which serve until all is in */
    for (uint32_t i = 0; i < f->nram; i++)
        direct_range(made, &f->ram[i], node);
    entry(made, START_DEVICES, NESTED_LEVELS - 2, node);
    entry(made, START_STACKS, NESTED_LEVELS - 2, node);
    for (unsigned i = NESTED_FANOUT / 2; i < NESTED_FANOUT - 1; i++)
        boot_root()[i] = made[i];
    __asm__ volatile("mov %0, %%cr3" : : "r"((uint64_t)boot_pml4) : "memory");
}

uint64_t paging_node(node_t node)
{
    struct paging_node_tables *t = &tables_of[node];
    uint64_t text_bytes = (uint64_t)image_data - (uint64_t)image_text;
    uint64_t code_bytes = (uint64_t)image_rodata - (uint64_t)image_text;
    uint64_t data_bytes = (uint64_t)image_end - (uint64_t)image_data;
    if (t->cr3)
        return t->text;
    uint64_t *root = cpu_reserve(node, MEMORY_FRAME, "page tables");
    unsigned char *copy = cpu_reserve(node, text_bytes, "a copy of the monitor");
    __builtin_memcpy(root, boot_root(), MEMORY_FRAME);
    root[0] = root[NESTED_FANOUT - 1] = 0;
    __builtin_memcpy(copy, image_text, text_bytes);
    t->text = physical_of(copy);
    map(root, (uint64_t)image_text, t->text, code_bytes, 0, node);
    map(root, (uint64_t)image_rodata, t->text + code_bytes, text_bytes - code_bytes, NO_EXECUTE, node);
    map(root, (uint64_t)image_data, (uint64_t)image_data - START_IMAGE, data_bytes, WRITE | NO_EXECUTE, node);
    t->cr3 = physical_of(root);
    return t->text;
}

uint64_t paging_cr3(node_t node)
{
    return tables_of[node].cr3;
}

unsigned char *paging_stack(uint32_t cpu, unsigned stack, node_t node)
{
    const uint64_t bytes = START_STACK_PAGES * MEMORY_FRAME;
    uint64_t bottom = START_STACKS + ((uint64_t)cpu * START_STACKS_EACH + stack) * START_STACK_STEP + MEMORY_FRAME;
    uint64_t physical = physical_of(cpu_reserve(node, bytes, "a CPU's stacks"));
    map(boot_root(), bottom, physical, bytes, WRITE | NO_EXECUTE, node);
    return (unsigned char *)(bottom + bytes);
}

void *cpu_map_device(uint64_t physical, uint64_t bytes)
{
    static uint64_t used;
    uint64_t offset = physical % MEMORY_FRAME, pages = (offset + bytes + MEMORY_FRAME - 1) / MEMORY_FRAME;
    uint64_t address = START_DEVICES + used;
    map(boot_root(), address, physical - offset, pages * MEMORY_FRAME, WRITE | NO_EXECUTE | UNCACHED, 0);
    used += pages * MEMORY_FRAME;
    return (void *)(address + offset);
}
