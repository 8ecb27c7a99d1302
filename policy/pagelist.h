/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Doubly linked lists over pages, in one array of indices in a class's state: entry i < npages is page i, the entries
 * behind them are the heads of lists. All lists are rings through their head, so that a page is unlinked without
 * knowing which list it is in; a page that is in none is linked to itself. No pointers: memcpy clones them.
 *
 * The links cannot live in a page's slot: the engine zeroes it when a page is freed, before the class hears of it.
 */
#ifndef POLICY_PAGELIST_H
#define POLICY_PAGELIST_H

#include "policy/numa.h"

struct pagelist_link {
    uint32_t next, prev;
};

/* Every page in no list, every list empty. `entries`: pages and heads together. */
static inline void pagelist_init(struct pagelist_link *l, uint32_t entries)
{
    for (uint32_t i = 0; i < entries; i++)
        l[i] = (struct pagelist_link){i, i};
}

static inline bool pagelist_linked(const struct pagelist_link *l, uint32_t page)
{
    return l[page].next != page;
}

/* Out of the list it is in, if any. */
static inline void pagelist_take(struct pagelist_link *l, uint32_t page)
{
    l[l[page].prev].next = l[page].next;
    l[l[page].next].prev = l[page].prev;
    l[page] = (struct pagelist_link){page, page};
}

/* Out of wherever it is, and to the end of the list. */
static inline void pagelist_append(struct pagelist_link *l, uint32_t head, uint32_t page)
{
    pagelist_take(l, page);
    uint32_t last = l[head].prev;
    l[page] = (struct pagelist_link){head, last};
    l[last].next = page;
    l[head].prev = page;
}

/* All pages of one list to the end of another, in their order; the list is empty then. */
static inline void pagelist_join(struct pagelist_link *l, uint32_t head, uint32_t list)
{
    uint32_t first = l[list].next, last = l[list].prev, end = l[head].prev;
    if (first == list || head == list)
        return;
    l[end].next = first;
    l[first].prev = end;
    l[last].next = head;
    l[head].prev = last;
    l[list] = (struct pagelist_link){list, list};
}

/* The first page, which the next pagelist_append of others leaves first; `head` itself when the list is empty. */
static inline uint32_t pagelist_first(const struct pagelist_link *l, uint32_t head)
{
    return l[head].next;
}

#endif
