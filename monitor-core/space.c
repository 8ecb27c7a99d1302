/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/space.h"

enum { PAGE_SHIFT = 12 };
#define NO_SLOT UINT32_MAX

size_t space_size(uint32_t slots, uint32_t shared)
{
    return (size_t)slots * (sizeof(page_t) + sizeof(uint32_t)) + (size_t)shared * 2 * sizeof(uint32_t);
}

void space_init(struct space *s, uint32_t nvms, const uint32_t *pages, uint32_t shared, void *memory)
{
    __builtin_memset(s, 0, sizeof *s);
    s->nvms = nvms;
    s->shared = shared;
    for (uint32_t vm = 0; vm < nvms; vm++) {
        s->first[vm] = s->slots;
        s->count[vm] = pages[vm];
        s->slots += pages[vm];
    }
    s->shows = memory;
    s->next = s->shows + s->slots;
    s->head = s->next + s->slots;
    s->users = s->head + shared;
    for (uint32_t slot = 0; slot < s->slots; slot++) {
        s->shows[slot] = slot;
        s->next[slot] = NO_SLOT;
    }
    for (uint32_t i = 0; i < shared; i++) {
        s->head[i] = i + 1 < shared ? i + 1 : UINT32_MAX;
        s->users[i] = 0;
    }
    s->free_head = shared ? 0 : UINT32_MAX;
}

uint32_t space_slot(const struct space *s, uint32_t vm, uint64_t gpa)
{
    if (vm >= s->nvms || (gpa >= SPACE_HOLE && gpa < SPACE_HIGH))
        return NO_SLOT;
    uint64_t number = (gpa >= SPACE_HIGH ? gpa - (SPACE_HIGH - SPACE_HOLE) : gpa) >> PAGE_SHIFT;
    return number < s->count[vm] ? s->first[vm] + (uint32_t)number : NO_SLOT;
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
        return s->head[page - s->slots];
    return s->shows[page] == page ? page : NO_SLOT;
}

uint32_t space_after(const struct space *s, page_t page, uint32_t slot)
{
    return space_is_shared(s, page) ? s->next[slot] : NO_SLOT;
}

page_t space_shared_take(struct space *s)
{
    uint32_t i = s->free_head;
    if (i == UINT32_MAX)
        return PAGE_NONE;
    s->free_head = s->head[i];
    s->head[i] = NO_SLOT;
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
    s->shows[slot] = shared;
    s->next[slot] = s->head[i];
    s->head[i] = slot;
    s->users[i]++;
}

page_t space_hide(struct space *s, uint32_t slot)
{
    page_t shown = s->shows[slot];
    if (!space_is_shared(s, shown))
        return shown;
    uint32_t *link = &s->head[shown - s->slots];
    while (*link != slot)
        link = &s->next[*link];
    *link = s->next[slot];
    s->next[slot] = NO_SLOT;
    s->users[shown - s->slots]--;
    s->shows[slot] = slot;
    return shown;
}
