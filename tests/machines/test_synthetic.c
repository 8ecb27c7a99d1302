/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The made-up workloads have the shares that docs/paper.md states. Counted here from the records alone; the expected
 * numbers are those of the text, not of the generator's table.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/synthetic.h"

enum { RECORDS = 1000000, PAGES_MAX = 1 << 16 };

/* Everything that is asked of the records, in one pass. */
struct count {
    uint64_t records, misses, local, writes, fetches;
    uint64_t by_page[PAGES_MAX];
    uint8_t cpus_of[PAGES_MAX][2]; /* bit per CPU */
    uint64_t wrote[PAGES_MAX];
    uint64_t by_tid[16], first, last;
    uint16_t toucher[PAGES_MAX];
};

static struct trace *make(const char *name, uint64_t records, uint64_t seed)
{
    struct trace *trace;
    struct trace_error error;
    cr_assert_eq(synthetic_trace(synthetic_find(name), records, seed, &trace, &error), 0, "%s", error.text);
    return trace;
}

static void count_block(struct count *c, const struct trace_block *b, uint32_t pages, uint32_t cpus)
{
    for (uint32_t i = 0; i < b->n; i++, c->records++) {
        uint32_t page = b->page[i], kind = b->flags[i] & TRACE_KIND_MASK;
        if (c->records < pages) {
            c->toucher[page] = b->cpu[i];
            continue;
        }
        c->first = c->first ? c->first : b->time[i];
        c->last = b->time[i];
        c->misses += b->weight[i];
        c->local += page % cpus == b->cpu[i] ? b->weight[i] : 0;
        c->writes += kind == TRACE_WRITE ? b->weight[i] : 0;
        c->fetches += kind == TRACE_FETCH ? b->weight[i] : 0;
        c->by_page[page] += b->weight[i];
        c->wrote[page] += kind == TRACE_WRITE;
        c->cpus_of[page][b->cpu[i] / 8] |= (uint8_t)(1 << b->cpu[i] % 8);
        c->by_tid[b->tid[i]] += b->weight[i];
    }
}

static struct count *count(struct trace *trace)
{
    const struct trace_meta *meta = trace_meta(trace);
    struct trace_block *block = trace_block_new(trace);
    struct count *c = calloc(1, sizeof *c);
    struct trace_error error;
    cr_assert(block && c && meta->pages <= PAGES_MAX);
    for (uint32_t chunk = 0; chunk < meta->chunks; chunk++) {
        cr_assert_eq(trace_decode(trace, chunk, block, &error), 0, "%s", error.text);
        count_block(c, block, meta->pages, meta->cpus);
    }
    trace_block_free(block);
    return c;
}

static double share(const struct count *c, uint32_t from, uint32_t pages)
{
    uint64_t sum = 0;
    for (uint32_t page = from; page < from + pages; page++)
        sum += c->by_page[page];
    return 100.0 * (double)sum / (double)c->misses;
}

static unsigned users(const struct count *c, uint32_t page)
{
    return (unsigned)__builtin_popcount(c->cpus_of[page][0] | (unsigned)c->cpus_of[page][1] << 8);
}

#define NEAR(value, wanted, tolerance)                                                                     \
    cr_expect((value) > (wanted) - (tolerance) && (value) < (wanted) + (tolerance), #value ": %g, not %g", \
              (double)(value), (double)(wanted))

Test(synthetic, engineering)
{
    struct trace *trace = make("engineering", RECORDS, 1);
    struct count *c = count(trace);
    const uint32_t data = 12 * 600, text = 2 * 1000, seldom = 12 * 2000, kernel = 40;
    cr_assert_eq(trace_meta(trace)->pages, data + text + seldom + kernel);
    cr_expect_eq(trace_meta(trace)->labels, TRACE_SYNTHETIC);
    NEAR(share(c, 0, data), 63, 0.3);
    NEAR(share(c, data, text), 20, 0.3);
    NEAR(share(c, data + text, seldom), 5, 0.2);
    NEAR(share(c, data + text + seldom, kernel), 12, 0.3);
    NEAR(100.0 * (double)c->fetches / (double)c->misses, 20, 0.3);
    NEAR(100.0 * (double)c->writes / (double)c->misses, 0.3 * 80, 0.4);
    NEAR(100.0 * (double)c->local / (double)c->misses, 12.5, 1.0);
    /* a miss of each CPU every 554 + 300 ns; four to a record */
    NEAR((double)(c->last - c->first) * 8 / (double)c->misses, 854, 9);
    for (uint32_t page = data; page < data + text; page++)
        cr_assert_eq(c->wrote[page], 0, "text is written");
    for (uint32_t page = data + text + seldom; page < trace_meta(trace)->pages; page++)
        cr_assert(users(c, page) == 8 && c->wrote[page], "kernel data not written by all");
    for (uint32_t page = 0; page < data; page++)
        cr_assert_leq(users(c, page), 2, "a process is confined to two CPUs");
    free(c);
    trace_close(trace);
}

Test(synthetic, raytrace)
{
    struct trace *trace = make("raytrace", RECORDS, 1);
    struct count *c = count(trace);
    const uint32_t scene = 256, own = 16 * 120, seldom = 16 * 400, queues = 20;
    unsigned by_all = 0;
    cr_assert_eq(trace_meta(trace)->pages, scene + own + seldom + queues);
    NEAR(share(c, 0, scene), 62, 0.3);
    NEAR(share(c, scene, own), 18, 0.3);
    NEAR(share(c, scene + own, seldom), 8, 0.2);
    NEAR(share(c, scene + own + seldom, queues), 12, 0.3);
    NEAR((double)(c->last - c->first) * 16 / (double)c->misses, 2003, 20);
    for (uint32_t page = 0; page < scene; page++) {
        cr_assert_eq(c->wrote[page], 0, "the scene is written");
        by_all += users(c, page) == 16;
    }
    cr_expect_gt(by_all, 80, "%u pages of the scene are read by all", by_all);
    for (uint32_t page = scene; page < scene + own + seldom; page++)
        cr_assert_leq(users(c, page), 1);
    free(c);
    trace_close(trace);
}

Test(synthetic, pages_lie_about_at_first)
{
    struct trace *trace = make("raytrace", 1, 1);
    struct count *c = count(trace);
    cr_assert_eq(trace_meta(trace)->records, trace_meta(trace)->pages + 1);
    for (uint32_t page = 0; page < trace_meta(trace)->pages; page++)
        cr_assert_eq(c->toucher[page], page % 16);
    free(c);
    trace_close(trace);
}

Test(synthetic, a_packed_scene_lies_on_four_nodes)
{
    struct trace *trace = make("raytrace-packed", 1, 1);
    struct count *c = count(trace);
    for (uint32_t page = 0; page < 256; page++)
        cr_assert_eq(c->toucher[page], page % 4);
    for (uint32_t page = 256; page < trace_meta(trace)->pages; page++)
        cr_assert_eq(c->toucher[page], page % 16);
    free(c);
    trace_close(trace);
}

/* Three processes on two CPUs: two of three slices each, two at a stretch, and back on the other CPU. */
Test(synthetic, processes_take_turns)
{
    const struct synthetic *w = synthetic_find("engineering");
    for (uint32_t pair = 0; pair < 4; pair++) {
        unsigned slices[12] = {0}, both[12] = {0};
        for (uint64_t slice = 0; slice < 6; slice++)
            for (uint32_t cpu = 2 * pair; cpu < 2 * pair + 2; cpu++) {
                uint32_t process = synthetic_process(w, cpu, slice * w->slice_ns);
                cr_assert_eq(process / 3, pair);
                slices[process]++;
                both[process] |= 1u << (cpu % 2);
            }
        for (uint32_t process = 3 * pair; process < 3 * pair + 3; process++)
            cr_expect(slices[process] == 4 && both[process] == 3, "process %u: %u slices", process, slices[process]);
        for (uint64_t slice = 0; slice < 6; slice++)
            cr_expect_neq(synthetic_process(w, 2 * pair, slice * w->slice_ns),
                          synthetic_process(w, 2 * pair + 1, slice * w->slice_ns));
    }
}

Test(synthetic, the_same_seed_gives_the_same_trace)
{
    struct trace *a = make("engineering", 20000, 7), *b = make("engineering", 20000, 7),
                 *c = make("engineering", 20000, 8);
    cr_expect_eq(trace_meta(a)->digest, trace_meta(b)->digest);
    cr_expect_neq(trace_meta(a)->digest, trace_meta(c)->digest);
    trace_close(a);
    trace_close(b);
    trace_close(c);
}

Test(synthetic, names)
{
    cr_expect_null(synthetic_find("nosuch"));
    cr_expect_eq(synthetic_find("raytrace")->cpus, 16);
}
