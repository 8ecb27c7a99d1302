/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/sched.h"

/* No fair clock gets further ahead: what was taken while nobody else wanted it is not held against anyone for long. */
enum { LEAD_SLICES = 4 };
/* More than any two clocks lie apart. */
#define IDLE (UINT64_MAX / 2)

/* The fair clock advances at the rate at which each of the runnable ones would run if CPUs could be divided at will. */
static void advance(struct sched *s, uint64_t now)
{
    if (now <= s->now)
        return;
    uint64_t passed = now - s->now;
    s->now = now;
    if (s->runnable > s->cpus)
        passed = passed * s->cpus / s->runnable;
    s->fair += passed;
}

static uint64_t later(uint64_t now, uint64_t since)
{
    return now > since ? now - since : 0;
}

static uint64_t clock_of(const struct sched *s, const struct sched_vcpu *v)
{
    return v->state == SCHED_RUNNING ? v->virtual + later(s->now, v->charged) : v->virtual;
}

static void charge(struct sched *s, struct sched_vcpu *v)
{
    uint64_t ran = later(s->now, v->charged);
    v->used += ran;
    v->virtual += ran;
    v->charged = s->now;
    if (v->virtual > s->fair + LEAD_SLICES * s->slice)
        v->virtual = s->fair + LEAD_SLICES * s->slice;
}

static bool at_home(const struct sched *s, const struct sched_vcpu *v, uint16_t cpu)
{
    return v->node == NODE_NONE || v->node == s->cpu_node[cpu];
}

/* What a virtual CPU has to be behind by before a CPU that suits it less takes it. */
static uint64_t handicap(const struct sched *s, const struct sched_vcpu *v, uint16_t cpu)
{
    if (!at_home(s, v, cpu))
        return 2 * s->slice;
    return v->cpu != cpu && v->cpu != SCHED_NONE ? s->slice / 4 : 0;
}

static uint64_t rank(const struct sched *s, const struct sched_vcpu *v, uint16_t cpu)
{
    return clock_of(s, v) + handicap(s, v, cpu);
}

static bool is_idle(const struct sched *s, uint16_t cpu)
{
    return s->running[cpu] == SCHED_NONE;
}

static void call_at(struct sched *s, uint16_t cpu, uint64_t time)
{
    __atomic_store_n(&s->due[cpu], time, __ATOMIC_RELEASE);
}

static bool can_take(const struct sched_vcpu *v, uint16_t cpu)
{
    return v->state == SCHED_READY && (v->held == SCHED_NONE || v->held == cpu);
}

/* What `v` gains on that CPU: by how much it is behind the one that runs there. An idle CPU is worth more than any. */
static uint64_t gain(const struct sched *s, const struct sched_vcpu *v, uint16_t cpu)
{
    if (is_idle(s, cpu))
        return IDLE + 2 * s->slice - handicap(s, v, cpu);
    return later(rank(s, &s->vcpu[s->running[cpu]], cpu), rank(s, v, cpu));
}

/* The CPU on which it gains most, and more than `least`; home: of those at its memory. */
static uint16_t best_cpu(const struct sched *s, const struct sched_vcpu *v, uint64_t least, bool home)
{
    uint16_t best = SCHED_NONE;
    for (uint16_t c = 0; c < s->cpus; c++)
        if ((!home || at_home(s, v, c)) && gain(s, v, c) > least) {
            least = gain(s, v, c);
            best = c;
        }
    return best;
}

static uint16_t call(struct sched *s, uint16_t cpu)
{
    if (cpu != SCHED_NONE)
        call_at(s, cpu, 0);
    return cpu;
}

static void make_ready(struct sched *s, struct sched_vcpu *v)
{
    if (v->state == SCHED_HALTED) {
        s->runnable++;
        if (v->virtual + s->slice < s->fair)
            v->virtual = s->fair - s->slice;
    }
    v->state = SCHED_READY;
    v->since = s->now;
}

/* Who should look at one that has just become ready: the CPU that has its state does so by itself. Where it gains
 * little, somebody whose slice had no end must have one from now on. */
static uint16_t place(struct sched *s, const struct sched_vcpu *v)
{
    if (v->held != SCHED_NONE)
        return SCHED_NONE;
    uint16_t cpu = best_cpu(s, v, s->slice / 2, false);
    for (uint16_t c = 0; cpu == SCHED_NONE && c < s->cpus; c++)
        cpu = s->alone[c] ? c : (uint16_t)SCHED_NONE;
    return call(s, cpu);
}

/* Halted ones whose time has come become ready; answers when the next of those that `cpu` looks after is due. */
static uint64_t wake_due(struct sched *s, uint16_t cpu)
{
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 0; i < s->vcpus; i++) {
        struct sched_vcpu *v = &s->vcpu[i];
        if (v->state != SCHED_HALTED)
            continue;
        if (v->wake_at <= s->now)
            make_ready(s, v);
        else if (v->cpu == cpu && v->wake_at < next)
            next = v->wake_at;
    }
    return next;
}

static uint16_t best_ready(const struct sched *s, uint16_t cpu, uint16_t except)
{
    uint16_t best = SCHED_NONE;
    for (uint16_t i = 0; i < s->vcpus; i++) {
        const struct sched_vcpu *v = &s->vcpu[i];
        if (i != except && can_take(v, cpu) && (best == SCHED_NONE || rank(s, v, cpu) < rank(s, &s->vcpu[best], cpu)))
            best = i;
    }
    return best;
}

/* Does the one that runs on `cpu` go on, with `other` the best of those that wait? */
static bool stays(struct sched *s, struct sched_vcpu *v, const struct sched_vcpu *other, uint16_t cpu)
{
    if (!other)
        return true;
    if (later(s->now, v->since) < s->slice)
        return rank(s, other, cpu) + s->slice / 2 >= rank(s, v, cpu);
    return rank(s, v, cpu) < rank(s, other, cpu);
}

static void begin(struct sched *s, uint16_t number, uint16_t cpu)
{
    struct sched_vcpu *v = &s->vcpu[number];
    if (v->cpu != SCHED_NONE && s->cpu_node[v->cpu] != s->cpu_node[cpu])
        s->migrations++;
    s->switches++;
    v->state = SCHED_RUNNING;
    v->cpu = v->held = cpu;
    v->charged = v->since = s->now;
    s->running[cpu] = number;
}

/* Closes the account of what ran on `cpu`; answers it when it may go on. */
static uint16_t settle(struct sched *s, uint16_t cpu)
{
    uint16_t number = s->running[cpu];
    if (number == SCHED_NONE) {
        s->idle[cpu] += later(s->now, s->idle_since[cpu]);
        return SCHED_NONE;
    }
    struct sched_vcpu *v = &s->vcpu[number];
    if (v->state != SCHED_RUNNING || v->cpu != cpu)
        return SCHED_NONE;
    charge(s, v);
    return number;
}

/* Whoever still waits while a CPU idles is sent there; one whose time has just come goes where a wake-up would have
 * sent it. */
static uint16_t send_waiting(struct sched *s)
{
    for (uint32_t i = 0; i < s->vcpus; i++) {
        const struct sched_vcpu *v = &s->vcpu[i];
        bool waits = v->state == SCHED_READY && v->held == SCHED_NONE;
        uint64_t least = v->since == s->now ? s->slice / 2 : IDLE - 1;
        uint16_t cpu = waits ? best_cpu(s, v, least, false) : (uint16_t)SCHED_NONE;
        if (cpu != SCHED_NONE && s->due[cpu])
            return call(s, cpu);
    }
    return SCHED_NONE;
}

/* Where nobody waits, only one away from its memory looks again whether it can go home. */
static uint64_t slice_end(struct sched *s, const struct sched_vcpu *v)
{
    uint64_t end = v->since + s->slice;
    s->alone[v->cpu] = s->runnable <= s->cpus && at_home(s, v, v->cpu);
    if (s->alone[v->cpu])
        return UINT64_MAX;
    return s->runnable > s->cpus && end > s->now ? end : s->now + s->slice;
}

/* Which of the one that ran here and those that wait runs next; *kick when the former is sent home. */
static uint16_t choose(struct sched *s, uint16_t cpu, uint16_t *kick)
{
    uint16_t ran = settle(s, cpu);
    if (ran != SCHED_NONE) {
        struct sched_vcpu *v = &s->vcpu[ran];
        bool leaves = !at_home(s, v, cpu) && later(s->now, v->since) >= s->slice;
        uint16_t home = leaves ? best_cpu(s, v, s->slice, true) : (uint16_t)SCHED_NONE;
        uint16_t other = best_ready(s, cpu, ran);
        if (home == SCHED_NONE && stays(s, v, other == SCHED_NONE ? NULL : &s->vcpu[other], cpu)) {
            if (later(s->now, v->since) >= s->slice)
                v->since = s->now;
            return ran;
        }
        make_ready(s, v);
        s->running[cpu] = SCHED_NONE;
        if (home != SCHED_NONE)
            *kick = call(s, home);
    }
    s->running[cpu] = SCHED_NONE;
    uint16_t next = best_ready(s, cpu, *kick == SCHED_NONE ? (uint16_t)SCHED_NONE : ran);
    if (next != SCHED_NONE) {
        begin(s, next, cpu);
        return next;
    }
    s->idle_since[cpu] = s->now;
    return SCHED_NONE;
}

uint16_t sched_pick(struct sched *s, uint16_t cpu, uint64_t now, uint16_t *kick)
{
    lock_take(&s->lock);
    advance(s, now);
    call_at(s, cpu, UINT64_MAX);
    *kick = SCHED_NONE;
    uint64_t timer = wake_due(s, cpu);
    uint16_t next = choose(s, cpu, kick);
    uint64_t until = next == SCHED_NONE ? UINT64_MAX : slice_end(s, &s->vcpu[next]);
    if (timer < until)
        until = timer;
    if (*kick == SCHED_NONE)
        *kick = send_waiting(s);
    if (s->due[cpu])
        call_at(s, cpu, until);
    lock_give(&s->lock);
    return next;
}

uint64_t sched_due(const struct sched *s, uint16_t cpu)
{
    return __atomic_load_n(&s->due[cpu], __ATOMIC_ACQUIRE);
}

uint16_t sched_release(struct sched *s, uint16_t vcpu, uint64_t now)
{
    lock_take(&s->lock);
    advance(s, now);
    struct sched_vcpu *v = &s->vcpu[vcpu];
    v->held = SCHED_NONE;
    uint16_t kick = v->state == SCHED_READY ? place(s, v) : (uint16_t)SCHED_NONE;
    lock_give(&s->lock);
    return kick;
}

void sched_enter(struct sched *s, uint16_t vcpu)
{
    __atomic_store_n(&s->vcpu[vcpu].woken, false, __ATOMIC_SEQ_CST);
}

bool sched_halt(struct sched *s, uint16_t cpu, uint64_t now, uint64_t wake_at)
{
    lock_take(&s->lock);
    advance(s, now);
    uint16_t number = s->running[cpu];
    struct sched_vcpu *v = number == SCHED_NONE ? NULL : &s->vcpu[number];
    bool halts = v && v->state == SCHED_RUNNING && !v->woken && wake_at > s->now;
    if (halts) {
        charge(s, v);
        v->state = SCHED_HALTED;
        v->since = s->now;
        v->wake_at = wake_at;
        s->runnable--;
    }
    call_at(s, cpu, 0);
    lock_give(&s->lock);
    return halts;
}

uint16_t sched_wake(struct sched *s, uint16_t vcpu, uint64_t now)
{
    lock_take(&s->lock);
    advance(s, now);
    struct sched_vcpu *v = &s->vcpu[vcpu];
    uint16_t kick = SCHED_NONE;
    if (v->state == SCHED_RUNNING) {
        __atomic_store_n(&v->woken, true, __ATOMIC_SEQ_CST);
        kick = v->cpu;
    } else if (v->state == SCHED_HALTED) {
        make_ready(s, v);
        kick = place(s, v);
    }
    lock_give(&s->lock);
    return kick;
}

uint16_t sched_prefer(struct sched *s, uint16_t vcpu, node_t node)
{
    lock_take(&s->lock);
    struct sched_vcpu *v = &s->vcpu[vcpu];
    v->node = node;
    bool away = v->state == SCHED_RUNNING && !at_home(s, v, v->cpu);
    uint16_t kick = call(s, away ? v->cpu : (uint16_t)SCHED_NONE);
    lock_give(&s->lock);
    return kick;
}

uint64_t sched_used(struct sched *s, uint16_t vcpu, uint64_t now)
{
    lock_take(&s->lock);
    advance(s, now);
    struct sched_vcpu *v = &s->vcpu[vcpu];
    if (v->state == SCHED_RUNNING)
        charge(s, v);
    uint64_t used = v->used;
    lock_give(&s->lock);
    return used;
}

void sched_add(struct sched *s, uint16_t vcpu)
{
    lock_take(&s->lock);
    struct sched_vcpu *v = &s->vcpu[vcpu];
    if (v->state == SCHED_ABSENT) {
        v->state = SCHED_HALTED;
        v->wake_at = UINT64_MAX;
        v->virtual = s->fair;
        if (vcpu >= s->vcpus)
            s->vcpus = vcpu + 1u;
    }
    lock_give(&s->lock);
}

uint16_t sched_remove(struct sched *s, uint16_t vcpu, uint64_t now)
{
    lock_take(&s->lock);
    advance(s, now);
    struct sched_vcpu *v = &s->vcpu[vcpu];
    if (v->state == SCHED_RUNNING)
        charge(s, v);
    if (v->state == SCHED_RUNNING || v->state == SCHED_READY)
        s->runnable--;
    v->state = SCHED_ABSENT;
    if (v->held != SCHED_NONE)
        call_at(s, v->held, 0);
    uint16_t held = v->held;
    lock_give(&s->lock);
    return held;
}

bool sched_quiet(struct sched *s, uint16_t vcpu)
{
    lock_take(&s->lock);
    bool quiet = s->vcpu[vcpu].state == SCHED_ABSENT && s->vcpu[vcpu].held == SCHED_NONE;
    lock_give(&s->lock);
    return quiet;
}

void sched_init(struct sched *s, uint32_t cpus, const node_t *cpu_node, uint64_t slice_ns)
{
    __builtin_memset(s, 0, sizeof *s);
    s->cpus = cpus;
    s->slice = slice_ns;
    for (uint32_t c = 0; c < cpus; c++) {
        s->cpu_node[c] = cpu_node[c];
        s->running[c] = SCHED_NONE;
    }
    for (uint32_t i = 0; i < SCHED_VCPUS; i++)
        s->vcpu[i] = (struct sched_vcpu){.node = NODE_NONE, .cpu = SCHED_NONE, .held = SCHED_NONE};
}
