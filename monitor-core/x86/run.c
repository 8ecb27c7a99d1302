/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/run.h"

#include "monitor-core/telemetry.h"
#include "monitor-core/x86/affinity.h"
#include "monitor-core/x86/console.h"
#include "monitor-core/x86/kick.h"
#include "monitor-core/x86/nvme.h"
#include "monitor-core/x86/report.h"

enum { CHORE_NS = 20000000, LATE_NS = 50000000 };

/* Times are atomic: everyone looks, one acts. */
static struct {
    uint64_t pager_next, chores_next;
    uint32_t duty; /* the CPU whose timer covers them */
    uint32_t busy; /* a CPU is at the chores */
    uint32_t ending;
} shared;

static uint64_t load(const uint64_t *time)
{
    return __atomic_load_n(time, __ATOMIC_ACQUIRE);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void run_end(const char *why)
{
    /* The others go on until the machine is off: whoever holds a lock that the report needs gives it back. */
    if (__atomic_exchange_n(&shared.ending, 1, __ATOMIC_ACQ_REL))
        for (;;)
            cpu_idle();
    while (__atomic_exchange_n(&shared.busy, 1, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
    for (uint32_t i = 0; i < monitor.nvms; i++)
        console_flush(i);
    for (uint32_t i = 0; i < monitor.ndisks; i++)
        if (disk_flush(&monitor.disk[i]))
            print("disk %s: what was written last may be lost", monitor.disk[i].config->name);
    nvme_stop();
    report_end(why, false);
    print("%s", why);
    machine_off();
}

static void do_chores(uint64_t now)
{
    if (__atomic_exchange_n(&shared.busy, 1, __ATOMIC_ACQUIRE))
        return;
    /* At multiples, as the pager's harvest: one interrupt for both. */
    __atomic_store_n(&shared.chores_next, now - now % CHORE_NS + CHORE_NS, __ATOMIC_RELEASE);
    bool end = console_run(now);
    report_run(now);
    affinity_run(now);
    __atomic_store_n(&shared.busy, 0, __ATOMIC_RELEASE);
    if (end)
        run_end(TELEMETRY_OPERATOR);
}

/* However much a policy orders, the guests have three quarters of the time. */
static void run_pager(uint64_t now)
{
    uint64_t next = pager_run(&monitor.pager, now), end = cpu_now(), rested = end + 3 * (end - now);
    __atomic_store_n(&shared.pager_next, next > rested ? next : rested, __ATOMIC_RELEASE);
}

static void chores(uint64_t now)
{
    if (now >= load(&shared.pager_next))
        run_pager(now);
    if (now >= load(&shared.chores_next))
        do_chores(now);
    if (!__atomic_load_n(&monitor.vms_running, __ATOMIC_ACQUIRE))
        run_end("all VMs have ended");
}

/* Its state goes from this CPU; another one may take it up, or its VM comes to rest. */
static void let_go(uint16_t number)
{
    struct vcpu *v = monitor.vcpu[number];
    cpu_self()->running = NULL;
    vcpu_put_away(v);
    kick_send(sched_release(&monitor.sched, number, cpu_now()));
    if (!vm_runs(v->vm))
        vm_settle(v->vm);
}

static uint16_t pick(uint16_t held)
{
    struct cpu *self = cpu_self();
    uint16_t also;
    uint16_t next = sched_pick(&monitor.sched, (uint16_t)self->id, cpu_now(), &also);
    kick_send(also);
    if (next == held)
        return held;
    if (held != SCHED_NONE)
        let_go(held);
    if (next != SCHED_NONE) {
        struct vcpu *v = monitor.vcpu[next];
        vcpu_take_up(v);
        self->running = v;
    }
    return next;
}

static bool on_duty(uint16_t held)
{
    uint32_t id = cpu_self()->id;
    uint32_t duty = __atomic_load_n(&shared.duty, __ATOMIC_RELAXED);
    if (duty != id && held == SCHED_NONE && monitor.sched.running[duty] != SCHED_NONE) {
        __atomic_store_n(&shared.duty, id, __ATOMIC_RELAXED);
        duty = id;
    }
    return duty == id;
}

/* Fired before the CPU's own timer is set: for a time that has passed that would end the guest's run at once, a second
 * time. One that is early by less than an exit costs is waited for. */
static uint64_t guest_timer(struct lapic *l)
{
    enum { NEAR_NS = 5000 };
    uint64_t now = cpu_now();
    while (l->deadline_ns - now < NEAR_NS)
        now = cpu_now();
    lapic_expire(l, now);
    return l->deadline_ns;
}

/* How late work may come: a quarter of the shortest period. */
static uint64_t patience(void)
{
    uint64_t period = CHORE_NS, harvest = monitor.config.harvest_ms * UINT64_C(1000000), tick = monitor.pager.tick_ns;
    return sooner(period, sooner(harvest ? harvest : period, tick ? tick : period)) / 4;
}

/* Work that is due shortly before the guest's timer waits for that: one interrupt for both. cpu_timer knows what it is
 * set to and whether that has fired, early by a few ns as it may be: nothing is remembered here. */
static void arm(uint16_t held)
{
    uint64_t until = sched_due(&monitor.sched, (uint16_t)cpu_self()->id);
    uint64_t work = sooner(load(&shared.pager_next), load(&shared.chores_next)) + (on_duty(held) ? 0 : LATE_NS);
    uint64_t guest = held != SCHED_NONE ? guest_timer(&monitor.vcpu[held]->lapic) : UINT64_MAX;
    if (guest - work < patience())
        work = guest;
    cpu_timer(sooner(sooner(until, kick_again(cpu_now())), sooner(work, guest)));
}

static void run_guest(uint16_t number)
{
    struct vcpu *v = monitor.vcpu[number];
    sched_enter(&monitor.sched, number);
    if (vcpu_run(v) != VCPU_AGAIN)
        sched_halt(&monitor.sched, (uint16_t)cpu_self()->id, cpu_now(), v->lapic.deadline_ns);
}

void run_cpu(void)
{
    uint16_t id = (uint16_t)cpu_self()->id;
    uint16_t held = SCHED_NONE;
    for (;;) {
        kick_answered();
        uint64_t now = cpu_now();
        chores(now);
        if (now >= sched_due(&monitor.sched, id))
            held = pick(held);
        arm(held);
        if (held != SCHED_NONE)
            run_guest(held);
        else
            cpu_idle();
    }
}
