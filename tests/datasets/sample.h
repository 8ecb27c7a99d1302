/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Made-up records with every column, the same for the same seed, and a folder for files.
 */
#ifndef TESTS_DATASETS_SAMPLE_H
#define TESTS_DATASETS_SAMPLE_H

#include "datasets/trace.h"

struct sample {
    uint32_t n;
    struct trace_record *record;
};

/* Times with equal neighbours, and with steps over 2^32 every `gap` records (0: none). Addresses of `pages` pages of
 * 4096 bytes, first seen in no order; cpus CPUs. */
void sample_make(struct sample *, uint32_t n, uint32_t pages, uint32_t cpus, uint32_t gap, uint64_t seed);
void sample_free(struct sample *);

/* A meta with every text field filled. */
struct trace_meta sample_meta(unsigned columns);

/* Writes the records; path null: in memory. The test fails when that fails. */
struct trace *sample_trace(const struct sample *, const struct trace_meta *, const char *path, enum trace_compress);

/* Every record of the trace is that of the sample, addresses by page; the test fails where not. */
void sample_compare(const struct sample *, const struct trace *);

/* A new folder under TMPDIR, and a path in it; removed with what is in it. */
void sample_folder(char *folder, size_t size);
const char *sample_path(const char *folder, const char *name);
void sample_remove(const char *folder);

#endif
