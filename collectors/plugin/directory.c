/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/plugin/directory.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

/* Pages hang in a tree of three levels of 12 bits each: addresses of 48 bits. */
enum { LEVEL_BITS = 12, LEVEL_SLOTS = 1 << LEVEL_BITS, PAGE_BITS = 36, PAGE_SHIFT = 12 };

static uint32_t log2_of(uint32_t power)
{
    return (uint32_t)__builtin_ctz(power);
}

int directory_init(struct directory *d, uint32_t line_size)
{
    d->shift = PAGE_SHIFT - log2_of(line_size);
    d->lines = 1u << d->shift;
    d->root = calloc(LEVEL_SLOTS, sizeof *d->root);
    return d->root ? 0 : -ENOMEM;
}

static void free_level(_Atomic(void *) *slots, unsigned level)
{
    for (unsigned i = 0; level && i < LEVEL_SLOTS; i++) {
        void *below = atomic_load_explicit(&slots[i], memory_order_relaxed);
        if (below)
            free_level(below, level - 1);
    }
    free(slots);
}

void directory_free(struct directory *d)
{
    if (d->root)
        free_level(d->root, 3);
    d->root = NULL;
}

/* What the slot points to, made of `bytes` zero bytes by whoever comes first. */
static void *grow(_Atomic(void *) *slot, size_t bytes)
{
    void *there = atomic_load_explicit(slot, memory_order_acquire);
    if (there)
        return there;
    void *fresh = calloc(1, bytes);
    if (!fresh || atomic_compare_exchange_strong(slot, &there, fresh))
        return fresh;
    free(fresh);
    return there;
}

static struct directory_page *page_of(struct directory *d, uint64_t line)
{
    uint64_t page = line >> d->shift;
    if (page >> PAGE_BITS)
        return NULL;
    _Atomic(void *) *middle = grow(&d->root[page >> 2 * LEVEL_BITS], LEVEL_SLOTS * sizeof *middle);
    if (!middle)
        return NULL;
    _Atomic(void *) *leaf = grow(&middle[page >> LEVEL_BITS & (LEVEL_SLOTS - 1)], LEVEL_SLOTS * sizeof *leaf);
    if (!leaf)
        return NULL;
    return grow(&leaf[page & (LEVEL_SLOTS - 1)],
                sizeof(struct directory_page) + d->lines * sizeof(struct directory_line));
}

struct directory_page *directory_lock(struct directory *d, uint64_t line)
{
    struct directory_page *p = page_of(d, line);
    for (unsigned tries = 0; p && atomic_flag_test_and_set_explicit(&p->lock, memory_order_acquire); tries++)
        if (tries > 100)
            sched_yield();
    return p;
}

void directory_unlock(struct directory_page *p)
{
    atomic_flag_clear_explicit(&p->lock, memory_order_release);
}

static struct directory_answer ask(const struct directory_line *l, bool exclusive, uint64_t me)
{
    return (struct directory_answer){
        .cause = !(l->had & me) ? DIRECTORY_COLD
                 : l->lost & me ? DIRECTORY_COHERENCE
                                : DIRECTORY_REPLACEMENT,
        .held = l->sharers & me,
        .elsewhere = exclusive && (l->sharers & ~me),
    };
}

static void settle(struct directory_line *l, uint64_t me)
{
    l->sharers |= me;
    l->had |= me;
    l->lost &= ~me;
}

struct directory_answer directory_read(struct directory *d, struct directory_page *p, uint64_t line, unsigned cpu)
{
    unsigned i = line & (d->lines - 1);
    uint64_t me = (uint64_t)1 << cpu, bit = (uint64_t)1 << i;
    struct directory_line *l = &p->line[i];
    struct directory_answer a = ask(l, p->exclusive & bit, me);
    a.downgrade = a.elsewhere ? l->sharers & ~me : 0;
    a.alone = !(l->sharers & ~me);
    settle(l, me);
    if (a.alone)
        p->exclusive |= bit;
    else
        p->exclusive &= ~bit;
    return a;
}

struct directory_answer directory_write(struct directory *d, struct directory_page *p, uint64_t line, unsigned cpu)
{
    unsigned i = line & (d->lines - 1);
    uint64_t me = (uint64_t)1 << cpu;
    struct directory_line *l = &p->line[i];
    struct directory_answer a = ask(l, p->exclusive >> i & 1, me);
    a.invalidate = l->sharers & ~me;
    a.alone = true;
    l->lost |= a.invalidate;
    l->sharers = 0;
    settle(l, me);
    p->exclusive |= (uint64_t)1 << i;
    return a;
}

void directory_leave(struct directory *d, uint64_t line, unsigned cpu)
{
    unsigned i = line & (d->lines - 1);
    struct directory_page *p = directory_lock(d, line);
    if (!p)
        return;
    p->line[i].sharers &= ~((uint64_t)1 << cpu);
    if (!p->line[i].sharers)
        p->exclusive &= ~((uint64_t)1 << i);
    directory_unlock(p);
}
