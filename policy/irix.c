/* SPDX-License-Identifier: BSD-2-Clause
 *
 * irix: the dynamic migration of the Origin 2000: counters of one node against the home's, and all the filters between
 * a request and a move. Migration only.
 *
 * Counting [A]: one counter per node and page, 11 bits wide. A miss of a node whose counter exceeds the home's by more
 * than `threshold` percent of the counter's range (50 [R]) is a request; the page's counters start again from zero.
 * A request passes these filters, in this order:
 *   distance    nodes whose latency to the home is below `distance` percent of the local one do not count as remote
 *   traffic     none while the home's or the node's memory was busier than `traffic` percent (80 [R]) in the last
 *               `traffic_ns`: misses x `line` bytes over the bandwidth, where the machine tells it
 *   melting     a frozen page counts its requests, up to 7; from `melt` percent of that (90 [R]) on it thaws, with this
 *               request
 *   dampening   requests of one node in a row are counted up to 3; those below `dampening` percent of that (90 [R]) are
 *               let pass
 *   freezing    a move back to the node the page came from is a bounce. Bounces are counted up to 7; from `freeze`
 *               percent of that (20 [R]) on the page is frozen
 *   room        a frame must be free on the node
 * Unpegging: a counter that has reached its range says nothing more. Every `unpeg_ns` the counters of pages with one
 * above `unpeg` percent of the range (90 [R]) start again from zero; done when the page is missed on next, or when a
 * hand that goes round the pages comes by.
 *
 * Parameters: the percentages above; unpeg_ns and traffic_ns: 8 ticks of 10 ms [R, the unit too]. Names and mechanisms:
 * the manual page; how its percentages act on small counters is our reading. The class competitive is the same rule
 * with plain filters.
 *
 * Counts misses. Slot: 11 bits per node and 5 bytes: 16 bytes for 8 nodes.
 *
 * Source: SGI manual page migration(5); numbers recollected. No source of SGI's was read.
 */
#include "policy/load.h"
#include "policy/touch.h"

enum { THRESHOLD, DISTANCE, TRAFFIC, LINE, TRAFFIC_NS, FREEZE, MELT, DAMPENING, UNPEG, UNPEG_NS, TICK };
enum { COUNTER_BITS = 11, COUNTER_MAX = 2047, BOUNCES_MAX = 7, MELTS_MAX = 7, ASKED_MAX = 3, HAND_INTERVALS = 128 };

/* Reason in orders. */
enum irix_reason { IRIX_EXCESS = 1 /* misses exceed the home's by more than the threshold */ };

struct irix {
    uint64_t param[TICK + 1];
    uint64_t traffic_begun;
    uint64_t bytes[NODE_MAX]; /* to each node's memory since then */
    nodeset_t busy;
    uint32_t lead; /* least excess that is a request */
    uint32_t head; /* offset of struct head in a slot */
    page_t hand;
    uint64_t interval, interval_end;
};

/* Behind the counters, which are packed without gaps. */
struct head {
    node_t from;     /* 1 + where the page came from; 0: it has not moved */
    node_t asker;    /* 1 + the node of the last request */
    uint8_t bounces; /* low half; high half: requests in a row */
    uint8_t melting; /* low half: requests since the freeze; high half: frozen */
    uint8_t interval;
};

static size_t slot_size(const struct view *v, const uint64_t *param)
{
    (void)param;
    return ((v->topology->nodes * COUNTER_BITS + 7) / 8 + sizeof(struct head) + 7) & ~(size_t)7;
}

static int init(void *state, const struct view *v, const uint64_t *param)
{
    struct irix *x = state;
    __builtin_memcpy(x->param, param, sizeof x->param);
    x->lead = (uint32_t)(param[THRESHOLD] * COUNTER_MAX / 100 + 1);
    x->head = (uint32_t)(slot_size(v, param) - sizeof(struct head));
    x->interval_end = param[UNPEG_NS];
    return 0;
}

/* A counter lies within the four bytes that begin with its first bit's. The head behind it may be among them. */
static inline uint32_t counter(const unsigned char *slot, uint32_t node)
{
    uint32_t bit = node * COUNTER_BITS, word;
    __builtin_memcpy(&word, slot + bit / 8, sizeof word);
    return word >> bit % 8 & COUNTER_MAX;
}

static inline void set_counter(unsigned char *slot, uint32_t node, uint32_t value)
{
    uint32_t bit = node * COUNTER_BITS, word;
    __builtin_memcpy(&word, slot + bit / 8, sizeof word);
    word = (word & ~((uint32_t)COUNTER_MAX << bit % 8)) | value << bit % 8;
    __builtin_memcpy(slot + bit / 8, &word, sizeof word);
}

static void start_again(unsigned char *slot, uint32_t nodes)
{
    for (uint32_t i = 0; i < nodes; i++)
        set_counter(slot, i, 0);
}

/* The first look at the page in a new interval of unpegging control. */
static void unpeg(const struct irix *x, unsigned char *slot, struct head *h, uint32_t nodes)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < nodes; i++)
        most = counter(slot, i) > most ? counter(slot, i) : most;
    if (most * 100 > x->param[UNPEG] * COUNTER_MAX)
        start_again(slot, nodes);
    h->interval = (uint8_t)x->interval;
}

static bool is_far(const struct irix *x, const struct topology *t, node_t node, node_t home)
{
    return (uint64_t)topology_latency(t, node, home) * 100 >= topology_latency(t, node, node) * x->param[DISTANCE];
}

/* True: the page is frozen, and this request does not thaw it. */
static bool stays_frozen(const struct irix *x, struct head *h)
{
    if (!(h->melting >> 4))
        return false;
    unsigned requests = (h->melting & 15u) + 1;
    h->melting = (uint8_t)(1 << 4 | requests);
    if (requests * 100 < x->param[MELT] * MELTS_MAX)
        return true;
    h->melting = 0;
    h->bounces &= 0xf0;
    return false;
}

/* True: the move would be one bounce too many. */
static bool freezes(const struct irix *x, struct head *h, node_t node)
{
    unsigned bounces = (h->bounces & 15u) + 1;
    if (h->from != node + 1)
        return false;
    h->bounces = (uint8_t)((h->bounces & 0xf0) | bounces);
    if (bounces * 100 < x->param[FREEZE] * BOUNCES_MAX)
        return false;
    h->melting = 1 << 4;
    return true;
}

static bool dampened(const struct irix *x, struct head *h, node_t node)
{
    unsigned asked = 1u + (h->asker == node + 1 ? h->bounces >> 4 : 0);
    bool pass = asked * 100 < x->param[DAMPENING] * ASKED_MAX;
    h->asker = (node_t)(node + 1);
    h->bounces = (uint8_t)((h->bounces & 15) | (pass ? asked : 0) << 4);
    return pass;
}

static void request(const struct irix *x, const struct view *v, unsigned char *slot, const struct event *e, node_t home,
                    struct orders *orders)
{
    struct head *h = (struct head *)(void *)(slot + x->head);
    start_again(slot, v->topology->nodes);
    if (!is_far(x, v->topology, e->node, home) || nodeset_has(x->busy, home) || nodeset_has(x->busy, e->node))
        return;
    if (stays_frozen(x, h) || dampened(x, h, e->node) || freezes(x, h, e->node) || !v->free[e->node])
        return;
    h->from = (node_t)(home + 1);
    order_push(orders, ORDER_MOVE, e->page, e->node, IRIX_EXCESS);
}

/* Pages keep 8 bits of the interval of their last look. A hand looks at every page within 128 intervals, so that a page
 * that rested for 256 of them is not taken for one of this interval. To look early changes nothing: without a miss, the
 * counters stay. */
static void look_round(struct irix *x, const struct view *v, uint64_t intervals)
{
    uint64_t pages = (v->npages / HAND_INTERVALS + 1) * (intervals < HAND_INTERVALS ? intervals : HAND_INTERVALS);
    for (; pages && v->npages; pages--) {
        unsigned char *slot = view_slot(v, x->hand);
        unpeg(x, slot, (struct head *)(void *)(slot + x->head), v->topology->nodes);
        x->hand = x->hand + 1 < v->npages ? x->hand + 1 : 0;
    }
}

static void __attribute__((noinline)) next_interval(struct irix *x, const struct view *v, uint64_t time)
{
    uint64_t length = x->param[UNPEG_NS], start = time - time % length, before = x->interval;
    x->interval = time / length;
    x->interval_end = start > UINT64_MAX - length ? UINT64_MAX : start + length;
    look_round(x, v, x->interval - before);
}

static void observe(void *state, const struct view *v, const struct event *event, size_t n, struct orders *orders)
{
    struct irix *x = state;
    for (const struct event *e = event; e < event + n; e++) {
        if (event_kind(e) > EVENT_WRITE)
            continue;
        if (__builtin_expect(e->time >= x->interval_end, 0))
            next_interval(x, v, e->time);
        unsigned char *slot = view_slot(v, e->page);
        struct head *h = (struct head *)(void *)(slot + x->head);
        if (h->interval != (uint8_t)x->interval)
            unpeg(x, slot, h, v->topology->nodes);
        node_t home = view_home(v, e->page);
        uint32_t count = counter(slot, e->node) + event_weight(e);
        count = count < COUNTER_MAX ? count : COUNTER_MAX;
        set_counter(slot, e->node, count);
        if (home != e->node && home != NODE_NONE && count >= counter(slot, home) + x->lead)
            request(x, v, slot, e, home, orders);
    }
}

static void tick(void *state, const struct view *v, uint64_t now, struct orders *orders)
{
    struct irix *x = state;
    const struct topology *t = v->topology;
    (void)orders;
    for (uint32_t from = 0; from < t->nodes; from++)
        for (uint32_t to = 0; to < t->nodes; to++)
            x->bytes[to] += (load_reads(v, from, to) + load_writes(v, from, to)) * x->param[LINE];
    uint64_t elapsed = now - x->traffic_begun;
    if (elapsed < x->param[TRAFFIC_NS])
        return;
    x->busy = 0;
    for (uint32_t i = 0; i < t->nodes && t->bandwidth; i++) {
        unsigned __int128 most = (unsigned __int128)t->bandwidth[i] * elapsed / 1000000000 * x->param[TRAFFIC];
        if (t->bandwidth[i] && (unsigned __int128)x->bytes[i] * 100 > most)
            x->busy |= nodeset_of((node_t)i);
    }
    __builtin_memset(x->bytes, 0, sizeof x->bytes);
    x->traffic_begun = now;
}

static const struct policy_param params[] = {
    {"threshold", 0, 50, 100, "percent", "lead over the home, of 2047 misses, that asks for a move"},
    {"distance", 0, 0, 100000, "percent", "latency to the home, of the local one, from which a node is remote"},
    {"traffic", 0, 80, 1000000, "percent", "use of a memory's bandwidth above which nothing moves"},
    {"line", 1, 128, 65536, "bytes", "what a miss transfers"},
    {"traffic_ns", 1, 80000000, POLICY_NS_MAX, "ns", "time over which that use is taken"},
    {"freeze", 0, 20, 100, "percent", "bounces, of 7, that freeze a page"},
    {"melt", 0, 90, 100, "percent", "requests while frozen, of 7, that thaw it"},
    {"dampening", 0, 90, 100, "percent", "requests in a row, of 3, of which the last is granted"},
    {"unpeg", 0, 90, 100, "percent", "of 2047: counters above it are full"},
    {"unpeg_ns", 1000000, 80000000, POLICY_NS_MAX, "ns", "time after which pages with full counters begin again"},
    {"tick_ns", 1000, 1000000, POLICY_NS_MAX, "ns", "time between two looks at the traffic"},
    {0},
};

const struct policy_class policy_irix = {
    .name = "irix",
    .summary = "move to the node that leads the home; bounce, melt, dampening, traffic and unpegging filters",
    .source = "SGI IRIX 6.5 manual page migration(5)",
    .fidelity = "recollected: every default, the ranges of small counters and the unit of intervals",
    .params = params,
    .signals = SIGNAL_MISSES | SIGNAL_LOAD,
    .tick_ns = 1000000,
    .state_bytes = sizeof(struct irix),
    .slot_size = slot_size,
    .init = init,
    .place = touch_place,
    .observe = observe,
    .tick = tick,
};
