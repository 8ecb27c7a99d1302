/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Made-up traces for the benchmark: deterministic, 8 CPUs, each with a miss every 500 ns, so that a window of 1 ms
 * holds 16,000 records. Pages by Zipf's law (exponent 0.8, its continuous form), hot ones scattered over the ids; every
 * page is touched at least once. Half of the pages are private, three in ten read by all, the rest written by all.
 */
#ifndef TESTS_BENCH_BENCH_TRACE_H
#define TESTS_BENCH_BENCH_TRACE_H

#include "datasets/trace.h"

enum { BENCH_TRACE_CPUS = 8 };

/* Records of the trace that stands for so many pages. */
uint32_t bench_trace_records(uint32_t pages, bool quick);

/* The trace in memory, or when `path` is not null in a file with default compression (*out is null then). 0, or -errno
 * with a line. */
int bench_trace_make(uint32_t pages, uint32_t records, const char *path, struct trace **out, struct trace_error *);

#endif
