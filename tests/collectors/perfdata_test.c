/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The writer of pipe-mode records and the reader, one against the other and both against hand-made samples; the stream
 * cut at every byte; bytes turned over; imports of all that: never a crash, one line of error or a trace.
 */
#include "collectors/perfdata_write.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/data_source.h"
#include "collectors/readers.h"
#include "tests/collectors/sample_writer.h"

enum { SAMPLES = 6 };
static const struct writer_event event = {
    .sample_type = 0x1018f | 0x8000 | 0x4000, .id = 0x1234, .config = 0x1cd, .type = 4};

static char path[64];

static void forget(void)
{
    unlink(path);
}

static const char *file_of(const void *bytes, size_t n)
{
    if (!path[0]) {
        strcpy(path, "/tmp/mirrorball-perfdata-XXXXXX");
        close(mkstemp(path));
        atexit(forget);
    }
    int fd = open(path, O_WRONLY | O_TRUNC);
    cr_assert_eq(write(fd, bytes, n), (ssize_t)n);
    close(fd);
    return path;
}

static void append(struct perfdata_buffer *b, const void *bytes, size_t n)
{
    cr_assert_eq(b->failed, 0);
    b->bytes = realloc(b->bytes, b->n + n);
    b->room = b->n + n;
    memcpy(b->bytes + b->n, bytes, n);
    b->n += n;
}

static void put_samples(struct perfdata_buffer *b)
{
    unsigned char record[512];
    struct data_source dram = {.op = SOURCE_OP_LOAD, .lvl = SOURCE_LVL_HIT | SOURCE_LVL_LOC_RAM, .num = SOURCE_NUM_RAM};
    for (unsigned i = 0; i < SAMPLES; i++) {
        struct writer_values v = {
            .time = 100 + i, .addr = 0x1000 * (i + 1), .cpu = i % 2, .pid = 5, .tid = 5, .weight = 10};
        v.source = data_source_word(&dram);
        append(b, record, writer_sample(&event, &v, record));
    }
}

/* Everything that the writer can write. */
static struct perfdata_buffer stream(void)
{
    struct perfdata_buffer b = {0};
    unsigned char attr[136];
    static const uint64_t blocks[1] = {0x3}, more[1] = {0x8};
    const struct perfdata_node_info nodes[] = {{0, 100, 50, "0", blocks, 1}, {1, 100, 50, "1", more, 1}};
    char *const command[] = {"app", "--fast"};
    const uint32_t types[] = {4, 12};
    const char *const pmus[] = {"cpu", "arm_spe_0"};
    writer_attr(&event, attr);
    perfdata_begin(&b);
    perfdata_attr(&b, attr, &event.id, 1);
    perfdata_name(&b, event.id, "an event");
    perfdata_text(&b, ABI_FEATURE_HOSTNAME, "machine");
    perfdata_text(&b, ABI_FEATURE_OSRELEASE, "6.1");
    perfdata_text(&b, ABI_FEATURE_CPUID, "0x00000000410fd0c0");
    perfdata_cpus(&b, 2, 2);
    perfdata_command(&b, 2, command);
    perfdata_clock(&b, 1, UINT64_C(1700000000000000000), 100);
    perfdata_nodes(&b, nodes, 2);
    perfdata_memory_blocks(&b, 1 << 20, nodes, 2);
    perfdata_pmus(&b, types, pmus, 2);
    perfdata_time_conv(&b, &(struct ring_clock){.zero = 3, .mult = 4, .shift = 5});
    perfdata_places(&b, &(struct perfdata_place){.id = event.id, .cpu = -1, .tid = -1}, 1);
    perfdata_note(&b, event.id, NOTE_STEP, "tried", 6);
    put_samples(&b);
    perfdata_round(&b);
    perfdata_auxtrace_info(&b, 12);
    perfdata_auxtrace(&b, 16, 0, 0, 1, 5);
    append(&b, "0123456789abcdef", 16);
    perfdata_round(&b);
    cr_assert_eq(b.failed, 0);
    return b;
}

static void check_facts(const struct perfdata_facts *f)
{
    cr_expect_str_eq(f->host, "machine");
    cr_expect_str_eq(f->release, "6.1");
    cr_expect_str_eq(f->command, "app --fast");
    cr_expect_eq(f->cpus, 2);
    cr_expect_eq(f->nodes, 2);
    cr_expect_eq(f->cpu_node[1], 1);
    cr_expect_eq(f->midr, 0x410fd0c0);
    cr_expect_eq(f->wall_ns, UINT64_C(1700000000000000000));
    cr_expect_eq(f->clock.zero, 3);
    cr_expect_eq(f->clock.mult, 4);
    cr_expect_eq(f->clock.shift, 5);
    cr_expect_eq(perfdata_node(f, 0x1fffff), 0);
    cr_expect_eq(perfdata_node(f, 0x200000), NODE_NONE);
    cr_expect_eq(perfdata_node(f, 0x300000), 1);
    cr_expect_eq(perfdata_node(f, 0x400000), NODE_NONE);
    cr_expect_eq(f->rounds, 2);
    cr_expect(f->pipe && !f->truncated && !f->unclosed && !f->stopped[0]);
    cr_expect_eq(f->bad + f->orphans, 0);
}

Test(perfdata, what_is_written_is_read)
{
    struct perfdata_buffer b = stream();
    struct import_input *in;
    struct perfdata *p;
    struct perfdata_item item;
    struct trace_error error;
    unsigned samples = 0, notes = 0;
    cr_assert_eq(import_input_open(file_of(b.bytes, b.n), &in, &error), 0);
    cr_assert_eq(perfdata_open(in, &p, &error), 0, "%s", error.text);
    while (perfdata_next(p, &item, &error) == 1) {
        if (item.kind == ITEM_NOTE) {
            notes++;
            cr_expect_eq(item.note, NOTE_STEP);
            cr_expect_str_eq(item.bytes, "tried");
        } else if (item.record.kind == DECODED_SAMPLE)
            cr_expect_eq(item.record.sample.va, 0x1000 * ++samples);
    }
    cr_expect_eq(samples, SAMPLES);
    cr_expect_eq(notes, 1);
    check_facts(perfdata_facts(p));
    cr_expect_str_eq(decoder_event(perfdata_decoder(p), 0)->name, "an event");
    perfdata_close(p);
    import_input_close(in);
    perfdata_buffer_free(&b);
}

/* An import into memory: the records of the trace, or -errno after a line. */
static int64_t import(const void *bytes, size_t n, struct readers *readers)
{
    struct import_options options;
    struct import_counts counts;
    struct trace_error error = {""};
    struct trace *trace;
    *readers = (struct readers){.samples = false};
    import_defaults(&options);
    options.readers = readers_list;
    options.reader_context = readers;
    options.from = IMPORT_FORMATS;
    int err = import_run(file_of(bytes, n), NULL, &options, &counts, NULL, NULL, &trace, &error);
    if (err) {
        cr_assert(error.text[0] && !strchr(error.text, '\n'), "a line of error");
        return err;
    }
    int64_t records = (int64_t)trace_meta(trace)->records;
    trace_close(trace);
    return records;
}

/* Bytes of the stream up to the end of the k-th sample. */
static size_t end_of_sample(const struct perfdata_buffer *b, unsigned k)
{
    size_t at = 16;
    uint16_t size;
    for (unsigned seen = 0; seen < k; at += size) {
        memcpy(&size, b->bytes + at + 6, sizeof size);
        seen += b->bytes[at] == 9 && !b->bytes[at + 1];
    }
    return at;
}

Test(perfdata, cut_at_every_byte, .timeout = 120)
{
    struct perfdata_buffer b = stream();
    struct readers readers;
    for (size_t n = 0; n <= b.n; n++) {
        int64_t whole = 0, got = import(b.bytes, n, &readers);
        while (whole < SAMPLES && end_of_sample(&b, (unsigned)whole + 1) <= n)
            whole++;
        cr_assert_eq(got, whole ? whole : n < 16 ? got : -ENODATA, "cut to %zu of %zu: %lld", n, b.n, (long long)got);
        cr_assert(whole || got < 0);
    }
    perfdata_buffer_free(&b);
}

/* Each byte in turn becomes something else: a trace, or a line. */
Test(perfdata, each_byte_wrong, .timeout = 120)
{
    struct perfdata_buffer b = stream();
    struct readers readers;
    for (size_t i = 0; i < b.n; i++) {
        unsigned char was = b.bytes[i];
        b.bytes[i] = (unsigned char)(was ^ (i % 2 ? 0xff : 0x80));
        int64_t got = import(b.bytes, b.n, &readers);
        cr_assert(got < 0 || got <= SAMPLES, "byte %zu: %lld", i, (long long)got);
        b.bytes[i] = was;
    }
    perfdata_buffer_free(&b);
}

Test(perfdata, a_record_that_would_be_too_long)
{
    struct perfdata_buffer b = {0};
    unsigned char attr[136];
    uint64_t *ids = calloc(10000, sizeof *ids);
    writer_attr(&event, attr);
    perfdata_begin(&b);
    perfdata_attr(&b, attr, ids, 10000);
    cr_expect_eq(b.failed, -E2BIG);
    perfdata_round(&b);
    cr_expect_eq(b.n, 16, "nothing is written any more");
    free(ids);
    perfdata_buffer_free(&b);
}
