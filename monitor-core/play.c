/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/play.h"

enum { PAGE_BYTES = 4096 };

#define OLD_MAGIC UINT64_C(0x31474f4c4c4c4142) /* "BALLLOG1": no accessed bits, no load */

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + 7) & ~UINT64_C(7);
}

static const char *header_wrong(const struct play_header *h)
{
    if (h->magic != PLAY_MAGIC)
        return h->magic == OLD_MAGIC ? "a log in the form of an older version; write it again" : "not a log";
    if (!h->nodes || h->nodes > NODE_MAX || !h->cpus || h->cpus > CPU_MAX)
        return "nodes or CPUs out of range";
    if (h->npages > PLAY_PAGES_MAX)
        return "too many pages";
    if (!h->batch || h->batch > ENGINE_BATCH_MAX || !h->sampling || h->sampling & (h->sampling - 1))
        return "batch or sampling out of range";
    if (h->advice > 1 || h->known > PLAY_KNOWN || h->policy[sizeof h->policy - 1])
        return "header makes no sense";
    return NULL;
}

/* A node's last word may have bits beyond the last page; nobody may be shown one. */
static bool seen_valid(const struct play_header *h, const struct play_record *r)
{
    uint64_t from = r->page, to = from + r->task, row = play_row_words(h);
    if (to > play_seen_words(h))
        return false;
    bool ends_row = from < play_accessed_words(h) && from / row != to / row;
    return !ends_row || h->npages % 64 == 0 || r->time >> (h->npages % 64) == 0;
}

static bool record_valid(const struct play_header *h, const struct play_record *r)
{
    switch (r->kind) {
    case PLAY_ACCESS:
        return r->page < h->npages && r->node < h->nodes && r->what <= EVENT_WRITE;
    case PLAY_EVENT:
        return r->page < h->npages && r->node < h->nodes && (r->what & 15) <= EVENT_WRITE;
    case PLAY_FREE:
        return r->page < h->npages;
    case PLAY_SEEN:
        return seen_valid(h, r);
    default:
        return r->kind < PLAY_KINDS;
    }
}

static const char *body_wrong(const struct play *p)
{
    const struct play_header *h = &p->header;
    for (uint32_t cpu = 0; cpu < h->cpus; cpu++)
        if (p->topology.cpu_node[cpu] >= h->nodes)
            return "a CPU on a node that is not there";
    for (uint32_t i = 0; i < h->nodes * h->nodes; i++)
        if (!p->topology.latency_ps[i])
            return "a latency of zero";
    for (uint64_t i = 0; i < h->records; i++)
        if (!record_valid(h, &p->records[i]))
            return "a record out of range";
    return NULL;
}

/* Where the parts begin, and where the last ends. */
struct parts {
    uint64_t latencies, tiers, cpus, frames, bandwidths, costs, advice, records;
};

/* The header is checked before: nothing overflows. */
static struct parts parts_of(const struct play_header *h)
{
    uint64_t per_node = h->nodes * sizeof(uint64_t);
    struct parts at = {.latencies = sizeof *h};
    at.tiers = at.latencies + (uint64_t)h->nodes * h->nodes * sizeof(uint32_t);
    at.cpus = at.tiers + h->nodes;
    at.frames = aligned(at.cpus + h->cpus);
    at.bandwidths = at.frames + per_node;
    at.costs = at.bandwidths + (h->known & PLAY_BANDWIDTHS ? per_node : 0);
    at.advice = at.costs + (h->known & PLAY_COSTS ? sizeof(struct costs) : 0);
    at.records = aligned(at.advice + (h->advice ? h->npages : 0));
    return at;
}

static void point(struct play *p, const void *bytes, const struct parts *at)
{
    const struct play_header *h = &p->header;
    uintptr_t start = (uintptr_t)bytes;
    p->frames = (const uint64_t *)(start + at->frames);
    p->advice = h->advice ? (const node_t *)(start + at->advice) : NULL;
    p->records = (const struct play_record *)(start + at->records);
    p->topology = (struct topology){
        .nodes = h->nodes,
        .cpus = h->cpus,
        .page_size = PAGE_BYTES,
        .latency_ps = (const uint32_t *)(start + at->latencies),
        .tier = (const uint8_t *)(start + at->tiers),
        .cpu_node = (const node_t *)(start + at->cpus),
        .frames = p->frames,
        .bandwidth = h->known & PLAY_BANDWIDTHS ? (const uint64_t *)(start + at->bandwidths) : NULL,
        .costs = h->known & PLAY_COSTS ? (const struct costs *)(start + at->costs) : NULL,
    };
}

int play_open(struct play *p, const void *bytes, size_t size, const char **why)
{
    *why = "shorter than its header";
    if (size < sizeof p->header)
        return ERR_INVAL;
    __builtin_memcpy(&p->header, bytes, sizeof p->header);
    *why = header_wrong(&p->header);
    if (*why)
        return ERR_INVAL;
    struct parts at = parts_of(&p->header);
    uint64_t offset = at.records;
    point(p, bytes, &at);
    *why = "shorter or longer than its header says";
    if (offset > size || (size - offset) % sizeof(struct play_record) ||
        (size - offset) / sizeof(struct play_record) != p->header.records)
        return ERR_INVAL;
    *why = body_wrong(p);
    return *why ? ERR_INVAL : 0;
}

static int configure(const struct play *p, const struct policy_class *policy, const uint64_t *param,
                     struct machine *machine, struct engine_config *c)
{
    uint32_t known = p->header.known;
    if ((policy->signals & SIGNAL_ACCESSED && !(known & PLAY_ACCESSED)) ||
        (policy->signals & SIGNAL_LOAD && !(known & PLAY_LOAD)) || (policy->signals & SIGNAL_ADVICE && !p->advice))
        return ERR_NOSUP;
    *c = (struct engine_config){.policy = policy,
                                .topology = &p->topology,
                                .npages = p->header.npages,
                                .machine = machine,
                                .batch = p->header.batch,
                                .sampling = p->header.sampling,
                                .budget = p->header.budget,
                                .advice = p->advice};
    __builtin_memcpy(c->param, param, policy_param_count(policy) * sizeof *param);
    return 0;
}

int play_need(const struct play *p, const struct policy_class *policy, const uint64_t *param, uint64_t *bytes)
{
    struct machine any = {.ops = NULL};
    struct engine_config c;
    int err = configure(p, policy, param, &any, &c);
    err = err ? err : engine_block(&c, bytes);
    if (!err)
        *bytes += (play_seen_words(&p->header) * sizeof *p->seen + 15) & ~UINT64_C(15);
    return err;
}

/* The view looks at the words behind the engine's own memory. */
static void show(struct play *p, struct view *v, const struct engine_config *c, unsigned char *block)
{
    uint64_t at = 0, cells = 2 * (uint64_t)p->header.nodes * p->header.nodes;
    engine_block(c, &at);
    p->seen = (uint64_t *)(void *)(block + at);
    if (p->header.known & PLAY_ACCESSED) {
        for (uint32_t n = 0; n < p->header.nodes; n++)
            p->accessed[n] = p->seen + n * play_row_words(&p->header);
        v->accessed = p->accessed;
    }
    if (p->header.known & PLAY_LOAD) {
        v->traffic = p->seen + play_accessed_words(&p->header);
        v->latency_ps = v->traffic + cells;
    }
}

int play_begin(struct play *p, const struct policy_class *policy, const uint64_t *param, struct machine *machine,
               struct engine *e, void *block)
{
    struct engine_config c;
    int err = configure(p, policy, param, machine, &c);
    err = err ? err : engine_begin(e, &c, block);
    if (!err)
        show(p, &e->view, &c, block);
    return err;
}

static void see(uint64_t *seen, const struct play_record *r)
{
    for (uint32_t i = 0; i < r->task; i++)
        seen[r->page + i] = r->time;
}

static int feed_one(const struct play *p, struct engine *e, const struct play_record *r)
{
    int err = 0;
    switch (r->kind) {
    case PLAY_ACCESS:
        err = engine_access(e, r->page, r->node, r->task, r->what, r->time);
        return err == ERR_NOMEM ? 0 : err;
    case PLAY_EVENT:
        engine_queue(e, &(struct event){r->time, r->page, r->task, r->node, r->what});
        return 0;
    case PLAY_TICK:
        engine_tick(e, r->time);
        return 0;
    case PLAY_WINDOW:
        engine_window(e, r->time);
        return 0;
    case PLAY_FREE:
        err = engine_free(e, r->page, r->time);
        return err == ERR_NOENT ? 0 : err;
    case PLAY_SEEN:
        see(p->seen, r);
        return 0;
    default:
        engine_flush(e);
        return 0;
    }
}

int play_feed(const struct play *p, struct engine *e, uint64_t from, uint64_t to)
{
    int err = 0;
    for (uint64_t i = from; !err && i < to && i < p->header.records; i++)
        err = feed_one(p, e, &p->records[i]);
    return err;
}

void play_end(const struct play *p, struct engine *e)
{
    for (page_t page = 0; page < p->header.npages; page++)
        engine_free(e, page, e->now);
}
