/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Page numbers of a process: address of a page -> the number it got when first seen. Of fixed size.
 */
#ifndef COLLECTORS_LIVE_PAGES_H
#define COLLECTORS_LIVE_PAGES_H

#include "policy/numa.h"

struct live_pages {
    uint64_t *address; /* [max], by number */
    page_t *slot;      /* [slots] number + 1; 0: empty */
    uint32_t max, slots, n;
};

/* 0 or -ENOMEM; -EINVAL when max is 0 or over 2^30. */
int live_pages_init(struct live_pages *, uint32_t max);
void live_pages_free(struct live_pages *);

/* The page's number, a new one (== n before) where it was not known; PAGE_NONE when the table is full. */
page_t live_pages_number(struct live_pages *, uint64_t address);

#endif
