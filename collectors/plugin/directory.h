/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which CPUs hold each line: the directory of an invalidation protocol with the states M, E, S, I. Entries are made as
 * pages of 4 KiB are first touched and stay. Every function may be called from any thread; a page's entries are changed
 * under that page's lock.
 *
 * Memory: 1.5 KiB per touched page with lines of 64 bytes, less with longer ones.
 */
#ifndef COLLECTORS_PLUGIN_DIRECTORY_H
#define COLLECTORS_PLUGIN_DIRECTORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { DIRECTORY_CPUS_MAX = 64 };

/* One bit per CPU. had: held it at some time; lost: lost it to another CPU's write and has not had it since. */
struct directory_line {
    uint64_t sharers, had, lost;
};

struct directory_page {
    atomic_flag lock;
    uint64_t exclusive; /* per line: its one sharer got it while nobody held it, or by a write */
    struct directory_line line[];
};

struct directory {
    _Atomic(void *) *root;
    uint32_t lines; /* per page */
    uint32_t shift; /* log2 of that */
};

/* line_size: a power of two, 64 to 4096. 0 or -ENOMEM. */
int directory_init(struct directory *, uint32_t line_size);
void directory_free(struct directory *);

/* The page of a line, locked; null: the address is beyond 2^48 or there is no memory. */
struct directory_page *directory_lock(struct directory *, uint64_t line);
void directory_unlock(struct directory_page *);

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

/* CPU `cpu` wants the line to read, or to write. The page is locked; the caller tells the CPUs of the answer before it
 * unlocks it. */
struct directory_answer directory_read(struct directory *, struct directory_page *, uint64_t line, unsigned cpu);
struct directory_answer directory_write(struct directory *, struct directory_page *, uint64_t line, unsigned cpu);

/* The CPU has given the line up for want of room. */
void directory_leave(struct directory *, uint64_t line, unsigned cpu);

#endif
