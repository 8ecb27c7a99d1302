/* SPDX-License-Identifier: BSD-2-Clause
 *
 * autotiering: a page that faults goes to the faulting node; when that is full, to another good node, or in place of a
 * page there that was used in fewer of the last eight scans.
 *
 * Scanner: that of Linux NUMA balancing (policy/hint_scan.h), with its least period. History [S]: 8 bits per page, one
 * per scan, 1 when the page was accessed since the scan before; the level is the number of ones, 0..8. A page begins
 * with all ones. An access after a scan gives the hint, so the bit costs nothing besides. It is kept lazily: a slot
 * knows how many scans have passed the page.
 *
 * Hint fault of a node on a page whose home is another one; the nodes that have more than their high watermark free
 * (policy/zone.h) are open; only nodes with less latency from the faulting one than the home has are looked at:
 *   1. the faulting node is open                                                    MOVE there
 *   2. another node of the same tier is, the nearest first                          MOVE there
 *   3. `opportunistic`: a page on the faulting node has a strictly lower level than this one [S]
 *                                                     MOVE that to the nearest node of a lower tier with room, and this
 *                                                     one there, once its frame is free
 *   4. a node of a lower tier is open, the nearest first                            MOVE there
 *   5. else nothing
 * 3 off is the conservative mode (CPM of the paper), on the opportunistic one (OPM).
 *
 * The original keeps nine lists per node and takes from the lowest. Here a hand goes on through the pages and takes the
 * lowest level among `look` of them. It tracks every tier, the bottom one too.
 *
 * Slot: 8 bytes. Source: Kim, Choe, Ahn, USENIX ATC 2021; its patch at Sys-KU/AutoTiering 577f9ea28.
 */
#include "policy/hint_scan.h"
#include "policy/zone.h"

enum { TICK, OPPORTUNISTIC, LOOK, SCAN };
enum { HISTORY_BITS = 8, WAITING_MAX = 64 };

/* Reasons in orders. */
enum autotiering_reason {
    AUTOTIERING_FAULT = 1,
    AUTOTIERING_SPILL = 2,
    AUTOTIERING_DEMOTE = 3,
    AUTOTIERING_EXCHANGE = 4
};

struct autotiering {
    struct hint_scan scan;
    struct zone zone;
    uint32_t look;
    bool opportunistic;
    page_t hand;
    uint32_t waiting; /* pages for whom a frame was cleared */
    struct {
        page_t page;
        node_t node;
    } wait[WAITING_MAX];
};

struct slot {
    uint32_t
        scans;    /* that the history counts in; so wide that a page left alone for days is not taken for a fresh one */
    uint8_t idle; /* history, inverted: a 1 is a scan without an access */
    bool accessed;
};

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct autotiering *a = state;
    hint_scan_init(&a->scan, param + SCAN);
    zone_init(&a->zone, v->topology);
    a->look = (uint32_t)param[LOOK];
    a->opportunistic = param[OPPORTUNISTIC];
    return 0;
}

/* Scans that have passed the page. */
static uint32_t scans_of(const struct autotiering *a, page_t page)
{
    return a->scan.sequence + (page < a->scan.at);
}

static node_t place(void *state, const struct view *v, page_t page, node_t toucher)
{
    struct autotiering *a = state;
    struct slot *s = view_slot(v, page);
    *s = (struct slot){.accessed = true, .scans = scans_of(a, page)};
    hint_scan_touch(&a->scan);
    return zone_place(&a->zone, v, toucher);
}

/* The first scan since the slot was last brought up to date found what `accessed` says, all later ones nothing. */
static void bring_up(const struct autotiering *a, struct slot *s, page_t page)
{
    uint32_t scans = scans_of(a, page) - s->scans;
    if (!scans)
        return;
    uint32_t idle = (uint32_t)s->idle << 1 | !s->accessed;
    uint32_t more = scans - 1 < HISTORY_BITS ? scans - 1 : HISTORY_BITS;
    s->idle = (uint8_t)(idle << more | ((1u << more) - 1));
    s->accessed = false;
    s->scans += scans;
}

static unsigned level_of(const struct autotiering *a, const struct view *v, page_t page)
{
    struct slot *s = view_slot(v, page);
    bring_up(a, s, page);
    return HISTORY_BITS - nodeset_count(s->idle);
}

/* The nearest open node, from the faulting one, of its tier (or of those below), nearer than the home. */
static node_t open_node(const struct autotiering *a, const struct view *v, node_t from, node_t home, bool below)
{
    const struct topology *t = v->topology;
    node_t best = home;
    for (uint32_t i = 0; i < t->nodes; i++) {
        node_t n = (node_t)i;
        bool fits = below ? t->tier[n] > t->tier[from] : t->tier[n] == t->tier[from];
        if (fits && zone_admits(&a->zone, v, n) && topology_latency(t, from, n) < topology_latency(t, from, best))
            best = n;
    }
    return best == home ? (node_t)NODE_NONE : best;
}

/* The nearest node of the tiers below `node` that has more than its min watermark free. */
static node_t demotion_node(const struct autotiering *a, const struct view *v, node_t node)
{
    const struct topology *t = v->topology;
    node_t best = NODE_NONE;
    for (uint32_t i = 0; i < t->nodes; i++) {
        node_t n = (node_t)i;
        if (t->tier[n] <= t->tier[node] || v->free[n] <= a->zone.min[n])
            continue;
        if (best == NODE_NONE || topology_latency(t, node, n) < topology_latency(t, node, best))
            best = n;
    }
    return best;
}

/* The page of least level on the node, below `level`, among the next ones; PAGE_NONE: there is none. */
static page_t victim_on(struct autotiering *a, const struct view *v, node_t node, unsigned level)
{
    page_t victim = PAGE_NONE;
    for (uint32_t i = 0; i < a->look && i < v->npages; i++) {
        page_t page = a->hand;
        a->hand = page + 1 < v->npages ? page + 1 : 0;
        if (view_home(v, page) != node)
            continue;
        unsigned other = level_of(a, v, page);
        if (other >= level)
            continue;
        level = other;
        victim = page;
        if (!other)
            break;
    }
    return victim;
}

/* Clears a frame on the node for the page. */
static bool exchange(struct autotiering *a, const struct view *v, page_t page, node_t node, struct orders *o)
{
    node_t below = demotion_node(a, v, node);
    if (!a->opportunistic || below == NODE_NONE || a->waiting == WAITING_MAX)
        return false;
    page_t victim = victim_on(a, v, node, level_of(a, v, page));
    if (victim == PAGE_NONE)
        return false;
    order_push(o, ORDER_MOVE, victim, below, AUTOTIERING_DEMOTE);
    a->wait[a->waiting].page = page;
    a->wait[a->waiting++].node = node;
    return true;
}

static void serve_waiting(struct autotiering *a, const struct view *v, struct orders *o)
{
    for (uint32_t i = 0; i < a->waiting; i++)
        if (view_copies(v, a->wait[i].page) && v->free[a->wait[i].node])
            order_push(o, ORDER_MOVE, a->wait[i].page, a->wait[i].node, AUTOTIERING_EXCHANGE);
    a->waiting = 0;
}

static void fault(struct autotiering *a, const struct view *v, const struct event *e, struct orders *o)
{
    struct slot *s = view_slot(v, e->page);
    node_t home = view_home(v, e->page), to = e->node;
    bring_up(a, s, e->page);
    s->accessed = true;
    if (home == NODE_NONE || topology_latency(v->topology, to, to) >= topology_latency(v->topology, to, home))
        return;
    if (zone_admits(&a->zone, v, to)) {
        order_push(o, ORDER_MOVE, e->page, to, AUTOTIERING_FAULT);
        return;
    }
    node_t other = open_node(a, v, to, home, false);
    if (other == NODE_NONE) {
        if (exchange(a, v, e->page, to, o))
            return;
        other = open_node(a, v, to, home, true);
    }
    if (other != NODE_NONE)
        order_push(o, ORDER_MOVE, e->page, other, AUTOTIERING_SPILL);
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct autotiering *a = state;
    serve_waiting(a, v, orders);
    for (const struct event *e = event; e < event + n; e++) {
        hint_scan_event(&a->scan, e);
        if (event_kind(e) == EVENT_HINT)
            fault(a, v, e, orders);
    }
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct autotiering *a = state;
    serve_waiting(a, v, orders);
    hint_scan_tick(&a->scan, v, now, ~(nodeset_t)0, orders);
}

static const struct policy_param params[] = {
    {"tick_ns", 1000, 4000000, POLICY_NS_MAX, "ns", "time between two steps of the scanner (a jiffy at 250 Hz)"},
    {"opportunistic", 0, 1, 1, "", "1: demote pages of lower level from a full node (OPM); 0: do not (CPM)"},
    {"look", 1, 512, 65536, "pages", "looked at for one to be demoted"},
    HINT_SCAN_PARAMS,
    {0},
};

const struct policy_class policy_autotiering = {
    .name = "autotiering",
    .summary = "pages follow hint faults; on a full node, in place of one used in fewer of eight scans",
    .source = "Kim, Choe, Ahn (AutoTiering), USENIX ATC 2021; patch Sys-KU/AutoTiering 577f9ea28",
    .fidelity = "left out: nine lists per node (a hand looks for the victim), exchange in place, background demotion, "
                "file cache first, huge pages",
    .params = params,
    .signals = SIGNAL_HINTS | SIGNAL_LOAD,
    .tick_ns = 4000000,
    .state_bytes = sizeof(struct autotiering),
    .slot_bytes = sizeof(struct slot),
    .init = init,
    .place = place,
    .observe = observe,
    .tick = tick,
};
