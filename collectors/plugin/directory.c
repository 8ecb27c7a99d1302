/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/plugin/directory.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { ADDRESS_BITS = 48, BLOCK_BITS = 21, TABLE_SLOTS = 1 << DIRECTORY_TABLE_BITS };
#define BLOCK ((size_t)1 << BLOCK_BITS)

/* A program that touches a page here and there in terabytes would have 2 MiB of memory taken for each: blocks beyond
 * these get memory by pages. */
enum { HUGE_BLOCKS = 256 };

int directory_init(struct directory *d, uint32_t cpus, uint32_t line_size)
{
    d->entry_shift = cpus <= 8 ? 2 : cpus <= 20 ? 3 : 5;
    d->width = d->entry_shift == 2 ? 8 : 20;
    d->block_shift = BLOCK_BITS - d->entry_shift;
    d->lines = ((uint64_t)1 << ADDRESS_BITS) / line_size;
    d->blocks = 0;
    atomic_init(&d->shared, false);
    d->root = calloc(TABLE_SLOTS, sizeof *d->root);
    return d->root ? -pthread_mutex_init(&d->growing, NULL) : -ENOMEM;
}

static void free_table(directory_slot *table)
{
    for (unsigned i = 0; table && i < TABLE_SLOTS; i++) {
        void *block = atomic_load_explicit(&table[i], memory_order_relaxed);
        if (block)
            munmap(block, BLOCK);
    }
    free(table);
}

void directory_free(struct directory *d)
{
    if (!d->root)
        return;
    for (unsigned i = 0; i < TABLE_SLOTS; i++)
        free_table(atomic_load_explicit(&d->root[i], memory_order_relaxed));
    free(d->root);
    d->root = NULL;
    pthread_mutex_destroy(&d->growing);
}

void directory_share(struct directory *d)
{
    atomic_store(&d->shared, true);
}

/* Zeroed, and at an address that can be a huge page's: twice the room has one. */
static void *new_block(struct directory *d)
{
    char *room = mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return NULL;
    size_t before = -(uintptr_t)room & (BLOCK - 1);
    if (before)
        munmap(room, before);
    munmap(room + before + BLOCK, BLOCK - before);
    if (d->blocks++ < HUGE_BLOCKS)
        madvise(room + before, BLOCK, MADV_HUGEPAGE);
    return room + before;
}

static void *new_table(struct directory *d)
{
    (void)d;
    return calloc(TABLE_SLOTS, sizeof(directory_slot));
}

/* What the slot points to. With the lock held. */
static void *fill(struct directory *d, directory_slot *slot, void *make(struct directory *))
{
    void *there = atomic_load_explicit(slot, memory_order_relaxed);
    if (!there) {
        there = make(d);
        atomic_store_explicit(slot, there, memory_order_release);
    }
    return there;
}

void *directory_grow(struct directory *d, uint64_t line)
{
    uint64_t block = line >> d->block_shift;
    pthread_mutex_lock(&d->growing);
    directory_slot *table = fill(d, &d->root[block >> DIRECTORY_TABLE_BITS], new_table);
    void *first = table ? fill(d, &table[block & (TABLE_SLOTS - 1)], new_block) : NULL;
    pthread_mutex_unlock(&d->growing);
    return first;
}

void directory_wait(unsigned tries)
{
    if (tries > 100)
        sched_yield();
}
