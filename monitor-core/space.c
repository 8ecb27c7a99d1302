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
    *s = (struct space){.nvms = nvms, .shared = shared, .link = memory, .free_head = SPACE_NONE};
    for (uint32_t vm = 0; vm < nvms; vm++) {
        s->first[vm] = s->slots;
        s->count[vm] = pages[vm];
        s->slots += pages[vm];
    }
    s->head = s->link + s->slots;
    s->users = (uint8_t *)(s->head + shared);
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

static uint32_t slot_or_none(const struct space *s, uint32_t link)
{
    return link < s->slots ? link : SPACE_NONE;
}

uint32_t space_first(const struct space *s, page_t page)
{
    if (space_is_shared(s, page))
        return slot_or_none(s, s->head[page - s->slots]);
    return s->link[page] == page ? page : SPACE_NONE;
}

uint32_t space_after(const struct space *s, page_t page, uint32_t slot)
{
    return space_is_shared(s, page) ? slot_or_none(s, s->link[slot]) : SPACE_NONE;
}

page_t space_shared_take(struct space *s)
{
    uint32_t i = s->free_head;
    if (i == SPACE_NONE)
        return SPACE_NONE;
    s->free_head = s->head[i];
    s->head[i] = s->slots + i;
    s->users[i] = SPACE_HELD;
    s->shared_used++;
    return s->slots + i;
}

void space_shared_give(struct space *s, page_t page)
{
    uint32_t i = page - s->slots;
    s->users[i] = 0;
    s->head[i] = s->free_head;
    s->free_head = i;
    s->shared_used--;
}

void space_show(struct space *s, uint32_t slot, page_t shared)
{
    uint32_t i = shared - s->slots;
    s->link[slot] = s->head[i];
    s->head[i] = slot;
    s->users[i]++;
}

void space_hide(struct space *s, uint32_t slot)
{
    uint32_t i = space_page(s, slot) - s->slots, *at = &s->head[i];
    while (*at != slot)
        at = &s->link[*at];
    *at = s->link[slot];
    s->link[slot] = slot;
    s->users[i]--;
}
