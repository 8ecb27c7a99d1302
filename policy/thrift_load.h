/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the two halves of thrift share: the state. policy/thrift.c has the rule, policy/thrift_load.c looks at the
 * load of the machine, chooses the sampling period and makes room on full nodes.
 */
#ifndef POLICY_THRIFT_LOAD_H
#define POLICY_THRIFT_LOAD_H

#include "policy/policy.h"

enum { THRIFT_IDLE = 16, THRIFT_WISHES = 256 };

/* Reasons in orders. */
enum thrift_reason {
    THRIFT_LEADS = 1, /* one node's rent exceeds that of the others by a price */
    THRIFT_STEADY,    /* read steadily, not written */
    THRIFT_CROWDED,   /* its home is crowded, another node is less so */
    THRIFT_COLD,      /* makes room on a full node */
    THRIFT_OBSERVE,   /* sampling period */
};

struct thrift_slot {
    uint8_t node;    /* the candidate */
    uint8_t wished;  /* a purchase, or a claim to room, waits for the tick */
    uint16_t lead;   /* of the candidate, rent */
    uint16_t steady; /* rent of reads since the last write */
    uint8_t grudge;  /* high half: moves, low half: copies that a write took away */
    uint8_t heat;
};

struct thrift_wish {
    page_t page;
    uint8_t op;
    node_t node;
    uint16_t reason;
};

struct thrift {
    uint64_t random;
    uint64_t scale; /* rent per ns, << 16 */
    uint64_t patience, steady, spread, watching;
    uint64_t misses, saveable; /* of the last windows: how many, ps; decaying by 1/16 */
    uint64_t seen;             /* misses that have not aged pages yet */
    bool at_once;              /* purchases do not wait for the tick */
    uint32_t nodes, rotor, bar, rest, nwishes;
    page_t hand, sweep;
    uint16_t inflation[NODE_MAX]; /* of remote latency, THRIFT_IDLE: none */
    bool foreign[NODE_MAX];       /* served others more than its own CPUs */
    uint32_t wanted[NODE_MAX];    /* frames that pages of slower tiers have earned */
    struct thrift_wish wish[THRIFT_WISHES];
};

/* The last window: inflation, and whom each node served. view.traffic and view.latency_ps are set. */
void thrift_load_look(struct thrift *, const struct view *);

/* Orders the period at which observing takes `watching` percent of what could be saved, where costs are known. */
void thrift_load_watch(struct thrift *, const struct view *, struct orders *);

/* Cold pages of full nodes that are wanted go down a tier; at most 1024 pages are looked at. */
void thrift_load_room(struct thrift *, const struct view *, struct orders *);

/* Halves the heat of as many pages as misses seen allow, at most 4096. */
void thrift_load_age(struct thrift *, const struct view *);

#endif
