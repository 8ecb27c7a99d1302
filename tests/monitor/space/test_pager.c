/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The pager, one thing at a time, with counts worked out by hand.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/monitor/space/rig.h"

/* CPUs 0..3 are on node 0, CPUs 4..7 on node 1. */
enum { ON_0 = 0, ON_1 = 4 };

static struct rig rig;

static void begin(const struct policy_class *policy, uint32_t around)
{
    struct rig_config c = {
        .policy = policy, .nodes = 2, .nvms = 2, .shared = 4, .around = around, .pages = {600, 40}, .frames = 2000};
    cr_assert_eq(rig_begin(&rig, &c), 0);
}

static void end(void)
{
    rig_check(&rig);
    cr_assert_eq(rig.wrong, 0, "%s", rig.first);
    rig_end(&rig);
}

static const struct place *place_of(uint32_t page)
{
    return view_place(&rig.pager.engine.view, page);
}

Test(pager, a_touch_places_the_block_around_it)
{
    begin(policy_find("first_touch"), 8);
    cr_assert_eq(rig_access(&rig, ON_1, 0, 21, 0, true, 7), 0);
    for (uint32_t page = 0; page < 600; page++)
        cr_assert_eq(view_home(&rig.pager.engine.view, page), page >= 16 && page < 24 ? 1 : NODE_NONE);
    cr_assert(rig.faults[EXIT_TOUCH] == 1 && rig.pager.vm[0].touches == 8 && rig.pager.vm[0].private_pages == 8);
    /* The other node's first fault in the region makes its table with all leaves. */
    for (uint32_t page = 16; page < 24; page++)
        cr_assert_eq(rig_access(&rig, ON_0, 0, page, 0, false, 0), 0);
    cr_assert_eq(rig.faults[EXIT_MAP], 1);
    /* Two roots of three levels each, one leaf table each. */
    cr_assert_eq(rig.metal.tables, 8);
    /* The last pages of a VM have no full block; the next VM's are not touched. */
    cr_assert_eq(rig_access(&rig, ON_0, 1, 39, 0, false, 0), 0);
    cr_assert_eq(rig.pager.vm[1].private_pages, 8);
    cr_assert_eq(rig_access(&rig, ON_0, 0, 599, 0, false, 0), 0);
    cr_assert_eq(rig.pager.vm[0].private_pages, 16);
    end();
}

Test(pager, no_memory_there)
{
    unsigned char bytes[64] = {1};
    enum exit_kind kind;
    begin(policy_find("first_touch"), 1);
    uint64_t last = rig_gpa(600);
    cr_assert_eq(pager_fault(&rig.pager, 0, 0, 0, last, false, 0, &kind), ERR_NOENT);
    cr_assert_eq(kind, EXIT_MMIO);
    cr_assert_eq(pager_fault(&rig.pager, 5, 0, 0, 0, false, 0, &kind), ERR_NOENT);
    cr_assert_eq(pager_write(&rig.pager, 0, 0, last - 32, bytes, 64), ERR_INVAL);
    cr_assert_eq(pager_read(&rig.pager, 0, 0, UINT64_MAX - 31, bytes, 64), ERR_INVAL);
    cr_assert_eq(pager_read(&rig.pager, 0, 0, UINT64_MAX - 63, bytes, 64), ERR_INVAL);
    cr_assert_eq(pager_read(&rig.pager, 0, 0, SPACE_HOLE - 8, bytes, 16), ERR_INVAL);
    cr_assert_eq(rig_show(&rig, 0, 0, last, 641), ERR_INVAL);
    cr_assert_eq(rig.pager.engine.stats.touches, 0);
    end();
}

Test(pager, a_write_to_a_shared_page_is_private)
{
    unsigned char bytes[RIG_PAGE];
    begin(policy_find("first_touch"), 1);
    memset(bytes, 0x33, sizeof bytes);
    page_t shared = pager_share(&rig.pager, 1, bytes);
    cr_assert_eq(shared, 640);
    cr_assert_eq(rig_access(&rig, ON_0, 0, 9, 0, true, 1), 0);
    for (uint32_t vm = 0; vm < 2; vm++) {
        cr_assert_eq(rig_show(&rig, vm, 0, rig_gpa(9), shared), 0);
        memset(rig.shadow[vm] + rig_gpa(9), 0x33, RIG_PAGE);
    }
    cr_assert(rig.pager.vm[0].private_pages == 0 && rig.pager.vm[0].shared_pages == 1);
    cr_assert_eq(pager_users(&rig.pager, shared), 2);
    for (uint32_t vm = 0; vm < 2; vm++)
        cr_assert_eq(rig_access(&rig, ON_0, vm, 9, 3, false, 0), 0);
    cr_assert_eq(rig_access(&rig, ON_0, 0, 9, 3, true, 99), 0);
    cr_assert_eq(rig.faults[EXIT_COPY], 1);
    cr_assert_eq(rig_access(&rig, ON_1, 1, 9, 3, false, 0), 0);
    cr_assert(rig.pager.vm[0].copies_on_write == 1 && rig.pager.vm[0].private_pages == 1);
    cr_assert(rig.pager.vm[0].shared_pages == 0 && pager_users(&rig.pager, shared) == 1);
    /* Released, it lives on as long as a VM shows it. */
    pager_release(&rig.pager, shared);
    cr_assert_eq(rig_access(&rig, ON_1, 1, 9, 4, false, 0), 0);
    cr_assert_eq(rig.pager.space.shared_used, 1);
    memset(bytes, 0, sizeof bytes);
    cr_assert_eq(pager_write(&rig.pager, 1, 1, rig_gpa(9) + 8, bytes, 8), 0);
    memset(rig.shadow[1] + rig_gpa(9) + 8, 0, 8);
    cr_assert(rig.pager.space.shared_used == 0 && rig.pager.vm[1].copies_on_write == 1);
    end();
}

/* A hostile guest reads one block into all of its memory: what has to be done to all users stays bounded. */
Test(pager, a_page_has_so_many_users_and_no_more)
{
    unsigned char bytes[RIG_PAGE];
    begin(policy_find("first_touch"), 1);
    memset(bytes, 0x77, sizeof bytes);
    page_t shared = pager_share(&rig.pager, 1, bytes);
    for (uint32_t page = 0; page < 600; page++) {
        cr_assert_eq(rig_show(&rig, 0, 1, rig_gpa(page), shared), 0);
        memset(rig.shadow[0] + rig_gpa(page), 0x77, RIG_PAGE);
    }
    cr_assert_eq(pager_users(&rig.pager, shared), 64);
    cr_assert(rig.pager.vm[0].shared_pages == 64 && rig.pager.vm[0].private_pages == 536);
    cr_assert_eq(view_home(&rig.pager.engine.view, 599), 1);
    cr_assert_eq(rig_access(&rig, ON_0, 0, 3, 0, true, 1), 0);
    cr_assert_eq(rig_access(&rig, ON_0, 0, 599, 0, true, 1), 0);
    cr_assert_eq(rig_show(&rig, 1, 0, rig_gpa(0), shared), 0);
    memset(rig.shadow[1] + rig_gpa(0), 0x77, RIG_PAGE);
    cr_assert(rig.pager.vm[1].shared_pages == 1 && pager_users(&rig.pager, shared) == 64);
    end();
}

/* A class that replicates page 9 whenever a page is freed: at the worst moment of all. */
static void eager_observe(void *state, const struct view *v, const struct event *e, size_t n, struct orders *o)
{
    (void)state;
    (void)v;
    for (size_t i = 0; i < n; i++)
        if (event_kind(&e[i]) == EVENT_FREED)
            order_push(o, ORDER_COPY, 9, 1, 0);
}

static const struct policy_class eager_class = {.name = "eager", .summary = "", .source = "", .observe = eager_observe};

Test(pager, a_page_replicated_while_its_share_is_broken)
{
    unsigned char bytes[RIG_PAGE] = {0};
    uint64_t value = 0x1122334455667788;
    begin(&eager_class, 1);
    page_t shared = pager_share(&rig.pager, 0, bytes);
    cr_assert_eq(rig_access(&rig, ON_1, 0, 8, 0, true, 1), 0); /* the other node has a table */
    cr_assert_eq(rig_show(&rig, 0, 0, rig_gpa(9), shared), 0);
    pager_release(&rig.pager, shared);
    cr_assert_eq(pager_write(&rig.pager, 0, 0, rig_gpa(9) + 8, &value, 8), 0);
    memcpy(rig.shadow[0] + rig_gpa(9) + 8, &value, 8);
    cr_assert_eq(rig.pager.engine.stats.copies, 1);
    cr_assert_eq(rig_access(&rig, ON_0, 0, 9, 1, false, 0), 0);
    cr_assert_eq(rig_access(&rig, ON_1, 0, 9, 1, false, 0), 0);
    end();
}

struct seen {
    struct pager_observation list[64];
    uint32_t n;
};

static void note(void *context, const struct pager_observation *o)
{
    struct seen *s = context;
    s->list[s->n++] = *o;
}

static void expect(const struct pager_observation *o, uint32_t slot, node_t node, enum event_kind kind)
{
    cr_assert(o->slot == slot && o->node == node && o->what == event_what(kind, 4), "slot %u node %u what %x", o->slot,
              o->node, o->what);
}

Test(pager, a_harvest_sees_what_was_accessed_since_the_last)
{
    struct seen s = {.n = 0};
    begin(policy_find("first_touch"), 16);
    for (uint32_t page = 0; page < 600; page += 16)
        cr_assert_eq(rig_access(&rig, ON_0, 0, page, 0, false, 0), 0);
    pager_run(&rig.pager, 2000000);
    for (uint32_t cpu = 0; cpu < RIG_CPUS; cpu++)
        rig_reenter(&rig, cpu);
    rig_access(&rig, ON_1, 0, 3, 0, false, 0);
    uint64_t before = rig.pager.seen[1][0][0];
    rig.pager.record = note;
    rig.pager.record_context = &s;
    rig_access(&rig, ON_1, 0, 599, 0, true, 1);
    rig_access(&rig, ON_0, 0, 599, 0, false, 0);
    rig_access(&rig, ON_0, 0, 5, 0, true, 0);
    cr_assert_eq(s.n, 0);
    cr_assert_eq(pager_run(&rig.pager, 4000000), 6000000);
    cr_assert_eq(s.n, 4);
    expect(&s.list[0], 3, 1, EVENT_READ);
    expect(&s.list[1], 5, 0, EVENT_WRITE);
    expect(&s.list[2], 599, 0, EVENT_READ);
    expect(&s.list[3], 599, 1, EVENT_WRITE);
    cr_assert_eq(rig.pager.seen[1][0][0] - before, 16);
    cr_assert_eq(rig.pager.seen[1][0][1], 16);
    cr_assert(rig.pager.vm_node[0][1] == 0 && rig.pager.vm_node[1][0] == 0);
    pager_run(&rig.pager, 6000000);
    cr_assert_eq(s.n, 4);
    /* A translation that a CPU still holds notes nothing; after its next entry it does. */
    rig_access(&rig, ON_0, 0, 5, 0, false, 0);
    pager_run(&rig.pager, 8000000);
    cr_assert_eq(s.n, 4);
    rig_reenter(&rig, ON_0);
    rig_access(&rig, ON_0, 0, 5, 0, false, 0);
    pager_run(&rig.pager, 10000000);
    cr_assert_eq(s.n, 5);
    expect(&s.list[4], 5, 0, EVENT_READ);
    end();
}

/* A class that looks at everything and watches page 2. */
struct probe {
    uint64_t ticks, traffic, latency;
    bool accessed[2];
    uint32_t hints;
    uint16_t task; /* of the latest hint */
};

static size_t probe_size(const struct view *v, const uint64_t *param)
{
    (void)v;
    (void)param;
    return sizeof(struct probe);
}

static void probe_tick(void *state, const struct view *v, uint64_t now, struct orders *o)
{
    struct probe *p = state;
    (void)now;
    p->ticks++;
    p->traffic = v->traffic[(1 * 2 + 0) * 2 + 0];
    p->latency = v->latency_ps[0];
    for (node_t n = 0; n < 2; n++)
        p->accessed[n] = view_accessed(v, n, 70);
    if (p->ticks == 1)
        order_push(o, ORDER_WATCH, 2, 0, 0);
}

static void probe_observe(void *state, const struct view *v, const struct event *e, size_t n, struct orders *o)
{
    struct probe *p = state;
    (void)v;
    (void)o;
    for (size_t i = 0; i < n; i++)
        p->task = event_kind(&e[i]) == EVENT_HINT ? e[i].task : p->task;
    for (size_t i = 0; i < n; i++)
        p->hints += event_kind(&e[i]) == EVENT_HINT && e[i].page == 2 && e[i].node == 1;
}

static const struct policy_class probe_class = {.name = "probe",
                                                .summary = "",
                                                .source = "",
                                                .signals = SIGNAL_ACCESSED | SIGNAL_LOAD | SIGNAL_HINTS,
                                                .tick_ns = 4000000,
                                                .state_size = probe_size,
                                                .observe = probe_observe,
                                                .tick = probe_tick};

Test(pager, ticks_find_bits_load_and_hints)
{
    begin(&probe_class, 1);
    struct probe *p = rig.pager.engine.state;
    rig_access(&rig, ON_0, 0, 2, 0, true, 1);
    for (uint32_t page = 64; page < 96; page++)
        rig_access(&rig, ON_0, 0, page, 0, true, 1);
    rig.now = 400000000;
    pager_run(&rig.pager, rig.now);
    cr_assert_eq(p->ticks, 1, "periods that were missed are not made up for");
    rig_reenter(&rig, ON_1);
    for (uint32_t page = 64; page < 96; page++)
        rig_access(&rig, ON_1, 0, page, 0, false, 1);
    rig_access(&rig, ON_1, 0, 2, 0, false, 0);
    cr_assert_eq(rig.faults[EXIT_HINT], 1);
    cr_assert_eq(rig_access(&rig, ON_0, 0, 2, 0, false, 0), 0);
    cr_assert_eq(rig.faults[EXIT_HINT], 1, "one access, one hint");
    rig.now += 4000000;
    pager_run(&rig.pager, rig.now);
    cr_assert_eq(p->ticks, 2);
    cr_assert_eq(p->hints, 1);
    cr_assert(!p->accessed[0] && p->accessed[1]);
    end();
}

static uint16_t third_of(uint32_t vm)
{
    return (uint16_t)(10 * vm + 3);
}

/* The monitor's own write is the first access after WATCH: for the virtual CPU for which it writes. */
Test(pager, a_hint_that_the_monitor_uses_up_names_whom_it_works_for)
{
    begin(&probe_class, 1);
    struct probe *p = rig.pager.engine.state;
    uint64_t word = 7;
    rig.pager.task = third_of;
    rig_access(&rig, ON_0, 0, 2, 0, true, word);
    pager_run(&rig.pager, 400000000);
    cr_assert_eq(pager_write(&rig.pager, 0, 1, rig_gpa(2), &word, sizeof word), 0);
    pager_run(&rig.pager, 404000000);
    cr_assert_eq(p->hints, 1);
    cr_assert_eq(p->task, 3);
    rig.pager.task = NULL;
    end();
}

Test(pager, load_is_what_the_last_interval_saw)
{
    begin(&probe_class, 1);
    struct probe *p = rig.pager.engine.state;
    for (uint32_t page = 64; page < 96; page++)
        rig_access(&rig, ON_0, 0, page, 0, true, 1);
    rig.config.harvest_ms = 4;
    pager_run(&rig.pager, 400000000);
    for (uint32_t cpu = 0; cpu < RIG_CPUS; cpu++)
        rig_reenter(&rig, cpu);
    for (uint32_t page = 64; page < 96; page++)
        rig_access(&rig, ON_1, 0, page, 0, false, 1);
    for (uint32_t page = 64; page < 72; page++)
        rig_access(&rig, ON_0, 0, page, 0, false, 1);
    pager_run(&rig.pager, 404000000);
    /* 32 bits of weight 16 over 4 windows of 1 ms; 4 accesses from afar for each one from near. */
    const struct topology *t = &rig.shape.topology;
    cr_assert_eq(p->traffic, 128);
    cr_assert_eq(p->latency, (4 * (uint64_t)topology_latency(t, 1, 0) + topology_latency(t, 0, 0)) / 5);
    end();
}

/* Frames come back one by one: whatever lacks one, page or table, fails alone and works later. */
Test(pager, the_kth_frame_is_missing)
{
    for (uint32_t k = 0; k < 8; k++) {
        struct rig_config c = {.policy = policy_find("first_touch"),
                               .nodes = 1,
                               .nvms = 1,
                               .around = 1,
                               .pages = {600},
                               .frames = 100,
                               .unchecked = true};
        uint64_t kept[100];
        uint32_t n = 0;
        enum exit_kind kind;
        cr_assert_eq(rig_begin(&rig, &c), 0);
        while ((kept[n] = memory_take(&rig.memory, 0)) != FRAMES_NONE)
            n++;
        for (uint32_t i = 0; i < k; i++)
            memory_give(&rig.memory, kept[--n]);
        /* A page, a root, three tables. */
        int err = pager_fault(&rig.pager, 0, 0, 0, rig_gpa(520), true, 0, &kind);
        cr_assert_eq(err, k < 5 ? ERR_NOMEM : 0, "%u frames: %d", k, err);
        while (n)
            memory_give(&rig.memory, kept[--n]);
        cr_assert_eq(rig_access(&rig, 0, 0, 520, 0, true, 5), 0);
        cr_assert_eq(rig_access(&rig, 0, 0, 3, 0, true, 6), 0);
        end();
    }
}

/* Guest page tables are written by every walk: such a page is replicated at most now and then, never for ever. */
Test(pager, migrep_replicates_what_is_read_and_leaves_what_is_written)
{
    begin(policy_find("migrep"), 1);
    const struct engine_stats *s = &rig.pager.engine.stats;
    for (uint32_t round = 0; round < 400; round++) {
        rig.now += 2000000;
        pager_run(&rig.pager, rig.now);
        for (uint32_t cpu = 0; cpu < RIG_CPUS; cpu += 4) {
            rig_reenter(&rig, cpu);
            rig_access(&rig, cpu, 0, 0, 0, false, 0);
            rig_access(&rig, cpu, 0, 1, 0, true, round);
            if (cpu == ON_1)
                rig_access(&rig, cpu, 0, 2, 0, true, round);
        }
        if (round == 0)
            rig_access(&rig, ON_0, 0, 2, 0, true, 1);
    }
    cr_assert_eq(view_copies(&rig.pager.engine.view, 0), 3);
    cr_assert(s->copies >= 1 && s->collapses <= 8, "%llu copies, %llu collapses", (unsigned long long)s->copies,
              (unsigned long long)s->collapses);
    cr_assert_eq(place_of(2)->home, 1);
    end();
}
