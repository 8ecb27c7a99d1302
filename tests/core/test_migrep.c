/* SPDX-License-Identifier: BSD-2-Clause
 *
 * migrep and its halves against vectors worked out by hand from the decision tree (Verghese et al., ASPLOS 1996), with
 * the default parameters: trigger 128, sharing 32, write 1, migrate 1, reset 100 ms. Batch 1: a decision is carried out
 * before the next miss.
 */
#include <criterion/criterion.h>

#include "tests/core/fixture.h"

static struct fixture_shape shape;
static struct fixture_run run;

static void begin_with(const char *policy, uint32_t nodes, uint64_t frames, uint32_t sampling, uint64_t trigger)
{
    fixture_shape(&shape, nodes, nodes, frames);
    struct engine_config config = fixture_config(policy_find(policy), &shape, 8);
    config.batch = 1;
    config.sampling = sampling;
    if (trigger)
        config.param[1] = trigger;
    cr_assert_eq(fixture_begin(&run, &config, MACHINE_REPLICAS | MACHINE_WATCH), 0);
}

static void begin(const char *policy)
{
    begin_with(policy, 4, FRAMES_UNBOUNDED, 1, 0);
}

static void end(void)
{
    cr_expect_eq(run.check.breaches, 0, "%s", run.check.first);
    cr_expect(fixture_guarded(&run), "wrote outside its memory");
    fixture_end(&run);
}

static void is_on(page_t page, nodeset_t copies)
{
    cr_assert_eq(view_copies(&run.engine->view, page), copies, "page %u is on %#llx, not %#llx", page,
                 (unsigned long long)view_copies(&run.engine->view, page), (unsigned long long)copies);
}

Test(migrep, private_page_moves_at_the_128th_remote_miss)
{
    begin("migrep");
    fixture_misses(&run, 0, 0, false, 31);
    fixture_misses(&run, 2, 0, false, 127);
    is_on(0, 0x1);
    fixture_misses(&run, 2, 0, false, 1);
    is_on(0, 0x4);
    cr_assert_eq(run.engine->stats.moves, 1);
    end();
}

Test(migrep, a_page_is_shared_from_the_32nd_miss_of_another_node)
{
    begin("migrep");
    fixture_misses(&run, 0, 0, false, 32);
    fixture_misses(&run, 2, 0, false, 128);
    is_on(0, 0x5);
    cr_assert_eq(run.engine->stats.copies, 1);
    cr_assert_eq(run.engine->stats.moves, 0);
    fixture_misses(&run, 3, 0, false, 128);
    is_on(0, 0xd);
    end();
}

Test(migrep, the_other_node_need_not_be_the_home)
{
    begin("migrep");
    fixture_misses(&run, 0, 0, false, 1);
    fixture_misses(&run, 1, 0, false, 32);
    fixture_misses(&run, 2, 0, false, 128);
    is_on(0, 0x5);
    end();
}

Test(migrep, one_write_keeps_a_shared_page_from_being_copied)
{
    begin("migrep");
    fixture_misses(&run, 0, 0, false, 31);
    fixture_misses(&run, 0, 0, true, 1);
    fixture_misses(&run, 2, 0, false, 128);
    is_on(0, 0x1);
    cr_assert_eq(run.engine->stats.moves + run.engine->stats.copies, 0);
    end();
}

Test(migrep, writes_do_not_keep_a_private_page_from_moving)
{
    begin("migrep");
    fixture_misses(&run, 0, 0, false, 1);
    fixture_misses(&run, 2, 0, true, 128);
    is_on(0, 0x4);
    end();
}

Test(migrep, a_local_page_stays_however_hot)
{
    begin("migrep");
    fixture_misses(&run, 1, 0, true, 1000);
    is_on(0, 0x2);
    cr_assert_eq(run.engine->stats.refused[REFUSED_THERE], 0, "no order at all");
    end();
}

Test(migrep, no_frame_on_the_node_no_order)
{
    begin_with("migrep", 4, 1, 1, 0);
    fixture_misses(&run, 0, 0, false, 1);
    fixture_misses(&run, 2, 1, false, 1);
    fixture_misses(&run, 2, 0, false, 128);
    is_on(0, 0x1);
    cr_assert_eq(run.engine->stats.refused[REFUSED_MEMORY], 0);
    end();
}

Test(migrep, counters_start_again_with_the_interval)
{
    begin("migrep");
    run.now = 5;
    fixture_misses(&run, 0, 0, false, 1);
    run.now = 99999999;
    fixture_misses(&run, 2, 0, false, 127);
    run.now = 100000000;
    fixture_misses(&run, 2, 0, false, 127);
    is_on(0, 0x1);
    fixture_misses(&run, 2, 0, false, 1);
    is_on(0, 0x4);
    end();
}

/* Intervals are of the clock, not of the page: one that begins to be missed on late has the rest of its own. */
Test(migrep, intervals_follow_the_clock)
{
    begin("migrep");
    fixture_misses(&run, 0, 0, false, 1);
    run.now = 250000000;
    fixture_misses(&run, 2, 0, false, 127);
    run.now = 300000000;
    fixture_misses(&run, 2, 0, false, 127);
    is_on(0, 0x1);
    fixture_misses(&run, 2, 0, false, 1);
    is_on(0, 0x4);
    end();
}

Test(migrep, a_ping_pong_page_moves_once_in_an_interval)
{
    begin("migrep");
    enum { INTERVALS = 7 };
    for (unsigned i = 0; i < INTERVALS; i++)
        for (unsigned turn = 0; turn < 10; turn++) {
            run.now = i * UINT64_C(100000000) + turn * 1000000;
            /* In turns, each node a whole interval's trigger: private as long as the other has fewer than 32. */
            fixture_misses(&run, (node_t)((i + turn) % 2 + 2), 0, true, 128);
        }
    cr_assert_leq(run.engine->stats.moves, INTERVALS);
    cr_assert_geq(run.engine->stats.moves, INTERVALS - 1, "and it does move in each");
    cr_assert_eq(run.engine->stats.copies, 0);
    end();
}

Test(migrep, the_migrate_threshold_bounds_moves_where_sharing_does_not)
{
    for (uint64_t migrate = 1; migrate <= 3; migrate++) {
        fixture_shape(&shape, 4, 4, FRAMES_UNBOUNDED);
        struct engine_config config = fixture_config(policy_find("migrep"), &shape, 8);
        config.batch = 1;
        config.param[2] = 200; /* sharing above trigger: 128 misses of another node do not make a page shared */
        config.param[4] = migrate;
        cr_assert_eq(fixture_begin(&run, &config, MACHINE_REPLICAS), 0);
        fixture_misses(&run, 0, 0, false, 1);
        for (node_t node = 1; node < 4; node++)
            fixture_misses(&run, node, 0, false, 128);
        cr_assert_eq(run.engine->stats.moves, migrate);
        is_on(0, nodeset_of((node_t)migrate));
        end();
    }
}

Test(migrep, a_collapse_counts_as_a_write)
{
    begin("migrep");
    fixture_misses(&run, 0, 0, false, 40);
    fixture_misses(&run, 1, 0, false, 128);
    is_on(0, 0x3);
    fixture_misses(&run, 1, 0, true, 1);
    is_on(0, 0x2);
    cr_assert_eq(run.engine->stats.collapses, 1);
    fixture_misses(&run, 2, 0, false, 128);
    is_on(0, 0x2);
    run.now = 100000000;
    fixture_misses(&run, 1, 0, false, 32);
    fixture_misses(&run, 2, 0, false, 128);
    is_on(0, 0x6);
    end();
}

Test(migrep, a_collapse_counts_even_where_its_miss_is_not_sampled)
{
    begin_with("migrep", 4, FRAMES_UNBOUNDED, 4, 0);
    /* 1 miss in 4 is seen and counts 4: 128 reached at the 125th miss (samples 1, 5, ..., 125). */
    fixture_misses(&run, 0, 0, false, 64);
    fixture_misses(&run, 1, 0, false, 124);
    is_on(0, 0x1);
    fixture_misses(&run, 1, 0, false, 1);
    is_on(0, 0x3);
    fixture_misses(&run, 1, 0, true, 1); /* the second of four: not sampled */
    is_on(0, 0x2);
    fixture_misses(&run, 2, 0, false, 128);
    is_on(0, 0x2);
    end();
}

Test(migrep, a_write_that_collapses_is_one_write)
{
    fixture_shape(&shape, 4, 4, FRAMES_UNBOUNDED);
    struct engine_config config = fixture_config(policy_find("migrep"), &shape, 8);
    config.batch = 1;
    config.param[3] = 2; /* from two writes on a page is not copied */
    cr_assert_eq(fixture_begin(&run, &config, MACHINE_REPLICAS), 0);
    fixture_misses(&run, 0, 0, false, 40);
    fixture_misses(&run, 1, 0, false, 128);
    fixture_misses(&run, 1, 0, true, 1);
    is_on(0, 0x2);
    fixture_misses(&run, 2, 0, false, 128);
    is_on(0, 0x6);
    fixture_misses(&run, 2, 0, true, 1);
    fixture_misses(&run, 3, 0, false, 128);
    is_on(0, 0x4);
    end();
}

Test(migrep, a_collapse_is_no_miss)
{
    fixture_shape(&shape, 4, 4, FRAMES_UNBOUNDED);
    struct engine_config config = fixture_config(policy_find("migrep"), &shape, 8);
    config.batch = 1;
    config.sampling = 4;
    config.param[1] = 125;
    config.param[3] = 255;
    cr_assert_eq(fixture_begin(&run, &config, MACHINE_REPLICAS), 0);
    fixture_misses(&run, 0, 0, false, 64);
    fixture_misses(&run, 1, 0, false, 125);
    is_on(0, 0x3);
    /* Samples 1, 5, ..., 121 count 124; the write is not sampled. One more miss would make the page hot on node 2. */
    fixture_misses(&run, 2, 0, false, 121);
    fixture_misses(&run, 2, 0, true, 1);
    engine_flush(run.engine);
    cr_assert_eq(run.engine->stats.collapses, 1);
    is_on(0, 0x1);
    fixture_misses(&run, 2, 0, false, 3);
    is_on(0, 0x5);
    end();
}

Test(migrep, write_shared_pages_never_move)
{
    begin("migrep");
    for (unsigned i = 0; i < 400; i++) {
        run.now = i * UINT64_C(2000000);
        for (node_t node = 0; node < 4; node++)
            fixture_misses(&run, node, 0, i % 10 == 0, 1);
    }
    /* 50 rounds fall into each interval: no node reaches 128. */
    cr_assert_eq(run.engine->stats.moves + run.engine->stats.copies, 0);
    for (unsigned i = 0; i < 4000; i++) {
        run.now += 100000;
        for (node_t node = 0; node < 4; node++)
            fixture_misses(&run, node, 0, i % 100 == 0, 1);
    }
    /* 1000 rounds fall into each: every node is hot, all share, and the page is written before any is. */
    cr_assert_eq(run.engine->stats.moves + run.engine->stats.copies, 0);
    is_on(0, 0x1);
    end();
}

Test(migrep, weights_count_as_misses)
{
    begin("migrep");
    fixture_misses(&run, 0, 0, false, 1);
    fixture_miss(&run, 1, 0, false, 6); /* 64 */
    is_on(0, 0x1);
    fixture_miss(&run, 1, 0, false, 6);
    is_on(0, 0x2);
    end();
}

/* 8 bytes and one or two for each of 8 nodes. 255 is the most that one byte counts. */
Test(migrep, slots_are_as_wide_as_thresholds_ask)
{
    static const struct {
        uint64_t trigger, sharing;
        size_t bytes;
    } slot[] = {{255, 255, 16}, {256, 32, 24}, {32, 256, 24}};
    const uint64_t frames[8] = {0};
    const struct topology topology = {.nodes = 8, .frames = frames};
    const struct view view = {.topology = &topology};
    const struct policy_class *class = policy_find("migrep");
    for (unsigned i = 0; i < 3; i++) {
        uint64_t param[POLICY_PARAMS_MAX];
        policy_defaults(class, param);
        param[policy_param_index(class, "trigger", 7)] = slot[i].trigger;
        param[policy_param_index(class, "sharing", 7)] = slot[i].sharing;
        cr_expect_eq(class->slot_size(&view, param), slot[i].bytes);
    }
}

Test(migrep, wide_counters_where_thresholds_ask_for_them)
{
    begin_with("migrep", 4, FRAMES_UNBOUNDED, 1, 300);
    cr_assert_eq(run.need.slot_bytes, 16);
    fixture_misses(&run, 0, 0, false, 31);
    fixture_misses(&run, 3, 0, false, 299);
    is_on(0, 0x1);
    fixture_misses(&run, 3, 0, false, 1);
    is_on(0, 0x8);
    end();
}

Test(migrep, slots_of_64_nodes_hold_each_nodes_counter)
{
    begin_with("migrep", NODE_MAX, FRAMES_UNBOUNDED, 1, 0);
    cr_assert_eq(run.need.slot_bytes, 72);
    for (node_t node = 0; node < NODE_MAX; node++)
        fixture_misses(&run, node, 0, false, 31);
    is_on(0, 0x1);
    fixture_misses(&run, 63, 0, false, 97);
    is_on(0, UINT64_C(1) << 63);
    end();
}

Test(migrep, migrate_only_leaves_shared_pages)
{
    begin("migrate_only");
    fixture_misses(&run, 0, 0, false, 32);
    fixture_misses(&run, 2, 0, false, 128);
    is_on(0, 0x1);
    fixture_misses(&run, 0, 1, false, 31);
    fixture_misses(&run, 2, 1, false, 128);
    is_on(1, 0x4);
    end();
}

Test(migrep, replicate_only_copies_what_is_not_written)
{
    begin("replicate_only");
    fixture_misses(&run, 0, 0, false, 1);
    fixture_misses(&run, 2, 0, false, 128);
    is_on(0, 0x5);
    fixture_misses(&run, 0, 1, true, 1);
    fixture_misses(&run, 2, 1, false, 128);
    is_on(1, 0x1);
    cr_assert_eq(run.engine->stats.moves, 0);
    end();
}

Test(migrep, a_freed_page_starts_from_nothing)
{
    begin("migrep");
    fixture_misses(&run, 0, 0, false, 1);
    fixture_misses(&run, 2, 0, false, 127);
    cr_assert_eq(engine_free(run.engine, 0, 0), 0);
    fixture_misses(&run, 0, 0, false, 1);
    fixture_misses(&run, 2, 0, false, 127);
    is_on(0, 0x1);
    end();
}
