/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What compare, replay and sweep have in common on the command line: the options of a replay, the progress bar, the
 * output files.
 */
#ifndef REPLAY_REQUEST_H
#define REPLAY_REQUEST_H

#include "replay/cli.h"
#include "replay/compare.h"

/* The first and the last entries of each command's option table. */
#define REQUEST_OPTIONS                                                                                       \
    {"machine", 'm', "M", "preset or machine file; default: the smallest FLASH with a node for every CPU"},   \
        {"no-contention", 0, NULL, "constant latencies: no queueing at memory or links"},                     \
        {"capacity", 0, "R", "frames per node as a share of the footprint, as in 0.33 or 1/3; 0: unbounded"}, \
        {"repeat", 0, "N", "loop the trace N times: steady state"},                                           \
        {"time-scale", 0, "R", "stretch recorded time by this factor"},                                       \
        {"intensity", 0, "K", "let each CPU stand for K: traffic times K"},                                   \
        {"sample", 0, "K", "observe 1 miss in K, a power of two; default: the machine's"},                    \
        {"batch", 0, "B", "events a policy sees at once, 1 to 64; default 16"},                               \
        {"budget", 0, "N", "pages moved or copied per millisecond at most; default: no limit"},               \
        {"cpu-map", 0, "MAP", "CPUs of the trace to nodes, as in 0-3:0,4-7:1; default: in blocks"},           \
        {"threads", 'j', "N", "threads; default: all CPUs; never changes a result"},                          \
        {"fuse", 0, "N", "runs that share one pass over the records; never changes a result"},                \
    {                                                                                                         \
        "no-bounds", 0, NULL, "leave the yardsticks out (optimum, post facto, UMA)"                           \
    }
#define REQUEST_OUTPUT                                                                                                 \
    {"output", 'o', "FILE.h5", "write the result set here"}, {"report", 0, "FILE.html", "write the report page here"}, \
        {"format", 'f', "F", "table, csv or json on stdout; default table"},                                           \
    {                                                                                                                  \
        0                                                                                                              \
    }

enum { REQUEST_POLICIES = 256 };

struct request {
    const struct cli *cli;
    struct compare_request compare;
    enum cli_format format;
    struct cli_progress bar;
    const char *policies[REQUEST_POLICIES];
    char command[1024];
    const char *results, *report; /* output files; null: not asked for */
};

/* Reads the options and makes sure, before the long run, that the output files can be written and are no input.
 * CLI_DONE; else the error line is printed. Do not copy: compare points into it. */
int request_begin(struct request *, const struct cli *);

/* Ends the progress bar before something is printed. */
void request_quiet(struct request *);

/* Writes the files that were asked for. CLI_DONE, or CLI_FAILED with a line. */
int request_publish(struct request *, const struct result_set *, uint32_t nsets);

#endif
