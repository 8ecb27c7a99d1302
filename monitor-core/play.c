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

static const void *part(uintptr_t *at, uint64_t bytes)
{
    const void *here = (const void *)*at;
    *at += bytes;
    return here;
}

/* The parts from there on; answers where the records begin. The header is checked before: nothing overflows. */
static uintptr_t point(struct play *p, uintptr_t at)
{
    const struct play_header *h = &p->header;
    struct topology *t = &p->topology;
    uint64_t per_node = h->nodes * sizeof(uint64_t);
    *t = (struct topology){.nodes = h->nodes, .cpus = h->cpus, .page_size = PAGE_BYTES};
    t->latency_ps = part(&at, (uint64_t)h->nodes * h->nodes * sizeof(uint32_t));
    t->tier = part(&at, h->nodes);
    t->cpu_node = part(&at, h->cpus);
    at = aligned(at);
    t->frames = part(&at, per_node);
    t->bandwidth = h->known & PLAY_BANDWIDTHS ? part(&at, per_node) : NULL;
    t->costs = h->known & PLAY_COSTS ? part(&at, sizeof *t->costs) : NULL;
    p->advice = h->advice ? part(&at, h->npages) : NULL;
    at = aligned(at);
    p->records = (const struct play_record *)at;
    return at;
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
    uintptr_t start = (uintptr_t)bytes;
    uint64_t offset = point(p, start + sizeof p->header) - start;
    *why = "shorter or longer than its header says";
    if (offset > size || (size - offset) % sizeof(struct play_record) ||
        (size - offset) / sizeof(struct play_record) != p->header.records)
        return ERR_INVAL;
    *why = body_wrong(p);
    return *why ? ERR_INVAL : 0;
}

int play_need(struct play *p, const struct policy_class *policy, const uint64_t *param, uint64_t *bytes)
{
    const struct play_header *h = &p->header;
    struct machine any = {.ops = NULL};
    if ((policy->signals & SIGNAL_ACCESSED && !(h->known & PLAY_ACCESSED)) ||
        (policy->signals & SIGNAL_LOAD && !(h->known & PLAY_LOAD)) || (policy->signals & SIGNAL_ADVICE && !p->advice))
        return ERR_NOSUP;
    p->config = (struct engine_config){.policy = policy,
                                       .topology = &p->topology,
                                       .npages = h->npages,
                                       .machine = &any,
                                       .batch = h->batch,
                                       .sampling = h->sampling,
                                       .budget = h->budget,
                                       .advice = p->advice};
    __builtin_memcpy(p->config.param, param, policy_param_count(policy) * sizeof *param);
    int err = engine_block(&p->config, &p->seen_at);
    p->config.machine = NULL;
    *bytes = p->seen_at + ((play_seen_words(h) * sizeof *p->seen + 15) & ~UINT64_C(15));
    return err;
}

/* The view looks at the words behind the engine's own memory. */
int play_begin(struct play *p, struct machine *machine, struct engine *e, void *block)
{
    const struct play_header *h = &p->header;
    p->config.machine = machine;
    int err = engine_begin(e, &p->config, block);
    if (err)
        return err;
    p->seen = (uint64_t *)(void *)((unsigned char *)block + p->seen_at);
    if (h->known & PLAY_ACCESSED) {
        for (uint32_t n = 0; n < h->nodes; n++)
            p->accessed[n] = p->seen + n * play_row_words(h);
        e->view.accessed = p->accessed;
    }
    if (h->known & PLAY_LOAD) {
        e->view.traffic = p->seen + play_accessed_words(h);
        e->view.latency_ps = e->view.traffic + 2 * (uint64_t)h->nodes * h->nodes;
    }
    return 0;
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
        for (uint32_t i = 0; i < r->task; i++)
            p->seen[r->page + i] = r->time;
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
