/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From a session's rings to a live engine: samples are decoded, those of the process that are misses (or page touches)
 * are put in order of time, one round of the rings at once, and handed on. A sample weighs what it weighs in a trace:
 * its period where that counts misses, else 1. Tasks are numbered as they appear, from 0 on (after 65536 of them
 * again).
 */
#ifndef COLLECTORS_LIVE_FEED_H
#define COLLECTORS_LIVE_FEED_H

#include "collectors/decode.h"
#include "collectors/live.h"
#include "collectors/session.h"
#include "collectors/to_trace_private.h"

enum { LIVE_FEED_MOST = 1 << 20 }; /* samples of one round; more are passed over, and counted */

struct live_feed {
    struct live *live;
    struct decoder *decoder;
    struct sample *samples; /* of this round */
    size_t n, room;
    struct numbers tasks; /* thread -> number */
    uint32_t pid;
    bool memory;    /* the source tells the level: caches' hits are left out */
    int64_t offset; /* from the samples' clock to CLOCK_MONOTONIC, ns */
    bool offset_known;
    uint64_t lost;    /* records that the rings lost */
    uint64_t strange; /* records that could not be decoded */
    uint64_t others;  /* samples of other processes, without an address, or hits */
    uint64_t over;    /* samples beyond LIVE_FEED_MOST */
};

/* Of an open session. 0 or -errno. `memory` as in struct source. */
int live_feed_begin(struct live_feed *, struct live *, const struct session *, uint32_t pid, bool memory);
void live_feed_end(struct live_feed *);

/* To be given to session_turn and session_stop. Its calls answer -ESRCH when the process is gone. */
struct session_sink live_feed_sink(struct live_feed *);

/* CLOCK_MONOTONIC, ns. */
uint64_t live_feed_now(void);

#endif
