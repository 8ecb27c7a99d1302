/* SPDX-License-Identifier: BSD-2-Clause
 *
 * `mirrorball compare --paper`: Disco's locality experiments (SOSP 1997, section 5.5: Figure 8 and Table 3) on the
 * modelled machine with the workloads of datasets/synthetic.h, beside what the paper measured. docs/paper.md says what
 * is reproduced, what is not, and why.
 *
 *   paper_command -> paper_runs (traces and result sets) -> paper_checks (figures against the paper's) -> what compare
 * does
 */
#ifndef REPLAY_PAPER_H
#define REPLAY_PAPER_H

#include "replay/cli.h"
#include "replay/request.h"

/* The command. Takes the options of compare; --machine replaces the preset of the workload that has as many CPUs as
 * that machine and leaves the other out; --no-contention is ignored, for both ways are run. CLI_DONE also when a figure
 * deviates: that is a finding. */
int paper_command(const struct cli *);

/* What has been run. `machines` and the sets belong together: with and without contention for each workload, then the
 * two pages that must not wander. */
enum paper_kind { PAPER_LOADED, PAPER_FLAT, PAPER_WRITE_SHARED, PAPER_PING_PONG };
enum { PAPER_SETS = 8 };
struct paper_sets {
    uint32_t n;
    enum paper_kind kind[PAPER_SETS];
    const struct synthetic *workload[PAPER_SETS]; /* null for the single pages */
    struct result_set set[PAPER_SETS];
};

/* Makes all runs. CLI_DONE, or the code of the error line printed; free with paper_runs_free in either case. */
int paper_runs(struct request *, struct paper_sets *);
void paper_runs_free(struct paper_sets *);

/* Puts the paper's figures beside the runs': each set gets the checks that were made with it. Where a set lacks a run
 * or the yardsticks, what needs them is left out. 0 or -ENOMEM. */
int paper_checks(struct paper_sets *);

#endif
