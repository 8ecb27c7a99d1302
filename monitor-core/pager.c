/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/pager_run.h"

enum { PAGE_BYTES = 4096, PAGE_MASK = PAGE_BYTES - 1 };

static uint32_t count_slots(const struct config *c, const uint32_t *pages)
{
    uint32_t slots = 0;
    for (uint32_t vm = 0; vm < c->nvms; vm++)
        slots += pages[vm];
    return slots;
}

/* `bytes`: of the engine in the pager's block, after the space and before the observation. */
static int configure(struct engine_config *e, const struct config *c, const struct topology *t, uint32_t npages,
                     struct machine *machine, uint64_t *bytes)
{
    *e = (struct engine_config){.policy = c->policy,
                                .topology = t,
                                .npages = npages,
                                .machine = machine,
                                .batch = ENGINE_BATCH_MAX,
                                .sampling = 1};
    __builtin_memcpy(e->param, c->param, sizeof e->param);
    return c->policy->signals & SIGNAL_ADVICE ? ERR_INVAL : engine_block(e, bytes);
}

int pager_need(const struct config *c, const struct topology *t, const uint32_t *pages, uint32_t shared,
               uint64_t *bytes)
{
    struct machine any = {.ops = NULL};
    struct engine_config e;
    uint32_t slots = count_slots(c, pages);
    int err = configure(&e, c, t, slots + shared, &any, bytes);
    if (!err)
        *bytes += space_size(slots, shared) + observe_size(&e, t->nodes);
    return err;
}

/* A copy of the topology of our own, whose frames are those that pages can have. */
static void take_topology(struct pager *p, const struct topology *t)
{
    p->topology = *t;
    p->topology.frames = p->frames;
    for (uint32_t n = 0; n < t->nodes; n++) {
        p->frames[n] = p->below.frames(p->below.context, (node_t)n);
        p->latency[n] = topology_latency(t, (node_t)n, (node_t)n);
    }
}

int pager_init(struct pager *p, const struct config *c, const struct topology *t, const uint32_t *pages,
               uint32_t shared, const struct pager_machine *below, void *memory)
{
    unsigned char *block = memory;
    struct engine_config e;
    uint64_t bytes;
    uint32_t slots = count_slots(c, pages);
    __builtin_memset(p, 0, sizeof *p);
    p->config = c;
    p->below = *below;
    space_init(&p->space, c->nvms, pages, shared, block);
    block += space_size(slots, shared);
    take_topology(p, t);
    int err = configure(&e, c, &p->topology, slots + shared, below->machine, &bytes);
    if (!err)
        err = engine_begin(&p->engine, &e, block);
    if (err)
        return err;
    observe_init(&p->observe, &p->engine, t->nodes, block + bytes);
    if (c->policy->signals & SIGNAL_LOAD) {
        p->engine.view.traffic = p->traffic;
        p->engine.view.latency_ps = p->latency;
    }
    p->tick_ns = policy_tick_ns(c->policy, c->param);
    p->log2_weight = c->weight ? (uint32_t)__builtin_ctz(c->weight) : 0;
    return 0;
}

static unsigned char *bytes_near(struct pager *p, page_t page, node_t node)
{
    return p->below.bytes(p->below.context, page, place_reach(pager_place(p, page), node));
}

static void free_shared(struct pager *p, page_t page)
{
    if (p->space.users[page - p->space.slots] || engine_free(&p->engine, page, p->now))
        return;
    space_shared_give(&p->space, page);
}

/* Takes away what the slot shows: a shared page, a private one, or nothing. Then it is a private page never touched. */
static int clear_slot(struct pager *p, uint32_t slot)
{
    struct pager_vm_counts *vm = &p->vm[space_vm(&p->space, slot)];
    page_t page = space_page(&p->space, slot);
    if (space_is_shared(&p->space, page)) {
        p->below.hide(p->below.context, slot);
        p->below.settle(p->below.context);
        space_hide(&p->space, slot);
        vm->shared_pages--;
        free_shared(p, page);
        return 0;
    }
    if (!(pager_place(p, page)->flags & PLACE_PRESENT))
        return 0;
    int err = engine_free(&p->engine, page, p->now);
    vm->private_pages -= !err;
    return err;
}

static int touch_private(struct pager *p, uint32_t slot, node_t node, uint16_t task, bool write)
{
    int err = engine_access(&p->engine, slot, node, task, write, p->now);
    struct pager_vm_counts *vm = &p->vm[space_vm(&p->space, slot)];
    vm->private_pages += !err;
    vm->touches += !err;
    return err;
}

/* A write to a shared page. The private page gets its bytes while nothing maps it yet; then the old translation goes
 * everywhere, before anybody can have the new one. */
static int break_share(struct pager *p, uint32_t slot, node_t node, uint16_t task)
{
    int err = touch_private(p, slot, node, task, true);
    if (err)
        return err;
    __builtin_memcpy(bytes_near(p, slot, node), bytes_near(p, space_page(&p->space, slot), node), PAGE_BYTES);
    (void)clear_slot(p, slot);
    p->vm[space_vm(&p->space, slot)].copies_on_write++;
    return p->below.show(p->below.context, slot, NODE_ALL);
}

/* Makes the access possible. *kind: what it took. */
static int reach(struct pager *p, uint32_t slot, node_t node, uint16_t task, bool write, enum exit_kind *kind)
{
    page_t page = space_page(&p->space, slot);
    int err = 0;
    *kind = EXIT_MAP;
    if (write && space_is_shared(&p->space, page)) {
        *kind = EXIT_COPY;
        err = break_share(p, slot, node, task);
        page = slot;
    }
    /* The policy hears of what was freed on the way: it may have had the new page replicated by now. */
    const struct place *place = pager_place(p, page);
    if (err || !engine_needed(place, write))
        return err;
    if (!(place->flags & PLACE_PRESENT)) {
        *kind = EXIT_TOUCH;
        return touch_private(p, slot, node, task, write);
    }
    if (*kind == EXIT_MAP)
        *kind = place->flags & PLACE_WATCHED ? EXIT_HINT : EXIT_COLLAPSE;
    return engine_access(&p->engine, page, node, task, write, p->now);
}

/* The untouched pages of the aligned block around a first touch, unless memory gets short. */
static void touch_around(struct pager *p, uint32_t vm, uint64_t gpa, node_t node, uint16_t task)
{
    uint32_t around = p->config->around;
    if (around < 2)
        return;
    uint64_t from = gpa & ~((uint64_t)around * PAGE_BYTES - 1);
    for (uint32_t i = 0; i < around; i++) {
        uint32_t slot = space_slot(&p->space, vm, from + (uint64_t)i * PAGE_BYTES);
        if (slot == SPACE_NONE || space_page(&p->space, slot) != slot || pager_place(p, slot)->flags & PLACE_PRESENT)
            continue;
        if (p->engine.free[node] <= around || touch_private(p, slot, node, task, false))
            return;
    }
}

int pager_fault(struct pager *p, uint32_t vm, node_t node, uint16_t task, uint64_t gpa, bool write, uint64_t now,
                enum exit_kind *kind)
{
    *kind = EXIT_MMIO;
    pager_enter(p, now);
    uint32_t slot = space_slot(&p->space, vm, gpa);
    int err = slot == SPACE_NONE ? ERR_NOENT : reach(p, slot, node, task, write, kind);
    if (!err && *kind == EXIT_TOUCH)
        touch_around(p, vm, gpa, node, task);
    if (!err)
        err = p->below.show(p->below.context, slot, node);
    if (!err && *kind != EXIT_MAP)
        pager_run_record(p, slot, node, event_what(write ? EVENT_WRITE : EVENT_READ, 0));
    pager_leave(p);
    return err;
}

static bool all_memory(const struct pager *p, uint32_t vm, uint64_t gpa, size_t size)
{
    if (gpa + size < gpa)
        return false;
    for (uint64_t at = gpa & ~(uint64_t)PAGE_MASK; at < gpa + size; at += PAGE_BYTES)
        if (space_slot(&p->space, vm, at) == SPACE_NONE)
            return false;
    return true;
}

/* Page by page: others get on in between. */
static int transfer(struct pager *p, uint32_t vm, node_t node, uint64_t gpa, unsigned char *out,
                    const unsigned char *in, size_t size)
{
    enum exit_kind kind;
    int err = all_memory(p, vm, gpa, size) ? 0 : ERR_INVAL;
    for (size_t done = 0, piece; !err && done < size; done += piece) {
        size_t within = (gpa + done) & PAGE_MASK;
        piece = PAGE_BYTES - within < size - done ? PAGE_BYTES - within : size - done;
        pager_enter(p, 0);
        uint32_t slot = space_slot(&p->space, vm, gpa + done);
        err = reach(p, slot, node, p->task ? p->task(vm) : 0, in, &kind);
        unsigned char *at = err ? NULL : bytes_near(p, space_page(&p->space, slot), node) + within;
        if (at && in)
            __builtin_memcpy(at, in + done, piece);
        else if (at && out)
            __builtin_memcpy(out + done, at, piece);
        pager_leave(p);
    }
    return err;
}

int pager_read(struct pager *p, uint32_t vm, node_t node, uint64_t gpa, void *buffer, size_t size)
{
    return transfer(p, vm, node, gpa, buffer, NULL, size);
}

int pager_write(struct pager *p, uint32_t vm, node_t node, uint64_t gpa, const void *buffer, size_t size)
{
    return transfer(p, vm, node, gpa, NULL, buffer, size);
}

page_t pager_share(struct pager *p, node_t node, const void *bytes)
{
    pager_enter(p, 0);
    page_t page = space_shared_take(&p->space);
    if (page != PAGE_NONE && engine_access(&p->engine, page, node, 0, false, p->now)) {
        space_shared_give(&p->space, page);
        page = PAGE_NONE;
    }
    if (page != PAGE_NONE)
        __builtin_memcpy(bytes_near(p, page, node), bytes, PAGE_BYTES);
    pager_leave(p);
    return page;
}

/* What already has as many users as a page may have is copied. */
static int show_one(struct pager *p, uint32_t slot, node_t node, page_t shared)
{
    if (slot == SPACE_NONE)
        return ERR_INVAL;
    if (space_page(&p->space, slot) == shared)
        return 0;
    int err = clear_slot(p, slot);
    if (err)
        return err;
    if ((p->space.users[shared - p->space.slots] & ~SPACE_HELD) == SPACE_USERS) {
        err = touch_private(p, slot, node, 0, true);
        if (!err)
            __builtin_memcpy(bytes_near(p, slot, node), bytes_near(p, shared, node), PAGE_BYTES);
        return err;
    }
    space_show(&p->space, slot, shared);
    p->vm[space_vm(&p->space, slot)].shared_pages++;
    return p->below.show(p->below.context, slot, NODE_ALL);
}

/* One shootdown for all: what is hidden needs none of its own when it is freed. */
int pager_show(struct pager *p, uint32_t vm, node_t node, const struct pager_showing *list, uint32_t n)
{
    int err = 0;
    pager_enter(p, 0);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot = space_slot(&p->space, vm, list[i].gpa);
        if (slot != SPACE_NONE && space_page(&p->space, slot) != list[i].shared)
            p->below.hide(p->below.context, slot);
    }
    p->below.settle(p->below.context);
    for (uint32_t i = 0; !err && i < n; i++)
        err = show_one(p, space_slot(&p->space, vm, list[i].gpa), node, list[i].shared);
    pager_leave(p);
    return err;
}

void pager_shared_read(struct pager *p, node_t node, page_t shared, void *buffer, size_t offset, size_t size)
{
    pager_enter(p, 0);
    __builtin_memcpy(buffer, bytes_near(p, shared, node) + offset, size);
    pager_leave(p);
}

void pager_release(struct pager *p, page_t shared)
{
    pager_enter(p, 0);
    p->space.users[shared - p->space.slots] &= (uint8_t)~SPACE_HELD;
    free_shared(p, shared);
    pager_leave(p);
}

uint32_t pager_users(struct pager *p, page_t shared)
{
    pager_enter(p, 0);
    uint32_t users = p->space.users[shared - p->space.slots] & (uint8_t)~SPACE_HELD;
    pager_leave(p);
    return users;
}

/* One shootdown for a whole piece: what is hidden needs none when it is freed. */
static void empty_piece(struct pager *p, uint32_t from, uint32_t to)
{
    pager_enter(p, 0);
    for (uint32_t slot = from; slot < to; slot++)
        p->below.hide(p->below.context, slot);
    p->below.settle(p->below.context);
    for (uint32_t slot = from; slot < to; slot++)
        clear_slot(p, slot);
    pager_leave(p);
}

void pager_empty(struct pager *p, uint32_t vm)
{
    enum { PIECE = 512 };
    uint32_t first = p->space.first[vm], end = first + p->space.count[vm];
    for (uint32_t from = first; from < end; from += PIECE)
        empty_piece(p, from, end - from < PIECE ? end : from + PIECE);
}
