/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Linux's classes with their published clocks on a small workload of a minute: each gives orders, and what it does
 * helps. 400 pages; a first task touches them all, then each quarter is used by one CPU alone, three quarters of the
 * misses going to the last 30 of its 100 pages: 1.7 misses a second to each of those, 0.16 to the others.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/core/fixture.h"

#define MS UINT64_C(1000000)
enum { NPAGES = 400, CPUS = 4, EACH = NPAGES / CPUS, HOT = 30, STEP_MS = 4, LENGTH_MS = 60000 };

struct share {
    uint64_t local, all; /* misses of the last third */
};

static struct fixture_shape shape;
static struct fixture_run run;
static uint64_t seed;

static void miss(uint32_t cpu, struct share *s)
{
    page_t at = fixture_below(&seed, 4) ? EACH - HOT + fixture_below(&seed, HOT) : fixture_below(&seed, EACH);
    page_t page = cpu * EACH + at;
    cr_assert_eq(fixture_miss(&run, cpu, page, fixture_below(&seed, 4) == 0, 0), 0);
    node_t node = shape.cpu_node[cpu];
    if (run.now > LENGTH_MS / 3 * 2 * MS) {
        s->all++;
        s->local += shape.tier[view_home(&run.engine->view, page)] == 0 &&
                    (shape.topology.nodes == 2 || view_home(&run.engine->view, page) == node);
    }
}

static struct share minute(const struct engine_config *config)
{
    struct share s = {0};
    cr_assert_eq(fixture_begin(&run, config, MACHINE_WATCH | MACHINE_REPLICAS), 0, "%s", config->policy->name);
    seed = 1;
    for (page_t page = 0; page < NPAGES; page++)
        cr_assert_eq(fixture_miss(&run, 0, page, true, 0), 0);
    uint64_t tick_ns = policy_tick_ns(config->policy, config->param);
    for (uint64_t ms = STEP_MS; ms <= LENGTH_MS; ms += STEP_MS) {
        run.now = ms * MS;
        miss((uint32_t)(ms / STEP_MS % CPUS), &s);
        fixture_window(&run);
        if (!tick_ns || run.now % tick_ns)
            continue;
        observe_harvest(&run.observe);
        engine_tick(run.engine, run.now);
    }
    engine_flush(run.engine);
    machine_check_compare(&run.check, run.engine);
    cr_assert_eq(run.check.breaches, 0, "%s", run.check.first);
    return s;
}

/* Local (or fast) misses in percent, after so many orders. */
static uint64_t percent(const char *class, bool tiers, const char *parameter, uint64_t value)
{
    fixture_shape(&shape, CPUS, CPUS, FRAMES_UNBOUNDED);
    if (tiers) {
        fixture_shape(&shape, 2, CPUS, NPAGES / 2);
        fixture_tiers(&shape, 1, FRAMES_UNBOUNDED);
    }
    struct engine_config config = fixture_config(policy_find(class), &shape, NPAGES);
    if (parameter)
        config.param[policy_param_index(config.policy, parameter, strlen(parameter))] = value;
    struct share s = minute(&config);
    const struct engine_stats *stats = &run.engine->stats;
    bool dynamic = config.policy->observe || config.policy->tick;
    cr_assert_eq(stats->moves > 0, dynamic, "%s", class);
    cr_assert_eq(stats->refused[REFUSED_INVALID] + stats->refused[REFUSED_ROOM], 0, "%s", class);
    fixture_end(&run);
    return s.local * 100 / s.all;
}

Test(acts, on_one_tier)
{
    cr_assert_leq(percent("first_touch", false, NULL, 0), 26);
    cr_assert_geq(percent("autonuma", false, NULL, 0), 95);
    cr_assert_geq(percent("numad", false, "memory_min", EACH / 2 * 4096), 95);
}

/* Half of the pages fit: the first 200, of which 60 are hot. All 120 hot ones would. */
Test(acts, on_two_tiers)
{
    uint64_t first_touch = percent("first_touch", true, NULL, 0);
    cr_assert_leq(first_touch, 51);
    static const char *const classes[] = {"nbt", "tpp", "pghot"};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t fast = percent(classes[i], true, NULL, 0);
        cr_assert_geq(fast, first_touch + 20, "%s: %llu %%", classes[i], (unsigned long long)fast);
    }
}

Test(acts, in_proportion_to_weights)
{
    uint64_t quarter = percent("weighted_interleave", false, NULL, 0);
    cr_assert(quarter >= 24 && quarter <= 26, "%llu %%", (unsigned long long)quarter);
}
