/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Making traces from other formats: raw captures of the QEMU cache-model plugin (.tr), CSV with a header row, the text
 * of Valgrind's lackey, and traces themselves (to cut, fold or compress them anew). Any of the text and raw formats may
 * be packed with zstd, gzip or zip.
 */
#ifndef DATASETS_IMPORT_H
#define DATASETS_IMPORT_H

#include "datasets/trace.h"

enum import_format { IMPORT_AUTO, IMPORT_TR, IMPORT_CSV, IMPORT_LACKEY, IMPORT_TRACE, IMPORT_FORMATS };
enum { IMPORT_NO_NODES = 64 };

struct import_input;
struct import_sink;

/* A format that another room reads. `looks`: does a file begin so? It sees at most 4096 bytes. `read` feeds the sink
 * (import_private.h): 0 or -errno with a line. */
struct import_reader {
    const char *name;
    bool (*looks)(const unsigned char *bytes, size_t n);
    int (*read)(void *context, struct import_input *, struct import_sink *, struct trace_error *);
    /* Reads a recording that is a folder; null: the format has none. */
    int (*folder)(void *context, const char *path, struct import_sink *, struct trace_error *);
};

struct import_options {
    unsigned from;                       /* enum import_format; IMPORT_FORMATS + i: readers[i] */
    const struct import_reader *readers; /* ends with a null name; may be null */
    void *reader_context;
    uint32_t fold_cpus;     /* cpu % this; 0: as they are */
    uint32_t node_shift;    /* page node = address >> this; IMPORT_NO_NODES: none */
    bool node_shift_given;  /* else whole-system captures take 29, other sources none */
    uint64_t limit_address; /* records at or beyond it are dropped; 0: none; default for whole-system captures: 2 GiB */
    bool limit_address_given;
    uint64_t skip;      /* records of the input passed over before the first that counts */
    uint64_t limit;     /* records taken at most; 0: all */
    bool rebase;        /* time of the first record taken becomes 0 */
    uint32_t page_size; /* 0: the source's, else 4096 */
    uint32_t node_cpus; /* whole-system captures: CPUs per node, in blocks; 0: one */
    uint64_t step_ns;   /* lackey: ns per instruction or access line */
    enum trace_compress compress;
    struct trace_stop stop;                            /* while the input is read and while the trace is packed */
    const char *name, *note, *command, *host, *kernel; /* may be null */
};
void import_defaults(struct import_options *);

/* What became of the records of the input. */
struct import_counts {
    uint64_t read, skipped, beyond_address, taken;
    uint64_t cut_bytes; /* of a last record that is not whole; passed over */
};

/* Called now and then with the bytes of the input that were read, and its size (0: unknown). True: stop, the import
 * ends with -EINTR and no output. May be null. */
typedef bool import_progress(void *context, uint64_t done, uint64_t total);

/* Reads `in` ("-": standard input) and writes the trace `out` (in memory when null; then *trace receives it). 0, or
 * -errno with a line that names the file and the line or record. */
int import_run(const char *in, const char *out, const struct import_options *options, struct import_counts *counts,
               import_progress *progress, void *context, struct trace **trace, struct trace_error *error);

#endif
