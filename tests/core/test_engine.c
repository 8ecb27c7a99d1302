/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The engine's own promises, one by one, with a policy that says what the test told it to say.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/core/fixture.h"

/* The script: orders for the next observe, and what came of orders and events. One test, one process. */
static struct {
    struct order give[80];
    unsigned n;
    int outcome[80];
    unsigned outcomes;
    struct event seen[200];
    unsigned events, calls;
    node_t wanted;
} script;

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    (void)state, (void)v, (void)page;
    return script.wanted == NODE_ALL ? toucher : script.wanted;
}

static void observe(void *state, const struct view *v, const struct event *e, size_t n, struct orders *o)
{
    (void)state, (void)v;
    script.calls++;
    for (size_t i = 0; i < n; i++)
        script.seen[script.events++ % 200] = e[i];
    for (unsigned i = 0; i < script.n; i++)
        order_push(o, (enum order_op)script.give[i].op, script.give[i].page, script.give[i].node, 0);
    script.n = 0;
}

static void outcome(void *state, const struct order *o, int err)
{
    (void)state, (void)o;
    script.outcome[script.outcomes++ % 80] = err;
}

static const struct policy_class scripted = {
    .name = "scripted", .signals = SIGNAL_MISSES, .place = place, .observe = observe, .outcome = outcome};

static struct fixture_shape shape;
static struct fixture_run run;

static void begin(uint32_t npages, uint64_t frames, uint32_t batch, uint32_t budget, uint32_t caps)
{
    memset(&script, 0, sizeof script);
    script.wanted = NODE_ALL;
    fixture_shape(&shape, 4, 4, frames);
    struct engine_config config = fixture_config(&scripted, &shape, npages);
    config.batch = batch;
    config.budget = budget;
    cr_assert_eq(fixture_begin(&run, &config, caps), 0);
}

static void end(void)
{
    machine_check_compare(&run.check, run.engine);
    cr_expect_eq(run.check.breaches, 0, "%s", run.check.first);
    fixture_end(&run);
}

static void order(enum order_op op, page_t page, node_t node)
{
    script.give[script.n++] = (struct order){.page = page, .op = (uint8_t)op, .node = node};
}

/* A read of a page that is there, so that the script is played. */
static void play(void)
{
    script.outcomes = 0;
    fixture_miss(&run, 0, 0, false, 0);
    engine_flush(run.engine);
}

static const struct place *at(page_t page)
{
    return view_place(&run.engine->view, page);
}

enum { ALL_CAPS = MACHINE_REPLICAS | MACHINE_WATCH };

Test(engine, orders_do_what_they_say)
{
    begin(4, 8, 16, 0, ALL_CAPS);
    fixture_miss(&run, 0, 0, true, 0);
    order(ORDER_COPY, 0, 2);
    play();
    cr_assert_eq(at(0)->copies, 0x5);
    cr_assert_eq(at(0)->home, 0);
    order(ORDER_COPY, 0, 3);
    play();
    order(ORDER_DROP, 0, 0);
    play();
    cr_assert_eq(at(0)->copies, 0xc);
    cr_assert_eq(at(0)->home, 2, "the copy nearest to the one that went");
    order(ORDER_MOVE, 0, 1);
    play();
    cr_assert_eq(at(0)->copies, 0x2);
    cr_assert_eq(at(0)->home, 1);
    cr_assert_eq(run.engine->stats.moves, 1);
    cr_assert_eq(run.engine->stats.copies, 2);
    cr_assert_eq(run.engine->stats.drops, 1);
    cr_assert_eq(run.engine->stats.replicas, 0);
    cr_assert_eq(run.engine->stats.replicas_peak, 2);
    end();
}

Test(engine, move_to_a_copy_that_is_there_makes_it_the_only_one)
{
    begin(1, 1, 16, 0, ALL_CAPS); /* one frame per node: no second could be filled */
    fixture_miss(&run, 0, 0, false, 0);
    order(ORDER_COPY, 0, 3);
    play();
    order(ORDER_MOVE, 0, 3);
    play();
    cr_assert_eq(script.outcome[0], 0);
    cr_assert_eq(at(0)->copies, 0x8);
    cr_assert_eq(run.engine->free[0], 1);
    end();
}

Test(engine, senseless_orders_are_refused_with_the_reason)
{
    static const struct {
        enum order_op op;
        page_t page;
        node_t node;
        int err;
        enum engine_refusal reason;
    } cases[] = {
        {ORDER_MOVE, 9, 1, ERR_INVAL, REFUSED_INVALID},       {ORDER_MOVE, 0, 4, ERR_INVAL, REFUSED_INVALID},
        {ORDER_MOVE, 2, 1, ERR_NOENT, REFUSED_INVALID},       {ORDER_MOVE, 0, 0, ERR_EXIST, REFUSED_THERE},
        {ORDER_COPY, 0, 0, ERR_EXIST, REFUSED_THERE},         {ORDER_DROP, 0, 0, ERR_INVAL, REFUSED_INVALID},
        {ORDER_DROP, 0, 1, ERR_NOENT, REFUSED_INVALID},       {ORDER_SAMPLE, 3, 0, ERR_INVAL, REFUSED_INVALID},
        {ORDER_SAMPLE, 65536, 0, ERR_INVAL, REFUSED_INVALID}, {(enum order_op)9, 0, 1, ERR_INVAL, REFUSED_INVALID},
        {(enum order_op)0, 0, 1, ERR_INVAL, REFUSED_INVALID}, {ORDER_MOVE, 0, 1, ERR_NOMEM, REFUSED_MEMORY},
    };
    begin(3, 1, 16, 0, ALL_CAPS);
    fixture_miss(&run, 0, 0, false, 0);
    fixture_miss(&run, 1, 1, false, 0); /* node 1 is full */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t before = run.engine->stats.refused[cases[i].reason];
        order(cases[i].op, cases[i].page, cases[i].node);
        play();
        cr_expect_eq(script.outcomes, 1);
        cr_expect_eq(script.outcome[0], cases[i].err, "case %zu: %d", i, script.outcome[0]);
        cr_expect_eq(run.engine->stats.refused[cases[i].reason], before + 1, "case %zu", i);
    }
    end();
}

Test(engine, a_machine_without_the_means_refuses)
{
    begin(1, 2, 16, 0, 0);
    fixture_miss(&run, 0, 0, false, 0);
    order(ORDER_COPY, 0, 1);
    play();
    cr_assert_eq(script.outcome[0], ERR_NOSUP);
    order(ORDER_WATCH, 0, 0);
    play();
    cr_assert_eq(script.outcome[0], ERR_NOSUP);
    order(ORDER_MOVE, 0, 1);
    play();
    cr_assert_eq(script.outcome[0], 0);
    end();
}

Test(engine, second_order_for_a_page_in_one_flush_is_busy)
{
    begin(2, 8, 16, 0, ALL_CAPS);
    fixture_miss(&run, 0, 0, false, 0);
    fixture_miss(&run, 0, 1, false, 0);
    order(ORDER_COPY, 0, 1);
    order(ORDER_COPY, 1, 1);
    order(ORDER_COPY, 0, 2);
    play();
    cr_assert_eq(script.outcome[0], 0);
    cr_assert_eq(script.outcome[1], 0);
    cr_assert_eq(script.outcome[2], ERR_BUSY);
    order(ORDER_COPY, 0, 2);
    play();
    cr_assert_eq(script.outcome[0], 0, "another flush");
    cr_assert_eq(at(0)->copies, 0x7);
    end();
}

Test(engine, budget_per_window)
{
    begin(4, 8, 16, 2, ALL_CAPS);
    for (page_t page = 0; page < 4; page++)
        fixture_miss(&run, 0, page, false, 0);
    for (page_t page = 0; page < 4; page++)
        order(page % 2 ? ORDER_MOVE : ORDER_COPY, page, 1);
    play();
    cr_assert_eq(script.outcome[0] | script.outcome[1], 0);
    cr_assert_eq(script.outcome[2], ERR_AGAIN);
    cr_assert_eq(script.outcome[3], ERR_AGAIN);
    cr_assert_eq(run.engine->stats.refused[REFUSED_BUDGET], 2);
    order(ORDER_DROP, 0, 0);
    play();
    cr_assert_eq(script.outcome[0], 0, "a drop costs no budget");
    engine_window(run.engine, 1000000);
    order(ORDER_MOVE, 3, 1);
    play();
    cr_assert_eq(script.outcome[0], 0);
    end();
}

Test(engine, a_failed_move_gives_its_budget_back)
{
    begin(1, 8, 16, 1, ALL_CAPS);
    fixture_miss(&run, 0, 0, false, 0);
    run.check.failure.fill = 2;
    order(ORDER_MOVE, 0, 1);
    play();
    cr_assert_eq(script.outcome[0], ERR_NOMEM);
    order(ORDER_MOVE, 0, 1);
    play();
    cr_assert_eq(script.outcome[0], 0);
    end();
}

Test(engine, first_touch_falls_back_to_the_toucher_then_the_nearest)
{
    begin(6, 1, 16, 0, ALL_CAPS);
    script.wanted = 3;
    for (page_t page = 0; page < 4; page++)
        cr_assert_eq(fixture_miss(&run, 0, page, false, 0), 0);
    cr_assert_eq(at(0)->home, 3);
    cr_assert_eq(at(1)->home, 0, "the toucher's");
    cr_assert_eq(at(2)->home, 1, "the nearest to the toucher");
    cr_assert_eq(at(3)->home, 2);
    cr_assert_eq(fixture_miss(&run, 0, 4, false, 0), ERR_NOMEM);
    cr_assert_eq(run.engine->stats.fallbacks, 3);
    cr_assert_eq(run.engine->stats.touches, 4);
    script.wanted = NODE_NONE;
    cr_assert_eq(engine_free(run.engine, 2, 0), 0);
    cr_assert_eq(fixture_miss(&run, 3, 5, true, 0), 0);
    cr_assert_eq(at(5)->home, 1, "an answer out of range, the own node full");
    cr_assert_eq(run.check.machine.ops->caps, ALL_CAPS);
    end();
}

Test(engine, a_write_collapses_to_the_writers_copy_else_the_home)
{
    begin(2, 8, 16, 0, ALL_CAPS);
    for (page_t page = 0; page < 2; page++) {
        fixture_miss(&run, 0, page, false, 0);
        order(ORDER_COPY, page, 2);
        play();
    }
    script.events = 0;
    fixture_miss(&run, 2, 0, true, 0);
    cr_assert_eq(at(0)->copies, 0x4);
    fixture_miss(&run, 3, 1, true, 0);
    cr_assert_eq(at(1)->copies, 0x1);
    engine_flush(run.engine);
    cr_assert_eq(run.engine->stats.collapses, 2);
    cr_assert_eq(script.events, 4, "each collapse and each write");
    cr_assert_eq(event_kind(&script.seen[0]), EVENT_COLLAPSED);
    cr_assert_eq(script.seen[0].node, 2);
    cr_assert_eq(event_kind(&script.seen[1]), EVENT_WRITE);
    cr_assert_eq(script.seen[2].node, 3);
    end();
}

Test(engine, a_collapse_that_fails_leaves_the_replicas)
{
    begin(1, 8, 16, 0, ALL_CAPS);
    fixture_miss(&run, 0, 0, false, 0);
    order(ORDER_COPY, 0, 1);
    play();
    run.check.failure.sync = run.check.syncs + 1;
    cr_assert_eq(fixture_miss(&run, 1, 0, true, 0), ERR_BUSY);
    machine_check_compare(&run.check, run.engine);
    cr_assert_eq(at(0)->copies, 0x3);
    cr_assert_eq(fixture_miss(&run, 1, 0, true, 0), 0);
    cr_assert_eq(at(0)->copies, 0x2);
    end();
}

Test(engine, watch_gives_one_hint_even_after_a_move)
{
    begin(1, 8, 16, 0, ALL_CAPS);
    fixture_miss(&run, 0, 0, false, 0);
    order(ORDER_WATCH, 0, 99);
    play();
    cr_assert_eq(script.outcome[0], 0);
    cr_assert(engine_needed(at(0), false));
    script.events = 0;
    engine_access(run.engine, 0, 2, 5, false, 777);
    engine_flush(run.engine);
    cr_assert_eq(script.events, 1);
    cr_assert_eq(event_kind(&script.seen[0]), EVENT_HINT);
    cr_assert(script.seen[0].node == 2 && script.seen[0].task == 5 && script.seen[0].time == 777);
    cr_assert_not(engine_needed(at(0), true));
    order(ORDER_WATCH, 0, 0);
    play();
    struct event event = {.page = 0};
    order(ORDER_MOVE, 0, 3);
    engine_queue(run.engine, &event); /* not an access: the page stays watched */
    engine_flush(run.engine);
    cr_assert_eq(at(0)->home, 3);
    cr_assert(engine_needed(at(0), false));
    fixture_miss(&run, 1, 0, true, 0);
    cr_assert_eq(run.engine->stats.hints, 2);
    end();
}

Test(engine, freeing_empties_place_and_slot_and_tells)
{
    begin(2, 8, 16, 0, ALL_CAPS);
    fixture_miss(&run, 0, 0, false, 0);
    order(ORDER_COPY, 0, 1);
    play();
    script.events = 0;
    cr_assert_eq(engine_free(run.engine, 0, 50), 0);
    cr_assert_eq(engine_free(run.engine, 0, 50), ERR_NOENT);
    cr_assert_eq(engine_free(run.engine, 2, 50), ERR_INVAL);
    cr_assert_eq(script.events, 1);
    cr_assert_eq(event_kind(&script.seen[0]), EVENT_FREED);
    cr_assert_eq(at(0)->flags, 0);
    cr_assert_eq(run.engine->free[0] + run.engine->free[1], 16);
    cr_assert_eq(fixture_miss(&run, 1, 0, true, 0), 0);
    cr_assert_eq(at(0)->home, 1);
    end();
}

Test(engine, batches_flush_when_full_and_before_the_engine_acts)
{
    begin(3, 8, 4, 0, ALL_CAPS);
    fixture_misses(&run, 0, 0, false, 3);
    cr_assert_eq(script.calls, 0);
    fixture_misses(&run, 0, 0, false, 1);
    cr_assert_eq(script.calls, 1);
    cr_assert_eq(script.events, 4);
    fixture_misses(&run, 0, 0, false, 1);
    fixture_misses(&run, 0, 1, false, 1); /* a first touch */
    cr_assert_eq(script.events, 5, "flushed before, the touching miss itself is queued");
    engine_tick(run.engine, 10);
    cr_assert_eq(script.events, 6);
    end();
}

Test(engine, orders_beyond_the_array_are_counted)
{
    begin(2, 8, 16, 0, ALL_CAPS);
    fixture_miss(&run, 0, 0, false, 0);
    cr_assert_eq(run.need.orders_max, 64);
    for (unsigned i = 0; i < 70; i++)
        order(ORDER_MOVE, 1, 1);
    play();
    cr_assert_eq(run.engine->stats.refused[REFUSED_ROOM], 6);
    cr_assert_eq(run.engine->stats.refused[REFUSED_INVALID], 64, "page 1 was never touched");
    end();
}

Test(engine, nearest_node_with_a_frame_is_nearest_to_the_toucher)
{
    begin(3, 1, 16, 0, ALL_CAPS);
    fixture_miss(&run, 3, 0, false, 0);
    fixture_miss(&run, 3, 1, false, 0);
    cr_assert_eq(at(1)->home, 2, "not the lowest number");
    end();
}

Test(engine, more_orders_than_a_batch_of_moves_holds)
{
    begin(70, FRAMES_UNBOUNDED, 16, 0, ALL_CAPS);
    for (page_t page = 0; page < 70; page++)
        fixture_miss(&run, 0, page, false, 0);
    for (page_t page = 0; page < 70; page++)
        order(ORDER_MOVE, page, 2);
    play();
    cr_assert_eq(run.engine->stats.moves, 70);
    cr_assert_eq(at(69)->home, 2);
    end();
}

Test(engine, hint_and_collapse_of_one_access_overrun_no_batch)
{
    begin(1, 8, 1, 0, ALL_CAPS);
    fixture_miss(&run, 0, 0, false, 0);
    order(ORDER_COPY, 0, 1);
    play();
    order(ORDER_WATCH, 0, 0);
    play();
    script.events = script.calls = 0;
    fixture_miss(&run, 1, 0, true, 0);
    cr_assert_eq(script.events, 3);
    cr_assert_eq(script.calls, 3, "one event each");
    cr_assert_eq(event_kind(&script.seen[0]), EVENT_HINT);
    cr_assert_eq(event_kind(&script.seen[1]), EVENT_COLLAPSED);
    cr_assert_eq(event_kind(&script.seen[2]), EVENT_WRITE);
    end();
}

Test(engine, when_the_engine_is_needed)
{
    for (unsigned flags = 0; flags < 16; flags++) {
        struct place p = {.flags = (uint8_t)flags};
        bool present = flags & PLACE_PRESENT, held = flags & (PLACE_WATCHED | PLACE_FROZEN);
        cr_expect_eq(engine_needed(&p, false), !present || held, "%u", flags);
        cr_expect_eq(engine_needed(&p, true), !present || held || (flags & PLACE_REPLICATED), "%u", flags);
    }
}

Test(engine, configurations_without_sense_are_refused)
{
    struct engine_need need;
    fixture_shape(&shape, 4, 4, 1);
    const struct policy_class *migrep = policy_find("migrep");
    struct machine machine = {0};
    struct engine_config good = fixture_config(migrep, &shape, 10), bad;
    good.machine = &machine;
    cr_assert_eq(engine_need(&good, &need), 0);
    cr_assert_eq(need.page_bytes, sizeof(struct place) + need.slot_bytes);
#define REFUSES(change) (bad = good, change, engine_need(&bad, &need) == ERR_INVAL)
    cr_expect(REFUSES(bad.policy = NULL));
    cr_expect(REFUSES(bad.machine = NULL));
    cr_expect(REFUSES(bad.topology = NULL));
    cr_expect(REFUSES(bad.batch = 0));
    cr_expect(REFUSES(bad.batch = ENGINE_BATCH_MAX + 1));
    cr_expect(REFUSES(bad.sampling = 0));
    cr_expect(REFUSES(bad.sampling = 12));
    cr_expect(REFUSES(bad.sampling = 65536));
    cr_expect(REFUSES(bad.npages = PAGE_NONE));
    cr_expect(REFUSES(bad.param[1] = 0), "trigger below its least value");
    shape.cpu_node[2] = 4;
    cr_expect(REFUSES((void)0), "a CPU on a node that is not there");
}

Test(engine, digest_depends_on_every_event_and_their_order)
{
    uint64_t digest[6];
    for (unsigned variant = 0; variant < 6; variant++) {
        begin(2, 8, 16, 0, ALL_CAPS);
        struct event a = {.time = 5, .page = 0, .task = 1, .node = 1}, b = {.time = 5, .page = 1, .task = 1, .node = 2};
        a.task = (uint16_t)(variant == 1 ? 2 : a.task);
        a.time += variant == 2;
        b.what = event_what(variant == 3 ? EVENT_WRITE : EVENT_READ, variant == 4);
        engine_queue(run.engine, variant == 5 ? &b : &a);
        engine_queue(run.engine, variant == 5 ? &a : &b);
        engine_flush(run.engine);
        digest[variant] = engine_digest(run.engine);
        for (unsigned i = 0; i < variant; i++)
            cr_expect_neq(digest[i], digest[variant], "%u and %u", i, variant);
        end();
    }
}
