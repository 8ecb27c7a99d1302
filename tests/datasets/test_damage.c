/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Damaged files and killed recorders. Every damage ends in an error line, or the data is the same, or the digest tells.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "datasets/guard.h"
#include "datasets/trace_digest.h"
#include "tests/datasets/sample.h"

enum { RECORDS = 3000, FLIPS = 3000, MEMORY_MAX = 200 << 20, UNTOUCHED = 0, REFUSED = 1, TOLD = 2, SILENT = 3 };

/* HDF5 itself loses memory when a file's metadata turns out to be damaged; Criterion: criterion_leaks.c. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5\nleak:libcriterion.so\n";
}

/* The sanitizer keeps freed memory from use; all of it would count as the reader's. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=32";
}

/* In the place of the one in datasets/guard.c: here nothing may shield the reader. */
bool guard(void (*work)(void *), void *context, uint64_t bytes)
{
    (void)work;
    (void)context;
    (void)bytes;
    return true;
}

static char folder[256];

static void setup(void)
{
    sample_folder(folder, sizeof folder);
}

static void teardown(void)
{
    sample_remove(folder);
}

TestSuite(damage, .init = setup, .fini = teardown, .timeout = 120);

static uint64_t good_digest;

static unsigned char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file);
    unsigned char *bytes = malloc(1 << 22);
    *size = fread(bytes, 1, 1 << 22, file);
    fclose(file);
    return bytes;
}

static void write_file(const char *path, const unsigned char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static int outcome(const char *path)
{
    struct trace *t;
    struct trace_error error = {""};
    uint64_t digest, misses;
    if (trace_open(path, &t, &error)) {
        cr_assert(error.text[0] && !strchr(error.text, '\n'));
        return REFUSED;
    }
    int result = UNTOUCHED;
    uint64_t stored = trace_meta(t)->digest;
    if (trace_digest_scan(t, &digest, &misses, &error))
        result = REFUSED;
    else if (digest != stored || misses != trace_meta(t)->misses)
        result = TOLD;
    else if (digest != good_digest)
        result = SILENT;
    trace_close(t);
    return result;
}

static unsigned char *small_trace(size_t *size, enum trace_compress compress)
{
    struct sample s;
    struct trace_meta meta = sample_meta(TRACE_HAS_WEIGHT | TRACE_HAS_LATENCY);
    sample_make(&s, RECORDS, 50, 4, 700, 9);
    struct trace *t = sample_trace(&s, &meta, sample_path(folder, "good.h5"), compress);
    good_digest = trace_meta(t)->digest;
    trace_close(t);
    sample_free(&s);
    return read_file(sample_path(folder, "good.h5"), size);
}

static long peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void flip_bits(enum trace_compress compress)
{
    size_t size;
    unsigned char *bytes = small_trace(&size, compress);
    unsigned count[4] = {0};
    uint64_t state = 12345;
    for (int i = 0; i < FLIPS; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        /* Half of the flips in the first 4 KiB: what steers the rest. */
        size_t room = i % 2 && size > 4096 ? 4096 : size, at = (state >> 33) % room;
        bytes[at] ^= (unsigned char)(1u << (state >> 30 & 7));
        write_file(sample_path(folder, "bad.h5"), bytes, size);
        int what = outcome(sample_path(folder, "bad.h5"));
        cr_assert_neq(what, SILENT, "bit %lu of byte %zu changed the trace and nothing told", state >> 30 & 7, at);
        count[what]++;
        bytes[at] ^= (unsigned char)(1u << (state >> 30 & 7));
    }
    cr_assert_gt(count[REFUSED], FLIPS / 10, "only %u of %d flips were refused", count[REFUSED], FLIPS);
    cr_assert_lt(peak_kib(), MEMORY_MAX >> 10);
    free(bytes);
}

Test(damage, flipped_bits)
{
    flip_bits(TRACE_DEFLATE);
}

Test(damage, flipped_bits_plain)
{
    flip_bits(TRACE_NONE);
}

Test(damage, truncated)
{
    size_t size;
    unsigned char *bytes = small_trace(&size, TRACE_DEFLATE);
    for (size_t cut = 0; cut < size; cut += 1 + cut / 16) {
        write_file(sample_path(folder, "bad.h5"), bytes, cut);
        cr_assert_eq(outcome(sample_path(folder, "bad.h5")), REFUSED, "%zu of %zu bytes", cut, size);
    }
    free(bytes);
}

/* The child writes until it is killed; it says when `full` chunks have been added. */
static void record_until_killed(const struct sample *s, int ready, uint32_t full)
{
    struct trace_meta meta = sample_meta(TRACE_HAS_WEIGHT);
    struct trace_writer *w;
    struct trace_error error;
    if (trace_writer_open(sample_path(folder, "killed.h5"), &meta, TRACE_DEFLATE, &w, &error))
        _exit(1);
    for (uint32_t i = 0; i < s->n; i++) {
        if (trace_writer_add(w, &s->record[i], &error))
            _exit(2);
        if (i + 1 == full * TRACE_CHUNK && write(ready, "x", 1) != 1)
            _exit(3);
    }
    for (;;)
        pause();
}

static void kill_recorder(const struct sample *s, uint32_t full, unsigned delay_us)
{
    int ready[2];
    char byte;
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ready[0]);
        record_until_killed(s, ready[1], full);
    }
    close(ready[1]);
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    usleep(delay_us);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ready[0]);
}

static struct trace *open_rest(void)
{
    glob_t found;
    struct trace *t = NULL;
    struct trace_error error = {""};
    cr_assert_neq(access(sample_path(folder, "killed.h5"), F_OK), 0, "a half-written file has its final name");
    cr_assert_eq(glob(sample_path(folder, "killed.h5.*.recording"), 0, NULL, &found), 0);
    cr_assert_eq(found.gl_pathc, 1);
    cr_assert_eq(trace_open(found.gl_pathv[0], &t, &error), 0, "%s", error.text);
    unlink(found.gl_pathv[0]);
    globfree(&found);
    return t;
}

Test(damage, killed_recorder)
{
    struct sample s;
    sample_make(&s, 2 * TRACE_CHUNK + 1000, 3000, 4, 50000, 11);
    uint32_t n = s.n;
    kill_recorder(&s, 2, 20000);
    struct trace *t = open_rest();
    cr_assert_eq(trace_meta(t)->records, 2 * TRACE_CHUNK);
    s.n = 2 * TRACE_CHUNK;
    sample_compare(&s, t);
    trace_close(t);
    s.n = n;
    sample_free(&s);
}

/* At any moment: in the midst of a flush the chunks before it are there. */
Test(damage, killed_at_any_moment)
{
    struct sample s;
    sample_make(&s, 6 * TRACE_CHUNK, 3000, 4, 50000, 12);
    for (unsigned i = 0; i < 12; i++) {
        kill_recorder(&s, 1, i * 1700);
        struct trace *t = open_rest();
        uint32_t n = s.n, chunks = trace_meta(t)->chunks;
        cr_assert(chunks >= 1 && trace_meta(t)->records == (uint64_t)chunks * TRACE_CHUNK);
        s.n = chunks * TRACE_CHUNK;
        sample_compare(&s, t);
        s.n = n;
        trace_close(t);
    }
    sample_free(&s);
}
