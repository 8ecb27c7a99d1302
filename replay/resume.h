/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Runs that are done are kept beside the output file until it is written: OUT.part/NNNNNN.h5, each a result set of
 * some of the runs, each under its name only when it is whole. A program that was killed finds them there when the
 * same command is given again, and makes the runs that are left. A lock on OUT.part/lock keeps a second program out;
 * it ends with the process that holds it.
 */
#ifndef REPLAY_RESUME_H
#define REPLAY_RESUME_H

#include "replay/driver.h"
#include "reports/result.h"

struct resume {
    char folder[512]; /* OUT.part */
    int lock;         /* file descriptor; -1: not open */
    uint32_t next;    /* number of the next file */
    bool keep;        /* some runs are kept there */
};

/* Makes or finds the folder of this output file and locks it. 0, or -errno with a line and nothing to close. */
int resume_open(struct resume *, const char *output, struct trace_error *);

/* Takes the runs that are there: out->runs[i] and done[i] for specs[i], n of them. *out has the inputs (all but runs
 * and bounds); files of other inputs end in a line that says so, -EEXIST. *found: how many. Files that are no result
 * sets are taken for not written. The runs belong to the caller from then on, also on failure. */
int resume_load(struct resume *, const struct replay_spec *specs, uint32_t n, struct result_set *out, bool *done,
                uint32_t *found, struct trace_error *);

/* Keeps `count` runs of this set. 0, or -errno with a line. */
int resume_save(struct resume *, const struct result_set *, struct result_run *runs, uint32_t count,
                struct trace_error *);

/* `finished`: the output file is written, what was kept goes. Else it stays, and the folder with it unless it is empty.
 */
void resume_close(struct resume *, bool finished);

#endif
