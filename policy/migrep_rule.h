/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The decision rule of Verghese et al. (ASPLOS 1996), which Disco took over (SOSP 1997, section 4.2), shared by the
 * classes migrep, migrate_only and replicate_only.
 *
 * Per page: misses per node, writes, migrations ordered. All of them start from zero in each reset interval (lazily: a
 * slot carries the number of the interval it belongs to). When a node's misses reach `trigger` the page is hot there;
 * that is looked at once per node, page and interval:
 *
 *   the node has a copy                            -> nothing: it is local already
 *   no frame is free on the node                   -> nothing: memory pressure
 *   no other node has `sharing` misses or more     -> private: MOVE, if fewer than `migrate` were ordered
 *   some other node has, writes < `write`          -> read-shared: COPY
 *   some other node has, writes >= `write`         -> write-shared: nothing; it cannot gain
 *
 * With sharing <= trigger a page that moved is shared for the rest of the interval, so that `migrate` binds only above.
 *
 * What counts: misses, that is, the weight of an event. Where misses are sampled the one that caused a collapse is
 * probably not seen, so the collapse itself counts as a write (and not as a miss); where every miss is seen it does
 * not, since its miss follows. Counters saturate.
 *
 * A slot is 8 bytes and one counter per node, 8 bits wide while both thresholds fit, else 16: 16 bytes for 8 nodes.
 */
#ifndef POLICY_MIGREP_RULE_H
#define POLICY_MIGREP_RULE_H

#include "policy/policy.h"

enum { MIGREP_COUNT_MAX = 65535, MIGREP_SMALL_MAX = 255 };

/* Reasons in orders. */
enum migrep_reason {
    MIGREP_PRIVATE = 1,     /* hot on one node, not shared */
    MIGREP_READ_SHARED = 2, /* hot, shared, not written */
};

/* The five parameters and which legs of the rule a class has. A class that only replicates copies private pages too:
 * a copy is the one way it has to make them local. */
struct migrep_limits {
    uint64_t reset_ns;
    uint32_t trigger, sharing, write, migrate;
    bool migrates, replicates;
};

/* The state of a run. */
struct migrep_rule {
    struct migrep_limits limits;
    uint64_t interval_end; /* ns */
    uint32_t interval;     /* number of the current one */
    uint32_t slot_bytes;
    bool wide; /* counters of 16 bits */
};

size_t migrep_rule_slot_size(uint32_t nodes, uint64_t trigger, uint64_t sharing);

/* 0, or ERR_INVAL when no leg of the rule is on. */
int migrep_rule_init(struct migrep_rule *, const struct view *, const struct migrep_limits *);

/* The classes' place and observe. */
node_t migrep_rule_place(void *state, const struct view *, page_t, node_t toucher);
void migrep_rule_observe(void *state, const struct view *, const struct event *, size_t n, struct orders *);

/* One line each in the classes' tables. */
#define MIGREP_RESET_PARAM                                                                                     \
    {                                                                                                          \
        "reset_ns", 1000, 100000000, POLICY_NS_MAX, "ns", "reset interval: all counters start again from zero" \
    }
#define MIGREP_TRIGGER_PARAM                                                                                        \
    {                                                                                                               \
        "trigger", 1, 128, MIGREP_COUNT_MAX, "misses", "misses of a node in an interval that make a page hot there" \
    }
#define MIGREP_SHARING_PARAM                                                                                          \
    {                                                                                                                 \
        "sharing", 1, 32, MIGREP_COUNT_MAX, "misses", "misses of another node from which a hot page counts as shared" \
    }
#define MIGREP_WRITE_PARAM                                                                        \
    {                                                                                             \
        "write", 1, 1, 255, "writes", "writes in an interval from which a page is not replicated" \
    }
#define MIGREP_MIGRATE_PARAM                                                                       \
    {                                                                                              \
        "migrate", 1, 1, 255, "moves", "a page is ordered to move at most so often in an interval" \
    }

#endif
