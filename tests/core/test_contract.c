/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What every registered class has to keep, on several machines.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/core/fixture.h"

enum { PAGES = 40, STEPS = 3000 };

static const struct {
    uint32_t nodes, cpus;
    uint64_t frames;
    uint32_t fast; /* nodes in tier 0, the others in tier 1; 0: all */
} machines[] = {
    {1, 1, FRAMES_UNBOUNDED, 0},          {2, 8, FRAMES_UNBOUNDED, 0}, {4, 16, 15, 0}, {8, 8, 6, 0},
    {NODE_MAX, 128, FRAMES_UNBOUNDED, 0}, {NODE_MAX, 64, 1, 0},        {2, 4, 13, 1},  {4, 8, 9, 2},
};
enum { MACHINES = sizeof machines / sizeof machines[0] };

static node_t advice[PAGES];

/* The workload is some 30 ms long: clocks go a thousand times as fast, as far as the class lets them. */
static void hurry(const struct policy_class *c, uint64_t *param)
{
    for (unsigned i = 0; i < policy_param_count(c); i++) {
        const struct policy_param *p = &c->params[i];
        if (!strcmp(p->unit, "ns"))
            param[i] = param[i] / 1000 > p->min ? param[i] / 1000 : p->min;
    }
}

/* Thresholds low enough for the short workload, where a class has them. */
static struct engine_config configure(const struct policy_class *c, const struct fixture_shape *s)
{
    struct engine_config config = fixture_config(c, s, PAGES);
    hurry(c, config.param);
    static const struct {
        const char *name;
        uint64_t value;
    } lively[] = {
        {"trigger", 6},         {"sharing", 2},         {"threshold", 3}, {"reset_ns", 1000000},    {"write", 2},
        {"memory_min", 1},      {"maptu", 0},           {"latch", 1},     {"aggregation_ns", 5000}, {"used_bp", 0},
        {"free_bp", 0},         {"group_bytes", 16384}, {"sample", 100},  {"batch", 100},           {"hot", 12},
        {"momentum_window", 32}};
    for (size_t i = 0; i < sizeof lively / sizeof lively[0]; i++) {
        int at = policy_param_index(c, lively[i].name, strlen(lively[i].name));
        if (at >= 0)
            config.param[at] = lively[i].value;
    }
    for (page_t page = 0; page < PAGES; page++)
        advice[page] = (node_t)(page * 7 % (s->topology.nodes + 1)); /* one answer in a few is out of range */
    config.advice = advice;
    return config;
}

static void for_each(void (*test)(const struct policy_class *, const struct fixture_shape *))
{
    struct fixture_shape *s = malloc(sizeof *s);
    for (size_t m = 0; m < MACHINES; m++) {
        fixture_shape(s, machines[m].nodes, machines[m].cpus, machines[m].frames);
        if (machines[m].fast)
            fixture_tiers(s, machines[m].fast, PAGES);
        for (size_t i = 0; policy_classes[i]; i++)
            test(policy_classes[i], s);
    }
    free(s);
}

static uint64_t digest_of(const struct engine_config *config, uint64_t seed, struct engine_stats *stats)
{
    struct fixture_run r;
    cr_assert_eq(fixture_begin(&r, config, MACHINE_REPLICAS | MACHINE_WATCH), 0, "%s", config->policy->name);
    fixture_workload(&r, seed, STEPS, true, false);
    uint64_t digest = engine_digest(r.engine);
    if (stats)
        *stats = r.engine->stats;
    cr_assert(fixture_guarded(&r), "%s wrote outside its memory", config->policy->name);
    cr_assert_eq(r.check.breaches, 0, "%s: %s", config->policy->name, r.check.first);
    fixture_end(&r);
    return digest;
}

static void same_log_same_digest(const struct policy_class *c, const struct fixture_shape *s)
{
    struct engine_config config = configure(c, s);
    cr_assert_eq(digest_of(&config, 5, NULL), digest_of(&config, 5, NULL), "%s", c->name);
    cr_assert_neq(digest_of(&config, 5, NULL), digest_of(&config, 6, NULL), "%s", c->name);
}

Test(contract, determinism_within_the_memory_given)
{
    for_each(same_log_same_digest);
}

static void batch_does_not_matter(const struct policy_class *c, const struct fixture_shape *s)
{
    struct engine_config config = configure(c, s);
    if (c->observe)
        return;
    uint64_t digest = digest_of(&config, 7, NULL);
    for (config.batch = 1; config.batch <= ENGINE_BATCH_MAX; config.batch *= 4)
        cr_assert_eq(digest_of(&config, 7, NULL), digest, "%s", c->name);
}

Test(contract, classes_that_do_not_observe_do_not_depend_on_the_batch)
{
    for_each(batch_does_not_matter);
}

/* place in range wherever a frame is free, and every page somewhere. */
static void places_in_bounds(const struct policy_class *c, const struct fixture_shape *s)
{
    struct fixture_run r;
    struct engine_config config = configure(c, s);
    for (page_t page = 0; page < PAGES; page++)
        advice[page] = (node_t)(page % s->topology.nodes);
    cr_assert_eq(fixture_begin(&r, &config, MACHINE_REPLICAS), 0);
    for (page_t page = 0; page < PAGES; page++)
        for (node_t toucher = 0; toucher < s->topology.nodes; toucher++)
            cr_assert_lt(c->place(r.state, &r.engine->view, page, toucher), s->topology.nodes, "%s", c->name);
    cr_assert(fixture_guarded(&r));
    fixture_end(&r);
}

Test(contract, places_are_nodes_of_the_machine)
{
    for_each(places_in_bounds);
}

struct recording {
    struct orders orders;
    struct order list[64];
};

/* A clone of state and slots, made in the middle of a run, answers the same to the same from then on. */
static void clone_goes_on_alike(const struct policy_class *c, const struct fixture_shape *s)
{
    struct fixture_run r;
    struct engine_config config = configure(c, s);
    cr_assert_eq(fixture_begin(&r, &config, MACHINE_REPLICAS), 0);
    fixture_workload(&r, 9, STEPS, false, false);
    unsigned char *state = aligned_alloc(16, (r.need.state_bytes + 31) & ~(size_t)15);
    unsigned char *pages = malloc(r.stride * PAGES);
    memcpy(state, r.state, r.need.state_bytes);
    memcpy(pages, r.pages, r.stride * PAGES);
    struct view other = r.engine->view;
    other.places = pages;
    other.slots = pages + sizeof(struct place);
    uint64_t seed = 10;
    for (int i = 0; i < 2000; i++) {
        struct recording a = {0}, b = {0};
        a.orders = (struct orders){.list = a.list, .max = 64};
        b.orders = (struct orders){.list = b.list, .max = 64};
        struct event e = {.time = r.now + (uint64_t)i * 1000,
                          .page = fixture_below(&seed, PAGES),
                          .node = (node_t)fixture_below(&seed, s->topology.nodes),
                          .what = event_what(fixture_below(&seed, 20) ? EVENT_READ : EVENT_WRITE, 0)};
        cr_assert_eq(c->place(r.state, &r.engine->view, e.page, e.node), c->place(state, &other, e.page, e.node));
        if (c->observe) {
            c->observe(r.state, &r.engine->view, &e, 1, &a.orders);
            c->observe(state, &other, &e, 1, &b.orders);
        }
        cr_assert_eq(a.orders.n, b.orders.n);
        cr_assert_eq(memcmp(a.list, b.list, sizeof a.list), 0);
    }
    cr_assert_eq(memcmp(state, r.state, r.need.state_bytes), 0, "%s", c->name);
    cr_assert_eq(memcmp(pages, r.pages, r.stride * PAGES), 0, "%s", c->name);
    free(state);
    free(pages);
    fixture_end(&r);
}

Test(contract, a_copy_of_state_and_slots_is_a_run)
{
    for_each(clone_goes_on_alike);
}

static void survives(const struct engine_config *config, const char *what, uint64_t start, uint32_t steps)
{
    struct fixture_run r;
    int err = fixture_begin(&r, config, MACHINE_REPLICAS | MACHINE_WATCH);
    cr_assert(err == 0 || (err == ERR_INVAL && r.state), "%s:%s", config->policy->name, what);
    r.now = start;
    if (!err)
        fixture_workload(&r, 11, steps, true, false);
    cr_assert_eq(r.check.breaches, 0, "%s:%s: %s", config->policy->name, what, r.check.first);
    cr_assert(err || fixture_guarded(&r), "%s:%s", config->policy->name, what);
    fixture_end(&r);
}

/* Each parameter at its least and greatest value, the others as they are; then all of them. Settings that do not fit
 * together may be refused by init, never by engine_need. */
static void limits_are_accepted(const struct policy_class *c, const struct fixture_shape *s)
{
    struct engine_config config = configure(c, s), least = config, most = config;
    for (unsigned i = 0; i < policy_param_count(c); i++) {
        const struct policy_param *p = &c->params[i];
        uint64_t value = config.param[i];
        config.param[i] = least.param[i] = p->min;
        survives(&config, p->name, 0, STEPS / 10);
        config.param[i] = most.param[i] = p->max;
        survives(&config, p->name, 0, STEPS / 10);
        config.param[i] = value;
    }
    survives(&least, "all at their least", 0, STEPS / 3);
    survives(&most, "all at their greatest", 0, STEPS / 3);
}

Test(contract, least_and_greatest_parameters)
{
    for_each(limits_are_accepted);
}

/* Times of a machine that has run for years, and memory of a single page. */
static void odd_runs_end(const struct policy_class *c, const struct fixture_shape *s)
{
    struct engine_config config = configure(c, s);
    survives(&config, "late", UINT64_C(1) << 58, STEPS / 3);
    config.npages = 1;
    survives(&config, "one page", 0, STEPS / 3);
}

Test(contract, late_times_and_a_single_page)
{
    for_each(odd_runs_end);
}

Test(contract, slots_are_small_and_tables_complete)
{
    struct fixture_shape s;
    fixture_shape(&s, 8, 8, FRAMES_UNBOUNDED);
    for (size_t i = 0; policy_classes[i]; i++) {
        const struct policy_class *c = policy_classes[i];
        struct engine_config config = fixture_config(c, &s, PAGES);
        struct machine machine = {0};
        struct engine_need need;
        config.machine = &machine;
        config.advice = advice;
        cr_assert_eq(engine_need(&config, &need), 0);
        cr_expect_leq(need.slot_bytes, 16, "%s", c->name);
        cr_expect(c->name && c->summary && c->source && c->place, "%s", c->name);
        cr_expect_eq(policy_find(c->name), c);
        cr_expect_eq(!!(c->signals & (SIGNAL_MISSES | SIGNAL_HINTS)), !!c->observe, "%s", c->name);
        cr_expect(c->tick || !policy_tick_ns(c, config.param), "%s", c->name);
        for (unsigned p = 0; p < policy_param_count(c); p++) {
            const struct policy_param *param = &c->params[p];
            cr_expect(param->min <= param->preset && param->preset <= param->max, "%s:%s", c->name, param->name);
            cr_expect(param->help && param->unit, "%s:%s", c->name, param->name);
            cr_expect_eq(policy_param_index(c, param->name, strlen(param->name)), (int)p);
        }
    }
    cr_expect_null(policy_find("migre"));
    cr_expect_null(policy_find("migrepp"));
    cr_expect_eq(policy_param_index(policy_find("migrep"), "trigger=4", 7), 1);
    cr_expect_eq(policy_param_index(policy_find("migrep"), "trig", 4), -1);
}

static bool acts_on(const struct policy_class *c, const struct fixture_shape *s)
{
    struct engine_stats stats;
    struct engine_config config = configure(c, s);
    digest_of(&config, 12, &stats);
    return stats.moves + stats.copies > 0;
}

/* On a machine with one tier or on one with two. */
Test(contract, the_workload_makes_dynamic_classes_act)
{
    struct fixture_shape flat, tiers;
    fixture_shape(&flat, 4, 16, FRAMES_UNBOUNDED);
    fixture_shape(&tiers, 4, 16, 10);
    fixture_tiers(&tiers, 2, FRAMES_UNBOUNDED);
    for (size_t i = 0; policy_classes[i]; i++) {
        const struct policy_class *c = policy_classes[i];
        bool acts = acts_on(c, &flat) + acts_on(c, &tiers);
        cr_expect_eq(acts, c->observe || c->tick, "%s", c->name);
    }
}

Test(contract, advice_is_needed_where_it_is_asked_for)
{
    struct fixture_shape s;
    fixture_shape(&s, 4, 4, FRAMES_UNBOUNDED);
    for (size_t i = 0; policy_classes[i]; i++) {
        struct fixture_run r;
        struct engine_config config = fixture_config(policy_classes[i], &s, PAGES);
        int err = fixture_begin(&r, &config, MACHINE_REPLICAS);
        cr_expect_eq(err, policy_classes[i]->signals & SIGNAL_ADVICE ? ERR_INVAL : 0, "%s", policy_classes[i]->name);
        fixture_end(&r);
    }
}
