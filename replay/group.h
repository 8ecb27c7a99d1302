/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Runs that go through the trace together, their page records interleaved by page, so that what one run fetches of a
 * page's records its neighbours find in the cache. One group is one thread's work; groups share nothing but the
 * prepared chunks, which they only read.
 */
#ifndef REPLAY_GROUP_H
#define REPLAY_GROUP_H

#include "replay/run.h"

struct group {
    struct run *runs;
    uint32_t nruns;
    uint32_t block; /* records handed to one run before the next has its turn */
    unsigned char *pages;
    size_t bytes, stride; /* of all pages; of one page's records */
};

/* Runs for specs[0], specs[step], ... below n. `windows`: length of the whole run. 0, or -errno with a line. */
int group_init(struct group *, const struct replay_spec *specs, uint32_t n, uint32_t step,
               const struct replay_machine *, const struct replay_options *, const struct trace_meta *,
               uint64_t windows, struct trace_error *);
void group_free(struct group *);

/* All runs over one prepared chunk. */
void group_serve(struct group *, const struct prepared *);

/* How many groups to make of n runs: enough for every thread, few enough that runs share what they fetch. */
uint32_t group_count(const struct replay_options *, uint32_t n, uint32_t threads);

#endif
