/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/plugin/directory.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Pages hang in a tree of three levels of 12 bits each: addresses of 48 bits. */
enum { LEVEL_BITS = 12, LEVEL_SLOTS = 1 << LEVEL_BITS, PAGE_BITS = 36, PAGE_SHIFT = 12 };
#define CHUNK ((size_t)32 << 20)

/* Of a mapping of CHUNK bytes, the start; entries follow, each within a line of the host's. */
struct directory_chunk {
    _Alignas(64) struct directory_chunk *next;
};
_Static_assert(sizeof(struct directory_line) == 32, "two in a line of the host's");

static uint32_t log2_of(uint32_t power)
{
    return (uint32_t)__builtin_ctz(power);
}

int directory_init(struct directory *d, uint32_t line_size)
{
    d->shift = PAGE_SHIFT - log2_of(line_size);
    d->lines = 1u << d->shift;
    d->chunk = NULL;
    d->root = calloc(LEVEL_SLOTS, sizeof *d->root);
    return d->root ? -pthread_mutex_init(&d->growing, NULL) : -ENOMEM;
}

/* Down to the tables whose slots point to entries: those are their chunk's. */
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
    if (!d->root)
        return;
    free_level(d->root, 2);
    d->root = NULL;
    for (struct directory_chunk *c = d->chunk, *next; c; c = next) {
        next = c->next;
        munmap(c, CHUNK);
    }
    pthread_mutex_destroy(&d->growing);
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

/* The first of `lines` fresh entries. With the lock held. */
static struct directory_line *take(struct directory *d)
{
    size_t bytes = d->lines * sizeof(struct directory_line);
    if (!d->chunk || d->taken + bytes > CHUNK) {
        struct directory_chunk *fresh =
            mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (fresh == MAP_FAILED)
            return NULL;
        madvise(fresh, CHUNK, MADV_HUGEPAGE);
        fresh->next = d->chunk;
        d->chunk = fresh;
        d->taken = sizeof *fresh;
    }
    d->taken += bytes;
    return (struct directory_line *)((char *)d->chunk + d->taken - bytes);
}

static struct directory_line *first_of(struct directory *d, _Atomic(void *) *slot)
{
    struct directory_line *there = atomic_load_explicit(slot, memory_order_acquire);
    if (there)
        return there;
    pthread_mutex_lock(&d->growing);
    there = atomic_load_explicit(slot, memory_order_relaxed);
    if (!there) {
        there = take(d);
        atomic_store_explicit(slot, there, memory_order_release);
    }
    pthread_mutex_unlock(&d->growing);
    return there;
}

struct directory_line *directory_at(struct directory *d, uint64_t line)
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
    struct directory_line *first = first_of(d, &leaf[page & (LEVEL_SLOTS - 1)]);
    return first ? first + (line & (d->lines - 1)) : NULL;
}

void directory_lock(struct directory_line *l)
{
    for (unsigned tries = 0; atomic_flag_test_and_set_explicit(&l->lock, memory_order_acquire); tries++)
        if (tries > 100)
            sched_yield();
}

void directory_unlock(struct directory_line *l)
{
    atomic_flag_clear_explicit(&l->lock, memory_order_release);
}

static struct directory_answer ask(const struct directory_line *l, uint64_t me)
{
    return (struct directory_answer){
        .cause = !(l->had & me) ? DIRECTORY_COLD
                 : l->lost & me ? DIRECTORY_COHERENCE
                                : DIRECTORY_REPLACEMENT,
        .held = l->sharers & me,
        .elsewhere = l->exclusive && (l->sharers & ~me),
    };
}

static void settle(struct directory_line *l, uint64_t me)
{
    l->sharers |= me;
    l->had |= me;
    l->lost &= ~me;
}

struct directory_answer directory_read(struct directory_line *l, unsigned cpu)
{
    uint64_t me = (uint64_t)1 << cpu;
    struct directory_answer a = ask(l, me);
    a.downgrade = a.elsewhere ? l->sharers & ~me : 0;
    a.alone = !(l->sharers & ~me);
    settle(l, me);
    l->exclusive = a.alone;
    return a;
}

struct directory_answer directory_write(struct directory_line *l, unsigned cpu)
{
    uint64_t me = (uint64_t)1 << cpu;
    struct directory_answer a = ask(l, me);
    a.invalidate = l->sharers & ~me;
    a.alone = true;
    l->lost |= a.invalidate;
    l->sharers = 0;
    settle(l, me);
    l->exclusive = true;
    return a;
}

void directory_leave(struct directory_line *l, unsigned cpu)
{
    directory_lock(l);
    l->sharers &= ~((uint64_t)1 << cpu);
    l->exclusive = l->exclusive && l->sharers;
    directory_unlock(l);
}
