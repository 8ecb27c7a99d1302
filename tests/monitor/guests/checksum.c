/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Memory that is read back: whatever a monitor does with the pages below (moves, copies, takes back), no word may
 * change but by our own hand.
 *
 *   private       each thread's own: written anew each round, checked before and after; children that are forked check
 * it as well (copy-on-write of the guest over the copies of the monitor) read-shared   written by one thread while the
 * others stand back, checked by all, long enough to be replicated write-shared  counters of all threads in the same
 * pages; the sum must be what was added fresh         mapped, found zero, filled, checked, unmapped: page tables change
 * all the time
 */
#include "tests/monitor/guests/work.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / 8, FRESH_PAGES = 32, CHILD_EVERY = 16, REWRITE_EVERY = 24 };

struct checksum {
    const struct work *work;
    uint64_t until;
    unsigned threads;
    size_t own_pages, shared_pages, counter_pages;
    uint64_t *own, *shared;
    uint64_t *counters;
    uint64_t shared_round;
    pthread_rwlock_t lock;
    uint64_t added[WORK_THREADS], rounds[WORK_THREADS], words[WORK_THREADS];
};

static uint64_t word(uint64_t region, uint64_t page, uint64_t round, uint64_t i)
{
    return work_mix(region << 56 ^ round << 40 ^ page << 12 ^ i);
}

static void fill(uint64_t *at, size_t pages, uint64_t region, uint64_t round)
{
    for (size_t p = 0; p < pages; p++)
        for (uint64_t i = 0; i < WORDS; i++)
            at[p * WORDS + i] = word(region, p, round, i);
}

static int check(struct checksum *c, const uint64_t *at, size_t pages, uint64_t region, uint64_t round)
{
    for (size_t p = 0; p < pages; p++)
        for (uint64_t i = 0; i < WORDS; i++) {
            uint64_t want = word(region, p, round, i), found = at[p * WORDS + i];
            if (found != want)
                return work_fail(c->work, "region %lu page %zu round %lu word %lu at %p: %016lx, should be %016lx",
                                 region, p, round, i, (const void *)&at[p * WORDS + i], found, want);
        }
    return 0;
}

static uint64_t *own(struct checksum *c, unsigned number)
{
    return c->own + (size_t)number * c->own_pages * WORDS;
}

static int fresh(struct checksum *c, unsigned number, uint64_t round)
{
    uint64_t *at = mmap(NULL, (size_t)FRESH_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return work_fail(c->work, "no memory");
    for (size_t i = 0; i < (size_t)FRESH_PAGES * WORDS; i++)
        if (at[i])
            return work_fail(c->work, "fresh memory is not zero: %016lx at %p", at[i], (void *)&at[i]);
    fill(at, FRESH_PAGES, 200 + number, round);
    mprotect(at, (size_t)FRESH_PAGES * PAGE, PROT_READ);
    int failed = check(c, at, FRESH_PAGES, 200 + number, round);
    munmap(at, (size_t)FRESH_PAGES * PAGE);
    return failed;
}

/* The child sees the parent's pages as they were at the fork, writes half of them for itself, and is gone. */
static int child(struct checksum *c, unsigned number, uint64_t round)
{
    pid_t id = fork();
    if (!id) {
        uint64_t *at = own(c, number);
        int failed = check(c, at, c->own_pages, number, round);
        fill(at, c->own_pages / 2, number, round + 1000);
        failed |= check(c, at, c->own_pages / 2, number, round + 1000);
        _exit(failed);
    }
    int status = -1;
    if (id < 0 || waitpid(id, &status, 0) != id || status)
        return work_fail(c->work, "the child of thread %u ended with %x", number, (unsigned)status);
    return check(c, own(c, number), c->own_pages, number, round);
}

static int shared(struct checksum *c, unsigned number, uint64_t round)
{
    if (number == round % c->threads && round % REWRITE_EVERY == 0) {
        pthread_rwlock_wrlock(&c->lock);
        fill(c->shared, c->shared_pages, 100, ++c->shared_round);
        pthread_rwlock_unlock(&c->lock);
    }
    pthread_rwlock_rdlock(&c->lock);
    int failed = check(c, c->shared, c->shared_pages, 100, c->shared_round);
    pthread_rwlock_unlock(&c->lock);
    return failed;
}

static void count(struct checksum *c, unsigned number, uint64_t round)
{
    for (size_t i = 0; i < 4096; i++) {
        uint64_t at = work_mix(round << 32 ^ (uint64_t)number << 20 ^ i) % (c->counter_pages * WORDS);
        __atomic_fetch_add(&c->counters[at], at + 1, __ATOMIC_RELAXED);
        c->added[number] += at + 1;
    }
}

static int thread(void *context, unsigned number)
{
    struct checksum *c = context;
    fill(own(c, number), c->own_pages, number, 0);
    for (uint64_t round = 0; work_now() < c->until; round++) {
        if (check(c, own(c, number), c->own_pages, number, round) || shared(c, number, round) ||
            fresh(c, number, round) || (round % CHILD_EVERY == number % CHILD_EVERY && child(c, number, round)))
            return 1;
        count(c, number, round);
        fill(own(c, number), c->own_pages, number, round + 1);
        if (check(c, own(c, number), c->own_pages, number, round + 1))
            return 1;
        c->rounds[number]++;
        c->words[number] += (2 * c->own_pages + c->shared_pages + (size_t)2 * FRESH_PAGES) * WORDS;
    }
    return 0;
}

static int verdict(struct checksum *c)
{
    uint64_t sum = 0, added = 0, rounds = 0, words = 0;
    for (size_t i = 0; i < c->counter_pages * WORDS; i++)
        sum += c->counters[i];
    for (unsigned i = 0; i < c->threads; i++)
        added += c->added[i], rounds += c->rounds[i], words += c->words[i];
    if (sum != added)
        return work_fail(c->work, "the counters hold %lu, %lu was added", sum, added);
    work_say(c->work, "ok %lu rounds of %u threads, %lu words checked", rounds, c->threads, words);
    return 0;
}

/* A quarter of the memory is read-shared, a quarter holds counters, half belongs to the threads. */
int checksum_run(const struct work *w, uint64_t seconds, uint64_t threads, uint64_t megabytes)
{
    struct checksum *c = calloc(1, sizeof *c);
    size_t pages = megabytes * 256;
    if (!c || pages < 256)
        return work_fail(w, "needs a megabyte at least");
    c->work = w;
    c->threads = work_threads(threads);
    c->shared_pages = c->counter_pages = pages / 4;
    c->own_pages = pages / 2 / c->threads;
    uint64_t *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return work_fail(w, "no memory");
    c->shared = memory;
    c->counters = memory + c->shared_pages * WORDS;
    c->own = c->counters + c->counter_pages * WORDS;
    pthread_rwlock_init(&c->lock, NULL);
    fill(c->shared, c->shared_pages, 100, 0);
    c->until = work_now() + seconds * 1000000000;
    return work_parallel(c->threads, thread, c) || verdict(c);
}
