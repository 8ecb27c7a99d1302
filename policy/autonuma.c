/* SPDX-License-Identifier: BSD-2-Clause
 *
 * autonuma: Linux NUMA balancing, mode 1: a page that faults on another node than before the fault moves there, once
 * two faults in a row came from that node, or the task is the same.
 *
 * Scanner, periods and the clock: policy/hint_scan.h. Per page the last fault is kept: 8 bits of the task's number and
 * the node, as the kernel's page flags do.
 *
 * A hint fault of a task on node `dst` for a page on `src`, in this order:
 *   no preferred node yet or the first 4 scans, and (no fault before, or the same task)   move
 *   the fault before was on another node than dst                                        stay (two-stage filter)
 *   the same task                                                                        move
 *   the task shares no memory with others                                                move
 *   faults by CPUs of dst > 3 x those by CPUs of src                                     move
 *   cpu(dst) x mem(src) x 3 > cpu(src) x mem(dst) x 4                                    move
 *   else                                                                                 stay
 * and a move only while dst has more than its high watermark free (policy/zone.h); else it failed, and scanning slows
 * down.
 *
 * Faults count per node of the memory and per node of the CPU; a first fault and one of the same task are private. When
 * a scan is complete (at the first fault after it, not by time) all counts are halved and those of that scan added, the
 * CPU's normalised to 65536 per task; the preferred node is the one with most faults; a node is active with more than a
 * third of the greatest CPU count. A shared fault from one active node to another counts as local.
 *
 * Tasks that faulted on each other's pages form one group; the group's counts are those of all tasks of the trace.
 * Tasks themselves are never moved. A trace of several processes is scanned like one.
 *
 * Parameters: the scanner's (delay 1 s, 1 s to 60 s, 256 MB), active (3), early (4 scans), tick_ns (4 ms, a jiffy at
 * 250 Hz).
 *
 * Slot: 3 bytes. State: 4 bytes per node for each of 256 tasks. Source: Linux 6.3 kernel/sched/fair.c
 * (should_numa_migrate_memory, task_numa_fault, task_numa_placement), mm/migrate.c, mm/mempolicy.c.
 */
#include "policy/hint_scan.h"
#include "policy/zone.h"

enum { TICK, SCAN, ACTIVE = SCAN + 7, EARLY };
enum { TASKS = 256, CPU_WEIGHT = 65536 };

/* Reasons in orders; the node the page leaves in the upper byte, sharing in bit 7. */
enum autonuma_reason { AUTONUMA_EARLY = 1, AUTONUMA_SAME_TASK = 2, AUTONUMA_ALONE = 3, AUTONUMA_WEIGHTS = 4 };
enum { STAY = 0, SHARED_BIT = 0x80 };

struct autonuma {
    struct hint_scan scan;
    struct zone zone;
    uint64_t active_fraction, early;
    uint64_t mem[NODE_MAX][2], mem_fresh[NODE_MAX][2]; /* [node][private] faults on that node's memory */
    uint64_t cpu[NODE_MAX], cpu_most;                  /* faults by CPUs of the node, 65536 per task and scan */
    uint64_t in_group[TASKS / 64];
    uint32_t nodes, active, sequence;
    bool has_preferred; /* a node has had faults */
    uint32_t fresh[];   /* [task * nodes + node] faults by the task's CPUs since the last completed scan */
};

struct slot {
    uint8_t task;
    node_t node;
    bool known;
};

static size_t state_size(const struct view *v, const uint64_t *param)
{
    (void)param;
    return sizeof(struct autonuma) + (size_t)TASKS * v->topology->nodes * sizeof(uint32_t);
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct autonuma *a = state;
    hint_scan_init(&a->scan, param + SCAN);
    zone_init(&a->zone, v->topology);
    a->active_fraction = param[ACTIVE];
    a->early = param[EARLY];
    a->nodes = v->topology->nodes;
    return 0;
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    struct autonuma *a = state;
    (void)page;
    hint_scan_touch(&a->scan);
    return zone_place(&a->zone, v, toucher);
}

static bool grouped(const struct autonuma *a, uint8_t task)
{
    return a->in_group[task / 64] >> (task % 64) & 1;
}

static void join(struct autonuma *a, uint8_t task)
{
    a->in_group[task / 64] |= (uint64_t)1 << (task % 64);
}

static bool is_active(const struct autonuma *a, node_t node)
{
    return a->cpu[node] * a->active_fraction > a->cpu_most;
}

static void add_memory_faults(struct autonuma *a)
{
    for (uint32_t n = 0; n < a->nodes; n++)
        for (unsigned private = 0; private < 2; private ++) {
            a->mem[n][private] += a->mem_fresh[n][private] - a->mem[n][private] / 2;
            a->mem_fresh[n][private] = 0;
        }
}

/* A task counts the same however often it faulted. */
static void add_cpu_faults(struct autonuma *a)
{
    for (uint32_t n = 0; n < a->nodes; n++)
        a->cpu[n] -= a->cpu[n] / 2;
    for (uint32_t task = 0; task < TASKS; task++) {
        uint32_t *fresh = a->fresh + (size_t)task * a->nodes;
        uint64_t total = 0;
        for (uint32_t n = 0; n < a->nodes; n++)
            total += fresh[n];
        for (uint32_t n = 0; total && n < a->nodes; n++) {
            a->cpu[n] += (uint64_t)CPU_WEIGHT * fresh[n] / (total + 1);
            fresh[n] = 0;
        }
    }
}

static void choose_nodes(struct autonuma *a)
{
    a->cpu_most = 0;
    for (uint32_t n = 0; n < a->nodes; n++) {
        a->has_preferred |= a->mem[n][0] || a->mem[n][1];
        a->cpu_most = a->cpu[n] > a->cpu_most ? a->cpu[n] : a->cpu_most;
    }
    a->active = 0;
    for (uint32_t n = 0; n < a->nodes; n++)
        a->active += is_active(a, (node_t)n);
}

/* What the kernel does at the first fault after a completed scan. */
static void evaluate(struct autonuma *a, const struct topology *t)
{
    struct hint_scan_group *g = &a->scan.group;
    a->sequence = a->scan.sequence;
    add_memory_faults(a);
    add_cpu_faults(a);
    choose_nodes(a);
    *g = (struct hint_scan_group){0};
    for (unsigned i = 0; i < TASKS / 64; i++)
        g->tasks += nodeset_count(a->in_group[i]);
    for (uint32_t n = 0; n < a->nodes; n++) {
        g->shared += a->mem[n][0];
        g->private += a->mem[n][1];
    }
    hint_scan_adapt(&a->scan, t);
}

static bool weights_favour(const struct autonuma *a, node_t src, node_t dst)
{
    uint64_t to = a->cpu[dst], from = a->cpu[src];
    uint64_t mem_to = a->mem[dst][0] + a->mem[dst][1], mem_from = a->mem[src][0] + a->mem[src][1];
    if (to > from * a->active_fraction)
        return true;
    return (unsigned __int128)to * mem_from * 3 > (unsigned __int128)from * mem_to * 4;
}

/* Why the page should move, or STAY. `s` is the fault before. */
static unsigned decide(const struct autonuma *a, const struct slot *s, uint8_t task, node_t src, node_t dst)
{
    bool same = s->known && s->task == task;
    if ((!a->has_preferred || a->scan.sequence <= a->early) && (!s->known || same))
        return AUTONUMA_EARLY;
    if (s->known && s->node != dst)
        return STAY;
    if (same)
        return AUTONUMA_SAME_TASK;
    if (!grouped(a, task))
        return AUTONUMA_ALONE;
    return weights_favour(a, src, dst) ? AUTONUMA_WEIGHTS : STAY;
}

static void count(struct autonuma *a, const struct slot *s, uint8_t task, node_t at, node_t cpu, bool local)
{
    bool private = !s->known || s->task == task;
    struct hint_scan_faults *f = &a->scan.faults;
    if (!private) {
        join(a, task);
        join(a, s->task);
        local = local || (a->active > 1 && is_active(a, cpu) && is_active(a, at));
    }
    a->mem_fresh[at][private]++;
    a->fresh[(size_t)task * a->nodes + cpu]++;
    f->local += local;
    f->remote += !local;
    f->private += private;
    f->shared += !private;
}

static void fault(struct autonuma *a, const struct view *v, const struct event *e, struct orders *orders)
{
    struct slot *s = view_slot(v, e->page);
    uint8_t task = (uint8_t)e->task;
    node_t src = view_home(v, e->page), dst = e->node, at = src;
    if (src == NODE_NONE)
        return;
    if (a->sequence != a->scan.sequence)
        evaluate(a, v->topology);
    unsigned why = src == dst ? STAY : decide(a, s, task, src, dst);
    if (why != STAY && zone_admits(&a->zone, v, dst)) {
        unsigned shared = s->known && s->task != task ? SHARED_BIT : 0;
        order_push(orders, ORDER_MOVE, e->page, dst, (uint16_t)(why | shared | (unsigned)src << 8));
        at = dst;
    } else if (why != STAY) {
        a->scan.faults.failed++;
    }
    count(a, s, task, at, dst, src == dst);
    *s = (struct slot){.task = task, .node = dst, .known = true};
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct autonuma *a = state;
    for (const struct event *e = event; e < event + n; e++) {
        hint_scan_event(&a->scan, e);
        if (event_kind(e) == EVENT_HINT)
            fault(a, v, e, orders);
    }
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct autonuma *a = state;
    hint_scan_tick(&a->scan, v, now, ~(nodeset_t)0, orders);
}

/* A move that failed: the page's faults were those of memory where it still is. */
static void outcome(void *state, const struct order *o, int err)
{
    struct autonuma *a = state;
    if (o->op != ORDER_MOVE || !err)
        return;
    bool private = !(o->reason & SHARED_BIT);
    a->scan.faults.failed++;
    if (a->mem_fresh[o->node][private]) {
        a->mem_fresh[o->node][private]--;
        a->mem_fresh[o->reason >> 8][private]++;
    }
}

static const struct policy_param params[] = {
    {"tick_ns", 1, 4000000, POLICY_NS_MAX, "ns", "the kernel looks whether a window is due: a jiffy at 250 Hz"},
    HINT_SCAN_PARAMS,
    {"active", 1, 3, 1000, "",
     "a node is active with a share of 1/active of the greatest; and the same to move at once"},
    {"early", 0, 4, UINT32_MAX, "scans", "first scans in which a page moves at its first fault"},
    {0},
};

const struct policy_class policy_autonuma = {
    .name = "autonuma",
    .summary = "Linux NUMA balancing: pages follow their faults, two of a node in a row",
    .source = "Linux 6.3 kernel/sched/fair.c, mm/migrate.c, mm/mprotect.c (numa_balancing = 1)",
    .fidelity = "left out: tasks are not moved, all tasks are one process and one group, no VMA rules; recollected: "
                "the formula of the watermarks; assumed: the cost of marking a page",
    .params = params,
    .signals = SIGNAL_HINTS | SIGNAL_LOAD,
    .tick_ns = 4000000,
    .state_size = state_size,
    .slot_bytes = sizeof(struct slot),
    .init = init,
    .place = place,
    .observe = observe,
    .tick = tick,
    .outcome = outcome,
};
