/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the VMs' physical memory consists of (Disco's pmap and backmaps). Every VM page has a slot, dense over all VMs
 * in the order of their ids; a slot shows one page. Page ids:
 *
 *   0 .. slots - 1               private pages: the page of slot s is s itself
 *   slots .. slots + shared - 1  shared pages: disk blocks, shown read-only by up to SPACE_USERS slots of any VM
 *
 * so a private page needs no backmap and a shared page is on a ring with its slots: a slot's one number says what it
 * shows and where the ring goes on. Guest physical memory is contiguous from 0, with the hole of the PC
 * from 3 to 4 GiB left out (what would lie there follows from 4 GiB).
 *
 * No allocation, no locks: the pager's lock serialises.
 */
#ifndef MONITOR_CORE_SPACE_H
#define MONITOR_CORE_SPACE_H

#include "policy/numa.h"

/* Users of one shared page are few, so that nothing done to all of them takes long: a hostile guest could read one
 * block into all of its memory. */
enum { SPACE_VMS = 16, SPACE_USERS = 64, SPACE_HELD = 0x80 };
#define SPACE_HOLE UINT64_C(0xc0000000)
#define SPACE_HIGH UINT64_C(0x100000000)
#define SPACE_NONE UINT32_MAX /* no slot, no shared page */

struct space {
    uint32_t nvms, slots, shared; /* shared: how many shared pages can exist */
    uint32_t first[SPACE_VMS], count[SPACE_VMS];
    uint32_t *link; /* [slots + shared] of a shared page and the slots that show it, the next in a ring; of a slot that
                     * shows its own page, itself; of a shared page that is not in use, the next of these */
    uint8_t *users; /* [shared] how many slots show it, + SPACE_HELD while the disk index holds the page */
    page_t free;    /* SPACE_NONE: all in use */
    uint32_t shared_used;
};

/* Bytes of the 4-byte aligned block, a multiple of 16; its contents do not matter. */
size_t space_size(uint32_t slots, uint32_t shared);
void space_init(struct space *, uint32_t nvms, const uint32_t *pages, uint32_t shared, void *memory);

/* The slot of a guest physical address; SPACE_NONE: no memory there. */
uint32_t space_slot(const struct space *, uint32_t vm, uint64_t gpa);
uint32_t space_vm(const struct space *, uint32_t slot);
uint64_t space_gpa(const struct space *, uint32_t slot); /* of the page's first byte */

static inline page_t space_page(const struct space *s, uint32_t slot)
{
    page_t page = s->link[slot];
    while (page < s->slots && page != slot)
        page = s->link[page];
    return page;
}

static inline bool space_is_shared(const struct space *s, page_t page)
{
    return page >= s->slots;
}

/* Walk over the slots that show a page: for (s = space_first(sp, page); s != SPACE_NONE; s = space_after(sp, page, s))
 */
uint32_t space_first(const struct space *, page_t);
uint32_t space_after(const struct space *, page_t, uint32_t slot);

page_t space_shared_take(struct space *);       /* a shared id, held by the index; SPACE_NONE: all in use */
void space_shared_give(struct space *, page_t); /* nobody shows or holds it any more */
/* The slot showed its private page (now gone); the page has less than SPACE_USERS users. */
void space_show(struct space *, uint32_t slot, page_t shared);
void space_hide(struct space *, uint32_t slot); /* it showed a shared page; now its private one again */

#endif
