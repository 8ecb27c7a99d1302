/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/metal.h"

#include "monitor-core/x86/nested.h"

/* An entry of next_copy or frame_of: a frame number, or with LAST the page that the chain belongs to. */
#define LAST UINT32_C(0x80000000)
#define NOTHING UINT32_MAX
#define POISON UINT64_C(0xdead5a5adead5a5a)
enum { FRAME_SHIFT = 12, FRAME_WORDS = MEMORY_FRAME / 8 };

static struct metal *metal_of(struct machine *machine)
{
    return (struct metal *)machine;
}

static uint64_t physical_of(uint32_t frame)
{
    return (uint64_t)frame << FRAME_SHIFT;
}

static void fill_words(void *to, uint64_t value)
{
    uint64_t n = FRAME_WORDS;
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(n) : "a"(value) : "memory");
}

static void copy_words(void *to, const void *from)
{
    uint64_t n = FRAME_WORDS;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

/* The page's copy on that node; NOTHING. `link`: where the chain leads to it. */
static uint32_t copy_on(const struct metal *m, page_t page, node_t node, uint32_t **link)
{
    uint32_t *at = &m->frame_of[page];
    while (!(*at & LAST)) {
        if (memory_node_of(m->memory, physical_of(*at)) == node) {
            *link = at;
            return *at;
        }
        at = &m->next_copy[*at];
    }
    return NOTHING;
}

static uint64_t leaf_of(const struct metal *m, page_t page, node_t copy, enum access access)
{
    uint32_t *link;
    if (access == ACCESS_NONE)
        return 0;
    uint32_t frame = copy_on(m, page, copy, &link);
    if (frame == NOTHING)
        return 0;
    return nested_leaf(physical_of(frame), access == ACCESS_WRITE && !space_is_shared(&m->pager->space, page));
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

static uint64_t *leaf_in(const struct metal *m, uint32_t vm, node_t node, uint64_t gpa)
{
    uint64_t root = m->root[vm][node];
    return root ? nested_find(m->memory, root, gpa) : NULL;
}

static void map(struct machine *machine, page_t page, node_t view, node_t copy, enum access access)
{
    struct metal *m = metal_of(machine);
    if (!m->pager)
        return;
    const struct space *s = &m->pager->space;
    uint32_t slot = space_first(s, page);
    if (slot == UINT32_MAX)
        return;
    uint64_t leaf = leaf_of(m, page, copy, access);
    for (; slot != UINT32_MAX; slot = space_after(s, page, slot)) {
        uint32_t vm = space_vm(s, slot);
        uint64_t gpa = space_gpa(s, slot);
        for (uint32_t n = 0; n < m->nodes; n++) {
            uint64_t *entry = view == NODE_ALL || view == n ? leaf_in(m, vm, (node_t)n, gpa) : NULL;
            if (entry)
                put(m, vm, entry, leaf);
        }
    }
}

static void settle(void *context)
{
    struct metal *m = context;
    if (!m->dirty)
        return;
    uint32_t vms = m->dirty;
    m->dirty = 0;
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
    uint32_t *link;
    uint64_t physical = memory_take(m->memory, dst);
    if (physical == FRAMES_NONE) {
        m->refused++;
        return ERR_NOMEM;
    }
    if (src == NODE_NONE) {
        fill_words(memory_at(m->memory, physical), 0);
        m->frames_zeroed++;
    } else {
        copy_words(memory_at(m->memory, physical), memory_at(m->memory, physical_of(copy_on(m, page, src, &link))));
        m->frames_moved++;
    }
    uint32_t frame = (uint32_t)(physical >> FRAME_SHIFT);
    m->next_copy[frame] = m->frame_of[page];
    m->frame_of[page] = frame;
    return 0;
}

static void drop(struct machine *machine, page_t page, node_t copy)
{
    struct metal *m = metal_of(machine);
    uint32_t *link;
    uint32_t frame = copy_on(m, page, copy, &link);
    if (frame == NOTHING)
        return;
    *link = m->next_copy[frame];
    m->next_copy[frame] = NOTHING;
    if (m->poison)
        fill_words(memory_at(m->memory, physical_of(frame)), POISON);
    memory_give(m->memory, physical_of(frame));
}

static const struct machine_ops metal_ops = {
    .caps = MACHINE_REPLICAS | MACHINE_WATCH, .map = map, .sync = sync, .fill = fill, .drop = drop};

/* A zeroed frame for a table, on the node that walks it if there is one. */
struct table_source {
    struct metal *metal;
    node_t node;
};

static uint64_t take_table(void *context)
{
    struct table_source *s = context;
    struct metal *m = s->metal;
    uint64_t physical = FRAMES_NONE;
    for (uint32_t i = 0; i < m->nodes && physical == FRAMES_NONE; i++)
        physical = memory_take(m->memory, (node_t)((s->node + i) % m->nodes));
    if (physical == FRAMES_NONE)
        return FRAMES_NONE;
    fill_words(memory_at(m->memory, physical), 0);
    m->memory->node[memory_node_of(m->memory, physical)].monitor += MEMORY_FRAME;
    m->tables++;
    return physical;
}

static uint64_t root_of(struct metal *m, uint32_t vm, node_t node)
{
    if (!m->root[vm][node]) {
        struct table_source source = {.metal = m, .node = node};
        uint64_t physical = take_table(&source);
        m->root[vm][node] = physical == FRAMES_NONE ? 0 : physical;
    }
    return m->root[vm][node];
}

uint64_t metal_root(struct metal *m, uint32_t vm, node_t node)
{
    lock_take(&m->pager->lock);
    uint64_t root = root_of(m, vm, node);
    lock_give(&m->pager->lock);
    return root;
}

static void show_region(struct metal *m, uint32_t vm, node_t node, uint64_t gpa)
{
    const struct space *s = &m->pager->space;
    uint64_t from = gpa & ~(NESTED_REGION - 1);
    uint64_t *entries = leaf_in(m, vm, node, from);
    for (uint32_t i = 0; i < NESTED_FANOUT; i++) {
        uint32_t slot = space_slot(s, vm, from + (uint64_t)i * MEMORY_FRAME);
        if (slot != UINT32_MAX)
            put(m, vm, &entries[i], truth(m, slot, node));
    }
}

static int show_on(struct metal *m, uint32_t slot, node_t node)
{
    uint32_t vm = space_vm(&m->pager->space, slot);
    uint64_t gpa = space_gpa(&m->pager->space, slot), root = root_of(m, vm, node);
    struct table_source source = {.metal = m, .node = node};
    bool made;
    uint64_t *entry = NULL;
    if (root)
        entry = nested_make(m->memory, root, gpa, &(struct nested_source){take_table, &source}, &made);
    if (!entry)
        return ERR_NOMEM;
    if (made)
        show_region(m, vm, node, gpa);
    else
        /* Nothing changes where another CPU was faster, or where this one held an older, narrower translation: the
         * fault itself has taken that out of its TLB. */
        put(m, vm, entry, truth(m, slot, node));
    return 0;
}

static int show(void *context, uint32_t slot, node_t node)
{
    struct metal *m = context;
    if (node != NODE_ALL)
        return show_on(m, slot, node);
    uint32_t vm = space_vm(&m->pager->space, slot);
    uint64_t gpa = space_gpa(&m->pager->space, slot);
    for (uint32_t n = 0; n < m->nodes; n++) {
        uint64_t *entry = leaf_in(m, vm, (node_t)n, gpa);
        if (entry)
            put(m, vm, entry, truth(m, slot, (node_t)n));
    }
    return 0;
}

static void hide(void *context, uint32_t slot)
{
    struct metal *m = context;
    uint32_t vm = space_vm(&m->pager->space, slot);
    uint64_t gpa = space_gpa(&m->pager->space, slot);
    for (uint32_t n = 0; n < m->nodes; n++) {
        uint64_t *entry = leaf_in(m, vm, (node_t)n, gpa);
        if (entry)
            put(m, vm, entry, 0);
    }
}

static void *bytes(void *context, page_t page, node_t copy)
{
    struct metal *m = context;
    uint32_t *link;
    uint32_t frame = copy_on(m, page, copy, &link);
    return frame == NOTHING ? NULL : memory_at(m->memory, physical_of(frame));
}

/* Notes and clears. The directory's bit says whether any leaf below can be set: a walk sets it first, so a leaf that is
 * set after it was looked at here keeps its bit until the next walk through the directory. */
static uint32_t accessed_tables(struct metal *m, uint32_t vm, uint64_t gpa, uint64_t **table)
{
    uint32_t any = 0;
    for (uint32_t n = 0; n < m->nodes; n++) {
        uint64_t root = m->root[vm][n];
        uint64_t *directory = root ? nested_directory(m->memory, root, gpa) : NULL;
        table[n] = NULL;
        if (!directory || !(__atomic_load_n(directory, __ATOMIC_RELAXED) & NESTED_ACCESSED))
            continue;
        uint64_t old = __atomic_fetch_and(directory, ~NESTED_ACCESSED, __ATOMIC_ACQ_REL);
        table[n] = memory_at(m->memory, old & NESTED_ADDRESS);
        any++;
    }
    return any;
}

/* Page by page, and of each page node by node: a policy that compares nodes hears of all of them together. */
static void harvest_region(struct metal *m, struct pager *pager, uint32_t vm, uint64_t gpa)
{
    uint64_t *table[NODE_MAX];
    if (!accessed_tables(m, vm, gpa, table))
        return;
    pager_pause(pager);
    for (uint32_t i = 0; i < NESTED_FANOUT; i++) {
        for (uint32_t n = 0; n < m->nodes; n++) {
            if (!table[n] || !(__atomic_load_n(&table[n][i], __ATOMIC_RELAXED) & NESTED_ACCESSED))
                continue;
            uint64_t old = __atomic_fetch_and(&table[n][i], ~(NESTED_ACCESSED | NESTED_DIRTY), __ATOMIC_ACQ_REL);
            uint32_t slot = space_slot(&pager->space, vm, gpa + (uint64_t)i * MEMORY_FRAME);
            if (slot != UINT32_MAX && old & NESTED_PRESENT)
                pager_saw(pager, slot, (node_t)n, old & NESTED_DIRTY);
        }
    }
}

static void harvest(void *context, struct pager *pager)
{
    struct metal *m = context;
    const struct space *s = &pager->space;
    for (uint32_t vm = 0; vm < s->nvms; vm++)
        for (uint32_t i = 0; i < s->count[vm]; i += NESTED_FANOUT)
            harvest_region(m, pager, vm, space_gpa(s, s->first[vm] + i));
    m->flush(0);
}

/* Every VM may come to run on every node, and no table shall ever be missing. */
static uint64_t usable_frames(void *context, node_t node)
{
    struct metal *m = context;
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

uint64_t metal_frames(const struct memory *memory)
{
    uint64_t top = 0;
    for (uint32_t n = 0; n < memory->nodes; n++) {
        for (uint32_t i = 0; i < memory->node[n].ranges; i++) {
            const struct frames *range = &memory->node[n].range[i];
            if (range->base + range->count > top)
                top = range->base + range->count;
        }
    }
    return top;
}

size_t metal_size(uint32_t pages, uint64_t frames)
{
    return ((size_t)pages + frames) * sizeof(uint32_t);
}

void metal_init(struct metal *m, struct pager *pager, struct memory *memory, void (*flush)(uint32_t vms),
                uint32_t pages, void *block)
{
    __builtin_memset(m, 0, sizeof *m);
    m->machine.ops = &metal_ops;
    m->pager = pager;
    m->memory = memory;
    m->flush = flush;
    m->nodes = memory->nodes;
    m->npages = pages;
    m->frames = metal_frames(memory);
    m->frame_of = block;
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
