/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/space/rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor-core/x86/nested.h"

static struct rig *the_rig; /* metal's flush has no context */

void rig_fail(struct rig *r, const char *format, ...)
{
    va_list args;
    if (!r->wrong++) {
        va_start(args, format);
        vsnprintf(r->first, sizeof r->first, format, args);
        va_end(args);
    }
}

uint64_t rig_gpa(uint32_t page)
{
    return (uint64_t)page * RIG_PAGE;
}

void rig_reenter(struct rig *r, uint32_t cpu)
{
    struct rig_cpu *c = &r->cpu[cpu];
    if (c->seen == r->lazy)
        return;
    c->seen = r->lazy;
    for (uint32_t vm = 0; vm < r->given.nvms; vm++)
        memset(c->leaf[vm], 0, r->given.pages[vm] * sizeof(uint64_t));
}

/* As the hardware walks: user bit in every entry, accessed at every level, dirty in the leaf of a write. */
static uint64_t walk(struct rig *r, uint64_t root, uint64_t gpa, bool write)
{
    uint64_t table = root;
    for (int shift = 39;; shift -= 9) {
        uint64_t *entry = (uint64_t *)(void *)(r->ram + table) + (gpa >> shift & 511);
        bool allowed = (*entry & 5) == 5 && (!write || *entry & 2);
        if (!allowed)
            return 0;
        *entry |= shift == 12 && write ? 0x60 : 0x20;
        if (shift == 12)
            return *entry;
        table = *entry & UINT64_C(0x000ffffffffff000);
    }
}

/* A leaf that allows the access; 0: nested fault, which leaves nothing of the page in the buffer. */
static uint64_t translate(struct rig *r, uint32_t cpu, uint32_t vm, uint32_t page, bool write)
{
    struct rig_cpu *c = &r->cpu[cpu];
    uint64_t *kept = &c->leaf[vm][page];
    if (*kept && (!write || *kept & 2))
        return *kept;
    *kept = 0;
    return *kept = walk(r, r->metal.root[vm][c->node], rig_gpa(page), write);
}

static void perform(struct rig *r, uint64_t leaf, uint32_t cpu, uint32_t vm, uint32_t page, uint32_t word, bool write,
                    uint64_t value)
{
    const struct space *space = &r->pager.space;
    page_t shown = space_page(space, space_slot(space, vm, rig_gpa(page)));
    uint8_t flags = view_place(&r->pager.engine.view, shown)->flags;
    if (flags & PLACE_WATCHED || (write && (flags & PLACE_REPLICATED || space_is_shared(space, shown))))
        rig_fail(r, "cpu %u vm %u page %u: an access that the pager should have heard of", cpu, vm, page);
    unsigned char *at = r->ram + (leaf & UINT64_C(0x000ffffffffff000)) + word * 8;
    unsigned char *shadow = r->shadow[vm] + rig_gpa(page) + word * 8;
    if (write) {
        memcpy(at, &value, 8);
        memcpy(shadow, &value, 8);
    } else if (memcmp(at, shadow, 8)) {
        rig_fail(r, "cpu %u vm %u page %u word %u: read other bytes", cpu, vm, page, word);
    }
}

uint32_t rig_some_page(struct rig *r, uint32_t vm, uint64_t *seed)
{
    uint32_t hot = r->given.pages[vm] < 6 ? r->given.pages[vm] : 6;
    return fixture_below(seed, fixture_below(seed, 2) ? hot : r->given.pages[vm]);
}

/* The other CPUs run on while the pager does its work, as far as their translations let them: whoever faults waits. */
static void others_run(struct rig *r)
{
    for (int i = 0; i < 12; i++) {
        uint32_t cpu = fixture_below(&r->seed, RIG_CPUS), vm = fixture_below(&r->seed, r->given.nvms);
        uint32_t page = rig_some_page(r, vm, &r->seed), word = fixture_below(&r->seed, RIG_WORDS);
        bool write = fixture_below(&r->seed, 2);
        if (vm == r->untouched || !r->metal.root[vm][r->cpu[cpu].node])
            continue;
        uint64_t leaf = translate(r, cpu, vm, page, write);
        if (leaf)
            perform(r, leaf, cpu, vm, page, word, write, r->seed);
    }
}

static void flush(uint32_t vms)
{
    struct rig *r = the_rig;
    r->lazy++;
    if (!vms)
        return;
    r->flushes++;
    others_run(r);
    for (uint32_t cpu = 0; cpu < RIG_CPUS; cpu++)
        for (uint32_t vm = 0; vm < r->given.nvms; vm++)
            if (vms >> vm & 1)
                memset(r->cpu[cpu].leaf[vm], 0, r->given.pages[vm] * sizeof(uint64_t));
    others_run(r);
}

static struct rig_machine *both_of(struct machine *machine)
{
    return (struct rig_machine *)machine;
}

static void both_map(struct machine *machine, page_t page, node_t view, node_t copy, enum access access)
{
    struct rig_machine *b = both_of(machine);
    b->check.ops.map(&b->check.machine, page, view, copy, access);
    b->metal->machine.ops->map(&b->metal->machine, page, view, copy, access);
}

static int both_sync(struct machine *machine, struct move *moves, uint32_t n)
{
    struct rig_machine *b = both_of(machine);
    int err = b->check.ops.sync(&b->check.machine, moves, n);
    return err ? err : b->metal->machine.ops->sync(&b->metal->machine, moves, n);
}

static int both_fill(struct machine *machine, page_t page, node_t dst, node_t src)
{
    struct rig_machine *b = both_of(machine);
    int err = b->check.ops.fill(&b->check.machine, page, dst, src);
    if (!err && b->metal->machine.ops->fill(&b->metal->machine, page, dst, src))
        rig_fail(the_rig, "page %u: no frame on node %u, where there should be one", page, dst);
    return err;
}

static void both_drop(struct machine *machine, page_t page, node_t copy)
{
    struct rig_machine *b = both_of(machine);
    b->check.ops.drop(&b->check.machine, page, copy);
    b->metal->machine.ops->drop(&b->metal->machine, page, copy);
}

static const struct machine_ops both_ops = {
    .caps = MACHINE_REPLICAS | MACHINE_WATCH, .map = both_map, .sync = both_sync, .fill = both_fill, .drop = both_drop};

static void begin_memory(struct rig *r)
{
    uint64_t step = (r->given.frames + 3) * RIG_PAGE;
    r->ram = aligned_alloc(RIG_PAGE, step * (r->given.nodes + 1));
    memset(r->ram, 0xa5, step * (r->given.nodes + 1));
    memory_init(&r->memory, r->ram, r->given.nodes);
    for (uint32_t n = 0; n < r->given.nodes; n++)
        memory_add(&r->memory, (node_t)n, RIG_PAGE + n * step, RIG_PAGE + n * step + r->given.frames * RIG_PAGE);
    memory_seal(&r->memory);
}

static void begin_config(struct rig *r)
{
    r->config = (struct config){.policy = r->given.policy,
                                .harvest_ms = 2,
                                .weight = 16,
                                .around = r->given.around,
                                .poison = true,
                                .nvms = r->given.nvms};
    policy_defaults(r->config.policy, r->config.param);
}

int rig_begin(struct rig *r, const struct rig_config *given)
{
    memset(r, 0, sizeof *r);
    r->given = *given;
    the_rig = r;
    r->seed = 1;
    r->untouched = SPACE_VMS;
    begin_memory(r);
    begin_config(r);
    fixture_shape(&r->shape, given->nodes, RIG_CPUS, given->frames);
    uint32_t pages = given->shared;
    for (uint32_t vm = 0; vm < given->nvms; vm++) {
        pages += given->pages[vm];
        r->shadow[vm] = calloc(given->pages[vm], RIG_PAGE);
        for (uint32_t cpu = 0; cpu < RIG_CPUS; cpu++)
            r->cpu[cpu].leaf[vm] = calloc(given->pages[vm], sizeof(uint64_t));
    }
    for (uint32_t cpu = 0; cpu < RIG_CPUS; cpu++)
        r->cpu[cpu].node = r->shape.cpu_node[cpu];
    for (uint32_t n = 0; n < given->nodes; n++)
        r->start_free[n] = memory_free(&r->memory, (node_t)n);
    r->metal_block = malloc(metal_size(pages, &r->memory));
    metal_init(&r->metal, &r->pager, &r->memory, flush, pages, r->metal_block);
    r->metal.poison = true;
    struct pager_machine below;
    uint64_t bytes;
    metal_below(&r->metal, &below);
    r->both = (struct rig_machine){.machine.ops = &both_ops, .metal = &r->metal};
    if (!given->unchecked)
        below.machine = &r->both.machine;
    int err = pager_need(&r->config, &r->shape.topology, given->pages, given->shared, &bytes);
    if (err)
        return err;
    r->pager_block = aligned_alloc(RIG_PAGE, (bytes + RIG_PAGE - 1) / RIG_PAGE * RIG_PAGE);
    memset(r->pager_block, 0, bytes);
    err = pager_init(&r->pager, &r->config, &r->shape.topology, given->pages, given->shared, &below, r->pager_block);
    machine_check_begin(&r->both.check, &r->pager.topology, pages, both_ops.caps);
    return err;
}

void rig_end(struct rig *r)
{
    for (uint32_t vm = 0; vm < r->given.nvms; vm++) {
        free(r->shadow[vm]);
        for (uint32_t cpu = 0; cpu < RIG_CPUS; cpu++)
            free(r->cpu[cpu].leaf[vm]);
    }
    machine_check_end(&r->both.check);
    free(r->metal_block);
    free(r->pager_block);
    free(r->ram);
}

int rig_access(struct rig *r, uint32_t cpu, uint32_t vm, uint32_t page, uint32_t word, bool write, uint64_t value)
{
    uint64_t leaf, gpa = rig_gpa(page) + word * 8;
    for (int tries = 0;; tries++) {
        uint64_t root = metal_root(&r->metal, vm, r->cpu[cpu].node);
        leaf = root ? translate(r, cpu, vm, page, write) : 0;
        if (leaf)
            break;
        enum exit_kind kind;
        int err = pager_fault(&r->pager, vm, r->cpu[cpu].node, (uint16_t)cpu, gpa, write, r->now, &kind);
        rig_reenter(r, cpu);
        if (err)
            return err;
        r->faults[kind]++;
        if (tries == 8)
            return rig_fail(r, "vm %u page %u: faults for ever", vm, page), 0;
    }
    perform(r, leaf, cpu, vm, page, word, write, value);
    return 0;
}

int rig_show(struct rig *r, uint32_t vm, node_t node, uint64_t gpa, page_t shared)
{
    return pager_show(&r->pager, vm, node, &(struct pager_showing){gpa, shared}, 1);
}

static void check_leaf(struct rig *r, uint32_t vm, uint32_t page, node_t node)
{
    uint64_t root = r->metal.root[vm][node];
    uint64_t *entry = nested_entry(&r->memory, root, rig_gpa(page), 0);
    if (!entry || !(*entry & 1))
        return;
    uint32_t slot = space_slot(&r->pager.space, vm, rig_gpa(page));
    page_t shown = space_page(&r->pager.space, slot);
    const struct place *p = view_place(&r->pager.engine.view, shown);
    uint64_t frame = *entry & UINT64_C(0x000ffffffffff000);
    bool writable = *entry & 2;
    if (!(p->flags & PLACE_PRESENT))
        rig_fail(r, "vm %u page %u node %u: mapped, but not there", vm, page, node);
    else if (memory_node_of(&r->memory, frame) != place_reach(p, node))
        rig_fail(r, "vm %u page %u node %u: reaches another node", vm, page, node);
    if (metal_page(&r->metal, frame) != shown)
        rig_fail(r, "vm %u page %u node %u: frame of another page", vm, page, node);
    if (writable && (p->flags != PLACE_PRESENT || space_is_shared(&r->pager.space, shown)))
        rig_fail(r, "vm %u page %u node %u: writable", vm, page, node);
    if (memcmp(r->ram + frame, r->shadow[vm] + rig_gpa(page), RIG_PAGE))
        rig_fail(r, "vm %u page %u node %u: other bytes", vm, page, node);
}

static void check_frames(struct rig *r)
{
    uint64_t used[NODE_MAX] = {0}, tables = r->metal.tables, missing = 0;
    const struct engine *e = &r->pager.engine;
    for (page_t page = 0; page < e->view.npages; page++)
        for (nodeset_t left = view_copies(&e->view, page); left; left &= left - 1)
            used[nodeset_first(left)]++;
    for (uint32_t n = 0; n < r->given.nodes; n++) {
        uint64_t gone = r->start_free[n] - memory_free(&r->memory, (node_t)n);
        if (gone < used[n] || e->free[n] + used[n] != r->pager.frames[n])
            rig_fail(r, "node %u: %llu frames gone, %llu used", n, (unsigned long long)gone,
                     (unsigned long long)used[n]);
        missing += gone - used[n];
    }
    if (missing != tables || r->memory.refused)
        rig_fail(r, "%llu frames beside pages, %llu tables", (unsigned long long)missing, (unsigned long long)tables);
}

void rig_check(struct rig *r)
{
    unsigned char bytes[RIG_PAGE];
    check_frames(r);
    if (!r->given.unchecked)
        machine_check_compare(&r->both.check, &r->pager.engine);
    if (r->both.check.breaches)
        rig_fail(r, "%s", r->both.check.first);
    for (uint32_t vm = 0; vm < r->given.nvms; vm++) {
        for (uint32_t page = 0; page < r->given.pages[vm]; page++) {
            for (uint32_t n = 0; n < r->given.nodes; n++)
                check_leaf(r, vm, page, (node_t)n);
            page_t shown = space_page(&r->pager.space, space_slot(&r->pager.space, vm, rig_gpa(page)));
            if (view_copies(&r->pager.engine.view, shown) == 0)
                continue;
            if (pager_read(&r->pager, vm, 0, rig_gpa(page), bytes, RIG_PAGE) ||
                memcmp(bytes, r->shadow[vm] + rig_gpa(page), RIG_PAGE))
                rig_fail(r, "vm %u page %u: the monitor reads other bytes", vm, page);
        }
    }
    check_frames(r);
}
