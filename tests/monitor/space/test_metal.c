/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Random life of several VMs on metal of plain memory: guests that read and write through their translation buffers,
 * the monitor's own accesses, shared pages, harvests and ticks, VMs that start again, under policies that move wildly.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/core/chaos.h"
#include "tests/monitor/space/rig.h"
#include "tests/monitor/stir.h"

struct life {
    struct rig rig;
    uint64_t seed;
    page_t share[64]; /* held by the "disk index" */
    unsigned char bytes[64][RIG_PAGE];
    uint32_t nshare;
    uint64_t out_of_memory;
    bool failing;
};

static uint32_t below(struct life *l, uint32_t n)
{
    return fixture_below(&l->seed, n);
}

/* Memory may only be out where no node has a frame left and no replica can be taken back. */
static void note(struct life *l, int err)
{
    const struct engine *e = &l->rig.pager.engine;
    bool machine_fails = l->rig.both.check.failure.sync || l->rig.both.check.failure.item;
    if (err == ERR_NOMEM) {
        l->out_of_memory++;
        for (uint32_t n = 0; n < l->rig.given.nodes; n++)
            if (e->free[n] || e->stats.replicas)
                rig_fail(&l->rig, "out of memory with %llu frames free on node %u and %llu replicas",
                         (unsigned long long)e->free[n], n, (unsigned long long)e->stats.replicas);
    } else if (err && !(machine_fails && err == ERR_BUSY)) {
        rig_fail(&l->rig, "unexpected error %d", err);
    }
}

static void catch_up(struct life *l, uint32_t vm, uint64_t gpa, size_t size)
{
    struct rig *r = &l->rig;
    for (uint64_t at = gpa; at < gpa + size; at++) {
        page_t page = space_page(&r->pager.space, space_slot(&r->pager.space, vm, at));
        if (view_copies(&r->pager.engine.view, page))
            note(l, pager_read(&r->pager, vm, 0, at, r->shadow[vm] + at, 1));
    }
}

static void monitor_access(struct life *l, uint32_t vm, bool write)
{
    struct rig *r = &l->rig;
    unsigned char bytes[3 * RIG_PAGE];
    size_t memory = (size_t)r->given.pages[vm] * RIG_PAGE, size = below(l, sizeof bytes);
    uint64_t gpa = below(l, (uint32_t)(memory - size));
    node_t node = (node_t)below(l, r->given.nodes);
    if (!write) {
        r->untouched = vm; /* nobody writes between two pages of one read */
        int err = pager_read(&r->pager, vm, node, gpa, bytes, size);
        r->untouched = SPACE_VMS;
        note(l, err);
        if (!err && memcmp(bytes, r->shadow[vm] + gpa, size))
            rig_fail(r, "the monitor reads other bytes at %llx of vm %u", (unsigned long long)gpa, vm);
        return;
    }
    memset(bytes, (int)below(l, 256), sizeof bytes);
    r->untouched = vm;
    int failed = pager_write(&r->pager, vm, node, gpa, bytes, size);
    note(l, failed);
    r->untouched = SPACE_VMS;
    if (!failed)
        memcpy(r->shadow[vm] + gpa, bytes, size);
    else /* What was written before memory ran out stays. */
        catch_up(l, vm, gpa, size);
}

static void share(struct life *l)
{
    uint32_t at = l->nshare;
    if (at == 64)
        return;
    memset(l->bytes[at], (int)below(l, 256), RIG_PAGE);
    memcpy(l->bytes[at], &l->seed, sizeof l->seed);
    l->share[at] = pager_share(&l->rig.pager, (node_t)below(l, l->rig.given.nodes), l->bytes[at]);
    l->nshare += l->share[at] != PAGE_NONE;
}

static void show(struct life *l, uint32_t vm)
{
    struct rig *r = &l->rig;
    if (!l->nshare)
        return;
    uint32_t which = below(l, l->nshare), page = rig_some_page(r, vm, &l->seed);
    r->untouched = vm;
    note(l, rig_show(r, vm, (node_t)below(l, r->given.nodes), rig_gpa(page), l->share[which]));
    r->untouched = SPACE_VMS;
    memcpy(r->shadow[vm] + rig_gpa(page), l->bytes[which], RIG_PAGE);
}

static void release(struct life *l)
{
    unsigned char bytes[100];
    if (!l->nshare)
        return;
    uint32_t which = below(l, l->nshare);
    pager_shared_read(&l->rig.pager, 0, l->share[which], bytes, 3000, sizeof bytes);
    if (memcmp(bytes, l->bytes[which] + 3000, sizeof bytes))
        rig_fail(&l->rig, "a shared page has other bytes");
    pager_release(&l->rig.pager, l->share[which]);
    l->nshare--;
    l->share[which] = l->share[l->nshare];
    memcpy(l->bytes[which], l->bytes[l->nshare], RIG_PAGE);
}

static void step(struct life *l)
{
    struct rig *r = &l->rig;
    /* A metal that fails is only met where the pager can do nothing else but try again. */
    uint32_t vm = below(l, r->given.nvms), cpu = below(l, RIG_CPUS), what = below(l, l->failing ? 960 : 1000);
    r->now += below(l, 20000);
    if (what < 900)
        note(l, rig_access(r, cpu, vm, rig_some_page(r, vm, &l->seed), below(l, RIG_WORDS), below(l, 3) == 0, l->seed));
    else if (what < 920)
        monitor_access(l, vm, what < 910);
    else if (l->failing)
        pager_run(&r->pager, r->now);
    else if (what < 930)
        share(l);
    else if (what < 960)
        show(l, vm);
    else if (what < 968)
        release(l);
    else if (what < 998)
        pager_run(&r->pager, r->now);
    else if (what < 999) {
        r->untouched = vm;
        pager_empty(&r->pager, vm);
        r->untouched = SPACE_VMS;
        memset(r->shadow[vm], 0, (size_t)r->given.pages[vm] * RIG_PAGE);
    }
    if (below(l, 4) == 0)
        rig_reenter(r, cpu);
}

static void live(const struct rig_config *given, uint64_t seed, uint32_t steps, bool full)
{
    static struct life l;
    memset(&l, 0, sizeof l);
    l.seed = seed;
    cr_assert_eq(rig_begin(&l.rig, given), 0);
    for (uint32_t i = 0; i < steps && !l.rig.wrong; i++) {
        step(&l);
        if (i % 1000 == 0)
            rig_check(&l.rig);
    }
    rig_check(&l.rig);
    cr_assert_eq(l.rig.wrong, 0, "seed %llu: %s", (unsigned long long)seed, l.rig.first);
    cr_assert_eq(full, l.out_of_memory != 0);
    const struct engine_stats *s = &l.rig.pager.engine.stats;
    cr_assert(s->touches > 100 && s->freed > 100);
    if (!full && (given->policy == &policy_chaos || given->policy == &policy_stir))
        cr_assert(s->moves > 100 && s->copies > 100 && s->collapses > 20);
    while (l.nshare)
        release(&l);
    for (uint32_t vm = 0; vm < given->nvms; vm++)
        pager_empty(&l.rig.pager, vm);
    for (uint32_t n = 0; n < given->nodes; n++)
        cr_assert_eq(l.rig.pager.engine.free[n], l.rig.pager.frames[n]);
    cr_assert_eq(l.rig.pager.space.shared_used, 0);
    rig_end(&l.rig);
}

static struct rig_config roomy(const struct policy_class *policy)
{
    return (struct rig_config){
        .policy = policy, .nodes = 4, .nvms = 3, .shared = 48, .around = 8, .pages = {90, 700, 33}, .frames = 1200};
}

Test(metal, life_under_chaos)
{
    struct rig_config c = roomy(&policy_chaos);
    for (uint64_t seed = 1; seed <= 4; seed++)
        live(&c, seed, 20000, false);
}

Test(metal, life_under_stir)
{
    struct rig_config c = roomy(&policy_stir);
    live(&c, 7, 40000, false);
}

Test(metal, life_under_migrep)
{
    struct rig_config c = roomy(policy_find("migrep"));
    live(&c, 8, 40000, false);
}

/* Fewer frames than pages; the VMs come and go. */
Test(metal, life_in_full_memory)
{
    struct rig_config c = {.policy = &policy_chaos,
                           .nodes = 4,
                           .nvms = 3,
                           .shared = 16,
                           .around = 8,
                           .pages = {150, 150, 150},
                           .frames = 90};
    for (uint64_t seed = 20; seed < 24; seed++)
        live(&c, seed, 8000, true);
}

static void live_with_failure(struct machine_failure failure)
{
    static struct life l;
    struct rig_config c = roomy(&policy_chaos);
    c.pages[1] = 64;
    memset(&l, 0, sizeof l);
    l.seed = failure.fill * 3 + failure.sync * 5 + failure.item * 7 + 1;
    l.failing = true;
    cr_assert_eq(rig_begin(&l.rig, &c), 0);
    l.rig.both.check.failure = failure;
    for (uint32_t i = 0; i < 400 && !l.rig.wrong; i++)
        step(&l);
    l.rig.both.check.failure = (struct machine_failure){0};
    rig_check(&l.rig);
    cr_assert_eq(l.rig.wrong, 0, "fill %llu sync %llu item %llu: %s", (unsigned long long)failure.fill,
                 (unsigned long long)failure.sync, (unsigned long long)failure.item, l.rig.first);
    rig_end(&l.rig);
}

Test(metal, life_while_the_machine_fails)
{
    for (uint64_t k = 1; k <= 40; k++) {
        live_with_failure((struct machine_failure){.sync = k});
        live_with_failure((struct machine_failure){.item = k, .lasting = k % 2});
        live_with_failure((struct machine_failure){.fill = 60 + k});
    }
}
