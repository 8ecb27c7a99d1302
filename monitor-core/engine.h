/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The engine: carries out what a policy wants, on any machine (Disco, SOSP'97 section 4.2: dynamic page migration and
 * replication). It owns the truth of where pages are, asks the policy for placements, feeds it what was observed,
 * validates its orders, and collapses replicas on a write without asking: correctness is mechanism, not policy.
 *
 * One engine is one run; single-threaded; whoever shares it serialises. No allocation: the caller provides all memory.
 */
#ifndef MONITOR_CORE_ENGINE_H
#define MONITOR_CORE_ENGINE_H

#include "monitor-core/machine.h"
#include "policy/policy.h"

enum {
    ENGINE_BATCH = 16,
    ENGINE_BATCH_MAX = 64
};                              /* events per flush; part of a run's identity (design: order of things) */
enum { ENGINE_MOVES_MAX = 64 }; /* pages per machine batch: one shootdown serves up to this many */

struct engine_config {
    const struct policy_class *policy;
    uint64_t param[POLICY_PARAMS_MAX];
    const struct topology *topology;
    uint32_t npages;
    struct machine *machine;
    uint32_t batch;       /* 1..ENGINE_BATCH_MAX */
    uint32_t sampling;    /* first sampling period, a power of two */
    uint32_t budget;      /* MOVE and COPY orders carried out per window; 0: no limit */
    const node_t *advice; /* see struct view */
};

/* What the engine needs from its caller. Each block 16-byte aligned and zeroed. */
struct engine_need {
    size_t state_bytes;  /* the class's global state */
    size_t slot_bytes;   /* per page, a multiple of 8 (0 possible): what the class declared, rounded up */
    size_t page_bytes;   /* sizeof(struct place) + slot_bytes: the least stride */
    uint32_t orders_max; /* entries of struct order */
};

/* Why an order was refused, as counted. */
enum engine_refusal {
    REFUSED_INVALID, /* page, node or op out of range, page not present, last copy */
    REFUSED_THERE,   /* already as ordered */
    REFUSED_BUSY,    /* page ordered twice in one flush, or the machine said busy */
    REFUSED_BUDGET,  /* over the window's budget */
    REFUSED_MEMORY,  /* no free frame */
    REFUSED_NOSUP,   /* machine without replicas or watch */
    REFUSED_ROOM,    /* the order array was full */
    REFUSED_REASONS
};

struct engine_stats {
    uint64_t touches;                                                    /* first touches */
    uint64_t moves, copies, drops, watches, collapses, hints, samplings; /* carried out */
    uint64_t freed;
    uint64_t fallbacks; /* placements that the engine had to put elsewhere */
    uint64_t reclaims;  /* of the drops: replicas taken back for a first touch, without an order */
    uint64_t refused[REFUSED_REASONS];
    uint64_t events;   /* delivered to observe */
    uint64_t replicas; /* copies beyond each page's first, now */
    uint64_t replicas_peak;
};

struct engine {
    struct view view; /* first: the hot path reads places through it */
    const struct policy_class *policy;
    void *state;
    struct machine *machine;
    struct orders orders;
    uint64_t free[NODE_MAX];
    uint64_t digest[2];
    uint64_t now;      /* time of the latest call */
    uint64_t sequence; /* number of things digested */
    uint32_t stamp;    /* number of the current flush */
    uint32_t batch, budget, budget_left;
    uint32_t queued;
    page_t hand;       /* where the search for a replica to take back goes on */
    size_t slot_bytes; /* zeroed when a page is freed */
    struct engine_stats stats;
    struct event queue[ENGINE_BATCH_MAX + 2]; /* an access adds a HINT and a COLLAPSED of the engine's own */
};

/* Sizes for a configuration. 0, or ERR_INVAL when the configuration makes no sense (no nodes, batch out of range, ...).
 */
int engine_need(const struct engine_config *, struct engine_need *);

/* Sets up a run. `pages`: npages records `stride` bytes apart, each a struct place; the slot of a page lies at `slots`
 * with the same stride (alone: slots == pages + sizeof(struct place); in a comparison the records of several runs are
 * interleaved by page). All zeroed. 0, or what the class's init said. */
int engine_init(struct engine *, const struct engine_config *, void *state, struct order *orders, unsigned char *pages,
                unsigned char *slots, size_t stride);

/* The same for a run that is alone: all of its memory in one block, 16-byte aligned and zeroed, of *bytes (a multiple
 * of 16). Answers as engine_need and engine_init. */
int engine_block(const struct engine_config *, uint64_t *bytes);
int engine_begin(struct engine *, const struct engine_config *, void *block);

/* Is the engine needed before this access? True for a first touch, a write to a replicated page, a watched or frozen
 * page. */
static inline bool engine_needed(const struct place *p, bool write)
{
    /* A read may find the page replicated; anything else but plain presence asks for the engine. */
    unsigned pardoned = write ? 0 : PLACE_REPLICATED;
    return (p->flags & ~pardoned) != PLACE_PRESENT;
}

/* The access that the present mapping does not allow: places the page, gives the HINT, or collapses the replicas;
 * afterwards the access is possible and place_reach() says where it goes. Flushes first. A first touch that finds no
 * free frame on any node takes back a replica of another page, if there is one (monitor-core/reclaim.h); no order does
 * that. 0; ERR_INVAL: page or node out of range; ERR_NOMEM: no node has a free frame and no replica could be taken
 * back; or why the machine could not collapse the replicas (they are all still there, read-only: try again). */
int engine_access(struct engine *, page_t, node_t node, uint16_t task, bool write, uint64_t now);

/* Delivers what is queued and carries out the orders that come back. */
void engine_flush(struct engine *);

/* Does the class look at events at all? What is queued for one that does not is dropped; a caller may skip it. */
static inline bool engine_listens(const struct engine *e)
{
    return e->policy->observe != NULL;
}

/* Queues an observed event; flushes when the batch is full. */
static inline void engine_queue(struct engine *e, const struct event *event)
{
    e->queue[e->queued++] = *event;
    if (e->queued >= e->batch)
        engine_flush(e);
}

/* The policy's tick. Flushes first. */
void engine_tick(struct engine *, uint64_t now);

/* A new window begins: the budget is full again. */
void engine_window(struct engine *, uint64_t now);

/* The page's contents are no longer wanted: all copies go, the slot is zeroed, FREED is delivered. Flushes first. 0,
 * ERR_NOENT when it was never touched, or why the machine could not take its mappings away (the page is as it was). */
int engine_free(struct engine *, page_t, uint64_t now);

/* Hash over everything the policy was told and said: (place, event, tick, order, outcome), in order. Equal on every
 * machine for the same log. Flushes nothing: call engine_flush before the last look. */
uint64_t engine_digest(const struct engine *);

#endif
