/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Threads as CPUs that run guests of two VMs. In the first test a table is a word per page and a frame knows whether it
 * is alive: a CPU that uses a translation older than a finished shootdown finds a dead one. In the second the whole
 * pager is below, guests walk nested tables, and every thread has words of its own in every page of both VMs, which
 * must come back as they were written while the pages move.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/core/chaos.h"
#include "tests/monitor/space/cpus.h"
#include "tests/monitor/space/rig.h"
#include "tests/monitor/stir.h"

enum { VMS = 2, PAGES = 16, FRAMES = 64 };

/* How long the CPUs run, and how long at most until enough has happened: the host may be slow. */
#define RUN_NS UINT64_C(300000000)
#define PATIENCE_NS UINT64_C(30000000000)

struct model {
    struct lock lock;
    uint32_t table[VMS][PAGES];
    uint32_t alive[FRAMES];
    uint64_t rounds, stale, accesses;
};

/* The page gets another frame; the old one is dead when the shootdown is over. */
static void move_page(struct model *m, uint64_t *seed)
{
    uint32_t vm = fixture_below(seed, VMS), page = fixture_below(seed, PAGES), old = m->table[vm][page], frame;
    lock_take(&m->lock);
    old = __atomic_load_n(&m->table[vm][page], __ATOMIC_RELAXED);
    do
        frame = fixture_below(seed, FRAMES);
    while (__atomic_load_n(&m->alive[frame], __ATOMIC_RELAXED));
    __atomic_store_n(&m->alive[frame], 1, __ATOMIC_RELAXED);
    __atomic_store_n(&m->table[vm][page], frame, __ATOMIC_RELEASE);
    shootdown(1u << vm);
    __atomic_store_n(&m->alive[old], 0, __ATOMIC_RELAXED);
    m->rounds++;
    lock_give(&m->lock);
}

static void model_cpu(struct cpu *c, void *context)
{
    struct model *m = context;
    uint32_t buffer[VMS][PAGES]; /* frame + 1 */
    uint64_t seed = c->id, stale = 0, accesses = 0;
    for (uint64_t end = cpu_now() + RUN_NS; cpu_now() < end;) {
        uint32_t vm = fixture_below(&seed, VMS), run = fixture_below(&seed, 2000);
        if (cpus_enter(c, vm))
            memset(buffer, 0, sizeof buffer);
        for (; run && !cpus_kicked(c); run--, accesses++) {
            uint32_t *entry = &buffer[vm][fixture_below(&seed, PAGES)];
            if (!*entry)
                *entry = __atomic_load_n(&m->table[vm][entry - buffer[vm]], __ATOMIC_ACQUIRE) + 1;
            stale += !__atomic_load_n(&m->alive[*entry - 1], __ATOMIC_RELAXED);
        }
        cpus_leave(c);
        if (fixture_below(&seed, 4) == 0)
            move_page(m, &seed);
    }
    __atomic_fetch_add(&m->stale, stale, __ATOMIC_RELAXED);
    __atomic_fetch_add(&m->accesses, accesses, __ATOMIC_RELAXED);
}

Test(shootdown, nothing_older_than_a_finished_one_is_used)
{
    struct model m = {0};
    for (uint32_t i = 0; i < VMS * PAGES; i++) {
        m.table[i / PAGES][i % PAGES] = i;
        m.alive[i] = 1;
    }
    cpus_run(2, model_cpu, &m);
    cr_assert_eq(m.stale, 0, "%llu of %llu accesses", (unsigned long long)m.stale, (unsigned long long)m.accesses);
    cr_assert(m.rounds > 20 && m.accesses > 1000);
    cr_assert(shootdown_counts().rounds >= m.rounds);
}

enum { LOST = 3 };

/* CPU 0 waits for CPU 1, whose guest leaves for nothing but a kick. */
static void deaf_cpu(struct cpu *c, void *context)
{
    uint32_t *in = context;
    if (c->id == 1) {
        cpus_enter(c, 0);
        __atomic_store_n(in, 1, __ATOMIC_RELEASE);
        for (uint64_t start = cpu_now(); !cpus_kicked(c) && cpu_now() - start < PATIENCE_NS;)
            __builtin_ia32_pause();
        cr_assert(cpus_kicked(c));
        cpus_leave(c);
    } else if (c->id == 0) {
        while (!__atomic_load_n(in, __ATOMIC_ACQUIRE))
            __builtin_ia32_pause();
        shootdown(1);
    }
}

Test(shootdown, kicks_that_are_lost_are_sent_again)
{
    uint32_t in = 0;
    uint32_t before = cpus_sent();
    cpus_lose(LOST);
    cpus_run(1, deaf_cpu, &in);
    cr_assert_geq(cpus_sent() - before, LOST + 1);
}

struct call {
    uint32_t entered, over;
    uint64_t took;
};

/* CPU 1's guest is to see an event of CPU 0, which has other work meanwhile. */
static void caller(struct cpu *c, struct call *call)
{
    while (!__atomic_load_n(&call->entered, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
    kick_send(c->id);
    kick_send(CPUS_MAX);
    uint32_t before = cpus_sent();
    uint64_t start = cpu_now();
    kick_send(1);
    cr_assert_eq(kick_again(start), machine_x86.cpu[1]->kicked + 1000000);
    cr_assert_eq(cpus_sent(), before + 1, "not a second time before it has had a millisecond");
    while (!__atomic_load_n(&call->over, __ATOMIC_ACQUIRE) && cpu_now() - start < PATIENCE_NS)
        kick_again(cpu_now());
    call->took = cpu_now() - start;
    cr_assert_geq(cpus_sent() - before, LOST + 1);
    before = cpus_sent();
    cr_assert_eq(kick_again(UINT64_MAX / 2), UINT64_MAX, "it has answered");
    cr_assert_eq(cpus_sent(), before);
}

static void called_cpu(struct cpu *c, void *context)
{
    struct call *call = context;
    if (c->id == 1) {
        cpus_enter(c, 0);
        __atomic_store_n(&call->entered, 1, __ATOMIC_RELEASE);
        for (uint64_t start = cpu_now(); !cpus_kicked(c) && cpu_now() - start < PATIENCE_NS;)
            __builtin_ia32_pause();
        cpus_leave(c);
        __atomic_store_n(&call->over, 1, __ATOMIC_RELEASE);
    } else if (c->id == 0) {
        caller(c, call);
    }
}

/* Each lost one costs a millisecond, not the rest of a slice. */
Test(shootdown, wake_ups_that_are_lost_are_sent_again)
{
    struct call call = {0};
    cpus_lose(LOST);
    cpus_run(1, called_cpu, &call);
    cr_assert(call.took >= LOST * UINT64_C(1000000) && call.took < PATIENCE_NS, "%llu ns",
              (unsigned long long)call.took);
}

struct guests {
    struct rig rig;
    uint64_t wrong, errors;
    page_t shared;
};

/* The hardware's walk, with accessed and dirty bits set by compare and swap. */
static uint64_t walk(const struct guests *g, uint64_t root, uint64_t gpa, bool write)
{
    uint64_t table = root;
    for (int shift = 39;; shift -= 9) {
        uint64_t *entry = (uint64_t *)(void *)(g->rig.ram + table) + (gpa >> shift & 511);
        uint64_t old = __atomic_load_n(entry, __ATOMIC_ACQUIRE);
        if ((old & 5) != 5 || (write && !(old & 2)))
            return 0;
        uint64_t noted = old | (shift == 12 && write ? 0x60 : 0x20);
        if (!__atomic_compare_exchange_n(entry, &old, noted, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            shift += 9;
            continue;
        }
        table = noted & UINT64_C(0x000ffffffffff000);
        if (shift == 12)
            return table | (noted & 2) | 1;
    }
}

struct guest_cpu {
    struct guests *g;
    struct cpu *c;
    uint64_t seed, wrong, errors;
    uint64_t buffer[VMS][PAGES * 8];
    uint64_t word[VMS][PAGES * 8]; /* what this CPU last wrote to its word of each page */
};

/* One instruction of the guest. False: a nested fault on `page`. */
static bool instruction(struct guest_cpu *s, uint32_t vm, uint32_t page, bool write)
{
    uint64_t *leaf = &s->buffer[vm][page], gpa = rig_gpa(page) + s->c->id * 8;
    if (!*leaf || (write && !(*leaf & 2)))
        *leaf = walk(s->g, s->g->rig.metal.root[vm][s->c->node], gpa, write);
    if (!*leaf)
        return false;
    uint64_t *at = (uint64_t *)(void *)(s->g->rig.ram + (*leaf & UINT64_C(0x000ffffffffff000))) + s->c->id;
    if (write)
        __atomic_store_n(at, s->word[vm][page] = fixture_random(&s->seed), __ATOMIC_RELAXED);
    else
        s->wrong += __atomic_load_n(at, __ATOMIC_RELAXED) != s->word[vm][page];
    return true;
}

static void run_guest(struct guest_cpu *s, uint32_t vm)
{
    bool write = false;
    uint32_t page = 0, pages = s->g->rig.given.pages[vm];
    if (cpus_enter(s->c, vm))
        memset(s->buffer, 0, sizeof s->buffer);
    bool faulted = false;
    for (uint32_t run = fixture_below(&s->seed, 500); run && !faulted && !cpus_kicked(s->c); run--) {
        page = fixture_below(&s->seed, pages);
        write = fixture_below(&s->seed, 4) == 0;
        faulted = !instruction(s, vm, page, write);
    }
    cpus_leave(s->c);
    enum exit_kind kind;
    if (faulted &&
        pager_fault(&s->g->rig.pager, vm, s->c->node, (uint16_t)s->c->id, rig_gpa(page), write, cpu_now(), &kind))
        s->errors++;
}

/* The monitor writes and reads this CPU's word, as a device would. */
static void device(struct guest_cpu *s, uint32_t vm)
{
    uint32_t page = fixture_below(&s->seed, s->g->rig.given.pages[vm]);
    uint64_t gpa = rig_gpa(page) + s->c->id * 8, value = fixture_random(&s->seed), old;
    s->errors += pager_read(&s->g->rig.pager, vm, s->c->node, gpa, &old, 8) != 0;
    s->wrong += old != s->word[vm][page];
    s->errors += pager_write(&s->g->rig.pager, vm, s->c->node, gpa, &value, 8) != 0;
    s->word[vm][page] = value;
}

static bool enough(struct guests *g, uint64_t start)
{
    const struct engine_stats *s = &g->rig.pager.engine.stats;
    lock_take(&g->rig.pager.lock);
    bool done = s->moves > 64 && s->collapses > 10;
    lock_give(&g->rig.pager.lock);
    uint64_t gone = cpu_now() - start;
    return gone > (done ? RUN_NS : PATIENCE_NS);
}

static void guest_cpu(struct cpu *c, void *context)
{
    struct guests *g = context;
    struct guest_cpu s = {.g = g, .c = c, .seed = 77 + c->id};
    for (uint32_t vm = 0; vm < VMS; vm++)
        cr_assert(metal_root(&g->rig.metal, vm, c->node));
    for (uint64_t start = cpu_now(); !enough(g, start);) {
        uint32_t vm = fixture_below(&s.seed, VMS);
        run_guest(&s, vm);
        if (fixture_below(&s.seed, 8) == 0)
            device(&s, vm);
        pager_run(&g->rig.pager, cpu_now());
    }
    __atomic_fetch_add(&g->wrong, s.wrong, __ATOMIC_RELAXED);
    __atomic_fetch_add(&g->errors, s.errors, __ATOMIC_RELAXED);
}

static void run_guests(const struct policy_class *policy)
{
    static struct guests g;
    static const unsigned char zeroes[RIG_PAGE];
    struct rig_config c = {.policy = policy,
                           .nodes = 4,
                           .nvms = VMS,
                           .shared = 4,
                           .around = 4,
                           .pages = {60, 100},
                           .frames = 300,
                           .unchecked = true};
    memset(&g, 0, sizeof g);
    cr_assert_eq(rig_begin(&g.rig, &c), 0);
    g.rig.metal.flush = shootdown;
    g.rig.config.harvest_ms = 1;
    /* Some pages begin as views of one shared page of zeroes. */
    page_t shared = pager_share(&g.rig.pager, 1, zeroes);
    for (uint32_t page = 0; page < 40; page++)
        cr_assert_eq(rig_show(&g.rig, page % VMS, 0, rig_gpa(page), shared), 0);
    cpus_run(c.nodes, guest_cpu, &g);
    const struct engine_stats *s = &g.rig.pager.engine.stats;
    cr_assert_eq(g.wrong, 0, "%llu words wrong", (unsigned long long)g.wrong);
    cr_assert_eq(g.errors, 0);
    uint64_t broken = g.rig.pager.vm[0].copies_on_write + g.rig.pager.vm[1].copies_on_write;
    cr_assert(broken > 4 && broken <= 40 && broken + pager_users(&g.rig.pager, shared) == 40);
    cr_assert(s->moves > 64, "%llu moves", (unsigned long long)s->moves);
    cr_assert(s->collapses > 10, "%llu collapses", (unsigned long long)s->collapses);
    rig_end(&g.rig);
}

Test(shootdown, guests_keep_their_words_under_stir)
{
    run_guests(&policy_stir);
}

Test(shootdown, guests_keep_their_words_under_chaos)
{
    run_guests(&policy_chaos);
}
