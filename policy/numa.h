/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The vocabulary: pages, nodes, the machine's shape, what was observed (event), what is wanted (order), and the
 * engine's truth as a policy sees it (view). Everything above and below the policies speaks in these terms, on every
 * machine.
 *
 * Freestanding; integers only. Times are ns (u64), latencies ps (u32), page ids dense and ascending with address.
 */
#ifndef POLICY_NUMA_H
#define POLICY_NUMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t page_t;
typedef uint8_t node_t;
typedef uint64_t nodeset_t;

enum { NODE_MAX = 64, NODE_ALL = 0xfe, NODE_NONE = 0xff };
enum { CPU_MAX = 1024 };
#define PAGE_NONE UINT32_MAX
#define FRAMES_UNBOUNDED UINT64_MAX

/* Error values of the core: negative, equal to -errno, so that a kernel's per-page status passes through untranslated.
 */
enum {
    ERR_NOENT = -2,  /* no such page or copy */
    ERR_AGAIN = -11, /* over the budget of this window */
    ERR_NOMEM = -12, /* no free frame on the node */
    ERR_BUSY = -16,  /* page already moved in this flush, pinned, or in use by a device */
    ERR_EXIST = -17, /* the copy is there already */
    ERR_INVAL = -22, /* page, node or operation out of range */
    ERR_NOSPC = -28, /* the order array was full */
    ERR_NOSUP = -95, /* the machine lacks the capability (replicas, watch) */
};

static inline nodeset_t nodeset_of(node_t node)
{
    return (nodeset_t)1 << node;
}

static inline bool nodeset_has(nodeset_t set, node_t node)
{
    return (set >> node) & 1;
}

static inline unsigned nodeset_count(nodeset_t set)
{
    /* By hand: the builtin calls libgcc where the instruction is not a given. */
    set -= set >> 1 & UINT64_C(0x5555555555555555);
    set = (set & UINT64_C(0x3333333333333333)) + (set >> 2 & UINT64_C(0x3333333333333333));
    set = (set + (set >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(set * UINT64_C(0x0101010101010101) >> 56);
}

static inline node_t nodeset_first(nodeset_t set)
{
    return set ? (node_t)__builtin_ctzll(set) : (node_t)NODE_NONE;
}

/* CPU time that observing and acting take on all CPUs together, ns, as a machine knows of itself. */
struct costs {
    uint64_t sample_ns; /* one observed miss */
    uint64_t page_ns;   /* one page copied, its old frame given back */
    uint64_t sync_ns;   /* one shootdown */
};

/* The machine's shape. Owned by whoever set the machine up; constant for the life of an engine.
 * A node without CPUs is memory only (a CXL device); tier 0 is the fastest memory. */
struct topology {
    uint32_t nodes;             /* 1..NODE_MAX */
    uint32_t cpus;              /* 1..CPU_MAX */
    uint32_t page_size;         /* bytes, a power of two */
    const node_t *cpu_node;     /* [cpus] */
    const uint8_t *tier;        /* [nodes] */
    const uint32_t *latency_ps; /* [from * nodes + to], idle, a load by a CPU of `from` from memory of `to` */
    const uint64_t *frames;     /* [nodes], capacity in pages; FRAMES_UNBOUNDED: no limit */
    const uint64_t *bandwidth;  /* [nodes], bytes per second of the node's memory, 0: not known; null: none is */
    const struct costs *costs;  /* null: not known */
};

static inline uint32_t topology_latency(const struct topology *t, node_t from, node_t to)
{
    return t->latency_ps[(size_t)from * t->nodes + to];
}

/* Where one page is. The engine owns these records; policies read them through the view. */
struct place {
    nodeset_t copies; /* nodes that hold a copy; empty: not yet touched */
    node_t home;      /* the copy that nodes without one of their own reach; NODE_NONE when not yet touched */
    uint8_t flags;    /* PLACE_* */
    uint16_t reserved;
    uint32_t stamp; /* flush in which the page was last ordered about (engine's) */
};

enum {
    PLACE_PRESENT = 1,    /* the page has at least one copy */
    PLACE_REPLICATED = 2, /* more than one copy, or one that is mapped read-only: a write goes through the engine */
    PLACE_WATCHED = 4,    /* WATCH in force: the next access goes through the engine */
    PLACE_FROZEN =
        8, /* a move is in progress: every write waits for the engine (monitor only, between sync and commit) */
};

/* The copy that an access from `node` reaches: its own, else the home's. Without a branch: which of the two it is
 * changes from access to access, and no predictor learns it. */
static inline node_t place_reach(const struct place *p, node_t node)
{
    unsigned own = 0u - (unsigned)((p->copies >> node) & 1);
    return (node_t)(p->home ^ ((p->home ^ node) & own));
}

/* The engine's truth, read-only for a policy and frozen during a call. Arrays that a run does not have are null. */
struct view {
    const struct topology *topology;
    uint32_t npages;
    uint32_t sampling; /* one observed miss stands for this many (a power of two); 1: every miss is observed */

    const unsigned char *places; /* records of struct place, `stride` bytes apart */
    unsigned char
        *slots; /* the class's per-page records, `stride` bytes apart, 8-byte aligned, zeroed when a page is freed */
    size_t stride;

    const uint64_t *free;       /* [nodes] frames free; FRAMES_UNBOUNDED where unbounded */
    const uint64_t *traffic;    /* [(from * nodes + to) * 2 + is_write] misses of the last window */
    const uint64_t *latency_ps; /* [nodes] mean loaded latency of accesses to that node's memory in the last window */
    const uint64_t *const
        *accessed;        /* [nodes] bitmaps over pages, last harvest; null unless the class asks for ACCESSED */
    const node_t *advice; /* [npages] placement decided beforehand (post_facto, as_recorded); null outside replay */
};

static inline const struct place *view_place(const struct view *v, page_t page)
{
    return (const struct place *)(const void *)(v->places + (size_t)page * v->stride);
}

static inline node_t view_home(const struct view *v, page_t page)
{
    return view_place(v, page)->home;
}

static inline nodeset_t view_copies(const struct view *v, page_t page)
{
    return view_place(v, page)->copies;
}

static inline void *view_slot(const struct view *v, page_t page)
{
    return v->slots + (size_t)page * v->stride;
}

static inline bool view_accessed(const struct view *v, node_t node, page_t page)
{
    return (v->accessed[node][page / 64] >> (page % 64)) & 1;
}

/* What was observed. */
enum event_kind {
    EVENT_READ = 0,  /* a miss that only read (instruction fetches too) */
    EVENT_WRITE = 1, /* a miss or upgrade that wrote */
    EVENT_HINT,      /* first access after WATCH */
    EVENT_COLLAPSED, /* a write took the replicas away; node: the writer's */
    EVENT_FREED,     /* the page is gone; its slot is zeroed already */
};

struct event {
    uint64_t time; /* ns */
    page_t page;
    uint16_t task; /* thread as far as the source knows it, else the CPU */
    node_t node;   /* of the CPU that did it */
    uint8_t what;  /* kind | log2(weight) << 4; the weight, rounded down, includes the sampling multiplier */
};

static inline uint8_t event_what(enum event_kind kind, unsigned log2_weight)
{
    return (uint8_t)((unsigned)kind | log2_weight << 4);
}

static inline enum event_kind event_kind(const struct event *e)
{
    return (enum event_kind)(e->what & 15);
}

static inline uint32_t event_weight(const struct event *e)
{
    return (uint32_t)1 << (e->what >> 4);
}

/* What a policy wants. Advice: the engine validates, de-duplicates, budgets and reports the outcome. */
enum order_op {
    ORDER_MOVE = 1,   /* afterwards the only copy is on node (a collapse where there were several) */
    ORDER_COPY = 2,   /* afterwards a read-only copy is on node as well */
    ORDER_DROP = 3,   /* the copy on node goes; never the last one */
    ORDER_WATCH = 4,  /* the next access to the page arrives as one HINT; node is ignored */
    ORDER_SAMPLE = 5, /* page holds the period n: from now on observe 1 miss in n, n a power of two up to 32768 */
};

struct order {
    page_t page;
    uint8_t op;
    node_t node;
    uint16_t reason; /* the class's own code, shown in traces of decisions */
};

/* The bounded array in which a policy leaves its orders. */
struct orders {
    struct order *list;
    uint32_t n, max;
    uint32_t lost; /* orders that found no room (the engine reports them as ERR_NOSPC) */
};

static inline void order_push(struct orders *o, enum order_op op, page_t page, node_t node, uint16_t reason)
{
    if (o->n == o->max) {
        o->lost++;
        return;
    }
    o->list[o->n++] = (struct order){.page = page, .op = (uint8_t)op, .node = node, .reason = reason};
}

#endif
