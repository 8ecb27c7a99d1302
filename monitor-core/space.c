/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/space.h"

enum { PAGE_SHIFT = 12 };

size_t space_size(uint32_t slots, uint32_t shared)
{
    size_t bytes = ((size_t)slots + shared) * sizeof(uint32_t) + shared;
    return (bytes + 15) & ~(size_t)15;
}

void space_init(struct space *s, uint32_t nvms, const uint32_t *pages, uint32_t shared, void *memory)
{
    *s = (struct space){.nvms = nvms, .shared = shared, .link = memory, .free = SPACE_NONE};
    for (uint32_t vm = 0; vm < nvms; vm++) {
        s->first[vm] = s->slots;
        s->count[vm] = pages[vm];
        s->slots += pages[vm];
    }
    s->users = (uint8_t *)(s->link + s->slots + shared);
    for (uint32_t slot = 0; slot < s->slots; slot++)
        s->link[slot] = slot;
    s->shared_used = shared;
    while (s->shared_used)
        space_shared_give(s, s->slots + s->shared_used - 1);
}

uint32_t space_slot(const struct space *s, uint32_t vm, uint64_t gpa)
{
    if (vm >= s->nvms || (gpa >= SPACE_HOLE && gpa < SPACE_HIGH))
        return SPACE_NONE;
    uint64_t number = (gpa >= SPACE_HIGH ? gpa - (SPACE_HIGH - SPACE_HOLE) : gpa) >> PAGE_SHIFT;
    return number < s->count[vm] ? s->first[vm] + (uint32_t)number : SPACE_NONE;
}

uint32_t space_vm(const struct space *s, uint32_t slot)
{
    uint32_t vm = 0;
    while (slot - s->first[vm] >= s->count[vm])
        vm++;
    return vm;
}

uint64_t space_gpa(const struct space *s, uint32_t slot)
{
    uint64_t gpa = (uint64_t)(slot - s->first[space_vm(s, slot)]) << PAGE_SHIFT;
    return gpa >= SPACE_HOLE ? gpa + (SPACE_HIGH - SPACE_HOLE) : gpa;
}

uint32_t space_first(const struct space *s, page_t page)
{
    if (space_is_shared(s, page))
        return space_after(s, page, page);
    return s->link[page] == page ? page : SPACE_NONE;
}

uint32_t space_after(const struct space *s, page_t page, uint32_t slot)
{
    return s->link[slot] == page ? SPACE_NONE : s->link[slot];
}

page_t space_shared_take(struct space *s)
{
    page_t page = s->free;
    if (page == SPACE_NONE)
        return SPACE_NONE;
    s->free = s->link[page];
    s->link[page] = page;
    s->users[page - s->slots] = SPACE_HELD;
    s->shared_used++;
    return page;
}

void space_shared_give(struct space *s, page_t page)
{
    s->users[page - s->slots] = 0;
    s->link[page] = s->free;
    s->free = page;
    s->shared_used--;
}

void space_show(struct space *s, uint32_t slot, page_t shared)
{
    s->link[slot] = s->link[shared];
    s->link[shared] = slot;
    s->users[shared - s->slots]++;
}

void space_hide(struct space *s, uint32_t slot)
{
    page_t shared = space_page(s, slot), before = shared;
    while (s->link[before] != slot)
        before = s->link[before];
    s->link[before] = s->link[slot];
    s->link[slot] = slot;
    s->users[shared - s->slots]--;
}
