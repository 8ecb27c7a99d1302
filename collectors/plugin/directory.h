/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which CPUs hold each line: the directory of an invalidation protocol with the states M, E, S, I. Every function may
 * be called from any thread; an entry is changed under its own lock. While one thread asks for all CPUs there are no
 * locks.
 *
 * A program that misses always spends most of its time waiting for entries from the host's memory, so they are small:
 * 4 bytes with at most 8 CPUs, 8 with at most 20, 32 with more. They come in blocks of 2 MiB, a huge page of the host's
 * each: for 32, 16 or 4 MiB of the program's addresses with lines of 64 bytes.
 */
#ifndef COLLECTORS_PLUGIN_DIRECTORY_H
#define COLLECTORS_PLUGIN_DIRECTORY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIRECTORY_CPUS_MAX = 64, DIRECTORY_TABLE_BITS = 13 };

typedef _Atomic(void *) directory_slot;

struct directory {
    directory_slot *root; /* tables of blocks, both of 2^DIRECTORY_TABLE_BITS slots */
    uint64_t lines;       /* addresses are below 2^48 */
    uint32_t entry_shift; /* log2 of an entry's bytes: 2, 3, 5 */
    uint32_t block_shift; /* log2 of a block's lines */
    uint32_t width;       /* bits of each set of CPUs in an entry of one word */
    atomic_bool shared;   /* several threads ask */
    uint32_t blocks;      /* under growing */
    pthread_mutex_t growing;
};

/* line_size: a power of two, 64 to 4096. 0 or -ENOMEM. */
int directory_init(struct directory *, uint32_t cpus, uint32_t line_size);
void directory_free(struct directory *);

/* From here on entries are locked. No other thread is between directory_take and directory_give. */
void directory_share(struct directory *);

/* Where the line's entry is, made if need be; null: the address is beyond 2^48 or there is no memory. */
static inline void *directory_at(struct directory *, uint64_t line);

/* --- an entry, taken out of its place to be worked on --- */

/* One bit per CPU. had: held it at some time; lost: lost it to another CPU's write and has not had it since. */
struct directory_line {
    uint64_t sharers, had, lost;
    bool exclusive; /* its one sharer got it while nobody held it, or by a write */
};

/* Locked until it is given back. */
static inline struct directory_line directory_take(const struct directory *, void *at);
static inline void directory_give(const struct directory *, void *at, const struct directory_line *);

enum directory_cause { DIRECTORY_COLD, DIRECTORY_REPLACEMENT, DIRECTORY_COHERENCE };

/* What a request met, and what it asks of the others. */
struct directory_answer {
    enum directory_cause cause; /* why the asker did not hold the line */
    bool held;                  /* it did: an upgrade */
    bool elsewhere;             /* another CPU held it exclusive or modified */
    bool alone;                 /* nobody else holds it now */
    uint64_t downgrade;         /* CPUs that go from exclusive or modified to shared */
    uint64_t invalidate;        /* CPUs that lose it */
};

/* CPU `cpu` wants the line to read, or to write. The caller tells the CPUs of the answer before it gives the entry
 * back. */
static inline struct directory_answer directory_read(struct directory_line *, unsigned cpu);
static inline struct directory_answer directory_write(struct directory_line *, unsigned cpu);

/* The CPU has given the line up for want of room. */
static inline void directory_leave(struct directory_line *, unsigned cpu);

/* Short of all this, while no other CPU asks and nobody wants to know who holds the line: the CPU has it now. Had it
 * had it before? */
static inline bool directory_had(const struct directory *, void *at, unsigned cpu);

/* --- --- */

/* Slow halves of what follows. */
void *directory_grow(struct directory *, uint64_t line);
void directory_wait(unsigned tries);

static inline void *directory_at(struct directory *d, uint64_t line)
{
    uint64_t block = line >> d->block_shift, within = line & (((uint64_t)1 << d->block_shift) - 1);
    if (line >= d->lines)
        return NULL;
    directory_slot *table = atomic_load_explicit(&d->root[block >> DIRECTORY_TABLE_BITS], memory_order_acquire);
    void *first =
        table ? atomic_load_explicit(&table[block & ((1u << DIRECTORY_TABLE_BITS) - 1)], memory_order_acquire) : NULL;
    if (!first && !(first = directory_grow(d, line)))
        return NULL;
    return (char *)first + (within << d->entry_shift);
}

/* An entry of one word has from below sharers, had, lost, exclusive; its highest bit is the lock. One of four words has
 * sharers, had, lost, and exclusive as the lowest bit of the word with the lock. */
#define DIRECTORY_LOCK32 (UINT32_C(1) << 31)
#define DIRECTORY_LOCK64 (UINT64_C(1) << 63)

static inline uint64_t directory_lock32(_Atomic uint32_t *word, bool shared)
{
    if (!shared)
        return atomic_load_explicit(word, memory_order_relaxed);
    uint32_t was;
    for (unsigned n = 0; (was = atomic_fetch_or_explicit(word, DIRECTORY_LOCK32, memory_order_acquire)) >> 31; n++)
        directory_wait(n);
    return was;
}

static inline uint64_t directory_lock64(_Atomic uint64_t *word, bool shared)
{
    if (!shared)
        return atomic_load_explicit(word, memory_order_relaxed);
    uint64_t was;
    for (unsigned n = 0; (was = atomic_fetch_or_explicit(word, DIRECTORY_LOCK64, memory_order_acquire)) >> 63; n++)
        directory_wait(n);
    return was;
}

static inline struct directory_line directory_take(const struct directory *d, void *at)
{
    bool shared = atomic_load_explicit(&d->shared, memory_order_relaxed);
    if (d->entry_shift == 5) {
        uint64_t *set = at;
        bool exclusive = directory_lock64((_Atomic uint64_t *)at + 3, shared) & 1;
        return (struct directory_line){set[0], set[1], set[2], exclusive};
    }
    uint64_t word = d->entry_shift == 2 ? directory_lock32(at, shared) : directory_lock64(at, shared);
    uint64_t all = ((uint64_t)1 << d->width) - 1;
    return (struct directory_line){word & all, word >> d->width & all, word >> 2 * d->width & all,
                                   word >> 3 * d->width & 1};
}

static inline void directory_give(const struct directory *d, void *at, const struct directory_line *l)
{
    uint64_t word = l->sharers | l->had << d->width | l->lost << 2 * d->width | (uint64_t)l->exclusive << 3 * d->width;
    if (d->entry_shift == 2) {
        atomic_store_explicit((_Atomic uint32_t *)at, (uint32_t)word, memory_order_release);
    } else if (d->entry_shift == 3) {
        atomic_store_explicit((_Atomic uint64_t *)at, word, memory_order_release);
    } else {
        uint64_t *set = at;
        set[0] = l->sharers;
        set[1] = l->had;
        set[2] = l->lost;
        atomic_store_explicit((_Atomic uint64_t *)at + 3, l->exclusive, memory_order_release);
    }
}

static inline struct directory_answer directory_ask(const struct directory_line *l, uint64_t me)
{
    /* Who lost it had it. No branch: which of them it is nobody can foresee. */
    return (struct directory_answer){
        .cause = (enum directory_cause)(!!(l->had & me) + !!(l->lost & me)),
        .held = l->sharers & me,
        .elsewhere = l->exclusive && (l->sharers & ~me),
    };
}

static inline void directory_settle(struct directory_line *l, uint64_t me, bool exclusive)
{
    l->sharers |= me;
    l->had |= me;
    l->lost &= ~me;
    l->exclusive = exclusive;
}

static inline struct directory_answer directory_read(struct directory_line *l, unsigned cpu)
{
    uint64_t me = (uint64_t)1 << cpu;
    struct directory_answer a = directory_ask(l, me);
    a.downgrade = a.elsewhere ? l->sharers & ~me : 0;
    a.alone = !(l->sharers & ~me);
    directory_settle(l, me, a.alone);
    return a;
}

static inline struct directory_answer directory_write(struct directory_line *l, unsigned cpu)
{
    uint64_t me = (uint64_t)1 << cpu;
    struct directory_answer a = directory_ask(l, me);
    a.invalidate = l->sharers & ~me;
    a.alone = true;
    l->lost |= a.invalidate;
    l->sharers = 0;
    directory_settle(l, me, true);
    return a;
}

static inline void directory_leave(struct directory_line *l, unsigned cpu)
{
    l->sharers &= ~((uint64_t)1 << cpu);
    l->exclusive = l->exclusive && l->sharers;
}

static inline bool directory_had(const struct directory *d, void *at, unsigned cpu)
{
    if (d->entry_shift == 2) {
        uint32_t *word = at, me = UINT32_C(1) << (d->width + cpu), was = *word;
        *word = was | me;
        return was & me;
    }
    uint64_t *word = (uint64_t *)at + (d->entry_shift == 5);
    uint64_t me = (uint64_t)1 << (d->entry_shift == 5 ? cpu : d->width + cpu), was = *word;
    *word = was | me;
    return was & me;
}

#endif
