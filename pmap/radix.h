/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One virtual machine's physical pages: a sparse table from physical page number (40 bits) to page_t, four levels of
 * 1024 entries. The caller gives the memory for a fixed number of 4 KiB tables; tables that run empty are used again.
 * No interior pointers: a copy of the struct with its own copy of the memory is a table of its own.
 */
#ifndef PMAP_RADIX_H
#define PMAP_RADIX_H

#include "policy/numa.h"

enum { RADIX_BITS = 10, RADIX_FANOUT = 1 << RADIX_BITS, RADIX_LEVELS = 4 };
#define RADIX_KEYS (UINT64_C(1) << (RADIX_BITS * RADIX_LEVELS))

struct radix {
    uint32_t tables; /* given by the caller, the root among them */
    uint32_t free;   /* tables not in use */
    uint32_t fresh;  /* tables from here on were never used */
    uint32_t spare;  /* first on the list of tables that ran empty; 0: none (table 0 is the root) */
    uint64_t entries;
};

/* Bytes of the memory for so many tables, 4 KiB aligned; it has to be zeroed. A table for keys that are dense needs
 * about one leaf per 1024 keys. */
size_t radix_size(uint32_t tables);

/* tables >= RADIX_LEVELS, else nothing could be inserted. The memory is passed to each call below. */
void radix_init(struct radix *, uint32_t tables);

/* 0; ERR_INVAL: key beyond RADIX_KEYS or page is PAGE_NONE; ERR_EXIST: the key is there already; ERR_NOMEM: no table
 * left, nothing has changed. */
int radix_insert(struct radix *, void *memory, uint64_t key, page_t page);

/* PAGE_NONE when there is none. */
page_t radix_lookup(const struct radix *, const void *memory, uint64_t key);

/* Takes the key out and answers what it led to, or PAGE_NONE. */
page_t radix_remove(struct radix *, void *memory, uint64_t key);

/* The first entry at or above *key: sets *key and answers its page; PAGE_NONE when there is none. A walk over all:
 * start at 0, go on at *key + 1. */
page_t radix_next(const struct radix *, const void *memory, uint64_t *key);

#endif
