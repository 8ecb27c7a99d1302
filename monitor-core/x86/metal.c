/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/metal.h"

#include "monitor-core/x86/nested.h"

/* An entry of next_copy or frame_of: a frame number, or with LAST the page that the chain belongs to. */
#define LAST UINT32_C(0x80000000)
#define NOTHING UINT32_MAX
enum { FRAME_SHIFT = 12, POISON = 0x5a };

static struct metal *metal_of(struct machine *machine)
{
    return (struct metal *)machine;
}

static uint64_t physical_of(uint32_t frame)
{
    return (uint64_t)frame << FRAME_SHIFT;
}

static void *frame_at(const struct metal *m, uint32_t frame)
{
    return memory_at(m->memory, physical_of(frame));
}

/* Where the page's chain leads to its copy on that node; null: there is none. */
static uint32_t *copy_on(const struct metal *m, page_t page, node_t node)
{
    uint32_t *at = &m->frame_of[page];
    while (!(*at & LAST) && memory_node_of(m->memory, physical_of(*at)) != node)
        at = &m->next_copy[*at];
    return *at & LAST ? NULL : at;
}

static uint64_t leaf_of(const struct metal *m, page_t page, node_t copy, enum access access)
{
    const uint32_t *frame = access == ACCESS_NONE ? NULL : copy_on(m, page, copy);
    if (!frame)
        return 0;
    return nested_leaf(physical_of(*frame), access == ACCESS_WRITE && !space_is_shared(&m->pager->space, page));
}

/* What the node's leaf of a slot has to be by the engine's truth, outside of its operations. */
static uint64_t truth(const struct metal *m, uint32_t slot, node_t node)
{
    page_t page = space_page(&m->pager->space, slot);
    const struct place *p = view_place(&m->pager->engine.view, page);
    if (!(p->flags & PLACE_PRESENT) || p->flags & PLACE_WATCHED)
        return 0;
    return leaf_of(m, page, place_reach(p, node), p->flags == PLACE_PRESENT ? ACCESS_WRITE : ACCESS_READ);
}

static bool restricts(uint64_t old, uint64_t leaf)
{
    if (!(old & NESTED_PRESENT))
        return false;
    return !(leaf & NESTED_PRESENT) || (old ^ leaf) & NESTED_ADDRESS || (old & ~leaf & NESTED_WRITE);
}

/* What the hardware noted stays noted, so that a move hides no access. */
static void put(struct metal *m, uint32_t vm, uint64_t *entry, uint64_t leaf)
{
    uint64_t old = __atomic_load_n(entry, __ATOMIC_RELAXED), noted = old & (NESTED_ACCESSED | NESTED_DIRTY);
    if ((old ^ leaf) == noted)
        return;
    m->dirty |= (uint32_t)restricts(old, leaf) << vm;
    __atomic_store_n(entry, leaf ? leaf | noted : 0, __ATOMIC_RELEASE);
}

/* The slot's leaf in every table that `view` reaches and that is there; `leaf` null: as the truth is. */
static void put_all(struct metal *m, uint32_t slot, node_t view, const uint64_t *leaf)
{
    uint32_t vm = space_vm(&m->pager->space, slot);
    uint64_t gpa = space_gpa(&m->pager->space, slot);
    for (uint32_t n = 0; n < m->nodes; n++) {
        if (view != NODE_ALL && view != n)
            continue;
        uint64_t *entry = nested_entry(m->memory, m->root[vm][n], gpa, 0);
        if (entry)
            put(m, vm, entry, leaf ? *leaf : truth(m, slot, (node_t)n));
    }
}

static void map(struct machine *machine, page_t page, node_t view, node_t copy, enum access access)
{
    struct metal *m = metal_of(machine);
    if (!m->pager)
        return;
    const struct space *s = &m->pager->space;
    uint64_t leaf = leaf_of(m, page, copy, access);
    for (uint32_t slot = space_first(s, page); slot != SPACE_NONE; slot = space_after(s, page, slot))
        put_all(m, slot, view, &leaf);
}

static void settle(void *context)
{
    struct metal *m = context;
    uint32_t vms = m->dirty;
    m->dirty = 0;
    if (vms)
        m->flush(vms);
}

static int sync(struct machine *machine, struct move *moves, uint32_t n)
{
    (void)moves;
    (void)n;
    settle(metal_of(machine));
    return 0;
}

static int fill(struct machine *machine, page_t page, node_t dst, node_t src)
{
    struct metal *m = metal_of(machine);
    uint64_t physical = memory_take(m->memory, dst);
    if (physical == FRAMES_NONE) {
        m->refused++;
        return ERR_NOMEM;
    }
    uint32_t frame = (uint32_t)(physical >> FRAME_SHIFT);
    if (src == NODE_NONE)
        __builtin_memset(frame_at(m, frame), 0, MEMORY_FRAME);
    else
        __builtin_memcpy(frame_at(m, frame), frame_at(m, *copy_on(m, page, src)), MEMORY_FRAME);
    m->next_copy[frame] = m->frame_of[page];
    m->frame_of[page] = frame;
    return 0;
}

static void drop(struct machine *machine, page_t page, node_t copy)
{
    struct metal *m = metal_of(machine);
    uint32_t *link = copy_on(m, page, copy);
    if (!link)
        return;
    uint32_t frame = *link;
    *link = m->next_copy[frame];
    m->next_copy[frame] = NOTHING;
    if (m->poison)
        __builtin_memset(frame_at(m, frame), POISON, MEMORY_FRAME);
    memory_give(m->memory, physical_of(frame));
}

static const struct machine_ops metal_ops = {
    .caps = MACHINE_REPLICAS | MACHINE_WATCH, .map = map, .sync = sync, .fill = fill, .drop = drop};

/* A zeroed frame for a table, on the node that walks it if there is one; 0: none. (Frame 0 is never free RAM.) */
static uint64_t take_table(void *context, node_t node)
{
    struct metal *m = context;
    uint64_t physical = FRAMES_NONE;
    for (uint32_t i = 0; i < m->nodes && physical == FRAMES_NONE; i++)
        physical = memory_take(m->memory, (node_t)((node + i) % m->nodes));
    if (physical == FRAMES_NONE)
        return 0;
    __builtin_memset(memory_at(m->memory, physical), 0, MEMORY_FRAME);
    m->memory->node[memory_node_of(m->memory, physical)].monitor += MEMORY_FRAME;
    m->tables++;
    return physical;
}

static uint64_t root_of(struct metal *m, uint32_t vm, node_t node)
{
    uint64_t *root = &m->root[vm][node];
    if (!*root)
        __atomic_store_n(root, take_table(m, node), __ATOMIC_RELEASE);
    return *root;
}

uint64_t metal_root(struct metal *m, uint32_t vm, node_t node)
{
    uint64_t root = __atomic_load_n(&m->root[vm][node], __ATOMIC_ACQUIRE);
    if (root)
        return root;
    lock_take(&m->pager->lock);
    root = root_of(m, vm, node);
    lock_give(&m->pager->lock);
    return root;
}

/* Nothing changes where another CPU was faster, or where this one held an older, narrower translation: the fault itself
 * has taken that out of its TLB. */
static int show(void *context, uint32_t slot, node_t node)
{
    struct metal *m = context;
    const struct space *s = &m->pager->space;
    uint32_t vm = space_vm(s, slot);
    uint64_t from = space_gpa(s, slot) & ~(NESTED_REGION - 1);
    if (node == NODE_ALL || nested_entry(m->memory, m->root[vm][node], from, 0)) {
        put_all(m, slot, node, NULL);
        return 0;
    }
    if (!nested_make(m->memory, root_of(m, vm, node), from, 0, take_table, m, node))
        return ERR_NOMEM;
    for (uint32_t i = 0; i < NESTED_FANOUT; i++) {
        uint32_t other = space_slot(s, vm, from + (uint64_t)i * MEMORY_FRAME);
        if (other != SPACE_NONE)
            put_all(m, other, node, NULL);
    }
    return 0;
}

static void hide(void *context, uint32_t slot)
{
    put_all(context, slot, NODE_ALL, &(uint64_t){0});
}

static void *bytes(void *context, page_t page, node_t copy)
{
    const struct metal *m = context;
    const uint32_t *frame = copy_on(m, page, copy);
    return frame ? frame_at(m, *frame) : NULL;
}

struct leaves {
    uint64_t *entry;
    node_t node;
};

/* Notes and clears; answers how many tables of leaves there are to look through. The directory's bit says whether any
 * leaf below can be set: a walk sets it first, so a leaf that is set after it was looked at here keeps its bit until
 * the next walk through the directory. */
static uint32_t accessed_tables(struct metal *m, uint32_t vm, uint64_t gpa, struct leaves *table)
{
    uint32_t found = 0;
    for (uint32_t n = 0; n < m->nodes; n++) {
        uint64_t *directory = nested_entry(m->memory, m->root[vm][n], gpa, 1);
        if (!directory || !(__atomic_load_n(directory, __ATOMIC_RELAXED) & NESTED_ACCESSED))
            continue;
        uint64_t old = __atomic_fetch_and(directory, ~NESTED_ACCESSED, __ATOMIC_ACQ_REL);
        table[found++] = (struct leaves){memory_at(m->memory, old & NESTED_ADDRESS), (node_t)n};
    }
    return found;
}

static uint64_t bits_of(const uint64_t *e)
{
    return __atomic_load_n(e, __ATOMIC_RELAXED) | __atomic_load_n(e + 1, __ATOMIC_RELAXED) |
           __atomic_load_n(e + 2, __ATOMIC_RELAXED) | __atomic_load_n(e + 3, __ATOMIC_RELAXED);
}

/* Leaves that are looked at together: most of a table's are not accessed. */
enum { GROUP = 8 };

static bool any_accessed(const struct leaves *table, uint32_t tables, uint32_t from)
{
    uint64_t bits = 0;
    for (uint32_t t = 0; t < tables; t++)
        bits |= bits_of(table[t].entry + from) | bits_of(table[t].entry + from + GROUP / 2);
    return bits & NESTED_ACCESSED;
}

static void harvest_leaf(struct pager *pager, uint32_t slot, uint64_t *leaf, node_t node)
{
    if (!(__atomic_load_n(leaf, __ATOMIC_RELAXED) & NESTED_ACCESSED))
        return;
    uint64_t old = __atomic_fetch_and(leaf, ~(NESTED_ACCESSED | NESTED_DIRTY), __ATOMIC_ACQ_REL);
    if (old & NESTED_PRESENT)
        pager_saw(pager, slot, node, old & NESTED_DIRTY);
}

/* Page by page, and of each page node by node: a policy that compares nodes hears of all of them together. */
static void harvest_region(struct metal *m, struct pager *pager, uint32_t vm, uint32_t first)
{
    enum { OFTEN = 64 };
    struct leaves table[NODE_MAX];
    uint32_t tables = accessed_tables(m, vm, space_gpa(&pager->space, first), table);
    for (uint32_t from = 0; tables && from < NESTED_FANOUT; from += GROUP) {
        if (from % OFTEN == 0)
            pager_pause(pager);
        if (!any_accessed(table, tables, from))
            continue;
        for (uint32_t i = from; i < from + GROUP; i++)
            for (uint32_t t = 0; t < tables; t++)
                harvest_leaf(pager, first + i, &table[t].entry[i], table[t].node);
    }
}

static void harvest(void *context, struct pager *pager)
{
    struct metal *m = context;
    const struct space *s = &pager->space;
    for (uint32_t vm = 0; vm < s->nvms; vm++)
        for (uint32_t i = 0; i < s->count[vm]; i += NESTED_FANOUT)
            harvest_region(m, pager, vm, s->first[vm] + i);
    m->flush(0);
}

/* Every VM may come to run on every node, and no table shall ever be missing. */
static uint64_t usable_frames(void *context, node_t node)
{
    const struct metal *m = context;
    const struct space *s = &m->pager->space;
    uint64_t kept = 0, free = memory_free(m->memory, node);
    for (uint32_t vm = 0; vm < s->nvms; vm++)
        kept += nested_tables((uint64_t)s->count[vm] * MEMORY_FRAME);
    return free > kept ? free - kept : 0;
}

void metal_below(struct metal *m, struct pager_machine *below)
{
    *below = (struct pager_machine){.machine = &m->machine,
                                    .context = m,
                                    .bytes = bytes,
                                    .show = show,
                                    .hide = hide,
                                    .settle = settle,
                                    .harvest = harvest,
                                    .frames = usable_frames};
}

static uint64_t frames_in(const struct memory *memory)
{
    uint64_t top = 0;
    for (uint32_t i = 0; i < memory->ranges; i++)
        top = memory->range[i].end > top ? memory->range[i].end : top;
    return top >> FRAME_SHIFT;
}

size_t metal_size(uint32_t pages, const struct memory *memory)
{
    return (pages + frames_in(memory)) * sizeof(uint32_t);
}

void metal_init(struct metal *m, struct pager *pager, struct memory *memory, void (*flush)(uint32_t vms),
                uint32_t pages, void *block)
{
    *m = (struct metal){.machine.ops = &metal_ops,
                        .pager = pager,
                        .memory = memory,
                        .flush = flush,
                        .nodes = memory->nodes,
                        .frames = frames_in(memory),
                        .frame_of = block};
    m->next_copy = m->frame_of + pages;
    for (uint32_t page = 0; page < pages; page++)
        m->frame_of[page] = page | LAST;
    for (uint64_t frame = 0; frame < m->frames; frame++)
        m->next_copy[frame] = NOTHING;
}

page_t metal_page(const struct metal *m, uint64_t physical)
{
    uint64_t frame = physical >> FRAME_SHIFT;
    /* The chain may change underfoot; it has at most one copy per node. */
    for (uint32_t i = 0; i <= m->nodes && frame < m->frames; i++) {
        uint32_t next = __atomic_load_n(&m->next_copy[frame], __ATOMIC_RELAXED);
        if (next == NOTHING)
            return PAGE_NONE;
        if (next & LAST)
            return next & ~LAST;
        frame = next;
    }
    return PAGE_NONE;
}
