/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/guests/fuzz.h"
#include "tests/monitor/guests/work.h"

#include <sys/mman.h>

/* Fills memory with the word that the hostile guest looks for, checks it, gives it back to the kernel, and again. */
int secret_run(const struct work *w, uint64_t seconds, uint64_t megabytes, uint64_t c)
{
    (void)c;
    uint64_t until = work_now() + seconds * 1000000000, rounds = 0;
    size_t words = megabytes << 17;
    do {
        uint64_t *at = mmap(NULL, words * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED)
            return work_fail(w, "no memory");
        for (size_t i = 0; i < words; i++)
            at[i] = FUZZ_SECRET;
        for (size_t i = 0; i < words; i++)
            if (at[i] != FUZZ_SECRET)
                return work_fail(w, "round %lu word %zu: %016lx", rounds, i, at[i]);
        munmap(at, words * 8);
        rounds++;
    } while (work_now() < until);
    work_say(w, "ok %lu rounds", rounds);
    return 0;
}
