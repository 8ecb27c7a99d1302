/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a person sees of a live run each second: a line, or a screen drawn anew on a terminal.
 */
#ifndef COLLECTORS_LIVE_SHOW_H
#define COLLECTORS_LIVE_SHOW_H

#include <stdio.h>

#include "collectors/live.h"
#include "collectors/session.h"

struct live_show {
    const char *what;   /* "process 4711 (app)" */
    const char *policy; /* with its parameters, as typed */
    const char *source; /* what feeds it */
    bool apply, screen, colour;
    unsigned columns;     /* of the screen, at which its lines are cut; 0: unknown */
    bool command;         /* it was started by us, and ends with us */
    bool touches;         /* the source sees first touches only */
    bool one_node;        /* no page can be anywhere else */
    uint64_t lost;        /* records that the source dropped */
    uint64_t over;        /* samples that we dropped, as too many waited */
    uint64_t seconds;     /* since the start */
    bool begun;           /* the heading is out */
    struct live_stats at; /* at the last line */
    uint64_t moves_at, moved_at;
};

/* One second's line, or the screen, of what happened since the call before. */
void live_show(struct live_show *, const struct live *, FILE *);

/* The last lines: what the source gave and lost by the kernel's own count (counts null: never read), what could not be
 * done and why, what moved and what that gained or would gain. */
void live_show_end(struct live_show *, const struct live *, const struct session_counts *, FILE *);

#endif
