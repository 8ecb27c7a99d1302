/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Records into the order of time: within rounds, without rounds, and through the temporary file; compared with a stable
 * sort of everything.
 */
#include "collectors/sorter.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/resource.h>

struct out {
    struct trace_record *record;
    size_t n;
    int stop_at; /* 0: never */
};

static int collect(void *context, const struct trace_record *r, const struct trace_record *next, size_t n)
{
    struct out *o = context;
    (void)next;
    (void)n;
    o->record[o->n++] = *r;
    return o->stop_at && o->n == (size_t)o->stop_at ? -5 : 0;
}

/* Times of one ring ascend; `address` numbers the records as they come, which tells whether ties kept their order. */
static struct trace_record *make(size_t n, unsigned rings, size_t per_visit)
{
    struct trace_record *r = calloc(n, sizeof *r);
    uint64_t *clock = calloc(rings, sizeof *clock);
    srand(7);
    for (size_t i = 0; i < n; i++) {
        unsigned ring = (unsigned)(i / per_visit) % rings;
        clock[ring] += (uint64_t)(rand() % 4);
        r[i] = (struct trace_record){.time = clock[ring], .address = i, .cpu = (uint16_t)ring};
    }
    free(clock);
    return r;
}

static int by_time(const void *a, const void *b)
{
    const struct trace_record *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return (x->address > y->address) - (x->address < y->address);
}

static void check(size_t n, unsigned rings, size_t per_visit, size_t hold)
{
    struct trace_record *in = make(n, rings, per_visit);
    struct out out = {.record = calloc(n, sizeof *in)};
    struct sorter *s = sorter_new(collect, &out, hold);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(sorter_add(s, &in[i]), 0);
    cr_assert_eq(sorter_end(s), 0);
    qsort(in, n, sizeof *in, by_time);
    cr_assert_eq(out.n, n);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(out.record[i].address, in[i].address, "%zu records, hold %zu: record %zu", n, hold, i);
    cr_expect_eq(sorter_late(s), 0);
    sorter_free(s);
    free(in);
    free(out.record);
}

Test(sorter, without_rounds)
{
    for (size_t n = 0; n < 70; n++)
        check(n, 3, 4, 0);
    check(50000, 1, 1, 0);
    check(50000, 7, 1, 0);
    check(50000, 64, 100, 0);
}

Test(sorter, through_the_file)
{
    check(50000, 7, 10, 1000);
    check(50000, 7, 10, 49999);
    check(1001, 2, 1, 1000);
    check(1000, 2, 1, 1000);
    check(64, 2, 1, 1);
}

static int ascending(void *context, const struct trace_record *r, const struct trace_record *next, size_t n)
{
    uint64_t *last = context;
    (void)next;
    (void)n;
    bool good = r->time >= *last;
    *last = r->time;
    return good ? 0 : -5;
}

static long peak_kib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

/* 64 MiB of records in 512 pieces of the file, while 4096 records, 128 KiB, are held: merging them takes little too. */
Test(sorter, many_pieces_take_no_more_memory)
{
    enum { N = 1 << 21, HELD = 1 << 12, MOST_KIB = 24 << 10 };
    uint64_t last = 0;
    struct sorter *s = sorter_new(ascending, &last, HELD);
    long before = peak_kib();
    for (uint64_t i = 0; i < N; i++)
        cr_assert_eq(sorter_add(s, &(struct trace_record){.time = i * UINT64_C(2654435761) % N}), 0);
    cr_assert_eq(sorter_end(s), 0);
    cr_expect_eq(last, N - 1);
    cr_expect_lt(peak_kib() - before, MOST_KIB, "%ld KiB more", peak_kib() - before);
    sorter_free(s);
}

/* What a round's end allows comes out at once; what the next round may still precede is held. */
Test(sorter, rounds)
{
    static const uint64_t rounds[3][4] = {{10, 30, 20, 40}, {35, 50, 45, 60}, {55, 70, 65, 80}};
    static const size_t out_after[3] = {0, 5, 9}; /* those up to the newest of the round before: 40, then 60 */
    struct trace_record room[16];
    struct out out = {.record = room};
    struct sorter *s = sorter_new(collect, &out, 0);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 4; i++)
            sorter_add(s, &(struct trace_record){.time = rounds[round][i]});
        cr_assert_eq(sorter_round(s), 0);
        cr_expect_eq(out.n, out_after[round], "round %u: %zu", round, out.n);
    }
    sorter_add(s, &(struct trace_record){.time = 5}); /* later than it may be */
    cr_assert_eq(sorter_end(s), 0);
    cr_assert_eq(out.n, 13);
    for (size_t i = 1; i < out.n; i++)
        cr_expect_geq(room[i].time, room[i - 1].time);
    cr_expect_eq(sorter_late(s), 1);
    sorter_free(s);
}

Test(sorter, the_receiver_stops)
{
    struct trace_record room[16];
    struct out out = {.record = room, .stop_at = 3};
    struct sorter *s = sorter_new(collect, &out, 0);
    for (unsigned i = 0; i < 10; i++)
        sorter_add(s, &(struct trace_record){.time = i});
    cr_expect_eq(sorter_end(s), -5);
    cr_expect_eq(out.n, 3);
    sorter_free(s);
}
