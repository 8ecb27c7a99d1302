/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What this machine and this user can record: each source is not only opened but tried on a child that goes through
 * memory, each counter has to count.
 */
#ifndef COLLECTORS_PROBE_SOURCES_H
#define COLLECTORS_PROBE_SOURCES_H

#include "collectors/cause.h"
#include "collectors/sources.h"

enum { PROBE_ROWS = 16 };

enum probe_state {
    PROBE_WORKS,
    PROBE_REFUSED, /* there, but not for this user or in this state */
    PROBE_ABSENT,  /* this machine has none */
};

struct probe_row {
    const char *name; /* as typed for --source, or a word for what it adds to every source */
    const char *what; /* what it is, in a few words */
    enum probe_state state;
    int err;                /* negative errno; 0: works, or opened and stayed silent */
    char found[CAUSE_TEXT]; /* the event and what the trial showed; empty when it was not opened */
    struct cause cause;     /* empty when it works */
    bool source;            /* it can be given to --source */
};

struct probe {
    struct cause_facts facts;
    struct probe_row row[PROBE_ROWS];
    size_t n;
    const char *best; /* what --source auto would take */
};

/* Takes about a second. */
void probe_all(struct probe *);

const char *probe_state_name(enum probe_state); /* "works", "refused", "absent" */

#endif
