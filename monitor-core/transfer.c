/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/transfer.h"

#include "pmap/memmap.h"

static void map(struct engine *e, page_t page, node_t view, node_t copy, enum access access)
{
    e->machine->ops->map(e->machine, page, view, copy, access);
}

/* A watch outlives moves and copies: whatever the protocol grants, a watched page is not accessible. */
static enum access granted(const struct place *p, enum access access)
{
    return p->flags & PLACE_WATCHED ? ACCESS_NONE : access;
}

/* Every view reaches what place_reach() says, with all the rights that the place allows. */
static void map_views(struct engine *e, page_t page, const struct place *p)
{
    enum access access = granted(p, p->flags & PLACE_REPLICATED ? ACCESS_READ : ACCESS_WRITE);
    map(e, page, NODE_ALL, p->home, access);
    for (nodeset_t left = p->copies & ~nodeset_of(p->home); left; left &= left - 1)
        map(e, page, nodeset_first(left), nodeset_first(left), access);
}

bool transfer_reserve(struct engine *e, node_t node)
{
    if (!e->free[node])
        return false;
    if (e->free[node] != FRAMES_UNBOUNDED)
        e->free[node]--;
    return true;
}

static void give_back(struct engine *e, node_t node)
{
    if (e->free[node] != FRAMES_UNBOUNDED)
        e->free[node]++;
}

static void drop_copy(struct engine *e, page_t page, node_t node)
{
    e->machine->ops->drop(e->machine, page, node);
    give_back(e, node);
}

static void count_replica(struct engine *e)
{
    if (++e->stats.replicas > e->stats.replicas_peak)
        e->stats.replicas_peak = e->stats.replicas;
}

/* Only where no CPU can reach any copy but the one on `keep`. */
static void drop_others(struct engine *e, page_t page, struct place *p, node_t keep)
{
    nodeset_t others = p->copies & ~nodeset_of(keep);
    e->stats.replicas -= memmap_count(p) - 1;
    memmap_only(p, keep);
    for (; others; others &= others - 1)
        drop_copy(e, page, nodeset_first(others));
}

static void sync(struct engine *e, struct move *m, uint32_t n)
{
    int err = e->machine->ops->sync(e->machine, m, n);
    for (uint32_t i = 0; err && i < n; i++)
        m[i].err = (int16_t)err;
}

static int sync_one(struct engine *e, struct move *m)
{
    sync(e, m, 1);
    return m->err;
}

/* The place as it will be when the copy on `node` is gone. Still read-only: rights are widened once it is gone. */
static struct place without(const struct engine *e, const struct place *p, node_t node)
{
    struct place after = *p;
    memmap_remove(&after, node, memmap_nearest(p, e->view.topology, node, node));
    after.flags |= PLACE_REPLICATED;
    return after;
}

/* First step: take the rights away that the act cannot bear. */
static void restrict_access(struct engine *e, const struct move *m)
{
    struct place *p = transfer_place_of(e, m->page);
    if (m->op == ORDER_WATCH) {
        map(e, m->page, NODE_ALL, p->home, ACCESS_NONE);
    } else if (m->op == ORDER_DROP) {
        struct place after = without(e, p, m->node);
        map_views(e, m->page, &after);
    } else {
        p->flags |= PLACE_FROZEN;
        if (!(p->flags & PLACE_REPLICATED))
            map(e, m->page, NODE_ALL, p->home, granted(p, ACCESS_READ));
    }
}

/* The page as it was before the batch; rights only widen, so that no sync is due. */
static void undo(struct engine *e, const struct move *m)
{
    struct place *p = transfer_place_of(e, m->page);
    p->flags &= (uint8_t)~PLACE_FROZEN;
    map_views(e, m->page, p);
}

static int make_copy(struct engine *e, const struct move *m)
{
    const struct place *p = transfer_place_of(e, m->page);
    if (nodeset_has(p->copies, m->to))
        return 0;
    node_t source = memmap_nearest(p, e->view.topology, m->to, NODE_NONE);
    int err = e->machine->ops->fill(e->machine, m->page, m->to, source);
    if (err)
        give_back(e, m->to);
    return err;
}

static void finish_copy(struct engine *e, const struct move *m)
{
    struct place *p = transfer_place_of(e, m->page);
    memmap_add(p, m->to);
    p->flags &= (uint8_t)~PLACE_FROZEN;
    count_replica(e);
    map(e, m->page, m->to, m->to, granted(p, ACCESS_READ));
}

static void finish_drop(struct engine *e, const struct move *m)
{
    struct place *p = transfer_place_of(e, m->page);
    memmap_remove(p, m->node, memmap_nearest(p, e->view.topology, m->node, m->node));
    drop_copy(e, m->page, m->node);
    e->stats.replicas--;
    if (!(p->flags & PLACE_REPLICATED))
        map_views(e, m->page, p);
}

static void finish_move(struct engine *e, const struct move *m)
{
    struct place *p = transfer_place_of(e, m->page);
    drop_others(e, m->page, p, m->to);
    p->flags &= (uint8_t)~PLACE_FROZEN;
    map(e, m->page, NODE_ALL, m->to, granted(p, ACCESS_WRITE));
}

/* The second sync of a move failed: some CPUs may reach the new copy, some an old one, all of them read-only and alike.
 * So the new copy counts as a replica at once; then it is dropped like any other, and if even that fails, it stays one.
 * A machine without replicas has left the page where it was. */
static void retreat(struct engine *e, const struct move *m)
{
    struct place *p = transfer_place_of(e, m->page);
    p->flags &= (uint8_t)~PLACE_FROZEN;
    if (nodeset_has(p->copies, m->to)) {
        map_views(e, m->page, p);
        return;
    }
    if (!(e->machine->ops->caps & MACHINE_REPLICAS)) {
        drop_copy(e, m->page, m->to);
        map_views(e, m->page, p);
        return;
    }
    memmap_add(p, m->to);
    count_replica(e);
    map_views(e, m->page, p);
    struct move back = {.page = m->page, .to = NODE_NONE, .op = ORDER_DROP, .restore = p->home, .node = m->to};
    restrict_access(e, &back);
    if (sync_one(e, &back))
        map_views(e, m->page, p);
    else
        finish_drop(e, &back);
}

/* Between the syncs. True: a move whose new copy is mapped and waits for the second sync. */
static bool step(struct engine *e, struct move *m)
{
    if (!m->err && m->to != NODE_NONE)
        m->err = (int16_t)make_copy(e, m);
    else if (m->err && m->to != NODE_NONE && !nodeset_has(transfer_place_of(e, m->page)->copies, m->to))
        give_back(e, m->to);
    if (m->err) {
        undo(e, m);
        return false;
    }
    struct place *p = transfer_place_of(e, m->page);
    if (m->op == ORDER_COPY)
        finish_copy(e, m);
    else if (m->op == ORDER_DROP)
        finish_drop(e, m);
    else if (m->op == ORDER_WATCH)
        p->flags |= PLACE_WATCHED;
    else
        map(e, m->page, NODE_ALL, m->to, granted(p, ACCESS_READ));
    return m->op == ORDER_MOVE;
}

void transfer_batch(struct engine *e, struct move *m, uint32_t n)
{
    struct move second[ENGINE_MOVES_MAX];
    uint8_t from[ENGINE_MOVES_MAX];
    uint32_t waiting = 0;

    for (uint32_t i = 0; i < n; i++)
        restrict_access(e, &m[i]);
    sync(e, m, n);
    for (uint32_t i = 0; i < n; i++) {
        if (!step(e, &m[i]))
            continue;
        from[waiting] = (uint8_t)i;
        second[waiting++] = m[i];
    }
    if (waiting)
        sync(e, second, waiting);
    for (uint32_t i = 0; i < waiting; i++) {
        m[from[i]].err = second[i].err;
        if (second[i].err)
            retreat(e, &second[i]);
        else
            finish_move(e, &second[i]);
    }
}

int transfer_touch(struct engine *e, page_t page, node_t node)
{
    if (!transfer_reserve(e, node))
        return ERR_NOMEM;
    int err = e->machine->ops->fill(e->machine, page, node, NODE_NONE);
    if (err) {
        give_back(e, node);
        return err;
    }
    memmap_first(transfer_place_of(e, page), node);
    map(e, page, NODE_ALL, node, ACCESS_WRITE);
    return 0;
}

int transfer_collapse(struct engine *e, page_t page, node_t keep)
{
    struct place *p = transfer_place_of(e, page);
    struct move m = {.page = page, .to = NODE_NONE, .op = MOVE_COLLAPSE, .restore = p->home, .node = keep};
    map(e, page, NODE_ALL, keep, ACCESS_READ);
    if (sync_one(e, &m)) {
        map_views(e, page, p);
        return m.err;
    }
    drop_others(e, page, p, keep);
    map_views(e, page, p);
    return 0;
}

int transfer_free(struct engine *e, page_t page)
{
    struct place *p = transfer_place_of(e, page);
    struct move m = {.page = page, .to = NODE_NONE, .op = MOVE_FREE, .restore = p->home, .node = NODE_ALL};
    map(e, page, NODE_ALL, p->home, ACCESS_NONE);
    if (sync_one(e, &m)) {
        map_views(e, page, p);
        return m.err;
    }
    drop_others(e, page, p, p->home);
    drop_copy(e, page, p->home);
    memmap_clear(p);
    return 0;
}

void transfer_unwatch(struct engine *e, page_t page)
{
    struct place *p = transfer_place_of(e, page);
    p->flags &= (uint8_t)~PLACE_WATCHED;
    map_views(e, page, p);
}
