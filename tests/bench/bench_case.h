/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The things that are timed: replays of one class, of all classes fused, the bounds, decoding a file, a whole
 * comparison.
 */
#ifndef TESTS_BENCH_BENCH_CASE_H
#define TESTS_BENCH_BENCH_CASE_H

#include "replay/driver.h"
#include "tests/bench/bench_bound.h"
#include "tests/bench/bench_table.h"

enum { BENCH_CLASSES_MAX = 96, BENCH_FUSED = 8 };

/* One trace and all that the timed functions need of it. */
struct bench_case {
    const struct trace *trace; /* what rows without a file of their own read */
    const struct trace *file;  /* the same in a compressed file; may be null */
    struct bench_bound bound;
    struct replay_machine machine;
    struct replay_spec specs[BENCH_CLASSES_MAX]; /* first those that are also timed fused, the same ones since ever */
    uint32_t nspecs;
    node_t *advice;
    uint64_t repeat;
};

/* flash-8 and every class with its defaults. 0, or -errno with a line. */
int bench_case_init(struct bench_case *, const struct trace *, uint64_t repeat, struct trace_error *);
void bench_case_free(struct bench_case *);

/* For bench_row.run; the context is a struct bench_case. */
int bench_case_bound(void *, const struct bench_row *, struct trace_error *);
int bench_case_alone(void *, const struct bench_row *, struct trace_error *); /* tag: which class */
int bench_case_fused(void *, const struct bench_row *, struct trace_error *);
int bench_case_yardsticks(void *, const struct bench_row *, struct trace_error *);
int bench_case_ingest(void *, const struct bench_row *, struct trace_error *);  /* from the file */
int bench_case_compare(void *, const struct bench_row *, struct trace_error *); /* tag 0: from memory, 1: file */

#endif
