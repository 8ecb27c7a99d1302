/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the VMs' physical memory consists of (Disco's pmap and backmaps). Every VM page has a slot, dense over all VMs
 * in the order of their ids; a slot shows one page. Page ids:
 *
 *   0 .. slots - 1               private pages: the page of slot s is s itself
 *   slots .. slots + shared - 1  shared pages: disk blocks, shown read-only by any number of slots of any VM
 *
 * so a private page needs no backmap and a shared page has a list. Guest physical memory is contiguous from 0, with the
 * hole of the PC from 3 to 4 GiB left out (what would lie there follows from 4 GiB).
 *
 * No allocation, no locks: the pager's lock serialises.
 */
#ifndef MONITOR_CORE_SPACE_H
#define MONITOR_CORE_SPACE_H

#include "policy/numa.h"

enum { SPACE_VMS = 16 };
#define SPACE_HOLE UINT64_C(0xc0000000)
#define SPACE_HIGH UINT64_C(0x100000000)

struct space {
    uint32_t nvms, slots, shared; /* shared: how many shared pages can exist */
    uint32_t first[SPACE_VMS], count[SPACE_VMS];
    page_t *shows;      /* [slots] */
    uint32_t *next;     /* [slots] next slot that shows the same shared page; UINT32_MAX ends */
    uint32_t *head;     /* [shared] first slot that shows it */
    uint32_t *users;    /* [shared] number of slots that show it, + SPACE_HELD while the disk index holds it */
    uint32_t free_head; /* shared ids not in use, chained through head */
    uint32_t shared_used;
};
#define SPACE_HELD UINT32_C(0x80000000)

size_t space_size(uint32_t slots, uint32_t shared);
void space_init(struct space *, uint32_t nvms, const uint32_t *pages, uint32_t shared, void *memory);

/* The slot of a guest physical address; UINT32_MAX: no memory there. */
uint32_t space_slot(const struct space *, uint32_t vm, uint64_t gpa);
uint32_t space_vm(const struct space *, uint32_t slot);
uint64_t space_gpa(const struct space *, uint32_t slot); /* of the page's first byte */

static inline page_t space_page(const struct space *s, uint32_t slot)
{
    return s->shows[slot];
}

static inline bool space_is_shared(const struct space *s, page_t page)
{
    return page >= s->slots;
}

/* Walk over the slots that show a page: for (s = space_first(sp, page); s != UINT32_MAX; s = space_after(sp, page, s))
 */
uint32_t space_first(const struct space *, page_t);
uint32_t space_after(const struct space *, page_t, uint32_t slot);

page_t space_shared_take(struct space *);       /* a shared id, held by the index; PAGE_NONE: all in use */
void space_shared_give(struct space *, page_t); /* nobody shows or holds it any more */
void space_show(struct space *, uint32_t slot, page_t shared); /* the slot showed its private page (now gone) */
page_t space_hide(struct space *, uint32_t slot); /* shows its private page again; what it showed is answered */

#endif
