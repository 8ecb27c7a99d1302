/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Totals beside the stream: cycles, instructions, cache misses, faults of what is recorded, by PAPI's native names, and
 * traffic of the memory controllers where the kernel shows them (sysfs units, "uncore_imc_0/cas_count_read/"). They
 * are read at intervals and become /collect/counters of the trace.
 *
 * Every counter is optional: one that cannot be started is left out and told as a step. Only starting one proves it:
 * PAPI lists counters on machines that have none.
 */
#ifndef COLLECTORS_COUNTERS_H
#define COLLECTORS_COUNTERS_H

#include "collectors/attr.h"
#include "collectors/perfdata.h"
#include "collectors/session.h"

/* Native names tried where none are given; then the memory controllers'. */
extern const char *const counters_default[];

struct counters_options {
    const char *names; /* separated by commas; null: the default set; "none" or "": nothing */
    enum session_whom whom;
    pid_t pid; /* the command or process; else 0 */
};

struct counters;

typedef void counters_put(void *context, const struct perfdata_value *);

/* Opens and starts what can be. 0 with *out null when nothing could; -ENOMEM. One at a time: PAPI is one per process,
 * and encode_pfm must not run between this and counters_close. */
int counters_open(const struct counters_options *, struct attr_steps *, struct counters **out);
void counters_close(struct counters *); /* null is fine */

size_t counters_count(const struct counters *);
const struct perfdata_series *counters_series(const struct counters *, size_t i);

/* Reads all, as of `now` ns. */
void counters_read(struct counters *, uint64_t now, counters_put *, void *context);

#endif
