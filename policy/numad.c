/* SPDX-License-Identifier: BSD-2-Clause
 *
 * numad: whole tasks: all the memory of a busy task is brought to the fewest nodes that hold it and on which it runs.
 *
 * Every interval, for each task that was seen in at least cpu_min of the ticks and owns at least memory_min:
 *   magnitude of a node = the task's share of misses from there x (frames free there + its own pages there)
 *   the nodes of greatest magnitude are taken until they give `utilisation` of the task's misses, and its pages fill no
 *   more than `utilisation` of their frames free or its own; where no set does, the task is left alone
 *   less than `locality` of its pages in that set: all of its pages outside are moved into it, each to the node of the
 *   set with most room
 * The interval is interval_min_ns after one in which something was to be moved, else twice as long as before, at most
 * interval_max_ns.
 *
 * numad binds the task's threads to the set as well and weighs nodes by their free CPU time; here threads stay where
 * they are, and a node's share of the misses stands for the CPU time that the task has there. numad knows from /proc
 * which pages are a process's; here a task is taken as a process, and a page belongs to the task that leads in a
 * majority vote of the observed misses. Tasks are told apart by 8 bits. Its options for huge pages, hyper-threads and
 * file caches have no counterpart.
 *
 * Counting and moving go through the pages in steps of 65536 a tick.
 *
 * Slot: 4 bytes. State: 8 bytes per node for each of 256 tasks. Source: numad(8): -i 5:15, -u 85, -m 90.
 */
#include "policy/policy.h"
#include "policy/touch.h"

enum { TICK, INTERVAL_MIN, INTERVAL_MAX, UTILISATION, LOCALITY, CPU_MIN, MEMORY_MIN };
enum { TASKS = 256, STEP = 65536, PERCENT = 100, SHARES = 1024, VOTES_MAX = UINT16_MAX };
#define ROOM_MAX (UINT64_C(1) << 40)

/* Reason in orders. */
enum numad_reason { NUMAD_BIND = 1 };

enum phase { WAITING, COUNTING, MOVING };

struct task {
    uint64_t misses, pages; /* of the interval; owned */
    nodeset_t set;          /* where its pages shall be; empty: they stay */
    uint32_t ticks;         /* in which it was seen */
    bool seen;
};

struct numad {
    uint64_t interval_min, interval_max, memory_min; /* pages */
    uint64_t interval, due;
    uint64_t given[NODE_MAX]; /* frames promised in this tick */
    uint32_t utilisation, locality, cpu_min, nodes, ticks;
    enum phase phase;
    page_t at;
    bool moved;
    struct task task[TASKS];
    uint32_t counts[]; /* [(task * nodes + node) * 2]: misses from there, pages owned there */
};

struct slot {
    uint16_t owner; /* task + 1; 0: none */
    uint16_t votes; /* lead of the owner over all others */
};

static size_t counts_bytes(uint32_t nodes)
{
    return (size_t)TASKS * nodes * 2 * sizeof(uint32_t);
}

static size_t state_size(const struct view *v, const uint64_t *param)
{
    (void)param;
    return sizeof(struct numad) + counts_bytes(v->topology->nodes);
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct numad *s = state;
    s->interval_min = s->interval = s->due = param[INTERVAL_MIN];
    s->interval_max = param[INTERVAL_MAX];
    s->utilisation = (uint32_t)param[UTILISATION];
    s->locality = (uint32_t)param[LOCALITY];
    s->cpu_min = (uint32_t)param[CPU_MIN];
    s->memory_min = param[MEMORY_MIN] / v->topology->page_size;
    s->nodes = v->topology->nodes;
    return s->interval_min <= s->interval_max ? 0 : ERR_INVAL;
}

static uint32_t *misses_of(struct numad *s, uint32_t task, uint32_t node)
{
    return &s->counts[((size_t)task * s->nodes + node) * 2];
}

static uint32_t *pages_of(struct numad *s, uint32_t task, uint32_t node)
{
    return misses_of(s, task, node) + 1;
}

static void vote(struct slot *slot, uint16_t task)
{
    if (slot->owner == task + 1)
        slot->votes = (uint16_t)(slot->votes + (slot->votes < VOTES_MAX));
    else if (slot->votes)
        slot->votes--;
    else
        *slot = (struct slot){.owner = (uint16_t)(task + 1), .votes = 1};
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct numad *s = state;
    (void)orders;
    for (const struct event *e = event; e < event + n; e++) {
        if (event_kind(e) > EVENT_WRITE)
            continue;
        uint16_t task = e->task % TASKS;
        vote(view_slot(v, e->page), task);
        s->task[task].seen = true;
        s->task[task].misses++;
        ++*misses_of(s, task, e->node);
    }
}

/* Frames that the task could have on the node. */
static uint64_t room(struct numad *s, const struct view *v, uint32_t task, uint32_t node)
{
    uint64_t free = v->free[node] < ROOM_MAX ? v->free[node] : ROOM_MAX;
    return free + *pages_of(s, task, node);
}

static node_t next_node(struct numad *s, const struct view *v, uint32_t task, nodeset_t taken)
{
    uint64_t most = 0;
    node_t best = NODE_NONE;
    for (uint32_t n = 0; n < s->nodes; n++) {
        uint64_t share = (uint64_t)*misses_of(s, task, n) * SHARES / s->task[task].misses;
        uint64_t magnitude = share * room(s, v, task, n);
        if (!nodeset_has(taken, (node_t)n) && magnitude > most) {
            most = magnitude;
            best = (node_t)n;
        }
    }
    return best;
}

/* The smallest set that fits; empty: none does. */
static nodeset_t smallest_set(struct numad *s, const struct view *v, uint32_t task)
{
    const struct task *t = &s->task[task];
    uint64_t misses = 0, frames = 0;
    nodeset_t set = 0;
    for (;;) {
        node_t node = next_node(s, v, task, set);
        if (node == NODE_NONE)
            return 0;
        set |= nodeset_of(node);
        misses += *misses_of(s, task, node);
        frames += room(s, v, task, node);
        if (misses * PERCENT >= t->misses * s->utilisation && t->pages * PERCENT <= frames * s->utilisation)
            return set;
    }
}

static nodeset_t decide(struct numad *s, const struct view *v, uint32_t task)
{
    const struct task *t = &s->task[task];
    if (!t->misses || !t->pages || t->pages < s->memory_min ||
        (uint64_t)t->ticks * PERCENT < (uint64_t)s->ticks * s->cpu_min)
        return 0;
    nodeset_t set = smallest_set(s, v, task);
    uint64_t inside = 0;
    for (uint32_t n = 0; n < s->nodes; n++)
        inside += nodeset_has(set, (node_t)n) ? *pages_of(s, task, n) : 0;
    return inside * PERCENT < t->pages * s->locality ? set : 0;
}

static void begin_count(struct numad *s)
{
    for (uint32_t task = 0; task < TASKS; task++) {
        s->task[task].pages = 0;
        for (uint32_t n = 0; n < s->nodes; n++)
            *pages_of(s, task, n) = 0;
    }
    s->phase = COUNTING;
    s->at = 0;
}

static void count(struct numad *s, const struct view *v)
{
    for (uint32_t i = 0; i < STEP && s->at < v->npages; i++, s->at++) {
        const struct slot *slot = view_slot(v, s->at);
        node_t home = view_home(v, s->at);
        if (!slot->owner || home == NODE_NONE)
            continue;
        s->task[slot->owner - 1].pages++;
        ++*pages_of(s, slot->owner - 1u, home);
    }
}

static void begin_moves(struct numad *s, const struct view *v)
{
    bool any = false;
    for (uint32_t task = 0; task < TASKS; task++) {
        struct task *t = &s->task[task];
        t->set = decide(s, v, task);
        any |= t->set != 0;
        t->misses = t->ticks = 0;
        for (uint32_t n = 0; n < s->nodes; n++)
            *misses_of(s, task, n) = 0;
    }
    s->moved = any;
    s->ticks = 0;
    s->phase = MOVING;
    s->at = any ? 0 : v->npages;
}

static node_t roomiest(const struct numad *s, const struct view *v, nodeset_t set)
{
    node_t best = NODE_NONE;
    uint64_t most = 0;
    for (; set; set &= set - 1) {
        node_t node = nodeset_first(set);
        uint64_t left = v->free[node] > s->given[node] ? v->free[node] - s->given[node] : 0;
        if (left > most) {
            most = left;
            best = node;
        }
    }
    return best;
}

static void move(struct numad *s, const struct view *v, struct orders *orders)
{
    __builtin_memset(s->given, 0, sizeof s->given);
    for (uint32_t i = 0; i < STEP && s->at < v->npages && orders->n < orders->max; i++, s->at++) {
        const struct slot *slot = view_slot(v, s->at);
        node_t home = view_home(v, s->at);
        nodeset_t set = slot->owner ? s->task[slot->owner - 1].set : 0;
        if (!set || home == NODE_NONE || nodeset_has(set, home))
            continue;
        node_t to = roomiest(s, v, set);
        if (to == NODE_NONE)
            continue;
        s->given[to]++;
        order_push(orders, ORDER_MOVE, s->at, to, NUMAD_BIND);
    }
}

static void end_moves(struct numad *s, uint64_t now)
{
    uint64_t twice = s->interval < s->interval_max / 2 ? s->interval * 2 : s->interval_max;
    s->interval = s->moved ? s->interval_min : twice;
    s->due = now + s->interval;
    s->phase = WAITING;
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct numad *s = state;
    s->ticks++;
    for (uint32_t task = 0; task < TASKS; task++) {
        s->task[task].ticks += s->task[task].seen;
        s->task[task].seen = false;
    }
    if (s->phase == WAITING && now >= s->due)
        begin_count(s);
    if (s->phase == COUNTING) {
        count(s, v);
        if (s->at >= v->npages)
            begin_moves(s, v);
    }
    if (s->phase == MOVING) {
        move(s, v, orders);
        if (s->at >= v->npages)
            end_moves(s, now);
    }
}

static const struct policy_param params[] = {
    {"tick_ns", 1, 100000000, POLICY_NS_MAX, "ns", "tasks seen are counted, pages counted and moved in steps"},
    {"interval_min_ns", 1000, 5000000000, POLICY_NS_MAX, "ns", "between looks, after one that moved something"},
    {"interval_max_ns", 1000, 15000000000, POLICY_NS_MAX, "ns", "between looks, at most"},
    {"utilisation", 1, 85, 100, "percent", "of a set's memory that a task may fill; of its misses that the set gives"},
    {"locality", 0, 90, 100, "percent", "of a task's pages in its set from which it is left alone"},
    {"cpu_min", 0, 50, 100, "percent", "of the ticks in which a task must be seen"},
    {"memory_min", 0, 314572800, UINT64_C(1) << 50, "bytes", "that a task must own"},
    {0},
};

const struct policy_class policy_numad = {
    .name = "numad",
    .summary = "bring all memory of a busy task to the fewest nodes that it runs on",
    .source = "numad(8)",
    .fidelity =
        "recollected: the rule, the limits of 50 % of a CPU and 300 MB, how the interval grows; left out: threads "
        "are not moved; a task is a process, its pages found by its misses",
    .params = params,
    .signals = SIGNAL_MISSES,
    .tick_ns = 100000000,
    .state_size = state_size,
    .slot_bytes = sizeof(struct slot),
    .init = init,
    .place = touch_place,
    .observe = observe,
    .tick = tick,
};
