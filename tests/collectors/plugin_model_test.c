/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The plugin's parts without QEMU: one cache, the caches of several CPUs together, RAM, options.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/plugin/model.h"
#include "collectors/plugin/options.h"
#include "collectors/plugin/ram.h"

/* --- one cache --- */

Test(plugin_cache, least_recently_used_goes)
{
    struct cache c;
    cr_assert_eq(cache_init(&c, 4, 2), 0);
    cr_expect_eq(cache_put(&c, 0, CACHE_SHARED), 0);
    cr_expect_eq(cache_put(&c, 4, CACHE_EXCLUSIVE), 0);
    cr_expect_not_null(cache_find(&c, 0)); /* 4 is the older one now */
    cr_expect_not_null(cache_peek(&c, 4)); /* which a look does not change */
    uint64_t gone = cache_put(&c, 8, CACHE_MODIFIED);
    cr_expect_eq(cache_line_of(gone), 4);
    cr_expect_eq(cache_state_of(gone), CACHE_EXCLUSIVE);
    cr_expect_null(cache_peek(&c, 4));
    cr_expect_eq(cache_put(&c, 1, CACHE_SHARED), 0, "another set");
    cr_expect_eq(cache_state_of(cache_drop(&c, 0)), CACHE_SHARED);
    cr_expect_eq(cache_drop(&c, 0), 0);
    cr_expect_eq(cache_put(&c, 12, CACHE_SHARED), 0, "the dropped line's way is free");
    cr_expect_not_null(cache_peek(&c, 8));
    cache_free(&c);
}

/* The plainest LRU there is: lines in order of use, the latest first. */
struct list {
    uint64_t line[CACHE_WAYS_MAX];
    uint32_t n;
};

static bool list_drop(struct list *l, uint64_t line)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (l->line[i] == line) {
            memmove(l->line + i, l->line + i + 1, (--l->n - i) * sizeof *l->line);
            return true;
        }
    return false;
}

static void list_push(struct list *l, uint64_t line)
{
    memmove(l->line + 1, l->line, l->n++ * sizeof *l->line);
    l->line[0] = line;
}

/* An access, or in one case of eight a drop. Lines differ in bits that the hints of eight bits do not tell apart. */
static void same_step(struct cache *c, struct list *sets, uint64_t random)
{
    uint64_t set = random >> 20 & 1, line = set | (random >> 24 & 31) << 1 | (random >> 32 & 3) << 20;
    struct list *l = &sets[set];
    bool held = list_drop(l, line);
    if (random >> 40 & 7) {
        cr_assert_eq(!!cache_find(c, line), held, "%u ways", c->ways);
        uint64_t oldest = l->n == c->ways ? l->line[--l->n] : UINT64_MAX;
        list_push(l, line);
        if (!held)
            cr_assert_eq(cache_put(c, line, CACHE_SHARED), oldest == UINT64_MAX ? 0 : cache_word(oldest, CACHE_SHARED),
                         "%u ways", c->ways);
    } else {
        cr_assert_eq(cache_drop(c, line), held ? cache_word(line, CACHE_SHARED) : 0, "%u ways", c->ways);
    }
}

Test(plugin_cache, as_a_list_of_lines)
{
    static const uint32_t ways[] = {1, 2, 7, 8, 9, 12, 16, 20, 32};
    uint64_t random = 1;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct cache c;
        struct list sets[2] = {{.n = 0}, {.n = 0}};
        cr_assert_eq(cache_init(&c, 2, ways[i]), 0);
        for (int step = 0; step < 100000; step++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            same_step(&c, sets, random >> 16);
        }
        cache_free(&c);
    }
}

Test(plugin_cache, sizes)
{
    cr_expect_eq(cache_sets(32 << 10, 8, 64), 64);
    cr_expect_eq(cache_sets(1 << 20, 16, 64), 1024);
    cr_expect_eq(cache_sets(1 << 20, 16, 128), 512);
    cr_expect_eq(cache_sets(48 << 10, 12, 64), 64);
    cr_expect_eq(cache_sets(48 << 10, 8, 64), 0, "96 sets");
    cr_expect_eq(cache_sets(1000, 8, 64), 0);
    cr_expect_eq(cache_sets(1 << 20, 33, 64), 0);
    cr_expect_eq(cache_sets(0, 8, 64), 0);
}

/* --- several CPUs --- */

enum { MOST = 64 };
static struct model model;
static struct model_record seen[MOST];
static unsigned who[MOST], nseen;

static void keep(void *context, struct model_cpu *c, const struct model_record *r)
{
    (void)context;
    cr_assert_lt(nseen, MOST);
    who[nseen] = c->id;
    seen[nseen++] = *r;
}

/* First level 2 sets of 2 ways, second 4 sets of 2 ways. */
static void start(void)
{
    static const struct model_geometry small = {3, 64, 2, 2, 4, 2};
    nseen = 0;
    cr_assert_eq(model_init(&model, &small, keep, NULL), 0);
}

static void finish(void)
{
    model_free(&model);
}

TestSuite(plugin_model, .init = start, .fini = finish);

static void touch(unsigned cpu, uint64_t line, bool write)
{
    model_fetch(&model.cpu[cpu], 1); /* looks into the inbox; line 1 is in a set that the tests leave alone */
    model_data(&model.cpu[cpu], line, write);
}

/* All CPUs have their code: what follows is about data. */
static void warm(void)
{
    for (unsigned i = 0; i < 3; i++)
        touch(i, 1, false);
    nseen = 0;
}

#define EXPECT(i, cpu, k, l, c, e)                                               \
    do {                                                                         \
        cr_assert_lt((unsigned)(i), nseen, "record %d is missing", i);           \
        cr_expect_eq(who[i], cpu, "record %d: CPU %u", i, who[i]);               \
        cr_expect_eq(seen[i].kind, k, "record %d: kind %u", i, seen[i].kind);    \
        cr_expect_eq(seen[i].line, l, "record %d", i);                           \
        cr_expect_eq(seen[i].cause, c, "record %d: cause %u", i, seen[i].cause); \
        cr_expect_eq(seen[i].elsewhere, e, "record %d: elsewhere", i);           \
    } while (0)

Test(plugin_model, protocol)
{
    warm();
    touch(0, 10, false); /* exclusive in 0 */
    EXPECT(0, 0, MODEL_READ, 10, DIRECTORY_COLD, false);
    touch(0, 10, true); /* modified */
    EXPECT(1, 0, MODEL_UPGRADE, 10, MODEL_FIRST_WRITE, false);
    touch(0, 10, true);
    touch(1, 10, false); /* shared by 0 and 1 */
    EXPECT(2, 1, MODEL_READ, 10, DIRECTORY_COLD, true);
    touch(2, 10, false);
    EXPECT(3, 2, MODEL_READ, 10, DIRECTORY_COLD, false);
    touch(0, 10, false); /* still there */
    touch(0, 10, true);  /* 1 and 2 lose it */
    EXPECT(4, 0, MODEL_UPGRADE, 10, DIRECTORY_COHERENCE, false);
    touch(1, 10, false);
    EXPECT(5, 1, MODEL_READ, 10, DIRECTORY_COHERENCE, true);
    touch(2, 10, true); /* 0 and 1 lose it */
    EXPECT(6, 2, MODEL_WRITE, 10, DIRECTORY_COHERENCE, false);
    touch(0, 10, true);
    EXPECT(7, 0, MODEL_WRITE, 10, DIRECTORY_COHERENCE, true);
    cr_expect_eq(nseen, 8);
}

Test(plugin_model, room)
{
    warm();
    touch(0, 8, true); /* lines 8, 12, 16 share a set of the second level with room for two */
    touch(0, 12, false);
    touch(0, 8, false); /* a hit in the first level does not refresh the second */
    touch(0, 16, false);
    cr_expect_eq(nseen, 3);
    touch(0, 8, false);
    EXPECT(3, 0, MODEL_READ, 8, DIRECTORY_REPLACEMENT, false);
    touch(1, 12, false); /* gone from 0 for want of room: nobody has it */
    EXPECT(4, 1, MODEL_READ, 12, DIRECTORY_COLD, false);
    touch(1, 12, true);
    EXPECT(5, 1, MODEL_UPGRADE, 12, MODEL_FIRST_WRITE, false);
    cr_expect_eq(nseen, 6);
}

Test(plugin_model, inclusion)
{
    warm();
    model_fetch(&model.cpu[0], 8); /* 8 is in L1I and L2 */
    touch(0, 12, false);
    touch(0, 16, false); /* pushes 8 out of L2, and so out of L1I */
    nseen = 0;
    model_fetch(&model.cpu[0], 8);
    EXPECT(0, 0, MODEL_FETCH, 8, DIRECTORY_REPLACEMENT, false);
}

Test(plugin_model, clock)
{
    warm();
    struct model_cpu *c = &model.cpu[0];
    uint64_t before = c->clock;
    touch(0, 10, false);
    cr_expect_eq(c->clock - before, MODEL_MISS);
    touch(0, 10, false);
    touch(0, 10, true); /* a first write is an upgrade */
    touch(0, 10, true);
    cr_expect_eq(c->clock - before, 2 * MODEL_MISS);
    touch(0, 12, false); /* with 10 and 14 in one set of the first level, and 10, 14 in one of the second */
    touch(0, 14, false);
    touch(0, 10, false); /* first level: 12 and 14 pushed it out; second: there */
    cr_expect_eq(c->clock - before, 4 * MODEL_MISS + MODEL_L2_HIT);
    cr_expect_eq(nseen, 4);
}

/* --- one CPU alone, and then others --- */

/* A random walk by CPU 0, then by all: the records, by the shortest of hashes and as a number of each cause. */
struct outcome {
    uint64_t hash, n[4], clock;
};

static void add_up(void *context, struct model_cpu *c, const struct model_record *r)
{
    struct outcome *o = context;
    uint64_t words[] = {r->time, r->line, (uint64_t)r->kind << 2 | r->cause, c->tag << 1 | r->elsewhere};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        o->hash = (o->hash ^ words[i]) * UINT64_C(0x100000001b3);
    o->n[r->cause]++;
}

static void walk(struct model *m, unsigned cpus, unsigned steps, uint64_t *random)
{
    for (unsigned i = 0; i < steps; i++) {
        *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        unsigned number = (*random >> 60) % cpus;
        struct model_cpu *c = &m->cpu[number ? m->geometry.cpus - number : 0]; /* the first, and from the last down */
        c->tag = number;
        c->clock++;
        model_fetch(c, 1000 + (*random >> 20 & 7));
        model_data(c, *random >> 30 & 127, *random >> 50 & 1);
    }
}

static struct outcome outcome_of(uint32_t cpus, bool alone)
{
    struct model m;
    struct outcome o = {0};
    const struct model_geometry g = {cpus, 64, 2, 2, 16, 4};
    uint64_t random = 1;
    cr_assert_eq(model_init(&m, &g, add_up, &o), 0);
    if (alone)
        model_alone(&m);
    walk(&m, 1, 5003, &random);
    model_share(&m);
    walk(&m, 3, 5000, &random);
    o.clock = m.cpu[0].clock + m.cpu[cpus - 1].clock + m.cpu[cpus - 2].clock;
    model_free(&m);
    return o;
}

/* Entries of each of the three sizes. */
Test(plugin_model, alone_as_with_others)
{
    static const uint32_t cpus[] = {8, 20, 64};
    for (size_t i = 0; i < sizeof cpus / sizeof *cpus; i++) {
        struct outcome a = outcome_of(cpus[i], true), b = outcome_of(cpus[i], false);
        cr_expect_eq(a.hash, b.hash, "%u CPUs", cpus[i]);
        cr_expect_arr_eq(a.n, b.n, sizeof a.n);
        cr_expect_eq(a.clock, b.clock);
        cr_expect_eq(a.hash, outcome_of(8, true).hash, "the number of CPUs that are not used changes nothing");
        for (unsigned cause = 0; cause < 4; cause++)
            cr_expect_gt(a.n[cause], 100, "cause %u", cause);
    }
}

/* What is not told yet when the capture ends. */
Test(plugin_model, alone_to_the_end)
{
    model_alone(&model);
    touch(0, 10, false);
    touch(0, 10, true);
    touch(0, 14, false);
    model_settle(&model);
    EXPECT(0, 0, MODEL_FETCH, 1, DIRECTORY_COLD, false);
    EXPECT(1, 0, MODEL_READ, 10, DIRECTORY_COLD, false);
    EXPECT(2, 0, MODEL_UPGRADE, 10, MODEL_FIRST_WRITE, false);
    EXPECT(3, 0, MODEL_READ, 14, DIRECTORY_COLD, false);
    cr_expect_eq(nseen, 4);
}

/* --- RAM, options --- */

Test(plugin_ram, four_nodes)
{
    struct ram r = {.nodes = 4, .node_bytes = 512 << 20, .host = {0x10000000, 0x40000000, 0, 0x80000000}};
    uint64_t gib = 1 << 30;
    cr_expect_eq(ram_from_qemu(&r, 5), 5);
    cr_expect_eq(ram_from_qemu(&r, gib + 5), gib / 2 + 5);
    cr_expect_eq(ram_from_qemu(&r, 3 * gib + gib / 2 - 1), 2 * gib - 1);
    cr_expect_eq(ram_from_qemu(&r, gib / 2), RAM_NONE);
    cr_expect_eq(ram_from_qemu(&r, 4 * gib), RAM_NONE);
    cr_expect_eq(ram_from_host(&r, (void *)0x40000010), gib / 2 + 16);
    cr_expect_eq(ram_from_host(&r, (void *)0x1000), RAM_NONE);
}

Test(plugin_ram, memory_map)
{
    struct ram r = {.nodes = 2, .node_bytes = 1 << 20};
    char name[] = "/tmp/mirrorball-maps-XXXXXX";
    int fd = mkstemp(name);
    dprintf(fd, "7f0000000000-7f0000001000 r--p 00000000 08:01 5 /usr/lib/x.so\n"
                "7f0000100000-7f0000180000 rw-p 00000000 08:01 6 /tmp/q/ram0\n"
                "7f0000280000-7f0000300000 rw-p 00080000 08:01 7 /tmp/q/ram1 (deleted)\n"
                "7f0000400000-7f0000500000 rw-p 00000000 08:01 8 /tmp/q/ram10x\n");
    close(fd);
    cr_expect(ram_find(&r, name, "/tmp/q/ram"));
    cr_expect_eq(r.host[0], 0x7f0000100000);
    cr_expect_eq(r.host[1], 0x7f0000200000);
    unlink(name);
    cr_expect_not(ram_find(&r, "/nowhere", "x"));
}

Test(plugin_options, words)
{
    struct options o;
    struct model_geometry g;
    char error[200];
    char a[] = "out=x", b[] = "l2=65536", c[] = "l1=16384", d[] = "l3=1", e[] = "cpus=65", f[] = "l2ways=7";
    cr_expect_eq(options_parse(&o, 3, (char *[]){a, b, c}, error, sizeof error), 0);
    cr_expect_eq(options_geometry(&o, &g, error, sizeof error), 0);
    cr_expect_eq(g.l2_sets, 64);
    cr_expect_eq(g.l1_sets, 32);
    cr_expect_lt(options_parse(&o, 1, (char *[]){b}, error, sizeof error), 0, "no out=");
    cr_expect_lt(options_parse(&o, 2, (char *[]){a, d}, error, sizeof error), 0);
    cr_expect_lt(options_parse(&o, 2, (char *[]){a, e}, error, sizeof error), 0);
    cr_expect_eq(options_parse(&o, 2, (char *[]){a, f}, error, sizeof error), 0);
    cr_expect_lt(options_geometry(&o, &g, error, sizeof error), 0);
}
