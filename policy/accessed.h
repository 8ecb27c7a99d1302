/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Accessed bits that stay set until they are looked at, as they do in page tables, for classes that look at few pages
 * at a time: each harvest is added to a bitmap of the class's state, a bit per page, word by word.
 */
#ifndef POLICY_ACCESSED_H
#define POLICY_ACCESSED_H

#include "policy/numa.h"

/* Bytes of the bitmap, which lies 8-byte aligned. */
static inline size_t accessed_bytes(uint32_t npages)
{
    return ((size_t)npages / 64 + (npages % 64 != 0)) * sizeof(uint64_t);
}

/* At each tick: adds the view's harvest. */
static inline void accessed_gather(uint64_t *bitmap, const struct view *v)
{
    size_t words = accessed_bytes(v->npages) / sizeof(uint64_t);
    for (uint32_t node = 0; v->accessed && node < v->topology->nodes; node++)
        for (size_t i = 0; i < words; i++)
            bitmap[i] |= v->accessed[node][i];
}

static inline bool accessed_is(const uint64_t *bitmap, page_t page)
{
    return bitmap[page / 64] >> page % 64 & 1;
}

/* Was the page accessed since this was last asked? */
static inline bool accessed_take(uint64_t *bitmap, page_t page)
{
    bool set = accessed_is(bitmap, page);
    bitmap[page / 64] &= ~((uint64_t)1 << page % 64);
    return set;
}

#endif
