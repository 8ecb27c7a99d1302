/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Memory that is used again at once: each thread writes words of its own in pages of all, at random and without ever
 * leaving user space, and knows of each word what it wrote last. A page that is moved while this runs is used within a
 * millisecond and long before the CPU leaves the guest of its own accord: a translation that outlives the move by so
 * much loses a word.
 */
#include "tests/monitor/guests/work.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { PAGE = 4096, WORDS = PAGE / 8, PAGES_PER_MEGABYTE = 256, BLOCK = 1 << 16 };

struct hot {
    const struct work *work;
    uint64_t until;
    size_t pages;
    volatile uint64_t *memory;
    uint64_t *last; /* [threads][pages] */
    uint64_t blocks[WORK_THREADS];
};

static int thread(void *context, unsigned number)
{
    struct hot *h = context;
    volatile uint64_t *mine = h->memory + number; /* a word in each page */
    uint64_t *last = h->last + number * h->pages, x = number + 1;
    for (uint64_t i = 0; i % BLOCK || work_now() < __atomic_load_n(&h->until, __ATOMIC_RELAXED); i++) {
        x = x * UINT64_C(6364136223846793005) + 1; /* Knuth's multiplier, from his MMIX */
        size_t page = (size_t)((x >> 32) * h->pages >> 32);
        uint64_t found = mine[page * WORDS];
        if (found != last[page]) {
            __atomic_store_n(&h->until, 0, __ATOMIC_RELAXED);
            return work_fail(h->work, "thread %u access %lu page %zu: %016lx, should be %016lx", number, i, page, found,
                             last[page]);
        }
        mine[page * WORDS] = last[page] = x;
        h->blocks[number] += i % BLOCK == 0;
    }
    return 0;
}

int hot_run(const struct work *w, uint64_t seconds, uint64_t threads, uint64_t megabytes)
{
    struct hot h = {.work = w, .pages = megabytes * PAGES_PER_MEGABYTE};
    unsigned n = work_threads(threads);
    uint64_t blocks = 0;
    void *memory =
        mmap(NULL, h.pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    h.last = memory == MAP_FAILED ? NULL : calloc(n * h.pages, sizeof *h.last);
    if (!h.last)
        return work_fail(w, "no memory");
    h.memory = memory;
    h.until = work_now() + seconds * 1000000000;
    int failed = work_parallel(n, thread, &h);
    free(h.last);
    if (failed)
        return 1;
    for (unsigned i = 0; i < n; i++)
        blocks += h.blocks[i];
    work_say(w, "ok %lu million accesses of %u threads", blocks * BLOCK / 1000000, n);
    return 0;
}
