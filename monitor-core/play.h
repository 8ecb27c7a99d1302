/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A log of everything an engine was told (accesses that needed it, events, ticks, windows, frees) and of what its
 * policy saw besides, and playing it into another engine on any machine: below the observation layer, so the decision
 * digest must come out the same. The same object file plays in the program and in the monitor image (module "log").
 *
 * Format, little-endian: struct play_header, latencies (u32 x nodes x nodes, ps), tiers (u8 x nodes), cpu nodes
 * (u8 x cpus), at the next multiple of 8 frames (u64 x nodes), where they are known bandwidths (u64 x nodes) and struct
 * costs, with `advice` a node per page (u8 x npages; 0xff none), at the next multiple of 8 records of 24 bytes. What
 * lies between is zero.
 *
 * What a policy sees besides (struct view: accessed bits, load) is a row of 64-bit words, all zero at first, that
 * records change: with PLAY_ACCESSED the last harvest, per node a bitmap of ceil(npages / 64) words; then with
 * PLAY_LOAD the last window's traffic (nodes x nodes x 2) and mean latencies (nodes). A class that asks for more than
 * its log holds cannot be played.
 *
 * Use: play_open; the class and parameters that header.policy names; play_need; play_begin; play_feed once or piece by
 * piece; engine_digest; play_end when the machine shall be as before.
 */
#ifndef MONITOR_CORE_PLAY_H
#define MONITOR_CORE_PLAY_H

#include "monitor-core/engine.h"

#define PLAY_MAGIC UINT64_C(0x32474f4c4c4c4142) /* "BALLLOG2" */
enum { PLAY_PAGES_MAX = 1 << 26 };

/* What a log may hold of the machine, and of what the policy saw, besides. */
enum play_known { PLAY_BANDWIDTHS = 1, PLAY_COSTS = 2, PLAY_ACCESSED = 4, PLAY_LOAD = 8, PLAY_KNOWN = 15 };

struct play_header {
    uint64_t magic;
    uint32_t nodes, cpus, npages, batch, sampling, budget;
    uint32_t advice, known; /* advice: 1 or 0; known: enum play_known, or'ed */
    uint64_t records;
    char policy[256]; /* configuration as typed: "migrep:trigger=64"; ends in a zero */
};

/* In PLAY_ACCESS, `what` is EVENT_READ or EVENT_WRITE; in PLAY_EVENT, an event of these two kinds with its weight. A
 * PLAY_TICK and a PLAY_WINDOW have a time only, a PLAY_FLUSH nothing. PLAY_SEEN: of what the policy sees, the `task`
 * words from number `page` on are `time` each. */
enum play_kind { PLAY_ACCESS, PLAY_EVENT, PLAY_TICK, PLAY_WINDOW, PLAY_FREE, PLAY_FLUSH, PLAY_SEEN, PLAY_KINDS };

struct play_record {
    uint64_t time;
    page_t page;
    uint16_t task;
    node_t node;
    uint8_t what;
    uint8_t kind; /* enum play_kind */
    uint8_t reserved[7];
};

struct play {
    struct play_header header; /* copied */
    struct topology topology;  /* points into the text */
    const struct play_record *records;
    const node_t *advice;        /* null: none */
    struct engine_config config; /* as play_need found it */
    uint64_t *seen, seen_at;     /* what the policy sees besides, and where in play_begin's block */
    const uint64_t *accessed[NODE_MAX];
};

/* Words of a node's bitmap, of all bitmaps, and of all that a policy of this log sees besides. */
static inline uint64_t play_row_words(const struct play_header *h)
{
    return ((uint64_t)h->npages + 63) / 64;
}

static inline uint64_t play_accessed_words(const struct play_header *h)
{
    return h->known & PLAY_ACCESSED ? h->nodes * play_row_words(h) : 0;
}

static inline uint64_t play_seen_words(const struct play_header *h)
{
    return play_accessed_words(h) + (h->known & PLAY_LOAD ? h->nodes * (2 * (uint64_t)h->nodes + 1) : 0);
}

/* Checks a log of `size` bytes, 8-byte aligned (hostile), every record of it. 0, or ERR_INVAL and *why says what is
 * wrong (a static string). */
int play_open(struct play *, const void *bytes, size_t size, const char **why);

/* The class and parameters that play_begin is to use, and *bytes of its 16-byte aligned, zeroed block. 0; ERR_NOSUP:
 * the log has not what the class asks for; ERR_INVAL: parameters out of range. */
int play_need(struct play *, const struct policy_class *, const uint64_t *param, uint64_t *bytes);

/* Sets the engine up on that machine as the log's was; it points into the struct play. 0, or what engine_init said. */
int play_begin(struct play *, struct machine *, struct engine *, void *block);

/* Feeds records [from, to) to the engine. A machine that is full is no error of the log: it is part of the decisions.
 * 0, or the first other error. */
int play_feed(const struct play *, struct engine *, uint64_t from, uint64_t to);

/* Frees every page. Not part of the log: the digest has to be taken before. */
void play_end(const struct play *, struct engine *);

#endif
