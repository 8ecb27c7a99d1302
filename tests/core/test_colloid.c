/* SPDX-License-Identifier: BSD-2-Clause
 *
 * colloid and colloid_tpp: both formulas against values worked out by hand (Vuppalapati and Agarwal, SOSP 2024; closed
 * form as in webglider/hemem 1b442e5), the smoothing, and what each class does with them. Node 0 is fast, node 1 slow.
 */
#include <criterion/criterion.h>

#include "policy/colloid_rule.h"
#include "policy/pagelist.h"
#include "tests/core/policy_rig.h"

enum { MS = 1000000, PAGES = 64 };

/* One loop without smoothing: so many inserts, and their latency, of the default tier and of the alternate one. */
static uint64_t change(struct colloid_rule *r, uint64_t in_default, uint64_t default_ns, uint64_t in_alternate,
                       uint64_t alternate_ns, bool *up)
{
    r->fresh_inserts[0] = in_default;
    r->fresh_inserts[1] = in_alternate;
    r->fresh_occupancy[0] = in_default * default_ns * 1000;
    r->fresh_occupancy[1] = in_alternate * alternate_ns * 1000;
    colloid_rule_loop(r);
    return colloid_rule_change(r, up);
}

/* Equal inserts, 200 against 100 ns: |200 - 100| / (2 x (100 + 200)) = 1/6, away from the default tier. 300 and 100
 * inserts, 100 and 300 ns: b = 3; |30000 - 90000| / (400 x (3 x 300 + 100)) = 0.15, towards it. */
Test(colloid, closed_form)
{
    struct colloid_rule r;
    bool up;
    colloid_rule_init(&r, COLLOID_CLOSED, 0, 0, 0);
    cr_assert_eq(change(&r, 1000, 200, 1000, 100, &up), 166666);
    cr_assert_not(up);
    cr_assert_eq(change(&r, 300, 100, 100, 300, &up), 150000);
    cr_assert(up);
    cr_assert_eq(change(&r, 5000, 150, 800, 150, &up), 0);
    cr_assert_not(up, "not towards the default tier, unless it is the faster one");
    cr_assert_eq(change(&r, 0, 100, 0, 100, &up), 0);
}

/* The same at 2^33 times the traffic: what is cut off changes the last digit at most. */
Test(colloid, closed_form_of_heavy_traffic)
{
    struct colloid_rule r;
    bool up;
    colloid_rule_init(&r, COLLOID_CLOSED, 0, 0, 0);
    uint64_t found = change(&r, UINT64_C(300) << 26, 100, UINT64_C(100) << 26, 300, &up);
    cr_assert(found >= 149990 && found <= 150010, "%lu", found);
}

/* One tier has 3072 times the traffic of the other: 614400 / (3073 x 921700) = 216.9 millionths, whichever it is. Both
 * are cut alike, and nothing is lost by it here. */
Test(colloid, closed_form_of_uneven_traffic)
{
    struct colloid_rule r;
    bool up;
    colloid_rule_init(&r, COLLOID_CLOSED, 0, 0, 0);
    cr_assert_eq(change(&r, UINT64_C(3) << 30, 100, UINT64_C(1) << 20, 300, &up), 216);
    cr_assert(up);
    cr_assert_eq(change(&r, UINT64_C(1) << 20, 300, UINT64_C(3) << 30, 100, &up), 216);
    cr_assert_not(up);
}

/* 10 inserts are 2560 in the rule's units; the tier without any counts as one at its idle latency. Alternate: O_d =
 * 2560 x 100 ns, O_a = 700 ns, |O_d - 2560 O_a| x 2560 / (2561 x (2560^2 O_a + O_d)) = 334.7 millionths. Default: O_d =
 * 100 ns, O_a = 2560 x 700 ns, |2560 O_d - O_a| x 2560 / (2561 x (O_a + 2560^2 O_d)) = 2336.4. */
Test(colloid, a_tier_without_traffic_has_its_idle_latency)
{
    struct colloid_rule r;
    bool up;
    colloid_rule_init(&r, COLLOID_CLOSED, 0, 0, 0);
    r.idle[0] = 100000;
    r.idle[1] = 700000;
    cr_assert_eq(change(&r, 10, 100, 0, 0, &up), 334);
    cr_assert(up);
    cr_assert_eq(colloid_rule_latency(&r, COLLOID_ALTERNATE), 700000);
    cr_assert_eq(change(&r, 0, 0, 10, 700, &up), 2336);
    cr_assert(up);
}

/* Nodes 0 and 1 are fast. Node 1 has no misses: its latency is the fast tier's idle one. Loops add up. */
Test(colloid, a_window_adds_misses_and_their_latencies)
{
    const uint8_t tier[] = {0, 0, 1};
    const uint64_t frames[] = {8, 8, 8}, latency_ps[] = {100000, 150000, 400000};
    uint64_t traffic[3 * 3 * 2] = {0};
    const struct topology topology = {.nodes = 3, .page_size = 4096, .tier = tier, .frames = frames};
    const struct view view = {.topology = &topology, .traffic = traffic, .latency_ps = latency_ps};
    struct tier tiers;
    struct colloid_rule r;
    traffic[(0 * 3 + 0) * 2] = 3;     /* reads, node 0 of itself */
    traffic[(0 * 3 + 0) * 2 + 1] = 1; /* writes */
    traffic[(1 * 3 + 2) * 2] = 2;
    traffic[(0 * 3 + 2) * 2 + 1] = 5;
    tier_init(&tiers, &topology);
    colloid_rule_init(&r, COLLOID_CLOSED, 0, 0, 0);
    for (uint64_t i = 1; i <= 2; i++) {
        colloid_rule_window(&r, &tiers, &view);
        cr_expect_eq(r.fresh_inserts[COLLOID_DEFAULT], i * 4);
        cr_expect_eq(r.fresh_occupancy[COLLOID_DEFAULT], i * 4 * 100000);
        cr_expect_eq(r.fresh_inserts[COLLOID_ALTERNATE], i * 7);
        cr_expect_eq(r.fresh_occupancy[COLLOID_ALTERNATE], i * 7 * 400000);
        cr_expect_eq(r.idle[COLLOID_DEFAULT], 150000);
        cr_expect_eq(r.idle[COLLOID_ALTERNATE], 0);
    }
}

Test(colloid, binary_search)
{
    struct colloid_rule r;
    bool up;
    colloid_rule_init(&r, COLLOID_SEARCH, 0, 50000, 10000);
    /* p = 0.5 in [0, 1], default faster: [0.5, 1], the middle is 0.75. */
    cr_assert_eq(change(&r, 500, 100, 500, 200, &up), 250000);
    cr_assert(up);
    /* p = 0.75, default slower: [0.5, 0.75], 0.625. */
    cr_assert_eq(change(&r, 750, 300, 250, 200, &up), 125000);
    cr_assert_not(up);
    /* 4 % apart: nothing; exactly 5 %: [0.625, 0.75], 0.6875. */
    cr_assert_eq(change(&r, 625, 100, 375, 104, &up), 0);
    cr_assert_eq(change(&r, 625, 100, 375, 105, &up), 62500);
    /* p = 0.8 beyond the upper bound, default faster: [0.8, 1], 0.9. */
    cr_assert_eq(change(&r, 800, 100, 200, 200, &up), 100000);
    /* p = 0.805: [0.8, 0.805] is shorter than 1 %: the lower bound opens, 0.4025. */
    cr_assert_eq(change(&r, 805, 300, 195, 200, &up), 402500);
    cr_assert_not(up);
    cr_assert_eq(r.low, 0);
    cr_assert_eq(r.high, 805000);
}

/* [0.5, 0.51] is no shorter than 1 %: 0.505. [0.5, 0.5] is not crossed, and without an epsilon not too short. */
Test(colloid, binary_search_at_its_ends)
{
    struct colloid_rule r;
    bool up;
    colloid_rule_init(&r, COLLOID_SEARCH, 0, 50000, 10000);
    cr_assert_eq(change(&r, 500, 100, 500, 200, &up), 250000);
    cr_assert_eq(change(&r, 510, 300, 490, 200, &up), 5000);
    colloid_rule_init(&r, COLLOID_SEARCH, 0, 50000, 0);
    cr_assert_eq(change(&r, 500, 100, 500, 200, &up), 250000);
    cr_assert_eq(change(&r, 500, 300, 500, 200, &up), 0);
}

/* Trap: smoothing counts loops, not time. 1/16 of 1600, then 15/16 of that. */
Test(colloid, each_loop_counts_a_sixteenth)
{
    struct colloid_rule r;
    bool up;
    colloid_rule_init(&r, COLLOID_CLOSED, 4, 0, 0);
    change(&r, 1600, 100, 1600, 200, &up);
    cr_assert_eq(r.inserts[0], 100 * 256);
    change(&r, 0, 100, 0, 200, &up);
    cr_assert_eq(r.inserts[0], 15 * 100 * 256 / 16);
    cr_assert_eq(colloid_rule_latency(&r, 0), 100000);
    cr_assert_eq(colloid_rule_latency(&r, 1), 200000);
}

Test(colloid, lists_join_in_their_order)
{
    struct pagelist_link l[8];
    pagelist_init(l, 8);
    for (uint32_t page = 0; page < 5; page++)
        pagelist_append(l, page < 2 ? 6 : 7, page);
    pagelist_join(l, 6, 7);
    pagelist_join(l, 6, 7);
    uint32_t page = 6;
    for (uint32_t i = 0; i < 5; i++)
        cr_assert_eq(page = l[page].next, i);
    cr_assert_eq(l[page].next, 6);
    cr_assert_eq(l[6].prev, 4);
    cr_assert_eq(pagelist_first(l, 7), 7);
    pagelist_take(l, 3);
    cr_assert_eq(l[2].next, 4);
}

static void begin(const char *policy, uint64_t fast, const struct policy_rig_param *param)
{
    fixture_shape(&policy_rig_shape, 2, 2, fast);
    fixture_tiers(&policy_rig_shape, 1, FRAMES_UNBOUNDED);
    policy_rig_begin(policy, PAGES, param);
}

static void use(page_t page, uint32_t n)
{
    fixture_misses(&policy_rig, 0, page, false, n);
}

/* The end of a window, as if the tiers had had these latencies. */
static void window(uint64_t fast_ns, uint64_t slow_ns)
{
    policy_rig.now += 10 * MS;
    fixture_window(&policy_rig);
    policy_rig.latency_ps[0] = fast_ns * 1000;
    policy_rig.latency_ps[1] = slow_ns * 1000;
    if (policy_rig.config.policy->signals & SIGNAL_ACCESSED)
        observe_harvest(&policy_rig.observe);
    engine_tick(policy_rig.engine, policy_rig.now);
}

static const struct policy_rig_param at_once[] = {{"smoothing", 0}, {0}};

/* Pages 0..7 fast with two samples each and page 10 with one, pages 8 and 9 slow with 16 and 6. 17 inserts of 100 ns,
 * 22 of 400: 112200 x 374 / (39 x 3366000) = 0.32, that is 12 of 39 samples. Page 8 for page 10 would be 15, page 9 for
 * it is 5: page 10 goes. In the next loop (one insert each: 0.3, 12 of 41) page 9 gets the frame; page 8 still does not
 * fit.
 */
Test(colloid, the_hottest_page_that_fits_takes_the_place_of_the_coldest)
{
    begin("colloid", 9, at_once);
    for (page_t page = 0; page < 8; page++)
        use(page, 2);
    use(10, 1);
    policy_rig_is_on(10, 0x1);
    use(8, 16);
    use(9, 6);
    policy_rig_is_on(8, 0x2);
    policy_rig_is_on(9, 0x2);
    window(100, 400);
    policy_rig_is_on(10, 0x2);
    cr_assert_eq(policy_rig.engine->stats.moves, 1);
    use(0, 1);
    use(8, 1);
    window(100, 400);
    cr_assert_eq(policy_rig.engine->stats.moves, 2);
    policy_rig_is_on(8, 0x2);
    policy_rig_is_on(9, 0x1);
    policy_rig_end();
}

/* Fast pages: 0, 4 and 5, touched and never sampled, and page 1 with 16 samples; slow ones: 2 and 3, 8 samples each. 16
 * inserts each at 100 and 400 ns: 0.3 of 32 samples, 9, should go up. */
static void sixteen_up(uint64_t budget)
{
    fixture_shape(&policy_rig_shape, 2, 2, 4);
    fixture_tiers(&policy_rig_shape, 1, FRAMES_UNBOUNDED);
    struct engine_config config = fixture_config(policy_find("colloid"), &policy_rig_shape, PAGES);
    config.batch = 1;
    config.budget = budget;
    config.param[policy_param_index(config.policy, "smoothing", 9)] = 0;
    cr_assert_eq(fixture_begin(&policy_rig, &config, POLICY_RIG_CAPS), 0);
    for (page_t page = 0; page < 6; page++) {
        page_t touched = (const page_t[]){0, 4, 5, 1, 2, 3}[page];
        cr_assert_eq(engine_access(policy_rig.engine, touched, 0, 0, false, 0), 0);
    }
    use(1, 16);
    use(2, 8);
    use(3, 8);
    policy_rig_is_on(1, 0x1);
    policy_rig_is_on(2, 0x2);
}

/* The page that was touched first makes room: 8 of 9 samples. In the next loop (0.3 of 34: 10) page 2 with 9 gets it.
 */
Test(colloid, a_page_without_samples_is_the_coldest)
{
    sixteen_up(0);
    window(100, 400);
    policy_rig_is_on(0, 0x2);
    cr_assert_eq(policy_rig.engine->stats.moves, 1);
    use(1, 1);
    use(2, 1);
    window(100, 400);
    policy_rig_is_on(2, 0x1);
    cr_assert_eq(policy_rig.engine->stats.moves, 2);
    policy_rig_end();
}

/* The first of them is freed, and page 6 takes its frame: the next one is the coldest. */
Test(colloid, a_freed_page_is_in_no_list)
{
    sixteen_up(0);
    cr_assert_eq(engine_free(policy_rig.engine, 0, 0), 0);
    cr_assert_eq(engine_access(policy_rig.engine, 6, 0, 0, false, 0), 0);
    policy_rig_is_on(6, 0x1);
    window(100, 400);
    policy_rig_is_on(4, 0x2);
    cr_assert_eq(policy_rig.engine->stats.moves, 1);
    policy_rig_end();
}

/* A move that is refused leaves the page among those of its tier: it is the coldest next time as well. Here a copy of
 * page 5, ordered from outside, has used up the window's budget. */
Test(colloid, a_refused_move_changes_nothing)
{
    sixteen_up(1);
    use(4, 1);
    use(5, 1);
    policy_rig.now += 10 * MS;
    fixture_window(&policy_rig);
    policy_rig.latency_ps[1] = 400000;
    order_push(&policy_rig.engine->orders, ORDER_COPY, 5, 1, 9);
    engine_tick(policy_rig.engine, policy_rig.now);
    policy_rig_is_on(0, 0x1);
    cr_assert_eq(policy_rig.engine->stats.refused[REFUSED_BUDGET], 1);
    use(1, 1);
    use(2, 1);
    window(100, 400);
    policy_rig_is_on(0, 0x2);
    policy_rig_end();
}

/* 16 inserts each, 400 to 100 ns: 0.3 of 32 samples, that is 9, should go down: nine fast pages of one sample each. At
 * equal latencies nothing. */
static void sixteen_each(void)
{
    for (page_t page = 0; page < 16; page++)
        use(page, 1);
    use(16, 16);
    policy_rig_is_on(15, 0x1);
    policy_rig_is_on(16, 0x2);
}

Test(colloid, pages_leave_a_fast_tier_that_is_slower)
{
    const struct policy_rig_param param[] = {{"smoothing", 0}, {"line", 4096}, {0}};
    begin("colloid", 16, param);
    sixteen_each();
    window(400, 100);
    cr_assert_eq(policy_rig.engine->stats.moves, 9);
    use(16, 1);
    window(100, 100);
    cr_assert_eq(policy_rig.engine->stats.moves, 9);
    policy_rig_end();
}

/* Of the 9: so many as the bytes of a loop, or as the misses that change transfer (9 x 1024 bytes are two pages and a
 * bit), one at least. */
Test(colloid, the_loop_has_a_limit)
{
    const struct {
        uint64_t pass_bytes, line, moves;
    } limit[] = {{5 * 4096, 4096, 5}, {100 * 4096, 1024, 2}, {100 * 4096, 64, 1}};
    for (unsigned i = 0; i < 3; i++) {
        const struct policy_rig_param param[] = {
            {"smoothing", 0}, {"pass_bytes", limit[i].pass_bytes}, {"line", limit[i].line}, {0}};
        begin("colloid", 16, param);
        sixteen_each();
        window(400, 100);
        cr_assert_eq(policy_rig.engine->stats.moves, limit[i].moves);
        policy_rig_end();
    }
}

/* A counter above 18 halves all: page 0 from 10 to 5 (then 17), page 1 from 19 to 9, the total from 31 to 15 (then 35).
 * Binary search: p = 24 of 51 inserts = 0.47, so 0.26 of the samples go up: 9. Page 1 just fits; page 2 with 8 then
 * does not, although there is room for it. With 19 page 1 would not fit, and page 2 would go. */
Test(colloid, cooling_halves_all_counts)
{
    const struct policy_rig_param param[] = {{"smoothing", 0}, {"formula", 0}, {"line", 65536}, {0}};
    begin("colloid", 3, param);
    use(0, 10);
    use(3, 1);
    use(4, 1);
    use(1, 19);
    use(2, 8);
    use(0, 12);
    policy_rig_is_on(2, 0x2);
    for (page_t page = 3; page <= 4; page++)
        cr_assert_eq(engine_free(policy_rig.engine, page, policy_rig.now), 0);
    window(100, 400);
    policy_rig_is_on(1, 0x1);
    policy_rig_is_on(2, 0x2);
    policy_rig_end();
}

static const struct policy_rig_param scanned[] = {
    {"scan_delay_ns", 0},    {"scan_min_ns", 1000}, {"scan_max_ns", 1000},
    {"scan_floor_ns", 1000}, {"mark_ns", 0},        {"idle_ns", (uint64_t)1 << 49},
    {"smoothing", 0},        {"hot_ns", 15 * MS},   {0}};

/* Two pages, 0 fast and 1 slow, a scan, and a fault of both after `wait`. */
static void fault(uint64_t fast_ns, uint64_t slow_ns, uint64_t wait)
{
    begin("colloid_tpp", 16, scanned);
    use(0, 4);
    use(1, 4);
    engine_flush(policy_rig.engine);
    order_push(&policy_rig.engine->orders, ORDER_MOVE, 1, 1, 9);
    policy_rig.engine->view.latency_ps = policy_rig.latency_ps;
    engine_tick(policy_rig.engine, policy_rig.now);
    policy_rig_is_on(1, 0x2);
    use(0, 4);
    use(1, 4);
    window(fast_ns, slow_ns);
    policy_rig.now += wait;
    use(0, 1);
    use(1, 1);
}

Test(colloid_tpp, open_hot_pages_go_up)
{
    fault(100, 400, 0);
    policy_rig_is_on(0, 0x1);
    policy_rig_is_on(1, 0x1);
    policy_rig_end();
}

Test(colloid_tpp, closed_hot_pages_go_down_and_none_up)
{
    fault(400, 100, 0);
    policy_rig_is_on(0, 0x2);
    policy_rig_is_on(1, 0x2);
    policy_rig_end();
}

Test(colloid_tpp, equal_latencies_leave_the_gate_open)
{
    fault(200, 200, 0);
    policy_rig_is_on(0, 0x1);
    policy_rig_is_on(1, 0x1);
    policy_rig_end();
}

Test(colloid_tpp, cold_pages_stay)
{
    fault(100, 400, 15 * MS);
    policy_rig_is_on(1, 0x2);
    policy_rig_end();
    fault(400, 100, 15 * MS);
    policy_rig_is_on(0, 0x1);
    policy_rig_end();
}
