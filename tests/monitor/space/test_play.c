/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One log, three machines: the one that checks, fed by the test's own loop; the same, played; and bare metal in plain
 * memory, played. Every class has to decide alike. And logs that lie.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "monitor-core/play.h"
#include "monitor-core/x86/metal.h"
#include "tests/core/chaos.h"
#include "tests/core/fixture.h"
#include "tests/monitor/stir.h"

enum { NODES = 3, LOG_CPUS = 6, PAGES = 70, RECORDS = 6000, FRAMES = 40 };

/* By hand: 70 pages are two words of accessed bits for each of the three nodes, the last with six bits; then 18 of
 * traffic and 3 of latencies. */
enum { TRAFFIC = 6, LATENCIES = 24, WORDS = 27 };

struct log {
    unsigned char *bytes;
    size_t size;
    struct play_header *header;
    struct play_record *records;
};

/* Some words, as a harvest and a window might leave them. */
static struct play_record random_sight(uint64_t *seed)
{
    struct play_record r = {.kind = PLAY_SEEN, .page = fixture_below(seed, WORDS)};
    uint32_t left = (r.page < TRAFFIC ? TRAFFIC : r.page < LATENCIES ? LATENCIES : WORDS) - r.page;
    r.task = (uint16_t)(1 + fixture_below(seed, left));
    r.time = fixture_random(seed) & fixture_random(seed);
    if (r.page < TRAFFIC)
        r.time &= r.page % 2 || r.task > 1 ? 63 : UINT64_MAX;
    else
        r.time = r.page < LATENCIES ? r.time % 3000 : 50000 + r.time % 500000;
    return r;
}

static struct play_record random_record(uint64_t *seed, uint64_t time)
{
    if (fixture_below(seed, 8) == 0)
        return random_sight(seed);
    struct play_record r = {.time = time,
                            .page = fixture_below(seed, PAGES),
                            .task = (uint16_t)fixture_below(seed, LOG_CPUS),
                            .node = (node_t)fixture_below(seed, NODES)};
    uint32_t what = fixture_below(seed, 100);
    r.kind = what < 30   ? PLAY_ACCESS
             : what < 94 ? PLAY_EVENT
             : what < 96 ? PLAY_TICK
             : what < 98 ? PLAY_WINDOW
                         : PLAY_FREE;
    if (what == 99)
        r.kind = PLAY_FLUSH;
    r.what = r.kind == PLAY_EVENT ? event_what((enum event_kind)(fixture_below(seed, 4) == 0), fixture_below(seed, 6))
                                  : (uint8_t)fixture_below(seed, 2);
    return r;
}

static struct log make_log(uint64_t seed, uint64_t frames)
{
    struct fixture_shape shape;
    fixture_shape(&shape, NODES, LOG_CPUS, frames);
    struct play_header h = {.magic = PLAY_MAGIC,
                            .nodes = NODES,
                            .cpus = LOG_CPUS,
                            .npages = PAGES,
                            .batch = 16,
                            .sampling = 1,
                            .budget = 20,
                            .advice = 1,
                            .known = PLAY_ACCESSED | PLAY_LOAD,
                            .records = RECORDS,
                            .policy = "first_touch"};
    /* By hand: header, 9 latencies, 3 tiers, 6 CPUs, a gap up to 8, 3 frame counts, 70 pages, a gap up to 8. */
    size_t tiers = sizeof h + 36, at = (tiers + 9 + 7) / 8 * 8, records = (at + 24 + 70 + 7) / 8 * 8;
    struct log l = {.size = records + RECORDS * sizeof(struct play_record)};
    l.bytes = calloc(1, l.size);
    memcpy(l.bytes, &h, sizeof h);
    memcpy(l.bytes + sizeof h, shape.latency_ps, 36);
    memcpy(l.bytes + tiers, shape.tier, NODES);
    memcpy(l.bytes + tiers + NODES, shape.cpu_node, LOG_CPUS);
    memcpy(l.bytes + at, shape.frames, 24);
    for (uint32_t page = 0; page < PAGES; page++)
        l.bytes[at + 24 + page] = (unsigned char)(page % 7 == 0 ? NODE_NONE : page % NODES);
    l.header = (void *)l.bytes;
    l.records = (void *)(l.bytes + records);
    for (uint64_t i = 0; i < RECORDS; i++)
        l.records[i] = random_record(&seed, i * 30000);
    return l;
}

/* What the policy sees besides. */
struct sight {
    uint64_t bits[NODES][2], traffic[18], latency[NODES];
    const uint64_t *rows[NODES];
};

static void show(struct sight *s, struct view *v)
{
    memset(s, 0, sizeof *s);
    for (int n = 0; n < NODES; n++)
        s->rows[n] = s->bits[n];
    v->accessed = s->rows;
    v->traffic = s->traffic;
    v->latency_ps = s->latency;
}

static void look(struct sight *s, const struct play_record *r)
{
    for (uint32_t i = r->page; i < r->page + r->task; i++)
        if (i < TRAFFIC)
            s->bits[i / 2][i % 2] = r->time;
        else if (i < LATENCIES)
            s->traffic[i - TRAFFIC] = r->time;
        else
            s->latency[i - LATENCIES] = r->time;
}

/* What play_feed has to do, said once more. */
static uint64_t by_hand(const struct log *l, const struct policy_class *policy, const uint64_t *param)
{
    struct fixture_shape shape;
    struct fixture_run r;
    struct sight sight;
    fixture_shape(&shape, NODES, LOG_CPUS,
                  *(const uint64_t *)(const void *)(l->bytes + (sizeof *l->header + 36 + 9 + 7) / 8 * 8));
    struct engine_config c = fixture_config(policy, &shape, PAGES);
    node_t advice[PAGES];
    for (uint32_t page = 0; page < PAGES; page++)
        advice[page] = (node_t)(page % 7 == 0 ? NODE_NONE : page % NODES);
    memcpy(c.param, param, sizeof c.param);
    c.budget = 20;
    c.advice = advice;
    cr_assert_eq(fixture_begin(&r, &c, MACHINE_REPLICAS | MACHINE_WATCH), 0);
    show(&sight, &r.engine->view);
    for (const struct play_record *p = l->records; p < l->records + RECORDS; p++) {
        if (p->kind == PLAY_SEEN)
            look(&sight, p);
        else if (p->kind == PLAY_ACCESS)
            engine_access(r.engine, p->page, p->node, p->task, p->what, p->time);
        else if (p->kind == PLAY_EVENT)
            engine_queue(r.engine, &(struct event){p->time, p->page, p->task, p->node, p->what});
        else if (p->kind == PLAY_TICK)
            engine_tick(r.engine, p->time);
        else if (p->kind == PLAY_WINDOW)
            engine_window(r.engine, p->time);
        else if (p->kind == PLAY_FREE)
            engine_free(r.engine, p->page, p->time);
        else
            engine_flush(r.engine);
    }
    cr_assert_eq(r.check.breaches, 0, "%s", r.check.first);
    uint64_t digest = engine_digest(r.engine);
    fixture_end(&r);
    return digest;
}

static uint64_t play_on(const struct log *l, const struct policy_class *policy, const uint64_t *param,
                        struct machine *machine, struct engine *e, bool end)
{
    struct play play;
    const char *why;
    uint64_t bytes;
    cr_assert_eq(play_open(&play, l->bytes, l->size, &why), 0, "%s", why);
    cr_assert_eq(play_need(&play, policy, param, &bytes), 0, "%s", policy->name);
    void *block = aligned_alloc(16, bytes);
    memset(block, 0, bytes);
    cr_assert_eq(play_begin(&play, machine, e, block), 0);
    /* In two pieces; the end beyond the end. */
    cr_assert_eq(play_feed(&play, e, 0, 1234), 0);
    cr_assert_eq(play_feed(&play, e, 1234, RECORDS + 5), 0);
    uint64_t digest = engine_digest(e);
    if (end)
        play_end(&play, e);
    free(block);
    return digest;
}

static void no_flush(uint32_t vms)
{
    cr_assert(false, "nothing is mapped, VMs %x", vms);
}

static uint64_t on_metal(const struct log *l, const struct policy_class *policy, const uint64_t *param)
{
    static struct metal metal;
    struct memory memory;
    struct engine e;
    size_t size = (NODES * 50 + 1) * 4096;
    unsigned char *ram = aligned_alloc(4096, size);
    memory_init(&memory, ram, NODES);
    for (uint32_t n = 0; n < NODES; n++)
        memory_add(&memory, (node_t)n, (1 + n * 50) * 4096, (1 + (n + 1) * 50) * 4096);
    memory_seal(&memory);
    void *block = malloc(metal_size(PAGES, &memory));
    uint64_t before = memory_free(&memory, 0) + memory_free(&memory, 1) + memory_free(&memory, 2);
    metal_init(&metal, NULL, &memory, no_flush, PAGES, block);
    metal.poison = true;
    uint64_t digest = play_on(l, policy, param, &metal.machine, &e, true);
    cr_assert_eq(metal.refused, 0);
    cr_assert_eq(memory_free(&memory, 0) + memory_free(&memory, 1) + memory_free(&memory, 2), before);
    free(block);
    free(ram);
    return digest;
}

static void compare(const struct log *l, const struct policy_class *policy)
{
    struct fixture_shape shape;
    struct machine_check check;
    struct engine e;
    uint64_t param[POLICY_PARAMS_MAX] = {0};
    policy_defaults(policy, param);
    fixture_shape(&shape, NODES, LOG_CPUS, FRAMES);
    machine_check_begin(&check, &shape.topology, PAGES, MACHINE_REPLICAS | MACHINE_WATCH);
    uint64_t digest = play_on(l, policy, param, &check.machine, &e, false);
    cr_assert_eq(check.breaches, 0, "%s", check.first);
    machine_check_end(&check);
    cr_assert_eq(digest, by_hand(l, policy, param), "%s", policy->name);
    cr_assert_eq(digest, on_metal(l, policy, param), "%s", policy->name);
}

Test(play, every_class_decides_alike_on_every_machine)
{
    for (uint64_t frames = 25; frames <= FRAMES; frames += FRAMES - 25) {
        struct log l = make_log(frames, frames);
        for (const struct policy_class *const *c = policy_classes; *c; c++)
            compare(&l, *c);
        compare(&l, &policy_stir);
        compare(&l, &policy_chaos);
        free(l.bytes);
    }
}

static int opened(const struct log *l, size_t size)
{
    struct play play;
    const char *why = NULL;
    int err = play_open(&play, l->bytes, size, &why);
    cr_assert_eq(!err, !why);
    return err;
}

Test(play, logs_that_lie)
{
    struct log l = make_log(1, FRAMES);
    struct play play;
    const char *why;
    struct play_header good = *l.header;
    struct play_record first = l.records[0];
    for (size_t size = 0; size < l.size; size += size < 1000 ? 1 : 997)
        cr_assert_eq(opened(&l, size), ERR_INVAL);
    cr_assert_eq(opened(&l, l.size), 0);
    struct play_header bad[] = {good, good, good, good, good, good, good, good, good, good, good, good, good, good};
    bad[0].magic++;
    bad[1].nodes = 0;
    bad[2].nodes = 65;
    bad[3].cpus = 1025;
    bad[4].npages = UINT32_MAX;
    bad[5].batch = 65;
    bad[6].sampling = 3;
    bad[7].records++;
    bad[8].records = UINT64_MAX / 24;
    bad[9].advice = 2;
    bad[10].npages -= 49;
    memset(bad[11].policy, 'x', sizeof bad[11].policy);
    bad[12].known |= 16;
    bad[13].known |= PLAY_BANDWIDTHS; /* three numbers more than there are */
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        *l.header = bad[i];
        cr_assert_eq(opened(&l, l.size), ERR_INVAL, "header %zu", i);
    }
    *l.header = good;
    l.header->magic = UINT64_C(0x31474f4c4c4c4142); /* "BALLLOG1" */
    cr_assert_eq(play_open(&play, l.bytes, l.size, &why), ERR_INVAL);
    cr_assert_not_null(strstr(why, "older version"), "%s", why);
    *l.header = good;
    struct play_record wrong[] = {{.kind = PLAY_ACCESS, .page = PAGES},
                                  {.kind = PLAY_ACCESS, .node = NODES},
                                  {.kind = PLAY_ACCESS, .what = 2},
                                  {.kind = PLAY_EVENT, .what = EVENT_HINT},
                                  {.kind = PLAY_EVENT, .what = EVENT_FREED | 16},
                                  {.kind = PLAY_EVENT, .page = PAGE_NONE},
                                  {.kind = PLAY_FREE, .page = PAGES},
                                  {.kind = PLAY_SEEN, .page = WORDS, .task = 1},
                                  {.kind = PLAY_SEEN, .page = 0, .task = WORDS + 1},
                                  {.kind = PLAY_SEEN, .page = PAGE_NONE, .task = UINT16_MAX},
                                  {.kind = PLAY_SEEN, .page = 1, .task = 1, .time = 64}, /* page 70 */
                                  {.kind = PLAY_SEEN, .page = 0, .task = 2, .time = 64},
                                  {.kind = PLAY_SEEN, .page = 5, .task = 22, .time = UINT64_C(1) << 63},
                                  {.kind = PLAY_KINDS}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        l.records[RECORDS - 1] = wrong[i];
        cr_assert_eq(opened(&l, l.size), ERR_INVAL, "record %zu", i);
    }
    struct play_record right[] = {first,
                                  {.kind = PLAY_SEEN, .page = 4, .task = 1, .time = UINT64_MAX},
                                  {.kind = PLAY_SEEN, .page = 0, .task = 6, .time = 63},
                                  {.kind = PLAY_SEEN, .page = 6, .task = 21, .time = UINT64_MAX}};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        l.records[RECORDS - 1] = right[i];
        cr_assert_eq(opened(&l, l.size), 0, "record %zu", i);
    }
    l.header->known = PLAY_ACCESSED; /* six words; the log has records of more */
    cr_assert_eq(opened(&l, l.size), ERR_INVAL);
    l.header->known = 0;
    cr_assert_eq(opened(&l, l.size), ERR_INVAL);
    *l.header = good;
    /* A CPU on a fourth node; a latency of zero. */
    l.bytes[sizeof good + 36 + NODES] = NODES;
    cr_assert_eq(opened(&l, l.size), ERR_INVAL);
    l.bytes[sizeof good + 36 + NODES] = 0;
    memset(l.bytes + sizeof good, 0, 4);
    cr_assert_eq(opened(&l, l.size), ERR_INVAL);
    free(l.bytes);
}

/* A word of each node's bitmaps, of the traffic and of the latencies, where the view has to show them. */
Test(play, what_the_policy_sees)
{
    struct log l = make_log(1, FRAMES);
    struct machine_check check;
    struct fixture_shape shape;
    struct engine e;
    struct play play;
    const char *why;
    uint64_t bytes, param[POLICY_PARAMS_MAX] = {0};
    const struct policy_class *policy = policy_find("first_touch");
    for (uint32_t word = 0; word < WORDS; word++)
        l.records[word] = (struct play_record){.kind = PLAY_SEEN, .page = word, .task = 1, .time = word + 1};
    l.records[WORDS] = (struct play_record){.kind = PLAY_SEEN, .page = 4, .task = 3, .time = 40};
    cr_assert_eq(play_open(&play, l.bytes, l.size, &why), 0);
    cr_assert_eq(play_seen_words(&play.header), WORDS);
    cr_assert_eq(play_need(&play, policy, param, &bytes), 0);
    void *block = aligned_alloc(16, bytes);
    memset(block, 0, bytes);
    fixture_shape(&shape, NODES, LOG_CPUS, FRAMES);
    machine_check_begin(&check, &shape.topology, PAGES, MACHINE_REPLICAS | MACHINE_WATCH);
    cr_assert_eq(play_begin(&play, &check.machine, &e, block), 0);
    cr_assert(!e.view.accessed[2][1] && !e.view.traffic[17] && !e.view.latency_ps[2]);
    cr_assert_eq(play_feed(&play, &e, 0, WORDS + 1), 0);
    const uint64_t bits[NODES][2] = {{1, 2}, {3, 4}, {40, 40}};
    for (int n = 0; n < NODES; n++)
        cr_assert_arr_eq(e.view.accessed[n], bits[n], sizeof bits[n], "node %d", n);
    cr_assert_eq(e.view.traffic[0], 40);
    cr_assert_eq(e.view.traffic[1], TRAFFIC + 2);
    cr_assert_eq(e.view.traffic[17], LATENCIES);
    cr_assert_eq(e.view.latency_ps[0], LATENCIES + 1);
    cr_assert_eq(e.view.latency_ps[2], WORDS);
    cr_assert(view_accessed(&e.view, 2, 67) && !view_accessed(&e.view, 2, 66));
    machine_check_end(&check);
    free(block);
    free(l.bytes);
}

/* Behind the frames three bandwidths and three costs, then the 70 bytes of advice. */
Test(play, bandwidths_and_costs_where_they_are_known)
{
    struct log l = make_log(1, FRAMES);
    const uint64_t known[] = {3000, 1000, 2000, 7, 8, 9};
    size_t at = (sizeof(struct play_header) + 36 + 9 + 7) / 8 * 8 + 24, more = sizeof known;
    unsigned char *bytes = calloc(1, l.size + more);
    memcpy(bytes, l.bytes, at);
    memcpy(bytes + at, known, more);
    memcpy(bytes + at + more, l.bytes + at, l.size - at);
    struct play_header *h = (void *)bytes;
    struct play play;
    const char *why;
    h->known |= PLAY_BANDWIDTHS | PLAY_COSTS;
    cr_assert_eq(play_open(&play, bytes, l.size + more, &why), 0);
    cr_assert_eq(play.topology.bandwidth[2], 2000);
    cr_assert_eq(play.topology.costs->sample_ns, 7);
    cr_assert_eq(play.topology.costs->sync_ns, 9);
    cr_assert_eq(play.advice[1], 1);
    cr_assert_eq(memcmp(play.records, l.records, RECORDS * sizeof *l.records), 0);
    cr_assert_eq(play_open(&play, l.bytes, l.size, &why), 0);
    cr_assert_null(play.topology.bandwidth);
    cr_assert_null(play.topology.costs);
    free(bytes);
    free(l.bytes);
}

static const struct policy_class looker = {.name = "looker", .summary = "", .source = "", .signals = SIGNAL_ACCESSED};
static const struct policy_class loader = {.name = "loader", .summary = "", .source = "", .signals = SIGNAL_LOAD};

Test(play, a_class_that_asks_for_more_than_a_log_has)
{
    struct log l = make_log(1, FRAMES);
    struct play play;
    const char *why;
    uint64_t bytes, param[POLICY_PARAMS_MAX] = {0};
    cr_assert_eq(play_open(&play, l.bytes, l.size, &why), 0);
    cr_assert_eq(play_need(&play, &looker, param, &bytes), 0);
    play.header.known = PLAY_LOAD;
    cr_assert_eq(play_need(&play, &looker, param, &bytes), ERR_NOSUP);
    cr_assert_eq(play_need(&play, &loader, param, &bytes), 0);
    play.header.known = PLAY_ACCESSED;
    cr_assert_eq(play_need(&play, &loader, param, &bytes), ERR_NOSUP);
    play.advice = NULL;
    cr_assert_eq(play_need(&play, policy_find("post_facto"), param, &bytes), ERR_NOSUP);
    cr_assert_eq(play_need(&play, policy_find("migrep"), param, &bytes), ERR_INVAL, "parameters out of range");
    free(l.bytes);
}
