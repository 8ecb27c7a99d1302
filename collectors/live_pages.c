/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/live_pages.h"

#include <errno.h>
#include <stdlib.h>

enum { MOST = 1 << 30 };

int live_pages_init(struct live_pages *p, uint32_t max)
{
    *p = (struct live_pages){.max = max, .slots = 1};
    if (!max || max > MOST)
        return -EINVAL;
    while (p->slots < 2 * max)
        p->slots *= 2;
    p->address = calloc(max, sizeof *p->address);
    p->slot = calloc(p->slots, sizeof *p->slot);
    if (p->address && p->slot)
        return 0;
    live_pages_free(p);
    return -ENOMEM;
}

void live_pages_free(struct live_pages *p)
{
    free(p->address);
    free(p->slot);
    *p = (struct live_pages){0};
}

page_t live_pages_number(struct live_pages *p, uint64_t address)
{
    uint32_t mask = p->slots - 1, at = (uint32_t)(address * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;
    for (; p->slot[at]; at = (at + 1) & mask)
        if (p->address[p->slot[at] - 1] == address)
            return p->slot[at] - 1;
    if (p->n == p->max)
        return PAGE_NONE;
    p->address[p->n] = address;
    p->slot[at] = ++p->n;
    return p->n - 1;
}
