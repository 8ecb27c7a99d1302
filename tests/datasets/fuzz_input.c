/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/datasets/fuzz_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datasets/trace_digest.h"
#include "datasets/trace_stats.h"

/* HDF5 itself loses memory when a file's metadata turns out to be damaged. */
const char *__lsan_default_suppressions(void);
__attribute__((weak)) const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5\n";
}

static char path[256];

static void remove_file(void)
{
    unlink(path);
}

/* A file with a name: HDF5 resolves links and opens nothing that has none. */
const char *fuzz_input_file(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (fd < 0) {
        const char *base = getenv("TMPDIR");
        snprintf(path, sizeof path, "%s/mirrorball-fuzz-XXXXXX", base ? base : "/tmp");
        fd = mkstemp(path);
        atexit(remove_file);
    }
    if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    return path;
}

static void check_line(const struct trace_error *error)
{
    if (!error->text[0] || strchr(error->text, '\n'))
        abort();
}

int fuzz_input_scan(const struct trace *trace)
{
    struct trace_error error = {""};
    struct trace_stats stats;
    uint64_t digest, misses;
    if (trace_digest_scan(trace, &digest, &misses, &error)) {
        check_line(&error);
        return -1;
    }
    if (trace_stats_compute(trace, &stats, &error))
        check_line(&error);
    return digest == trace_meta(trace)->digest ? 0 : 1;
}

void fuzz_input_import(const uint8_t *data, size_t size, enum import_format format)
{
    struct import_options options;
    struct import_counts counts;
    struct trace_error error = {""};
    struct trace *trace;
    import_defaults(&options);
    options.from = format;
    if (import_run(fuzz_input_file(data, size), NULL, &options, &counts, NULL, NULL, &trace, &error)) {
        check_line(&error);
        return;
    }
    if (trace_meta(trace)->records != counts.taken || fuzz_input_scan(trace))
        abort();
    trace_close(trace);
}
