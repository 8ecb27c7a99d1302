/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Long-mode tables (AMD64 APM volume 2, 5.3). Everything but the image hangs below the boot tables' root, which every
 * node's root copies: what is mapped later, below an entry that is there already, is seen by all.
 */
#include "monitor-core/x86/start.h"

#define PRESENT UINT64_C(1)
#define WRITE UINT64_C(2)
#define UNCACHED UINT64_C(0x18)
#define LARGE UINT64_C(0x80)
#define NO_EXECUTE (UINT64_C(1) << 63)
#define ADDRESS UINT64_C(0x000ffffffffff000)

enum { ENTRIES = 512, ROOT_LEVEL = 3 };

static struct paging_node_tables {
    uint64_t cr3, text;
} tables_of[NODE_MAX];

static uint64_t size_at(unsigned level)
{
    return (uint64_t)MEMORY_FRAME << 9 * level;
}

static unsigned index_at(uint64_t address, unsigned level)
{
    return (unsigned)(address >> (12 + 9 * level)) % ENTRIES;
}

static uint64_t physical_of(const void *p)
{
    return memory_physical(&machine_x86.memory, p);
}

static void *reserve(node_t node, uint64_t bytes)
{
    void *p = memory_reserve(&machine_x86.memory, node, bytes, MEMORY_FRAME);
    if (!p)
        panic("no memory left for the monitor's own page tables; give the machine more");
    return p;
}

/* The entry that maps `address` at that level; tables on the way are made on `node`. */
static uint64_t *entry(uint64_t *table, uint64_t address, unsigned level, node_t node)
{
    for (unsigned at = ROOT_LEVEL; at > level; at--) {
        uint64_t *e = &table[index_at(address, at)];
        if (!(*e & PRESENT))
            *e = physical_of(reserve(node, MEMORY_FRAME)) | PRESENT | WRITE;
        table = memory_at(&machine_x86.memory, *e & ADDRESS);
    }
    return &table[index_at(address, level)];
}

static void map(uint64_t *root, uint64_t address, uint64_t physical, uint64_t bytes, uint64_t flags, node_t node)
{
    for (uint64_t at = 0; at < bytes; at += MEMORY_FRAME)
        *entry(root, address + at, 0, node) = (physical + at) | flags | PRESENT;
}

static void load(uint64_t cr3)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(cr3) : "memory");
}

static unsigned largest_level(uint64_t at, uint64_t end, unsigned most)
{
    while (most && (at % size_at(most) || end - at < size_at(most)))
        most--;
    return most;
}

/* RAM only: device registers must not be reachable as cached memory. */
static void direct_range(uint64_t *root, const struct start_range *r, unsigned most, node_t node)
{
    uint64_t at = (r->start + MEMORY_FRAME - 1) & ~(uint64_t)(MEMORY_FRAME - 1);
    while (r->end - at >= MEMORY_FRAME && at < r->end) {
        unsigned level = largest_level(at, r->end, most);
        *entry(root, START_DIRECT + at, level, node) =
            at | PRESENT | WRITE | NO_EXECUTE | (level ? LARGE : UINT64_C(0));
        at += size_at(level);
    }
}

/* The node with the lowest free memory: the boot tables reach the first 4 GiB. */
static node_t low_node(void)
{
    node_t best = 0;
    uint64_t least = UINT64_MAX;
    for (uint32_t n = 0; n < machine_x86.nodes; n++) {
        const struct memory_node *m = &machine_x86.memory.node[n];
        if (m->ranges && m->start[0] < least) {
            least = m->start[0];
            best = (node_t)n;
        }
    }
    return best;
}

void paging_direct(const struct start_facts *f)
{
    node_t node = low_node();
    unsigned most = cpuid_host(0x80000001, 0).edx & 1u << 26 ? 2 : 1; /* pages of 1 GiB */
    uint64_t *root = memory_at(&machine_x86.memory, (uint64_t)boot_pml4);
    uint64_t *made = reserve(node, MEMORY_FRAME); /* beside the boot tables, which serve until all is in */
    for (uint32_t i = 0; i < f->nram; i++)
        direct_range(made, &f->ram[i], most, node);
    for (unsigned i = index_at(START_DIRECT, ROOT_LEVEL); i < index_at(START_DEVICES, ROOT_LEVEL); i++)
        root[i] = made[i];
    entry(root, START_DEVICES, ROOT_LEVEL - 1, node);
    entry(root, START_STACKS, ROOT_LEVEL - 1, node);
    load((uint64_t)boot_pml4);
}

void paging_node(node_t node)
{
    struct paging_node_tables *t = &tables_of[node];
    uint64_t text_bytes = (uint64_t)image_data - (uint64_t)image_text;
    uint64_t code_bytes = (uint64_t)image_rodata - (uint64_t)image_text;
    uint64_t data_bytes = (uint64_t)image_end - (uint64_t)image_data;
    if (t->cr3)
        return;
    uint64_t *root = reserve(node, MEMORY_FRAME);
    unsigned char *copy = reserve(node, text_bytes);
    __builtin_memcpy(root, memory_at(&machine_x86.memory, (uint64_t)boot_pml4), MEMORY_FRAME);
    root[0] = root[ENTRIES - 1] = 0;
    __builtin_memcpy(copy, image_text, text_bytes);
    t->text = physical_of(copy);
    map(root, (uint64_t)image_text, t->text, code_bytes, 0, node);
    map(root, (uint64_t)image_rodata, t->text + code_bytes, text_bytes - code_bytes, NO_EXECUTE, node);
    map(root, (uint64_t)image_data, (uint64_t)image_data - START_IMAGE, data_bytes, WRITE | NO_EXECUTE, node);
    t->cr3 = physical_of(root);
}

uint64_t paging_cr3(node_t node)
{
    return tables_of[node].cr3;
}

uint64_t paging_text(node_t node)
{
    return tables_of[node].text;
}

static void map_stack(const struct cpu *c, unsigned first, unsigned pages)
{
    uint64_t *root = memory_at(&machine_x86.memory, tables_of[c->node].cr3);
    uint64_t bytes = (uint64_t)pages * MEMORY_FRAME;
    unsigned char *top = traps_stack(c, first, pages);
    map(root, (uint64_t)top - bytes, physical_of(reserve(c->node, bytes)), bytes, WRITE | NO_EXECUTE, c->node);
}

void paging_stacks(const struct cpu *c)
{
    map_stack(c, START_STACK, START_STACK_PAGES);
    map_stack(c, START_NMI, START_IST_PAGES);
    map_stack(c, START_DOUBLE, START_IST_PAGES);
    map_stack(c, START_CHECK, START_IST_PAGES);
}

void *cpu_map_device(uint64_t physical, uint64_t bytes)
{
    static uint64_t used;
    uint64_t offset = physical % MEMORY_FRAME, pages = (offset + bytes + MEMORY_FRAME - 1) / MEMORY_FRAME;
    uint64_t *root = memory_at(&machine_x86.memory, (uint64_t)boot_pml4), address = START_DEVICES + used;
    map(root, address, physical - offset, pages * MEMORY_FRAME, WRITE | NO_EXECUTE | UNCACHED, low_node());
    used += pages * MEMORY_FRAME;
    return (void *)(address + offset);
}

uint64_t paging_physical(const void *p)
{
    uint64_t cr3, address = (uint64_t)p;
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    uint64_t *table = memory_at(&machine_x86.memory, cr3 & ADDRESS);
    for (unsigned level = ROOT_LEVEL;; level--) {
        uint64_t e = table[index_at(address, level)];
        if (!(e & PRESENT))
            return UINT64_MAX;
        if (!level || (level < ROOT_LEVEL && e & LARGE))
            return (e & ADDRESS & ~(size_at(level) - 1)) + address % size_at(level);
        table = memory_at(&machine_x86.memory, e & ADDRESS);
    }
}
