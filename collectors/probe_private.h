/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Between the rows of sources (probe_sources.c) and the rows of what adds to them (probe_extras.c).
 */
#ifndef COLLECTORS_PROBE_PRIVATE_H
#define COLLECTORS_PROBE_PRIVATE_H

#include "collectors/probe_sources.h"

struct probe_row *probe_add(struct probe *, const char *name, const char *what);

/* Refused or absent, by the errno. */
void probe_fail(const struct probe *, struct probe_row *, int err);
void probe_say(struct probe_row *, enum probe_state, const char *why, const char *fix);

/* Whole system, physical addresses, counters, memory controllers, nodes of pages. */
void probe_extras(struct probe *);

#endif
