/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Page numbering while a trace is written: address -> page id in the order of first sight, and the way to ids that
 * ascend with address at the end. Memory grows with pages only.
 */
#ifndef DATASETS_TRACE_PAGES_H
#define DATASETS_TRACE_PAGES_H

#include "policy/numa.h"

struct trace_pages {
    uint64_t *address; /* [room], in order of first sight */
    node_t *node;      /* [room] */
    uint32_t n, room;
    uint32_t *slot; /* hash table of id + 1; 0: empty */
    uint32_t slots; /* a power of two */
    uint64_t last_address;
    uint32_t last; /* most records stay on the page of the one before */
    bool any_node;
};

int trace_pages_init(struct trace_pages *);
void trace_pages_free(struct trace_pages *);

/* The id of the page at this address (its first byte), or PAGE_NONE when out of memory or ids. */
uint32_t trace_pages_id(struct trace_pages *, uint64_t address);

/* Hints that pages are looked up soon, so that the table is in the cache by then: first `soon` false, about as many
 * records later true, then the look-up. */
void trace_pages_expect(const struct trace_pages *, uint64_t address, bool soon);

/* Sorts address and node by address and fills renumber[old id] = new id. 0 or -ENOMEM. The table is of no use for
 * trace_pages_id afterwards. */
int trace_pages_sort(struct trace_pages *, uint32_t *renumber);

#endif
