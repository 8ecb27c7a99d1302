/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Things to time, their repetitions taken in turn, and how the medians are shown.
 */
#ifndef TESTS_BENCH_BENCH_TABLE_H
#define TESTS_BENCH_BENCH_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "datasets/trace.h"

enum { BENCH_ROUNDS_MAX = 15, BENCH_ROWS_MAX = 256 };

struct bench_row {
    char name[48];
    uint32_t pages, threads, runs;
    uint64_t records; /* handled per repetition: of the trace, times runs */
    int (*run)(void *context, const struct bench_row *, struct trace_error *);
    void *context;
    uint32_t tag; /* the row's own */
    double seconds[BENCH_ROUNDS_MAX];
    double median;   /* seconds; 0: not yet */
    double of_bound; /* 0: not compared with the bound */
};

struct bench_table {
    struct bench_row rows[BENCH_ROWS_MAX];
    uint32_t n;
    bool failed; /* more rows than fit */
    bool cpu;    /* times are processor time / threads: for machines with other work to do */
};

/* A row more, zeroed but for what is given; a dummy when there are too many. */
struct bench_row *bench_table_add(struct bench_table *, const char *name, uint32_t pages, uint32_t threads,
                                  uint32_t runs, uint64_t records);

/* Runs the rows from `first` on that can be run, `rounds` times in turn, after one warm-up of each when warm is set,
 * and sets their medians. 0, or -errno with a line. */
int bench_table_time(struct bench_table *, uint32_t first, unsigned rounds, bool warm, struct trace_error *);

double bench_table_rate(const struct bench_row *); /* records per second */

/* The row of that name, pages and threads that has been timed, or null. */
const struct bench_row *bench_table_find(const struct bench_table *, const char *name, uint32_t pages,
                                         uint32_t threads);

void bench_table_show(const struct bench_table *, uint32_t first, FILE *);

/* The array of --json: {name, pages, threads, runs, records_per_s, of_bound}. 0 or -errno with a line. */
int bench_table_json(const struct bench_table *, const char *path, struct trace_error *);

#endif
