/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The contract carries more than misses: policies that live on accessed bits, on hint faults with task ids, on the
 * traffic matrix, and one that sets its own sampling period.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/core/fixture.h"

enum { ALL_CAPS = MACHINE_REPLICAS | MACHINE_WATCH };

static struct fixture_shape shape;
static struct fixture_run run;

static void begin(const struct policy_class *policy, uint32_t npages)
{
    fixture_shape(&shape, 4, 8, FRAMES_UNBOUNDED);
    struct engine_config config = fixture_config(policy, &shape, npages);
    cr_assert_eq(fixture_begin(&run, &config, ALL_CAPS), 0);
}

static void end(void)
{
    machine_check_compare(&run.check, run.engine);
    cr_expect_eq(run.check.breaches, 0, "%s", run.check.first);
    cr_expect(fixture_guarded(&run));
    fixture_end(&run);
}

static node_t home(page_t page)
{
    return view_home(&run.engine->view, page);
}

static node_t local(void *state, const struct view *v, page_t page, node_t toucher)
{
    (void)state, (void)v, (void)page;
    return toucher;
}

/* Accessed bits: a page that one other node alone used in two harvests in a row moves there. */

static size_t byte_slot(const struct view *v, const uint64_t *param)
{
    (void)v, (void)param;
    return 1;
}

static node_t only_user(const struct view *v, page_t page)
{
    node_t user = NODE_NONE;
    for (node_t node = 0; node < v->topology->nodes; node++)
        if (view_accessed(v, node, page)) {
            if (user != NODE_NONE)
                return NODE_NONE;
            user = node;
        }
    return user;
}

static void scan_tick(void *state, const struct view *v, uint64_t now, struct orders *o)
{
    (void)state, (void)now;
    for (page_t page = 0; page < v->npages; page++) {
        uint8_t *last = view_slot(v, page); /* 1 + the only user of the harvest before; 0: none */
        node_t user = only_user(v, page);
        if (user != NODE_NONE && user != view_home(v, page) && *last == user + 1)
            order_push(o, ORDER_MOVE, page, user, 1);
        *last = user == NODE_NONE ? 0 : (uint8_t)(user + 1);
    }
}

static const struct policy_class on_accessed = {.name = "on_accessed",
                                                .signals = SIGNAL_ACCESSED,
                                                .tick_ns = 1000000,
                                                .slot_size = byte_slot,
                                                .place = local,
                                                .tick = scan_tick};

static void harvest_and_tick(void)
{
    observe_harvest(&run.observe);
    engine_tick(run.engine, run.now += 1000000);
}

Test(signals, accessed_bits_drive_a_tick)
{
    begin(&on_accessed, 130); /* three words of bits per node */
    for (page_t page = 0; page < 130; page++)
        fixture_misses(&run, 0, page, false, 1);
    harvest_and_tick();
    for (unsigned round = 0; round < 2; round++) {
        fixture_misses(&run, 2, 129, true, 3);
        fixture_misses(&run, 3, 64, false, 1);
        fixture_misses(&run, 1, 63, false, 1); /* and node 0 as well: two users */
        fixture_misses(&run, 0, 63, false, 1);
        if (round == 0)
            fixture_misses(&run, 1, 5, false, 1); /* in one harvest only */
        cr_assert_eq(run.engine->stats.moves, 0);
        harvest_and_tick();
    }
    cr_assert_eq(run.engine->stats.moves, 2);
    cr_assert_eq(home(129), 2);
    cr_assert_eq(home(64), 3);
    cr_assert_eq(home(63), 0);
    cr_assert_eq(home(5), 0);
    cr_assert_eq(run.observe.harvests, 3);
    harvest_and_tick();
    cr_assert_eq(only_user(&run.engine->view, 129), NODE_NONE, "bits start again from zero");
    cr_assert_eq(run.engine->stats.events, 0, "no miss was shown");
    end();
}

/* Hint faults with task ids: the two-stage filter. A page moves when a hint comes from the node of the last hint, or
 * from the same task wherever it runs now. Each tick watches the next pages. */

struct last_hint {
    uint16_t task;
    node_t node;
    uint8_t known;
};

static size_t hint_slot(const struct view *v, const uint64_t *param)
{
    (void)v, (void)param;
    return sizeof(struct last_hint);
}

static void hint_observe(void *state, const struct view *v, const struct event *e, size_t n, struct orders *o)
{
    (void)state;
    for (size_t i = 0; i < n; i++) {
        if (event_kind(&e[i]) != EVENT_HINT)
            continue;
        struct last_hint *last = view_slot(v, e[i].page);
        bool again = last->known && (last->node == e[i].node || last->task == e[i].task);
        if (again && view_home(v, e[i].page) != e[i].node)
            order_push(o, ORDER_MOVE, e[i].page, e[i].node, 2);
        *last = (struct last_hint){.task = e[i].task, .node = e[i].node, .known = 1};
    }
}

static void hint_tick(void *state, const struct view *v, uint64_t now, struct orders *o)
{
    (void)state, (void)now;
    for (page_t page = 0; page < v->npages; page++)
        order_push(o, ORDER_WATCH, page, NODE_NONE, 3);
}

static const struct policy_class on_hints = {.name = "on_hints",
                                             .signals = SIGNAL_HINTS,
                                             .tick_ns = 1000000,
                                             .slot_size = hint_slot,
                                             .place = local,
                                             .observe = hint_observe,
                                             .tick = hint_tick};

static void hint(page_t page, node_t node, uint16_t task)
{
    cr_assert(engine_needed(view_place(&run.engine->view, page), false));
    cr_assert_eq(engine_access(run.engine, page, node, task, false, run.now), 0);
    cr_assert_not(engine_needed(view_place(&run.engine->view, page), true), "one hint, then nothing");
}

Test(signals, hint_faults_carry_task_ids)
{
    begin(&on_hints, 4);
    for (page_t page = 0; page < 4; page++)
        fixture_misses(&run, 0, page, false, 1);
    engine_tick(run.engine, 1);
    hint(0, 2, 7);
    hint(1, 2, 7);
    hint(2, 2, 7);
    engine_tick(run.engine, 2); /* page 3 is watched still: refused as there already */
    cr_assert_eq(run.engine->stats.refused[REFUSED_THERE], 1);
    cr_assert_eq(run.engine->stats.watches, 7);
    hint(0, 2, 9); /* same node */
    hint(1, 3, 7); /* same task, elsewhere */
    hint(2, 3, 9); /* neither */
    engine_flush(run.engine);
    cr_assert_eq(home(0), 2);
    cr_assert_eq(home(1), 3);
    cr_assert_eq(home(2), 0);
    cr_assert_eq(run.engine->stats.hints, 6);
    end();
}

/* Sampling: holds the number of samples per tick near a target by the period alone. */

struct sampler {
    uint64_t seen, weight;
};

static size_t sampler_size(const struct view *v, const uint64_t *param)
{
    (void)v, (void)param;
    return sizeof(struct sampler);
}

static void sampler_observe(void *state, const struct view *v, const struct event *e, size_t n, struct orders *o)
{
    struct sampler *s = state;
    (void)v, (void)o;
    s->seen += n;
    for (size_t i = 0; i < n; i++)
        s->weight += event_weight(&e[i]);
}

static void sampler_tick(void *state, const struct view *v, uint64_t now, struct orders *o)
{
    struct sampler *s = state;
    (void)now;
    if (s->seen > 200)
        order_push(o, ORDER_SAMPLE, v->sampling * 2, NODE_NONE, 0);
    else if (s->seen < 50 && v->sampling > 1)
        order_push(o, ORDER_SAMPLE, v->sampling / 2, NODE_NONE, 0);
    *s = (struct sampler){0};
}

static const struct policy_class sampling = {.name = "sampling",
                                             .signals = SIGNAL_MISSES,
                                             .tick_ns = 1000000,
                                             .state_size = sampler_size,
                                             .place = local,
                                             .observe = sampler_observe,
                                             .tick = sampler_tick};

static void sampler_round(uint32_t misses, uint64_t seen, uint64_t weight, uint32_t period_after)
{
    uint64_t before = run.observe.samples[0];
    const struct sampler *s = run.state;
    for (uint32_t i = 0; i < misses; i++)
        fixture_miss(&run, 0, i % 4, false, 0);
    engine_flush(run.engine);
    cr_expect_eq(s->seen, seen, "%llu seen, not %llu", (unsigned long long)s->seen, (unsigned long long)seen);
    cr_expect_eq(s->weight, weight);
    cr_expect_eq(run.observe.samples[0] - before, seen, "what the driver charges");
    engine_tick(run.engine, run.now += 1000000);
    cr_expect_eq(run.engine->view.sampling, period_after);
}

Test(signals, a_policy_sets_its_sampling_period)
{
    begin(&sampling, 4);
    sampler_round(800, 800, 800, 2);
    sampler_round(800, 400, 800, 4);
    sampler_round(800, 200, 800, 4);
    sampler_round(1600, 400, 1600, 8);
    sampler_round(160, 20, 160, 4);
    cr_assert_eq(run.engine->stats.samplings, 4);
    end();
}

/* Traffic matrix: pages leave the node whose memory is used most for the one whose memory is used least. */

static uint64_t load_of(const struct view *v, node_t to)
{
    uint64_t sum = 0;
    for (uint32_t from = 0; from < v->topology->nodes; from++)
        for (uint32_t write = 0; write < 2; write++)
            sum += v->traffic[(from * v->topology->nodes + to) * 2 + write];
    return sum;
}

static void balance_tick(void *state, const struct view *v, uint64_t now, struct orders *o)
{
    node_t most = 0, least = 0;
    (void)state, (void)now;
    for (node_t node = 1; node < v->topology->nodes; node++) {
        most = load_of(v, node) > load_of(v, most) ? node : most;
        least = load_of(v, node) < load_of(v, least) ? node : least;
    }
    if (v->latency_ps[most] < v->latency_ps[least] * 2)
        return;
    for (page_t page = 0; page < v->npages; page++)
        if (view_copies(v, page) && view_home(v, page) == most)
            order_push(o, ORDER_MOVE, page, least, 4);
}

static const struct policy_class on_load = {
    .name = "on_load", .signals = SIGNAL_LOAD, .tick_ns = 1000000, .place = local, .tick = balance_tick};

Test(signals, the_traffic_matrix_moves_pages)
{
    static uint64_t traffic[4 * 4 * 2], latency_ps[4] = {100, 100, 300, 100};
    begin(&on_load, 6);
    run.engine->view.traffic = traffic;
    run.engine->view.latency_ps = latency_ps;
    for (page_t page = 0; page < 6; page++)
        fixture_misses(&run, page < 4 ? 2 : 1, page, false, 1);
    traffic[(0 * 4 + 2) * 2 + 1] = 500; /* node 0 writes to 2 */
    traffic[(3 * 4 + 2) * 2 + 0] = 100; /* node 3 reads from 2 */
    traffic[(1 * 4 + 1) * 2 + 0] = 550;
    traffic[(0 * 4 + 0) * 2 + 0] = 10;
    traffic[(0 * 4 + 3) * 2 + 0] = 9;
    engine_tick(run.engine, 1000000);
    cr_assert_eq(run.engine->stats.moves, 4);
    cr_assert_eq(home(0), 3);
    cr_assert_eq(home(4), 1);
    latency_ps[2] = 100;
    engine_tick(run.engine, 2000000);
    cr_assert_eq(run.engine->stats.moves, 4, "no queueing, no move");
    end();
}

/* The layer itself: 1 in k per CPU. */
Test(signals, each_cpu_is_sampled_by_itself)
{
    fixture_shape(&shape, 4, 8, FRAMES_UNBOUNDED);
    struct engine_config config = fixture_config(&sampling, &shape, 4);
    config.sampling = 4;
    cr_assert_eq(fixture_begin(&run, &config, ALL_CAPS), 0);
    for (uint32_t i = 0; i < 40; i++)
        fixture_miss(&run, 0, 0, false, 0);
    for (uint32_t i = 0; i < 7; i++)
        fixture_miss(&run, 3, 0, false, 0);
    cr_assert_eq(run.observe.samples[0], 10);
    cr_assert_eq(run.observe.samples[3], 2, "the 1st and the 5th");
    cr_assert_eq(run.observe.samples[1], 0);
    fixture_miss(&run, 1, 0, false, 14);
    engine_flush(run.engine);
    cr_assert_eq(((struct sampler *)run.state)->weight, 12 * 4 + 32768, "2^14 x 4 is cut to the greatest weight, 2^15");
    end();
}
