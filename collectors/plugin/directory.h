/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which CPUs hold each line: the directory of an invalidation protocol with the states M, E, S, I. Entries are made as
 * pages of 4 KiB are first touched and stay. Every function may be called from any thread; an entry is changed under
 * its own lock. A program that misses always spends most of its time waiting for entries from the host's memory: each
 * lies within one line of the host's, and those of many pages within one huge page.
 *
 * Memory: 2 KiB per touched page with lines of 64 bytes, less with longer ones.
 */
#ifndef COLLECTORS_PLUGIN_DIRECTORY_H
#define COLLECTORS_PLUGIN_DIRECTORY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIRECTORY_CPUS_MAX = 64 };

/* One bit per CPU. had: held it at some time; lost: lost it to another CPU's write and has not had it since. */
struct directory_line {
    uint64_t sharers, had, lost;
    atomic_flag lock;
    bool exclusive; /* its one sharer got it while nobody held it, or by a write */
};

struct directory_chunk;

struct directory {
    _Atomic(void *) *root;
    uint32_t lines; /* per page */
    uint32_t shift; /* log2 of that */
    pthread_mutex_t growing;
    struct directory_chunk *chunk; /* where entries come from, the newest first; with how much of it is taken */
    size_t taken;
};

/* line_size: a power of two, 64 to 4096. 0 or -ENOMEM. */
int directory_init(struct directory *, uint32_t line_size);
void directory_free(struct directory *);

/* The line's entry, made if need be; null: the address is beyond 2^48 or there is no memory. */
struct directory_line *directory_at(struct directory *, uint64_t line);

void directory_lock(struct directory_line *);
void directory_unlock(struct directory_line *);

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

/* CPU `cpu` wants the line to read, or to write. The entry is locked; the caller tells the CPUs of the answer before it
 * unlocks it. */
struct directory_answer directory_read(struct directory_line *, unsigned cpu);
struct directory_answer directory_write(struct directory_line *, unsigned cpu);

/* The CPU has given the line up for want of room. The entry is not locked. */
void directory_leave(struct directory_line *, unsigned cpu);

#endif
