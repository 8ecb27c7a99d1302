/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/guests/work.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = 96, PRIMES = 400000, NUMBERS = 60000 };

struct compute {
    const struct work *work;
    uint64_t rounds;
};

struct scratch {
    double a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];
    unsigned char sieve[PRIMES];
    uint64_t numbers[NUMBERS];
};

static double multiply(struct scratch *s)
{
    double trace = 0;
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++)
            s->a[i][j] = i + j, s->b[i][j] = i - j, s->c[i][j] = 0;
    for (int i = 0; i < SIDE; i++)
        for (int k = 0; k < SIDE; k++)
            for (int j = 0; j < SIDE; j++)
                s->c[i][j] += s->a[i][k] * s->b[k][j];
    for (int i = 0; i < SIDE; i++)
        trace += s->c[i][i];
    return trace;
}

static unsigned primes(struct scratch *s)
{
    unsigned found = 0;
    memset(s->sieve, 0, sizeof s->sieve);
    for (unsigned i = 2; i < PRIMES; i++) {
        found += !s->sieve[i];
        for (unsigned j = 2 * i; !s->sieve[i] && j < PRIMES; j += i)
            s->sieve[j] = 1;
    }
    return found;
}

static int ascending(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static int sorted(struct scratch *s)
{
    for (uint64_t i = 0; i < NUMBERS; i++)
        s->numbers[i] = work_mix(i + 1);
    qsort(s->numbers, NUMBERS, sizeof *s->numbers, ascending);
    for (size_t i = 1; i < NUMBERS; i++)
        if (s->numbers[i - 1] > s->numbers[i])
            return 0;
    return 1;
}

/* Sum over i, k of (i + k)(k - i) = sum of k^2 - i^2 = 0; there are 33,860 primes below 400,000. */
static int thread(void *context, unsigned number)
{
    struct compute *c = context;
    struct scratch *s = malloc(sizeof *s);
    int failed = 0;
    for (uint64_t round = 0; s && !failed && round < c->rounds; round++)
        if (multiply(s) != 0 || primes(s) != 33860 || !sorted(s))
            failed = work_fail(c->work, "thread %u, round %lu: a result is wrong", number, round);
    free(s);
    return failed || !s;
}

int compute_run(const struct work *w, uint64_t rounds, uint64_t threads, uint64_t c)
{
    (void)c;
    struct compute compute = {w, rounds};
    uint64_t start = work_now();
    unsigned n = work_threads(threads);
    if (work_parallel(n, thread, &compute))
        return 1;
    work_say(w, "ok %lu rounds of %u threads in %lu ms", rounds, n, (work_now() - start) / 1000000);
    return 0;
}
