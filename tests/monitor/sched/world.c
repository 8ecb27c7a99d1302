/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/sched/world.h"

#include <string.h>

enum { STEP = 4000, KICK_NS = 40000, SWITCH_NS = 8000 };

static uint64_t draw(struct world *w, uint64_t below)
{
    w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return below ? (w->random >> 24) % below : 0;
}

/* Somewhere from half to one and a half of it. */
static uint64_t about(struct world *w, uint64_t ns)
{
    return ns / 2 + draw(w, ns + 1);
}

static void broke(struct world *w, const char *what)
{
    if (!w->broken)
        w->broken = what;
}

void world_init(struct world *w, uint64_t seed, uint32_t cpus, const node_t *cpu_node, uint64_t slice)
{
    memset(w, 0, sizeof *w);
    w->random = seed * 2 + 1;
    w->ncpus = cpus;
    sched_init(&w->sched, cpus, cpu_node, slice);
    for (uint32_t c = 0; c < cpus; c++)
        w->cpu[c] = (struct world_cpu){.kicked = UINT64_MAX, .held = SCHED_NONE};
}

uint16_t world_add(struct world *w, struct world_habit habit, node_t node)
{
    uint16_t n = (uint16_t)w->nvcpus++;
    w->vcpu[n] =
        (struct world_vcpu){.habit = habit, .event = habit.from, .pending = UINT64_MAX, .timer = UINT64_MAX, .on = -1};
    w->vcpu[n].left = habit.burst ? about(w, habit.burst) : UINT64_MAX;
    sched_add(&w->sched, n);
    sched_prefer(&w->sched, n, node);
    return n;
}

static void kick(struct world *w, uint16_t cpu)
{
    if (cpu == SCHED_NONE)
        return;
    uint64_t at = w->now + draw(w, KICK_NS);
    if (at < w->cpu[cpu].kicked)
        w->cpu[cpu].kicked = at;
}

void world_prefer(struct world *w, uint16_t n, node_t node)
{
    kick(w, sched_prefer(&w->sched, n, node));
}

static void send_events(struct world *w)
{
    for (uint16_t n = 0; n < w->nvcpus; n++) {
        struct world_vcpu *v = &w->vcpu[n];
        if (w->now < v->event)
            continue;
        v->event = UINT64_MAX;
        v->pending = w->now;
        kick(w, sched_wake(&w->sched, n, w->now));
    }
}

static void put_away(struct world *w, uint32_t c)
{
    struct world_cpu *cpu = &w->cpu[c];
    if (w->vcpu[cpu->held].on != (int)c)
        broke(w, "state put away that this CPU does not have");
    w->vcpu[cpu->held].on = -1;
    kick(w, sched_release(&w->sched, cpu->held, w->now));
    cpu->time += draw(w, SWITCH_NS);
}

static void pick(struct world *w, uint32_t c)
{
    struct world_cpu *cpu = &w->cpu[c];
    uint16_t also;
    uint16_t next = sched_pick(&w->sched, (uint16_t)c, w->now, &also);
    kick(w, also);
    cpu->until = sched_due(&w->sched, (uint16_t)c);
    if (next == cpu->held)
        return;
    if (cpu->held != SCHED_NONE)
        put_away(w, c);
    cpu->held = next;
    if (next == SCHED_NONE)
        return;
    if (w->vcpu[next].on >= 0)
        broke(w, "a virtual CPU on two CPUs");
    w->vcpu[next].on = (int)c;
    cpu->time += draw(w, SWITCH_NS);
}

static void see_events(struct world *w, struct world_vcpu *v)
{
    if (v->timer <= w->now) {
        if (v->pending > v->timer)
            v->pending = v->timer;
        v->timer = UINT64_MAX;
    }
    if (v->pending != UINT64_MAX && w->now - v->pending > v->worst)
        v->worst = w->now - v->pending;
    if (v->pending != UINT64_MAX && v->left == 0)
        v->left = about(w, v->habit.burst);
    v->pending = UINT64_MAX;
}

/* It halts; what comes between its last look and the halt must not be lost. */
static void halt(struct world *w, uint32_t c, struct world_vcpu *v)
{
    uint64_t at = w->now + about(w, v->habit.sleep);
    if (v->habit.timer)
        v->timer = at;
    else if (v->event == UINT64_MAX)
        v->event = draw(w, 8) ? at : w->now;
    if (draw(w, 4) == 0)
        send_events(w);
    sched_halt(&w->sched, (uint16_t)c, w->now, v->timer);
    pick(w, c);
}

/* One step of a guest: at most until something happens. */
static void run(struct world *w, uint32_t c, uint64_t passed)
{
    struct world_vcpu *v = &w->vcpu[w->cpu[c].held];
    sched_enter(&w->sched, w->cpu[c].held);
    see_events(w, v);
    v->ran += passed;
    node_t node = w->sched.vcpu[w->cpu[c].held].node;
    if (node == NODE_NONE || node == w->sched.cpu_node[c])
        v->home += passed;
    if (!v->habit.burst)
        return;
    v->left = v->left > passed ? v->left - passed : 0;
    if (v->left == 0)
        halt(w, c, v);
}

static void step_cpu(struct world *w, uint32_t c)
{
    struct world_cpu *cpu = &w->cpu[c];
    if (w->now < cpu->time)
        return;
    bool kicked = w->now >= cpu->kicked;
    if (kicked)
        cpu->kicked = UINT64_MAX;
    /* A CPU looks around only when its timer fires or somebody kicks it: its guest need not exit by itself. */
    if ((kicked || w->now >= cpu->until) && w->now >= sched_due(&w->sched, (uint16_t)c))
        pick(w, c);
    if (cpu->held == SCHED_NONE)
        cpu->idle += STEP;
    else
        run(w, c, STEP);
}

static void check_waiting(struct world *w)
{
    bool idle = false;
    for (uint32_t c = 0; c < w->ncpus; c++)
        idle |= w->cpu[c].held == SCHED_NONE;
    for (uint32_t n = 0; idle && n < w->nvcpus; n++) {
        const struct sched_vcpu *s = &w->sched.vcpu[n];
        if (s->state == SCHED_READY && s->held == SCHED_NONE && w->now - s->since > w->waited)
            w->waited = w->now - s->since;
    }
}

void world_run(struct world *w, uint64_t until)
{
    for (; w->now < until && !w->broken; w->now += STEP) {
        send_events(w);
        for (uint32_t c = 0; c < w->ncpus; c++)
            step_cpu(w, c);
        if (w->now % 20000 == 0)
            check_waiting(w);
    }
}
