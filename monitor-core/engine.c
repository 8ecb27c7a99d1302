/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/engine.h"

#include "monitor-core/reclaim.h"
#include "monitor-core/transfer.h"
#include "pmap/memmap.h"

enum { SAMPLING_MAX = 32768, ORDERS_MIN = 64, ORDERS_MAX = 4096 };

/* Tags of what is digested, in the byte where an event has its kind. */
enum { DIGEST_PLACE = 0x08, DIGEST_TICK = 0x09, DIGEST_ORDER = 0x0a, DIGEST_LOST = 0x0b };

#define DIGEST_STEP UINT64_C(0x9e3779b97f4a7c15)
#define DIGEST_SALT UINT64_C(0xd1b54a32d192ed03)

/* One multiplication per thing digested, keyed by its number; both halves of the products are summed, so that those of
 * a batch do not wait for each other, and still the order counts. */
static inline unsigned __int128 digest_product(uint64_t key, uint64_t a, uint64_t b)
{
    return (unsigned __int128)(a ^ key) * (b ^ DIGEST_SALT);
}

static void digest_one(struct engine *e, uint64_t a, uint64_t b)
{
    e->sequence++;
    unsigned __int128 product = digest_product(e->sequence * DIGEST_STEP, a, b);
    e->digest[0] += (uint64_t)product;
    e->digest[1] += (uint64_t)(product >> 64);
}

static inline uint64_t event_bits(const struct event *event)
{
    return event->page | (uint64_t)event->task << 32 | (uint64_t)event->node << 48 | (uint64_t)event->what << 56;
}

static void digest_events(struct engine *e, const struct event *event, uint32_t n)
{
    uint64_t key = e->sequence * DIGEST_STEP, low = 0, high = 0;
    for (uint32_t i = 0; i < n; i++) {
        key += DIGEST_STEP;
        unsigned __int128 product = digest_product(key, event[i].time, event_bits(&event[i]));
        low += (uint64_t)product;
        high += (uint64_t)(product >> 64);
    }
    e->digest[0] += low;
    e->digest[1] += high;
    e->sequence += n;
}

uint64_t engine_digest(const struct engine *e)
{
    unsigned __int128 product = digest_product(e->sequence * DIGEST_STEP, e->digest[0], e->digest[1]);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static bool topology_valid(const struct topology *t)
{
    if (!t || !t->nodes || t->nodes > NODE_MAX || !t->cpus || t->cpus > CPU_MAX)
        return false;
    if (!t->cpu_node || !t->tier || !t->latency_ps || !t->frames)
        return false;
    for (uint32_t i = 0; i < t->cpus; i++)
        if (t->cpu_node[i] >= t->nodes)
            return false;
    return true;
}

static bool params_valid(const struct policy_class *policy, const uint64_t *param)
{
    for (unsigned i = 0; i < policy_param_count(policy); i++)
        if (param[i] < policy->params[i].min || param[i] > policy->params[i].max)
            return false;
    return true;
}

static bool sampling_valid(uint64_t period)
{
    return period && period <= SAMPLING_MAX && !(period & (period - 1));
}

static bool config_valid(const struct engine_config *c)
{
    if (!c->policy || !c->machine || c->npages == PAGE_NONE || !topology_valid(c->topology))
        return false;
    if (!c->batch || c->batch > ENGINE_BATCH_MAX || !sampling_valid(c->sampling))
        return false;
    return params_valid(c->policy, c->param);
}

int engine_need(const struct engine_config *c, struct engine_need *need)
{
    if (!config_valid(c))
        return ERR_INVAL;
    struct view view = {.topology = c->topology, .npages = c->npages, .sampling = c->sampling, .advice = c->advice};
    size_t slot = c->policy->slot_size ? c->policy->slot_size(&view, c->param) : c->policy->slot_bytes;
    need->state_bytes = c->policy->state_size ? c->policy->state_size(&view, c->param) : c->policy->state_bytes;
    need->slot_bytes = (slot + 7) & ~(size_t)7;
    need->page_bytes = sizeof(struct place) + need->slot_bytes;
    need->orders_max = c->npages < ORDERS_MIN ? ORDERS_MIN : c->npages > ORDERS_MAX ? ORDERS_MAX : c->npages;
    return 0;
}

int engine_init(struct engine *e, const struct engine_config *c, void *state, struct order *orders,
                unsigned char *pages, unsigned char *slots, size_t stride)
{
    struct engine_need need;
    int err = engine_need(c, &need);
    if (err)
        return err;
    if (stride < sizeof(struct place) || stride % 8)
        return ERR_INVAL;
    __builtin_memset(e, 0, sizeof *e);
    e->view = (struct view){.topology = c->topology,
                            .npages = c->npages,
                            .sampling = c->sampling,
                            .places = pages,
                            .slots = slots,
                            .stride = stride,
                            .free = e->free,
                            .advice = c->advice};
    e->policy = c->policy;
    e->state = state;
    e->machine = c->machine;
    e->orders = (struct orders){.list = orders, .max = need.orders_max};
    e->batch = c->batch;
    e->budget = e->budget_left = c->budget;
    e->slot_bytes = need.slot_bytes;
    __builtin_memcpy(e->free, c->topology->frames, c->topology->nodes * sizeof e->free[0]);
    for (uint32_t page = 0; page < c->npages; page++)
        memmap_clear(transfer_place_of(e, page));
    return c->policy->init ? c->policy->init(state, &e->view, c->param) : 0;
}

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + 15) & ~UINT64_C(15);
}

static uint64_t pages_bytes(const struct engine_config *c, const struct engine_need *need)
{
    return aligned((uint64_t)c->npages * need->page_bytes);
}

static uint64_t orders_bytes(const struct engine_need *need)
{
    return aligned((uint64_t)need->orders_max * sizeof(struct order));
}

int engine_block(const struct engine_config *c, uint64_t *bytes)
{
    struct engine_need need;
    int err = engine_need(c, &need);
    if (!err)
        *bytes = pages_bytes(c, &need) + orders_bytes(&need) + aligned(need.state_bytes);
    return err;
}

int engine_begin(struct engine *e, const struct engine_config *c, void *block)
{
    struct engine_need need;
    unsigned char *pages = block;
    int err = engine_need(c, &need);
    if (err)
        return err;
    unsigned char *orders = pages + pages_bytes(c, &need), *state = orders + orders_bytes(&need);
    return engine_init(e, c, state, (struct order *)(void *)orders, pages, pages + sizeof(struct place),
                       need.page_bytes);
}

static enum engine_refusal refusal_of(int err)
{
    switch (err) {
    case ERR_INVAL:
    case ERR_NOENT:
        return REFUSED_INVALID;
    case ERR_EXIST:
        return REFUSED_THERE;
    case ERR_AGAIN:
        return REFUSED_BUDGET;
    case ERR_NOMEM:
        return REFUSED_MEMORY;
    case ERR_NOSUP:
        return REFUSED_NOSUP;
    case ERR_NOSPC:
        return REFUSED_ROOM;
    default:
        return REFUSED_BUSY;
    }
}

/* Budget and frame of a copy to be made; both are taken here and given back when the transfer fails. */
static int admit_copy(struct engine *e, const struct place *p, const struct order *o)
{
    if (e->budget && !e->budget_left)
        return ERR_AGAIN;
    if (!nodeset_has(p->copies, o->node) && !transfer_reserve(e, o->node))
        return ERR_NOMEM;
    if (e->budget)
        e->budget_left--;
    return 0;
}

static int admit_drop(const struct place *p, const struct order *o)
{
    if (!nodeset_has(p->copies, o->node))
        return ERR_NOENT;
    return memmap_count(p) > 1 ? 0 : ERR_INVAL;
}

static int admit_watch(const struct engine *e, const struct place *p)
{
    if (!(e->machine->ops->caps & MACHINE_WATCH))
        return ERR_NOSUP;
    return p->flags & PLACE_WATCHED ? ERR_EXIST : 0;
}

/* 0: the order makes sense and is on its way; else why not. */
static int admit(struct engine *e, const struct order *o)
{
    if (o->op == ORDER_SAMPLE)
        return sampling_valid(o->page) ? 0 : ERR_INVAL;
    if (o->page >= e->view.npages || (o->op != ORDER_WATCH && o->node >= e->view.topology->nodes))
        return ERR_INVAL;
    struct place *p = transfer_place_of(e, o->page);
    if (!(p->flags & PLACE_PRESENT))
        return ERR_NOENT;
    if (p->stamp == e->stamp)
        return ERR_BUSY;
    p->stamp = e->stamp;
    switch (o->op) {
    case ORDER_MOVE:
        return p->copies == nodeset_of(o->node) ? ERR_EXIST : admit_copy(e, p, o);
    case ORDER_COPY:
        if (!(e->machine->ops->caps & MACHINE_REPLICAS))
            return ERR_NOSUP;
        return nodeset_has(p->copies, o->node) ? ERR_EXIST : admit_copy(e, p, o);
    case ORDER_DROP:
        return admit_drop(p, o);
    case ORDER_WATCH:
        return admit_watch(e, p);
    default:
        return ERR_INVAL;
    }
}

static void count_done(struct engine *e, const struct order *o)
{
    struct engine_stats *s = &e->stats;
    s->moves += o->op == ORDER_MOVE;
    s->copies += o->op == ORDER_COPY;
    s->drops += o->op == ORDER_DROP;
    s->watches += o->op == ORDER_WATCH;
    s->samplings += o->op == ORDER_SAMPLE;
}

static void settle(struct engine *e, const struct order *o, int err)
{
    if (err)
        e->stats.refused[refusal_of(err)]++;
    else
        count_done(e, o);
    uint64_t what = o->page | (uint64_t)o->op << 32 | (uint64_t)o->node << 40 | (uint64_t)o->reason << 48;
    digest_one(e, what, (uint32_t)err | (uint64_t)DIGEST_ORDER << 56);
    if (e->policy->outcome)
        e->policy->outcome(e->state, o, err);
}

static struct move move_of(const struct engine *e, const struct order *o)
{
    bool makes = o->op == ORDER_MOVE || o->op == ORDER_COPY;
    return (struct move){.page = o->page,
                         .to = makes ? o->node : (node_t)NODE_NONE,
                         .op = o->op,
                         .restore = view_home(&e->view, o->page),
                         .node = o->node};
}

static void carry_out_some(struct engine *e, const struct order *o, uint32_t n)
{
    struct move move[ENGINE_MOVES_MAX];
    uint8_t from[ENGINE_MOVES_MAX];
    int err[ENGINE_MOVES_MAX];
    uint32_t moves = 0;
    for (uint32_t i = 0; i < n; i++) {
        err[i] = admit(e, &o[i]);
        if (err[i])
            continue;
        if (o[i].op == ORDER_SAMPLE) {
            e->view.sampling = o[i].page;
            continue;
        }
        from[moves] = (uint8_t)i;
        move[moves++] = move_of(e, &o[i]);
    }
    if (moves)
        transfer_batch(e, move, moves);
    for (uint32_t i = 0; i < moves; i++) {
        err[from[i]] = move[i].err;
        if (move[i].err && move[i].to != NODE_NONE && e->budget)
            e->budget_left++;
    }
    for (uint32_t i = 0; i < n; i++)
        settle(e, &o[i], err[i]);
}

static void carry_out(struct engine *e)
{
    struct orders *o = &e->orders;
    if (!o->n)
        return;
    e->stamp++;
    for (uint32_t i = 0; i < o->n; i += ENGINE_MOVES_MAX)
        carry_out_some(e, o->list + i, o->n - i < ENGINE_MOVES_MAX ? o->n - i : ENGINE_MOVES_MAX);
    if (o->lost) {
        e->stats.refused[REFUSED_ROOM] += o->lost;
        digest_one(e, o->lost, (uint64_t)DIGEST_LOST << 56);
    }
    o->n = o->lost = 0;
}

void engine_flush(struct engine *e)
{
    uint32_t n = e->queued;
    e->queued = 0;
    if (!e->policy->observe)
        return;
    /* An access may have left a HINT and a COLLAPSED besides a full batch. */
    for (uint32_t i = 0; i < n; i += e->batch) {
        uint32_t some = n - i < e->batch ? n - i : e->batch;
        digest_events(e, e->queue + i, some);
        e->stats.events += some;
        e->policy->observe(e->state, &e->view, e->queue + i, some, &e->orders);
        carry_out(e);
    }
}

void engine_tick(struct engine *e, uint64_t now)
{
    engine_flush(e);
    e->now = now;
    if (!e->policy->tick)
        return;
    digest_one(e, now, (uint64_t)DIGEST_TICK << 56);
    e->policy->tick(e->state, &e->view, now, &e->orders);
    carry_out(e);
}

void engine_window(struct engine *e, uint64_t now)
{
    e->now = now;
    e->budget_left = e->budget;
}

/* The toucher's node, then the nearest to it that has a frame and was not tried. */
static node_t fallback_node(const struct engine *e, node_t toucher, nodeset_t tried)
{
    const struct topology *t = e->view.topology;
    if (!nodeset_has(tried, toucher) && e->free[toucher])
        return toucher;
    node_t best = NODE_NONE;
    for (uint32_t i = 0; i < t->nodes; i++) {
        node_t n = (node_t)i;
        if (nodeset_has(tried, n) || !e->free[n])
            continue;
        if (best == NODE_NONE || topology_latency(t, toucher, n) < topology_latency(t, toucher, best))
            best = n;
    }
    return best;
}

/* Each node is tried once at most, so that this ends however the machine fails. */
static node_t next_node(struct engine *e, node_t wanted, node_t toucher, nodeset_t tried)
{
    bool sensible = wanted < e->view.topology->nodes;
    if (sensible && !nodeset_has(tried, wanted) && e->free[wanted])
        return wanted;
    node_t node = fallback_node(e, toucher, tried);
    return node != NODE_NONE ? node : reclaim_frame(e, sensible ? wanted : toucher, tried);
}

static int first_touch(struct engine *e, page_t page, node_t toucher)
{
    node_t wanted = e->policy->place ? e->policy->place(e->state, &e->view, page, toucher) : toucher;
    node_t at = next_node(e, wanted, toucher, 0);
    int err = ERR_NOMEM;
    for (nodeset_t tried = 0; at != NODE_NONE; at = next_node(e, wanted, toucher, tried)) {
        err = transfer_touch(e, page, at);
        if (!err)
            break;
        tried |= nodeset_of(at);
    }
    digest_one(e, e->now,
               page | (uint64_t)toucher << 32 | (uint64_t)wanted << 40 | (uint64_t)at << 48 |
                   (uint64_t)DIGEST_PLACE << 56);
    e->stats.touches += !err;
    e->stats.fallbacks += !err && at != wanted;
    return err;
}

static void queue_own(struct engine *e, enum event_kind kind, page_t page, node_t node, uint16_t task)
{
    e->queue[e->queued++] =
        (struct event){.time = e->now, .page = page, .task = task, .node = node, .what = event_what(kind, 0)};
}

static int collapse(struct engine *e, page_t page, node_t writer, uint16_t task)
{
    int err = transfer_collapse(e, page, place_reach(view_place(&e->view, page), writer));
    if (err)
        return err;
    e->stats.collapses++;
    queue_own(e, EVENT_COLLAPSED, page, writer, task);
    return 0;
}

int engine_access(struct engine *e, page_t page, node_t node, uint16_t task, bool write, uint64_t now)
{
    if (page >= e->view.npages || node >= e->view.topology->nodes)
        return ERR_INVAL;
    /* Nothing below flushes again: what the policy orders about this very access waits until the access is made. */
    engine_flush(e);
    e->now = now;
    const struct place *p = view_place(&e->view, page);
    if (!(p->flags & PLACE_PRESENT))
        return first_touch(e, page, node);
    if (p->flags & PLACE_WATCHED) {
        transfer_unwatch(e, page);
        e->stats.hints++;
        queue_own(e, EVENT_HINT, page, node, task);
    }
    return write && (p->flags & PLACE_REPLICATED) ? collapse(e, page, node, task) : 0;
}

int engine_free(struct engine *e, page_t page, uint64_t now)
{
    if (page >= e->view.npages)
        return ERR_INVAL;
    engine_flush(e);
    e->now = now;
    if (!(view_place(&e->view, page)->flags & PLACE_PRESENT))
        return ERR_NOENT;
    int err = transfer_free(e, page);
    if (err)
        return err;
    __builtin_memset(view_slot(&e->view, page), 0, e->slot_bytes);
    e->stats.freed++;
    queue_own(e, EVENT_FREED, page, NODE_NONE, 0);
    engine_flush(e);
    return 0;
}
