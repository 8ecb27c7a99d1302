/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which runs a comparison makes: the texts of --policy, or every linked class.
 *
 * A text is a list: "first_touch,migrep:trigger=64,sharing=8,interleave". The comma separates policies as well as
 * parameters; a piece with '=' and without ':' belongs to the policy before it. "all" stands for every class. The same
 * class with other parameters is another run; the very same run twice is made once.
 */
#ifndef REPLAY_SELECT_H
#define REPLAY_SELECT_H

#include "replay/driver.h"

struct select {
    struct replay_spec *specs; /* malloc'd; advice is null */
    uint32_t n, room;
    bool with_recorded; /* "all" includes as_recorded: the trace has page nodes that this machine has */
};

/* Adds the runs of one text. 0, or -EINVAL, -ENOENT, -ENOMEM with a line. */
int select_add(struct select *, const char *text, struct trace_error *);

/* Adds every linked class with its defaults. 0 or -ENOMEM with a line. */
int select_all(struct select *, struct trace_error *);

/* Adds one run unless it is there already. 0 or -ENOMEM with a line. */
int select_spec(struct select *, const struct replay_spec *, struct trace_error *);

void select_free(struct select *);

/* Is this the class that plays back where pages were when recorded? */
bool select_is_recorded(const struct policy_class *);

#endif
