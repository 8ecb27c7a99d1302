/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A recording from the kernel's events to a trace: chooses the source, runs the session into a spool, makes the trace.
 */
#ifndef COLLECTORS_RECORD_H
#define COLLECTORS_RECORD_H

#include "collectors/readers.h"
#include "collectors/sources.h"

struct record_options {
    int source; /* enum source_id; -1: the best that works here */
    struct encode_options encode;
    uint64_t rate; /* samples per second and CPU; 0: the source's period */
    enum session_whom whom;
    pid_t pid;
    char *const *command;
    uint64_t duration_ns; /* 0: until the end of whoever is recorded, or a signal */
    uint32_t ring_kib;    /* 0: default */
    const char *counters; /* names, separated by commas; null: a default set; "none" */
    const char *out;      /* the trace */
    int argc;             /* our own command line, for the file */
    char *const *argv;
    struct import_options import;
    const volatile int *stop;                          /* not 0: end the recording now, make the trace;
                                                          another value by then: leave the spool, -EINTR */
    void (*progress)(void *context, uint64_t samples); /* now and then; may be null */
    void *context;
};

/* What recording itself took, of all threads of this process: ns of CPU time before the first sample could come, while
 * recording, and after it (the trace); ns of time that was recorded. */
struct record_cost {
    uint64_t before, during, after, recorded;
};

struct record_result {
    enum source_id source;
    struct attr_steps steps; /* what was given up, a line each */
    struct session_counts counts;
    struct import_counts import;
    struct to_trace_counts samples; /* what became of them */
    struct record_cost cost;
    int status;   /* of the command, as wait() gives it */
    bool ended;   /* the command has ended by itself */
    bool spooled; /* the trace could not be made, but `out`.part holds what was recorded */
};

/* 0, or -errno with a line. */
int record_run(const struct record_options *, struct record_result *, struct trace_error *);

#endif
