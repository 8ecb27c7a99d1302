/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One column of a trace file: where its chunks are, and reading them. Where the layout is the documented one (chunks of
 * TRACE_CHUNK with shuffle and deflate, plain chunks, or contiguous) the bytes are read and decoded here, by any number
 * of threads at once; anything else goes through the HDF5 library under one lock.
 */
#ifndef DATASETS_TRACE_COLUMN_H
#define DATASETS_TRACE_COLUMN_H

#include <hdf5.h>

#include "datasets/trace.h"

enum trace_column_id {
    COLUMN_DT,
    COLUMN_PAGE,
    COLUMN_CPU,
    COLUMN_FLAGS,
    COLUMN_WEIGHT,
    COLUMN_LATENCY,
    COLUMN_TID,
    TRACE_COLUMNS
};

/* Name in the file, bytes per element in memory, and the TRACE_HAS_ bit (0: every trace has it). */
struct trace_column_kind {
    const char *name;
    unsigned width, has;
};
extern const struct trace_column_kind trace_column_kinds[TRACE_COLUMNS];

enum trace_column_mode { COLUMN_ABSENT, COLUMN_CHUNKED, COLUMN_FLAT, COLUMN_LIBRARY };

struct trace_chunk_place {
    uint64_t address, size;
};

struct trace_column {
    enum trace_column_mode mode;
    unsigned width; /* bytes per element in the file */
    bool shuffled, deflated;
    uint64_t records;
    uint64_t address;                /* FLAT: where the first element is */
    uint32_t length;                 /* CHUNKED: elements per chunk */
    struct trace_chunk_place *place; /* CHUNKED: [chunks] */
    hid_t dataset;                   /* LIBRARY: open; else -1 */
};

struct trace_file {
    int fd; /* -1: none */
    hid_t hdf5;
    uint64_t size;
    char path[512];
};

/* What one thread needs to decode. */
struct trace_scratch {
    unsigned char *packed, *planes, *piece;
    size_t packed_size;
    struct libdeflate_decompressor *inflate;
};
int trace_scratch_init(struct trace_scratch *);
void trace_scratch_free(struct trace_scratch *);

/* Finds /trace/NAME. An optional column that is missing is COLUMN_ABSENT. 0 or -errno with a line. */
int trace_column_open(struct trace_column *, const struct trace_file *, enum trace_column_id, struct trace_error *);
void trace_column_close(struct trace_column *);

/* Leading chunks that are really there: less than all in an unfinished recording. */
uint64_t trace_column_present(const struct trace_column *);

/* Called with elements `first` .. `first + n` of the chunk, widened, while they are in the cache. */
typedef void trace_column_visit(void *context, const void *elements, uint32_t first, uint32_t n);

/* Reads n elements of chunk `chunk` (of TRACE_CHUNK records), widened to the kind's width in memory, into out, which
 * may be null when only the visitor wants them. The visitor may be null. 0 or -errno with a line. */
int trace_column_read(const struct trace_column *, const struct trace_file *, enum trace_column_id, uint32_t chunk,
                      uint32_t n, void *out, trace_column_visit *, void *context, struct trace_scratch *,
                      struct trace_error *);

#endif
