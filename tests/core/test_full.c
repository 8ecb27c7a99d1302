/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Full memory: replicas give way to pages that are touched for the first time, and to nothing else. A policy of the
 * test's own copies what it is told to.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/core/fixture.h"

static struct {
    struct order give[16];
    unsigned n;
    int outcome;
    node_t wanted;
} script;

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    (void)state, (void)v, (void)page;
    return script.wanted == NODE_ALL ? toucher : script.wanted;
}

static void observe(void *state, const struct view *v, const struct event *e, size_t n, struct orders *o)
{
    (void)state, (void)v, (void)e, (void)n;
    for (unsigned i = 0; i < script.n; i++)
        order_push(o, (enum order_op)script.give[i].op, script.give[i].page, script.give[i].node, 0);
    script.n = 0;
}

static void outcome(void *state, const struct order *o, int err)
{
    (void)state, (void)o;
    script.outcome = err;
}

static const struct policy_class scripted = {
    .name = "scripted", .signals = SIGNAL_MISSES, .place = place, .observe = observe, .outcome = outcome};

static struct fixture_shape shape;
static struct fixture_run run;

/* 4 nodes of `frames` each; batch 16. */
static void begin(uint32_t npages, uint64_t frames)
{
    memset(&script, 0, sizeof script);
    script.wanted = NODE_ALL;
    fixture_shape(&shape, 4, 4, frames);
    struct engine_config config = fixture_config(&scripted, &shape, npages);
    cr_assert_eq(fixture_begin(&run, &config, MACHINE_REPLICAS | MACHINE_WATCH), 0);
}

static void end(void)
{
    machine_check_compare(&run.check, run.engine);
    cr_expect_eq(run.check.breaches, 0, "%s", run.check.first);
    fixture_end(&run);
}

/* An order, carried out at once; what came of it. */
static int order(enum order_op op, page_t page, node_t node)
{
    const struct event event = {.page = page};
    script.give[script.n++] = (struct order){.page = page, .op = (uint8_t)op, .node = node};
    engine_queue(run.engine, &event);
    engine_flush(run.engine);
    return script.outcome;
}

/* By the CPU of that number, which is the node's. */
static int touch(page_t page, node_t node)
{
    return fixture_miss(&run, node, page, false, 0);
}

static nodeset_t copies(page_t page)
{
    return view_copies(&run.engine->view, page);
}

/* Pages 0..3 at home on node 0..3, each with a replica on the next node: eight frames, all in use. */
static void fill_with_replicas(uint32_t npages)
{
    begin(npages, 2);
    for (node_t node = 0; node < 4; node++)
        cr_assert_eq(touch(node, node), 0);
    for (node_t node = 0; node < 4; node++)
        cr_assert_eq(order(ORDER_COPY, node, (node_t)((node + 1) % 4)), 0);
    for (node_t node = 0; node < 4; node++)
        cr_assert_eq(run.engine->free[node], 0);
}

Test(full, as_many_pages_as_frames_all_find_one)
{
    fill_with_replicas(8);
    for (page_t page = 4; page < 8; page++)
        cr_assert_eq(touch(page, 0), 0, "page %u", page);
    for (page_t page = 0; page < 8; page++)
        cr_assert_eq(nodeset_count(copies(page)), 1);
    for (node_t node = 0; node < 4; node++)
        cr_assert_eq(copies(node), nodeset_of(node), "a home stays");
    cr_assert_eq(run.engine->stats.replicas, 0);
    cr_assert_eq(run.engine->stats.reclaims, 4);
    cr_assert_eq(run.engine->stats.drops, 4);
    cr_assert_eq(run.engine->stats.touches, 8);
    end();
}

Test(full, one_page_more_than_frames_finds_none)
{
    fill_with_replicas(9);
    for (page_t page = 4; page < 8; page++)
        cr_assert_eq(touch(page, 0), 0);
    uint64_t syncs = run.check.syncs;
    cr_assert_eq(touch(8, 0), ERR_NOMEM);
    cr_assert_eq(run.check.syncs, syncs);
    cr_assert_eq(copies(8), 0);
    end();
}

Test(full, a_free_frame_anywhere_comes_before_any_replica)
{
    begin(4, 1);
    touch(0, 0);
    order(ORDER_COPY, 0, 1);
    order(ORDER_COPY, 0, 2);
    cr_assert_eq(touch(1, 0), 0);
    cr_assert_eq(copies(1), 0x8, "the far node, which has a frame");
    cr_assert_eq(run.engine->stats.reclaims, 0);
    end();
}

Test(full, the_replica_nearest_to_the_wanted_node_goes)
{
    begin(4, 1);
    touch(0, 1);
    for (node_t node = 0; node < 4; node++)
        if (node != 1)
            order(ORDER_COPY, 0, node);
    script.wanted = 3;
    cr_assert_eq(touch(1, 0), 0);
    cr_assert_eq(copies(0), 0x7);
    cr_assert_eq(copies(1), 0x8);
    cr_assert_eq(run.engine->stats.fallbacks, 0, "the policy got what it asked for");
    script.wanted = NODE_NONE;
    cr_assert_eq(touch(2, 3), 0, "an answer out of range: the toucher's");
    cr_assert_eq(copies(2), 0x4, "nearest to node 3");
    script.wanted = 1;
    cr_assert_eq(touch(3, 0), 0);
    cr_assert_eq(copies(3), 0x1, "the wanted node holds a home alone");
    cr_assert_eq(copies(0), 0x2);
    end();
}

Test(full, the_hand_goes_round_all_pages)
{
    fill_with_replicas(12);
    touch(4, 0);
    cr_assert_eq(copies(0), 0x1);
    cr_assert_eq(engine_free(run.engine, 4, 0), 0);
    cr_assert_eq(order(ORDER_COPY, 0, 1), 0);
    touch(5, 0);
    cr_assert_eq(copies(0), 0x3, "page 0 had its turn");
    cr_assert_eq(copies(1), 0x2);
    touch(6, 0);
    touch(7, 0);
    cr_assert_eq(copies(3), 0x8);
    touch(8, 0);
    cr_assert_eq(copies(0), 0x1, "round again");
    end();
}

Test(full, an_order_takes_no_replica_back)
{
    fill_with_replicas(8);
    cr_assert_eq(order(ORDER_COPY, 0, 2), ERR_NOMEM);
    cr_assert_eq(order(ORDER_MOVE, 0, 3), ERR_NOMEM);
    cr_assert_eq(run.engine->stats.replicas, 4);
    cr_assert_eq(run.engine->stats.reclaims, 0);
    end();
}

/* Pages 0 and 1 at home on node 0 with replicas on node 1, page 2 on node 2 with one on node 3: all frames in use. */
static void fill_node_1_with_replicas(void)
{
    begin(6, 2);
    touch(0, 0);
    touch(1, 0);
    touch(2, 2);
    touch(3, 2);
    touch(4, 3);
    cr_assert_eq(order(ORDER_COPY, 0, 1), 0);
    cr_assert_eq(order(ORDER_COPY, 1, 1), 0);
    cr_assert_eq(order(ORDER_COPY, 2, 3), 0);
}

Test(full, a_replica_that_the_machine_holds_on_to_is_passed_over)
{
    fill_node_1_with_replicas();
    run.check.failure.item = run.check.items + 1;
    cr_assert_eq(touch(5, 1), 0);
    cr_assert_eq(copies(0), 0x3);
    cr_assert_eq(copies(1), 0x1, "the next page's replica on the same node");
    cr_assert_eq(copies(5), 0x2);
    cr_assert_eq(run.engine->stats.reclaims, 1);
    end();
}

Test(full, no_memory_only_when_every_replica_is_held)
{
    fill_with_replicas(8);
    run.check.failure = (struct machine_failure){.sync = run.check.syncs + 1, .lasting = true};
    uint64_t syncs = run.check.syncs;
    cr_assert_eq(touch(4, 0), ERR_NOMEM);
    cr_assert_eq(run.check.syncs, syncs + 4, "each page with a replica was tried once");
    machine_check_compare(&run.check, run.engine);
    cr_assert_eq(run.engine->stats.replicas, 4);
    run.check.failure = (struct machine_failure){0};
    cr_assert_eq(touch(4, 0), 0, "later");
    end();
}

/* A frame that the account has and the machine has not: another one is looked for, on a node not yet tried. */
Test(full, a_fill_that_fails_is_tried_elsewhere)
{
    fill_node_1_with_replicas();
    run.check.failure.fill = run.check.fills + 1;
    cr_assert_eq(touch(5, 1), 0);
    cr_assert_eq(copies(0), 0x1);
    cr_assert_eq(copies(1), 0x3);
    cr_assert_eq(copies(5), 0x8);
    cr_assert_eq(run.engine->stats.reclaims, 2);
    end();
}

Test(full, a_watched_replica_keeps_its_watch)
{
    fill_with_replicas(8);
    cr_assert_eq(order(ORDER_WATCH, 0, 0), 0);
    cr_assert_eq(touch(4, 0), 0);
    cr_assert_eq(copies(0), 0x1);
    cr_assert(view_place(&run.engine->view, 0)->flags & PLACE_WATCHED);
    end();
}

/* Every page read by every node, one page after the other: migrep fills memory with copies of the first pages. */
Test(full, migrep_reads_a_footprint_of_just_the_frames)
{
    enum { PAGES = 16 };
    fixture_shape(&shape, 4, 4, PAGES / 4);
    struct engine_config config = fixture_config(policy_find("migrep"), &shape, PAGES);
    config.batch = 1;
    cr_assert_eq(fixture_begin(&run, &config, MACHINE_REPLICAS), 0);
    for (page_t page = 0; page < PAGES; page++)
        for (node_t node = 0; node < 4; node++)
            for (unsigned i = 0; i < 130; i++)
                cr_assert_eq(touch(page, node), 0, "page %u", page);
    /* Pages 0 to 3 take a frame on each of the other nodes; then memory is full, and 12 pages are still to come. */
    cr_assert_eq(run.engine->stats.copies, 12);
    cr_assert_eq(run.engine->stats.reclaims, 12);
    cr_assert_eq(run.engine->stats.replicas, 0);
    end();
}
