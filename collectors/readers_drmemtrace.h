/* SPDX-License-Identifier: BSD-2-Clause
 *
 * DynamoRIO's drmemtrace, offline and post-processed: a stream of 12-byte entries {type u16, size u16, value u64}, one
 * file per thread, as a rule in zip or gzip; also all files of a recording's folder, put in order by their marks of
 * time. Every access, not misses. Source: DynamoRIO 10, drmemtrace/trace_entry.h and its chapter "Offline Traces and
 * Analysis". Raw recordings and 32-bit ones are refused with what to do.
 */
#ifndef COLLECTORS_READERS_DRMEMTRACE_H
#define COLLECTORS_READERS_DRMEMTRACE_H

#include "collectors/readers_threads.h"

struct readers_drmemtrace {
    struct text_samples text;
    struct readers_threads threads;
    struct readers_thread *thread; /* whose the next entries are; null: not told yet in this file */
    const char *path;              /* of the file at hand */
    uint64_t entry, accesses;      /* of the file at hand */
    uint64_t enough;               /* accesses of a thread beyond which none is wanted; 0: all are */
    uint64_t step;
    uint64_t pc; /* where the next instruction of a bundle is */
    int event;   /* -1: not named yet */
    bool single; /* no other file follows */
    bool filtered, ended, other_threads;
};

bool readers_drmemtrace_looks(const unsigned char *bytes, size_t n);
int readers_drmemtrace(void *context, struct import_input *, struct import_sink *, struct trace_error *);
int readers_drmemtrace_folder(void *context, const char *path, struct import_sink *, struct trace_error *);

/* Between begin and end, all entries of each file. 0 or -errno with a line; end returns err or what writing returned,
 * and must follow begin in either case. */
int readers_drmemtrace_begin(struct readers_drmemtrace *, struct readers *, const char *path, struct import_sink *,
                             struct trace_error *);
int readers_drmemtrace_file(struct readers_drmemtrace *, struct import_input *, struct trace_error *);
int readers_drmemtrace_end(struct readers_drmemtrace *, int err, struct trace_error *);

#endif
