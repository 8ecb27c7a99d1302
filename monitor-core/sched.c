/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/sched.h"

/* A CPU whose virtual CPU nobody waits for looks again after so many slices: so no wake-up has to kick every CPU. */
enum { ALONE_SLICES = 4 };
/* No fair clock gets further ahead: what was taken while nobody else wanted it is not held against anyone for long. */
enum { LEAD_SLICES = 4 };

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

static void call_again(struct sched *s, uint16_t cpu)
{
    __atomic_store_n(&s->again[cpu], 1, __ATOMIC_RELEASE);
}

/* An idle CPU that suits it better has been told to take it: others leave it alone for a slice. */
static bool is_sent(const struct sched *s, const struct sched_vcpu *v, uint16_t cpu)
{
    return v->cpu != SCHED_NONE && v->cpu != cpu && is_idle(s, v->cpu) && s->again[v->cpu] && handicap(s, v, cpu) > 0 &&
           later(s->now, v->since) < s->slice;
}

static bool can_take(const struct sched_vcpu *v, uint16_t cpu)
{
    return v->state == SCHED_READY && (v->held == SCHED_NONE || v->held == cpu);
}

/* The idle CPU that suits best: the last one, one of its node, any. SCHED_NONE: all are busy. */
static uint16_t idle_for(const struct sched *s, const struct sched_vcpu *v)
{
    uint16_t best = SCHED_NONE;
    for (uint16_t c = 0; c < s->cpus; c++)
        if (is_idle(s, c) && (best == SCHED_NONE || handicap(s, v, c) < handicap(s, v, best)))
            best = c;
    return best;
}

static uint16_t send(struct sched *s, struct sched_vcpu *v, uint16_t cpu)
{
    v->cpu = cpu;
    call_again(s, cpu);
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

/* A busy CPU that runs one far enough ahead of `v` to make room at once; SCHED_NONE: `v` waits for the end of a slice.
 */
static uint16_t busy_for(const struct sched *s, const struct sched_vcpu *v)
{
    uint16_t best = SCHED_NONE;
    uint64_t most = s->slice / 2;
    for (uint16_t c = 0; c < s->cpus; c++) {
        if (is_idle(s, c))
            continue;
        uint64_t gain = later(rank(s, &s->vcpu[s->running[c]], c), rank(s, v, c));
        if (gain > most) {
            most = gain;
            best = c;
        }
    }
    return best;
}

/* Who should look at a virtual CPU that has just become ready. */
static uint16_t place(struct sched *s, struct sched_vcpu *v)
{
    if (v->held != SCHED_NONE) {
        call_again(s, v->held);
        return v->held;
    }
    uint16_t cpu = idle_for(s, v);
    if (cpu != SCHED_NONE)
        return send(s, v, cpu);
    cpu = busy_for(s, v);
    if (cpu != SCHED_NONE)
        call_again(s, cpu);
    return cpu;
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
        if (i != except && can_take(v, cpu) && !is_sent(s, v, cpu) &&
            (best == SCHED_NONE || rank(s, v, cpu) < rank(s, &s->vcpu[best], cpu)))
            best = i;
    }
    return best;
}

/* A CPU at the memory of the one that runs here, idle or busy with a stranger that is not behind. */
static uint16_t way_home(const struct sched *s, const struct sched_vcpu *v, uint16_t cpu)
{
    if (at_home(s, v, cpu))
        return SCHED_NONE;
    for (uint16_t c = 0; c < s->cpus; c++) {
        if (!at_home(s, v, c))
            continue;
        if (is_idle(s, c))
            return c;
        const struct sched_vcpu *there = &s->vcpu[s->running[c]];
        if (!at_home(s, there, c) && rank(s, v, c) + s->slice < rank(s, there, c))
            return c;
    }
    return SCHED_NONE;
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

/* Whoever still waits while a CPU idles is sent there. */
static uint16_t send_waiting(struct sched *s)
{
    for (uint32_t i = 0; i < s->vcpus; i++) {
        struct sched_vcpu *v = &s->vcpu[i];
        if (v->state != SCHED_READY || v->held != SCHED_NONE)
            continue;
        uint16_t cpu = idle_for(s, v);
        if (cpu == SCHED_NONE)
            return SCHED_NONE;
        if (!s->again[cpu])
            return send(s, v, cpu);
    }
    return SCHED_NONE;
}

static bool someone_waits(const struct sched *s)
{
    for (uint32_t i = 0; i < s->vcpus; i++)
        if (s->vcpu[i].state == SCHED_READY)
            return true;
    return false;
}

static uint64_t slice_end(const struct sched *s, const struct sched_vcpu *v)
{
    uint64_t end = v->since + s->slice;
    if (s->runnable > s->cpus)
        return end > s->now ? end : s->now + s->slice;
    return s->now + (at_home(s, v, v->cpu) ? ALONE_SLICES : 1) * s->slice;
}

/* Which of the one that ran here and those that wait runs next; *kick when the former is sent home. */
static uint16_t choose(struct sched *s, uint16_t cpu, uint16_t *kick)
{
    uint16_t ran = settle(s, cpu);
    if (ran != SCHED_NONE) {
        struct sched_vcpu *v = &s->vcpu[ran];
        uint16_t home = later(s->now, v->since) < s->slice ? SCHED_NONE : way_home(s, v, cpu);
        uint16_t other = best_ready(s, cpu, ran);
        if (home == SCHED_NONE && stays(s, v, other == SCHED_NONE ? NULL : &s->vcpu[other], cpu)) {
            if (later(s->now, v->since) >= s->slice)
                v->since = s->now;
            return ran;
        }
        make_ready(s, v);
        s->running[cpu] = SCHED_NONE;
        if (home != SCHED_NONE)
            *kick = send(s, v, home);
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

uint16_t sched_pick(struct sched *s, uint16_t cpu, uint64_t now, uint64_t *until, uint16_t *kick)
{
    lock_take(&s->lock);
    advance(s, now);
    __atomic_store_n(&s->again[cpu], 0, __ATOMIC_RELEASE);
    *kick = SCHED_NONE;
    uint64_t timer = wake_due(s, cpu);
    uint16_t next = choose(s, cpu, kick);
    *until = next == SCHED_NONE ? UINT64_MAX : slice_end(s, &s->vcpu[next]);
    if (timer < *until)
        *until = timer;
    if (*kick == SCHED_NONE)
        *kick = send_waiting(s);
    /* What was sent elsewhere and is not taken within a slice, an idle CPU takes itself. */
    if (next == SCHED_NONE && someone_waits(s) && s->now + s->slice < *until)
        *until = s->now + s->slice;
    __atomic_store_n(&s->until[cpu], *until, __ATOMIC_RELEASE);
    lock_give(&s->lock);
    return next;
}

bool sched_due(struct sched *s, uint16_t cpu, uint64_t now)
{
    return __atomic_load_n(&s->again[cpu], __ATOMIC_ACQUIRE) ||
           now >= __atomic_load_n(&s->until[cpu], __ATOMIC_ACQUIRE);
}

uint16_t sched_release(struct sched *s, uint16_t vcpu, uint64_t now)
{
    lock_take(&s->lock);
    advance(s, now);
    struct sched_vcpu *v = &s->vcpu[vcpu];
    uint16_t kick = SCHED_NONE;
    bool sent = v->cpu != v->held;
    v->held = SCHED_NONE;
    if (v->state == SCHED_READY)
        kick = sent ? send(s, v, v->cpu) : place(s, v);
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
    if (!v || v->state != SCHED_RUNNING)
        call_again(s, cpu);
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

void sched_prefer(struct sched *s, uint16_t vcpu, node_t node)
{
    lock_take(&s->lock);
    s->vcpu[vcpu].node = node;
    lock_give(&s->lock);
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
        call_again(s, v->held);
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
