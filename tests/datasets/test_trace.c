/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datasets/trace_digest.h"
#include "tests/datasets/sample.h"

static char folder[256];

static void setup(void)
{
    sample_folder(folder, sizeof folder);
}

static void teardown(void)
{
    sample_remove(folder);
}

TestSuite(trace, .init = setup, .fini = teardown);

enum { EVERYTHING = TRACE_HAS_WEIGHT | TRACE_HAS_LATENCY | TRACE_HAS_TID };

static uint64_t total_weight(const struct sample *s)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->n; i++)
        sum += s->record[i].weight;
    return sum;
}

static void compare_meta(const struct trace_meta *m, const struct sample *s)
{
    cr_assert_eq(m->records, s->n);
    cr_assert_eq(m->misses, total_weight(s));
    cr_assert_eq(m->first_time, s->record[0].time);
    cr_assert_eq(m->last_time, s->record[s->n - 1].time);
    cr_assert_eq(m->chunks, (s->n + TRACE_CHUNK - 1) / TRACE_CHUNK);
    cr_assert_eq(m->period, 64);
    cr_assert_eq(m->lost, 3);
    cr_assert_eq(m->nodes, 2);
    cr_assert_eq(m->line_size, 128);
    cr_assert_eq(m->labels, TRACE_PAGE_TOUCH | TRACE_SYNTHETIC);
    cr_assert_eq(m->columns, EVERYTHING);
    cr_assert_eq(m->cpu_node[0], 1);
    cr_assert_eq(m->cpu_node[1], NODE_NONE);
    cr_assert_eq(m->cpu_node[2], 0);
    cr_assert_eq(m->cpu_node[3], NODE_NONE);
    cr_assert_str_eq(m->name, "a name");
    cr_assert_str_eq(m->source, "a source");
    cr_assert_str_eq(m->event, "an event");
    cr_assert_str_eq(m->host, "a host");
    cr_assert_str_eq(m->kernel, "a kernel");
    cr_assert_str_eq(m->command, "a command");
    cr_assert_str_eq(m->date, "2026-01-02");
    cr_assert_str_eq(m->note, "a note, with \xc3\xa4");
}

/* What is written is what is read: in memory, in each compression, loaded, over chunk borders. */
static void round_trip(uint32_t n, uint32_t cpus, uint32_t gap)
{
    static const enum trace_compress ways[] = {TRACE_DEFLATE, TRACE_NONE, TRACE_SMALLEST};
    struct sample s;
    struct trace_meta meta = sample_meta(EVERYTHING);
    sample_make(&s, n, 1000, cpus, gap, n + cpus);
    struct trace *memory = sample_trace(&s, &meta, NULL, TRACE_DEFLATE);
    compare_meta(trace_meta(memory), &s);
    sample_compare(&s, memory);
    for (unsigned i = 0; i < (n < 10000 ? 3 : 2); i++) { /* the smallest is slow to write */
        struct trace *loaded, *file = sample_trace(&s, &meta, sample_path(folder, "t.h5"), ways[i]);
        struct trace_error error;
        compare_meta(trace_meta(file), &s);
        sample_compare(&s, file);
        cr_assert_eq(trace_meta(file)->digest, trace_meta(memory)->digest);
        cr_assert_eq(trace_load(file, &loaded, &error), 0);
        trace_close(file);
        sample_compare(&s, loaded);
        compare_meta(trace_meta(loaded), &s);
        trace_close(loaded);
    }
    trace_close(memory);
    sample_free(&s);
}

Test(trace, one_record)
{
    round_trip(1, 1, 0);
}

Test(trace, small_with_gaps)
{
    round_trip(5000, 8, 500);
}

Test(trace, gaps_side_by_side)
{
    round_trip(50, 8, 1);
}

Test(trace, exactly_one_chunk)
{
    round_trip(TRACE_CHUNK, 256, 0);
}

Test(trace, three_chunks_many_cpus_gaps)
{
    round_trip(2 * TRACE_CHUNK + 4097, 300, 99991);
}

/* A gap on the first record of a chunk belongs to the index, on the last to the chunk. */
Test(trace, gaps_at_the_chunk_border)
{
    round_trip(TRACE_CHUNK + 2, 2, TRACE_CHUNK);
    round_trip(TRACE_CHUNK + 2, 2, TRACE_CHUNK + 1);
}

Test(trace, no_optional_columns)
{
    struct sample s;
    struct trace_meta meta = sample_meta(0);
    sample_make(&s, 3000, 100, 4, 0, 1);
    struct trace *file = sample_trace(&s, &meta, sample_path(folder, "t.h5"), TRACE_DEFLATE);
    struct trace_block *block = trace_block_new(file);
    struct trace_error error;
    cr_assert_eq(trace_meta(file)->misses, 3000);
    cr_assert_eq(trace_decode(file, 0, block, &error), 0);
    cr_assert(!block->weight && !block->latency_ns && !block->tid);
    cr_assert_eq(trace_decode(file, 1, block, &error), -EINVAL);
    trace_block_free(block);
    trace_close(file);
    sample_free(&s);
}

/* The last node given for a page counts, in whatever order pages were first seen. */
Test(trace, page_nodes)
{
    static const struct trace_record r[] = {{.time = 1, .address = 0x9000, .node = 3},
                                            {.time = 2, .address = 0x1000, .node = NODE_NONE},
                                            {.time = 3, .address = 0x5000, .node = 1},
                                            {.time = 4, .address = 0x9fff, .node = 2},
                                            {.time = 5, .address = 0x5001, .node = NODE_NONE}};
    struct trace_meta meta = sample_meta(0);
    for (int in_file = 0; in_file < 2; in_file++) {
        struct sample s = {5, (struct trace_record *)r};
        struct trace *t = sample_trace(&s, &meta, in_file ? sample_path(folder, "t.h5") : NULL, TRACE_DEFLATE);
        const uint64_t *address = trace_addresses(t);
        const node_t *node = trace_page_nodes(t);
        cr_assert_eq(trace_meta(t)->pages, 3);
        cr_assert(address[0] == 0x1000 && address[1] == 0x5000 && address[2] == 0x9000);
        cr_assert(node[0] == NODE_NONE && node[1] == 1 && node[2] == 2);
        trace_close(t);
    }
}

Test(trace, no_nodes_known)
{
    struct sample s;
    struct trace_meta meta = sample_meta(0);
    sample_make(&s, 100, 10, 4, 0, 1);
    struct trace *t = sample_trace(&s, &meta, sample_path(folder, "t.h5"), TRACE_DEFLATE);
    cr_assert_null(trace_page_nodes(t));
    trace_close(t);
    sample_free(&s);
}

/* A change of any single value changes the digest. */
Test(trace, digest_sees_everything)
{
    struct sample s;
    struct trace_meta meta = sample_meta(EVERYTHING);
    sample_make(&s, 2000, 100, 4, 0, 5);
    struct trace *t = sample_trace(&s, &meta, NULL, TRACE_NONE);
    uint64_t first = trace_meta(t)->digest;
    trace_close(t);
    for (int field = 0; field < 8; field++) {
        struct trace_record kept = s.record[1234], *r = &s.record[1234];
        r->time += field == 0 && r->time < r[1].time;
        r->time -= field == 0 && r->time == kept.time;
        r->cpu ^= field == 1;
        r->flags ^= field == 2;
        r->weight += field == 3;
        r->latency_ns += field == 4;
        r->tid += field == 5;
        r->address += field == 6 ? 1u << 20 : 0;
        r->node = field == 7 ? 1 : NODE_NONE;
        if (field == 0 && s.record[1233].time > r->time)
            s.record[1233].time = r->time;
        t = sample_trace(&s, &meta, NULL, TRACE_NONE);
        cr_assert_neq(trace_meta(t)->digest, first, "field %d", field);
        trace_close(t);
        *r = kept;
    }
    sample_free(&s);
}

static void refuse(struct trace_writer *w, struct trace_record r, const char *word)
{
    struct trace_error error = {""};
    cr_assert_eq(trace_writer_add(w, &r, &error), -EINVAL);
    cr_assert_not_null(strstr(error.text, word), "'%s' is not in '%s'", word, error.text);
}

Test(trace, writer_refuses)
{
    struct trace_meta meta = sample_meta(TRACE_HAS_WEIGHT);
    struct trace_record good = {.time = 100, .address = 4096, .weight = 1, .cpu = 3, .node = NODE_NONE}, bad;
    struct trace_writer *w;
    struct trace *t;
    struct trace_error error;
    meta.cpus = 4;
    cr_assert_eq(trace_writer_open(NULL, &meta, TRACE_NONE, &w, &error), 0);
    cr_assert_eq(trace_writer_add(w, &good, &error), 0);
    bad = good;
    bad.time = 99;
    refuse(w, bad, "backwards");
    bad = good;
    bad.cpu = 4;
    refuse(w, bad, "CPU");
    bad = good;
    bad.weight = 0;
    refuse(w, bad, "weight");
    bad = good;
    bad.time = (uint64_t)1 << 62;
    refuse(w, bad, "2^62");
    cr_assert_eq(trace_writer_close(w, &t, &error), 0);
    cr_assert_eq(trace_meta(t)->records, 1);
    trace_close(t);
    meta.page_size = 3000;
    cr_assert_eq(trace_writer_open(NULL, &meta, TRACE_NONE, &w, &error), -EINVAL);
    cr_assert_null(w);
}

/* Nothing under the final name before close; nothing at all after abort; an unwritable folder is an error line. */
Test(trace, files_appear_only_when_whole)
{
    struct trace_meta meta = sample_meta(0);
    struct trace_record r = {.time = 1, .node = NODE_NONE};
    struct trace_writer *w;
    struct trace_error error;
    char path[512];
    strcpy(path, sample_path(folder, "t.h5"));
    cr_assert_eq(trace_writer_open(path, &meta, TRACE_DEFLATE, &w, &error), 0);
    cr_assert_eq(trace_writer_add(w, &r, &error), 0);
    cr_assert_neq(access(path, F_OK), 0);
    trace_writer_abort(w);
    cr_assert_eq(rmdir(folder), 0, "abort left a file behind");
    cr_assert_neq(trace_writer_open(path, &meta, TRACE_DEFLATE, &w, &error), 0);
    cr_assert_not_null(strstr(error.text, path));
}

Test(trace, empty_trace)
{
    struct trace_meta meta = sample_meta(0);
    struct sample s = {0, NULL};
    struct trace *t = sample_trace(&s, &meta, sample_path(folder, "t.h5"), TRACE_DEFLATE);
    cr_assert_eq(trace_meta(t)->records, 0);
    cr_assert_eq(trace_meta(t)->chunks, 0);
    trace_close(t);
}

Test(trace, not_a_trace)
{
    static const char *const paths[] = {"no/such/file.h5", ".", "LICENSE", "/dev/null"};
    for (unsigned i = 0; i < 4; i++) {
        struct trace *t;
        struct trace_error error = {""};
        cr_assert_lt(trace_open(paths[i], &t, &error), 0);
        cr_assert_null(t);
        cr_assert_eq(strncmp(error.text, paths[i], strlen(paths[i])), 0, "%s", error.text);
        cr_assert_null(strchr(error.text, '\n'));
    }
}

static bool same_meta(const struct trace_meta *a, const struct trace_meta *b)
{
    return a->records == b->records && a->misses == b->misses && a->first_time == b->first_time &&
           a->last_time == b->last_time && a->period == b->period && a->lost == b->lost && a->digest == b->digest &&
           a->pages == b->pages && a->chunks == b->chunks && a->cpus == b->cpus && a->nodes == b->nodes &&
           a->page_size == b->page_size && a->line_size == b->line_size && a->columns == b->columns &&
           a->labels == b->labels && !strcmp(a->name, b->name) && !strcmp(a->source, b->source) &&
           !strcmp(a->note, b->note) && !memcmp(a->cpu_node, b->cpu_node, sizeof a->cpu_node);
}

/* Held with 1, 2 and as many threads as there are: what the file holds, also when the file is gone. */
Test(trace, held)
{
    struct sample s;
    struct trace_meta meta = sample_meta(EVERYTHING);
    struct trace_error error = {""};
    sample_make(&s, 2 * TRACE_CHUNK + 77, 5000, 8, 1000, 4);
    for (uint32_t i = 0; i < s.n; i++)
        s.record[i].node = (node_t)(s.record[i].address / 4096 % 2);
    for (uint32_t threads = 0; threads < 3; threads++) {
        struct trace *t = sample_trace(&s, &meta, sample_path(folder, "t.h5"), TRACE_DEFLATE);
        struct trace_meta before = *trace_meta(t);
        cr_assert_eq(trace_hold(&t, 100 << 20, threads, &error), 0, "%s", error.text);
        cr_assert_eq(truncate(sample_path(folder, "t.h5"), 0), 0);
        cr_assert(same_meta(&before, trace_meta(t)));
        sample_compare(&s, t);
        for (uint32_t p = 0; p < trace_meta(t)->pages; p++)
            cr_assert_eq(trace_page_nodes(t)[p], trace_addresses(t)[p] / 4096 % 2);
        trace_close(t);
        unlink(sample_path(folder, "t.h5"));
    }
    sample_free(&s);
}

/* A record of all columns takes 27 bytes: time 8, page 4, cpu 2, flags 1, and three of 4. */
Test(trace, too_long_to_hold)
{
    struct sample s;
    struct trace_meta meta = sample_meta(EVERYTHING);
    struct trace_error error = {""};
    sample_make(&s, 1000, 50, 4, 0, 4);
    struct trace *t = sample_trace(&s, &meta, sample_path(folder, "t.h5"), TRACE_DEFLATE), *same = t;
    cr_assert_eq(trace_hold(&t, 27 * 1000 - 1, 1, &error), 0);
    cr_assert_eq(t, same);
    sample_compare(&s, t);
    cr_assert_eq(trace_hold(&t, 27 * 1000, 1, &error), 0);
    cr_assert_eq(truncate(sample_path(folder, "t.h5"), 0), 0);
    sample_compare(&s, t);
    trace_close(t);
    sample_free(&s);
}

/* Several threads, one trace: every chunk as when decoded alone. */
Test(trace, threads)
{
    struct sample s;
    struct trace_meta meta = sample_meta(EVERYTHING);
    sample_make(&s, 4 * TRACE_CHUNK, 5000, 8, 1000, 3);
    struct trace *t = sample_trace(&s, &meta, sample_path(folder, "t.h5"), TRACE_DEFLATE);
    int wrong = 0;
#pragma omp parallel num_threads(4) reduction(+ : wrong)
    {
        struct trace_block *block = trace_block_new(t);
        struct trace_error error;
#pragma omp for schedule(static, 1)
        for (int i = 0; i < 16; i++) {
            wrong += trace_decode(t, (uint32_t)i % 4, block, &error) != 0;
            for (uint32_t k = 0; k < block->n; k++)
                wrong += block->time[k] != s.record[block->first + k].time ||
                         block->tid[k] != s.record[block->first + k].tid;
        }
        trace_block_free(block);
    }
    cr_assert_eq(wrong, 0);
    trace_close(t);
    sample_free(&s);
}
