/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/trace_pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int trace_pages_init(struct trace_pages *p)
{
    memset(p, 0, sizeof *p);
    p->slots = 4096;
    p->room = 2048;
    p->last = PAGE_NONE;
    p->slot = calloc(p->slots, sizeof *p->slot);
    p->address = malloc(p->room * sizeof *p->address);
    p->node = malloc(p->room);
    if (p->slot && p->address && p->node)
        return 0;
    trace_pages_free(p);
    return -ENOMEM;
}

void trace_pages_free(struct trace_pages *p)
{
    free(p->slot);
    free(p->address);
    free(p->node);
    memset(p, 0, sizeof *p);
}

/* Low address bits are zero and neighbours are common: a multiplication spreads both over the top bits. */
static uint32_t slot_of(const struct trace_pages *p, uint64_t address)
{
    return (uint32_t)((address * 0x9e3779b97f4a7c15u) >> 32) & (p->slots - 1);
}

static void insert(struct trace_pages *p, uint64_t address, uint32_t id)
{
    uint32_t at = slot_of(p, address);
    while (p->slot[at])
        at = (at + 1) & (p->slots - 1);
    p->slot[at] = id + 1;
}

static int grow(struct trace_pages *p)
{
    if (p->room > UINT32_MAX / 4)
        return -ENOMEM;
    uint64_t *address = realloc(p->address, 2 * (size_t)p->room * sizeof *address);
    if (address)
        p->address = address;
    node_t *node = realloc(p->node, 2 * (size_t)p->room);
    if (node)
        p->node = node;
    uint32_t *slot = calloc(2 * (size_t)p->slots, sizeof *slot);
    if (!address || !node || !slot) {
        free(slot);
        return -ENOMEM;
    }
    free(p->slot);
    p->slot = slot;
    p->slots *= 2;
    p->room *= 2;
    for (uint32_t i = 0; i < p->n; i++)
        insert(p, p->address[i], i);
    return 0;
}

uint32_t trace_pages_id(struct trace_pages *p, uint64_t address)
{
    if (p->last != PAGE_NONE && p->last_address == address)
        return p->last;
    uint32_t at = slot_of(p, address);
    while (p->slot[at] && p->address[p->slot[at] - 1] != address)
        at = (at + 1) & (p->slots - 1);
    if (!p->slot[at]) {
        if (p->n == p->room && grow(p))
            return PAGE_NONE;
        insert(p, address, p->n);
        p->address[p->n] = address;
        p->node[p->n] = NODE_NONE;
        p->last = p->n++;
    } else {
        p->last = p->slot[at] - 1;
    }
    p->last_address = address;
    return p->last;
}

void trace_pages_expect(const struct trace_pages *p, uint64_t address, bool soon)
{
    const uint32_t *slot = &p->slot[slot_of(p, address)];
    if (!soon)
        __builtin_prefetch(slot);
    else if (*slot)
        __builtin_prefetch(&p->address[*slot - 1]);
}

struct seen {
    uint64_t address;
    uint32_t id;
    node_t node;
};

static int by_address(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    return (x->address > y->address) - (x->address < y->address);
}

int trace_pages_sort(struct trace_pages *p, uint32_t *renumber)
{
    struct seen *seen = malloc((p->n + 1) * sizeof *seen);
    if (!seen)
        return -ENOMEM;
    for (uint32_t i = 0; i < p->n; i++)
        seen[i] = (struct seen){p->address[i], i, p->node[i]};
    qsort(seen, p->n, sizeof *seen, by_address);
    for (uint32_t i = 0; i < p->n; i++) {
        renumber[seen[i].id] = i;
        p->address[i] = seen[i].address;
        p->node[i] = seen[i].node;
    }
    free(seen);
    return 0;
}
