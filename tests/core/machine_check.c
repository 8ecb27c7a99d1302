/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/core/machine_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct machine_check *self(struct machine *m)
{
    return (struct machine_check *)m;
}

static void __attribute__((format(printf, 2, 3))) breach(struct machine_check *c, const char *format, ...)
{
    if (c->breaches++)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(c->first, sizeof c->first, format, args);
    va_end(args);
}

static uint8_t *live(struct machine_check *c, page_t page, uint32_t view, uint32_t copy)
{
    return &c->live[((size_t)page * c->nodes + view) * c->nodes + copy];
}

/* The most that any CPU may still do with that copy. */
static uint8_t reachable(struct machine_check *c, page_t page, uint32_t copy)
{
    uint8_t most = ACCESS_NONE;
    for (uint32_t view = 0; view < c->nodes; view++)
        if (*live(c, page, view, copy) > most)
            most = *live(c, page, view, copy);
    return most;
}

static void map_view(struct machine_check *c, page_t page, uint32_t view, node_t copy, enum access access)
{
    size_t at = (size_t)page * c->nodes + view;
    c->access[at] = (uint8_t)access;
    c->reaches[at] = copy;
    if (*live(c, page, view, copy) < access)
        *live(c, page, view, copy) = (uint8_t)access;
}

static void check_map(struct machine *m, page_t page, node_t view, node_t copy, enum access access)
{
    struct machine_check *c = self(m);
    if (page >= c->npages || copy >= c->nodes || (view >= c->nodes && view != NODE_ALL)) {
        breach(c, "map out of range: page %u view %u copy %u", page, view, copy);
        return;
    }
    if (access != ACCESS_NONE && !nodeset_has(c->exists[page], copy))
        breach(c, "page %u mapped to node %u, where no copy is", page, copy);
    if (access == ACCESS_WRITE && c->exists[page] != nodeset_of(copy))
        breach(c, "page %u made writable while there are other copies", page);
    for (uint32_t other = 0; access == ACCESS_WRITE && other < c->nodes; other++)
        if (other != copy && reachable(c, page, other))
            breach(c, "page %u made writable while node %u's copy can be reached", page, other);
    c->dirty[page] = true;
    for (uint32_t i = 0; i < c->nodes; i++)
        if (view == NODE_ALL || view == i)
            map_view(c, page, i, copy, access);
}

static bool fails(const struct machine_check *c, uint64_t number, uint64_t chosen)
{
    return chosen && (number == chosen || (c->failure.lasting && number > chosen));
}

/* The table is in force for this page. */
static void settle_page(struct machine_check *c, page_t page)
{
    memset(live(c, page, 0, 0), 0, (size_t)c->nodes * c->nodes);
    for (uint32_t view = 0; view < c->nodes; view++) {
        size_t at = (size_t)page * c->nodes + view;
        *live(c, page, view, c->reaches[at]) = c->access[at];
    }
    c->dirty[page] = false;
}

/* A machine of single copies that fails to move a page has left it where it was. */
static void stay(struct machine_check *c, const struct move *m)
{
    for (uint32_t view = 0; view < c->nodes; view++)
        for (uint32_t copy = 0; copy < c->nodes; copy++)
            if (copy != m->restore)
                *live(c, m->page, view, copy) = ACCESS_NONE;
}

static int check_sync(struct machine *m, struct move *move, uint32_t n)
{
    struct machine_check *c = self(m);
    bool one_copy = !(c->ops.caps & MACHINE_REPLICAS);
    if (!n || n > ENGINE_MOVES_MAX)
        breach(c, "sync of %u moves", n);
    if (fails(c, ++c->syncs, c->failure.sync)) {
        for (uint32_t i = 0; one_copy && i < n; i++)
            stay(c, &move[i]);
        return ERR_BUSY;
    }
    bool *failed = calloc(c->npages, sizeof *failed);
    for (uint32_t i = 0; i < n; i++) {
        if (failed[move[i].page])
            breach(c, "page %u twice in a batch", move[i].page);
        failed[move[i].page] = fails(c, ++c->items, c->failure.item);
        if (!failed[move[i].page])
            continue;
        move[i].err = ERR_BUSY;
        if (one_copy)
            stay(c, &move[i]);
    }
    for (page_t page = 0; page < c->npages; page++)
        if (c->dirty[page] && !failed[page])
            settle_page(c, page);
    free(failed);
    return 0;
}

static int check_fill(struct machine *m, page_t page, node_t dst, node_t src)
{
    struct machine_check *c = self(m);
    if (page >= c->npages || dst >= c->nodes) {
        breach(c, "fill out of range: page %u node %u", page, dst);
        return ERR_INVAL;
    }
    if (nodeset_has(c->exists[page], dst))
        breach(c, "page %u filled twice on node %u", page, dst);
    if ((src == NODE_NONE) != !c->exists[page] || (src < c->nodes && !nodeset_has(c->exists[page], src)))
        breach(c, "page %u filled from node %u, where no copy is", page, src);
    for (uint32_t copy = 0; copy < c->nodes; copy++)
        if (reachable(c, page, copy) == ACCESS_WRITE)
            breach(c, "page %u copied while it can be written", page);
    if (fails(c, ++c->fills, c->failure.fill) || c->used[dst] == c->capacity[dst])
        return ERR_NOMEM;
    c->used[dst]++;
    c->exists[page] |= nodeset_of(dst);
    c->contents[(size_t)page * c->nodes + dst] = src < c->nodes ? c->contents[(size_t)page * c->nodes + src] : 0;
    if (src == NODE_NONE)
        c->written[page] = 0;
    return 0;
}

static void check_drop(struct machine *m, page_t page, node_t copy)
{
    struct machine_check *c = self(m);
    if (page >= c->npages || copy >= c->nodes || !nodeset_has(c->exists[page], copy)) {
        breach(c, "drop of page %u on node %u, where no copy is", page, copy);
        return;
    }
    if (reachable(c, page, copy))
        breach(c, "page %u: the copy on node %u dropped while it can be reached", page, copy);
    c->exists[page] &= ~nodeset_of(copy);
    c->used[copy]--;
}

void machine_check_begin(struct machine_check *c, const struct topology *t, uint32_t npages, uint32_t caps)
{
    size_t views = (size_t)npages * t->nodes;
    memset(c, 0, sizeof *c);
    c->ops = (struct machine_ops){
        .caps = caps, .map = check_map, .sync = check_sync, .fill = check_fill, .drop = check_drop};
    c->machine.ops = &c->ops;
    c->nodes = t->nodes;
    c->npages = npages;
    c->capacity = calloc(t->nodes, sizeof *c->capacity);
    c->used = calloc(t->nodes, sizeof *c->used);
    c->exists = calloc(npages, sizeof *c->exists);
    c->live = calloc(views * t->nodes, sizeof *c->live);
    c->access = calloc(views, sizeof *c->access);
    c->reaches = calloc(views, sizeof *c->reaches);
    c->contents = calloc(views, sizeof *c->contents);
    c->written = calloc(npages, sizeof *c->written);
    c->dirty = calloc(npages, sizeof *c->dirty);
    memcpy(c->capacity, t->frames, t->nodes * sizeof *c->capacity);
}

void machine_check_end(struct machine_check *c)
{
    free(c->capacity);
    free(c->used);
    free(c->exists);
    free(c->live);
    free(c->access);
    free(c->reaches);
    free(c->contents);
    free(c->written);
    free(c->dirty);
}

void machine_check_access(struct machine_check *c, page_t page, node_t node, bool write)
{
    size_t at = (size_t)page * c->nodes + node;
    uint32_t *seen = &c->contents[(size_t)page * c->nodes + c->reaches[at]];
    if (c->access[at] < (write ? ACCESS_WRITE : ACCESS_READ)) {
        breach(c, "page %u: node %u may not %s", page, node, write ? "write" : "read");
        return;
    }
    if (!nodeset_has(c->exists[page], c->reaches[at]))
        breach(c, "page %u: node %u reaches a copy that is gone", page, node);
    if (*seen != c->written[page])
        breach(c, "page %u: node %u sees old data on node %u", page, node, c->reaches[at]);
    if (write)
        *seen = ++c->written[page];
}

static enum access expected(const struct place *p)
{
    if (!(p->flags & PLACE_PRESENT) || (p->flags & PLACE_WATCHED))
        return ACCESS_NONE;
    return p->flags & PLACE_REPLICATED ? ACCESS_READ : ACCESS_WRITE;
}

static void compare_page(struct machine_check *c, const struct place *p, page_t page)
{
    if (p->copies != c->exists[page])
        breach(c, "page %u: engine has copies %#llx, the machine %#llx", page, (unsigned long long)p->copies,
               (unsigned long long)c->exists[page]);
    if (p->flags & PLACE_FROZEN)
        breach(c, "page %u stays frozen", page);
    for (uint32_t view = 0; view < c->nodes; view++) {
        size_t at = (size_t)page * c->nodes + view;
        if (c->access[at] != expected(p))
            breach(c, "page %u: view %u may %u, the place says %u", page, view, c->access[at], expected(p));
        else if (c->access[at] != ACCESS_NONE && c->reaches[at] != place_reach(p, (node_t)view))
            breach(c, "page %u: view %u reaches node %u, the place says %u", page, view, c->reaches[at],
                   place_reach(p, (node_t)view));
    }
}

void machine_check_compare(struct machine_check *c, const struct engine *e)
{
    uint64_t replicas = 0;
    for (page_t page = 0; page < c->npages; page++) {
        const struct place *p = view_place(&e->view, page);
        compare_page(c, p, page);
        replicas += p->copies ? nodeset_count(p->copies) - 1 : 0;
    }
    if (replicas != e->stats.replicas)
        breach(c, "%llu replicas counted, %llu there", (unsigned long long)e->stats.replicas,
               (unsigned long long)replicas);
    for (uint32_t node = 0; node < c->nodes; node++) {
        bool bounded = c->capacity[node] != FRAMES_UNBOUNDED;
        if (bounded && e->free[node] + c->used[node] != c->capacity[node])
            breach(c, "node %u: %llu frames free, %llu used of %llu", node, (unsigned long long)e->free[node],
                   (unsigned long long)c->used[node], (unsigned long long)c->capacity[node]);
    }
}
