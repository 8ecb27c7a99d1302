/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Ring bytes on their way to a trace: they are written as they are into FILE.part, a perf.data stream in pipe mode.
 * At the end the importer of perf.data makes the trace of it and the spool goes. A recorder that is killed leaves the
 * spool, which `mirrorball import` reads to its last whole record.
 */
#ifndef COLLECTORS_SPOOL_H
#define COLLECTORS_SPOOL_H

#include "collectors/perfdata_write.h"
#include "collectors/readers.h"
#include "collectors/session.h"
#include "datasets/trace_collect.h"

struct spool {
    char *path;
    int fd;
    uint64_t bytes;   /* written */
    uint64_t note_id; /* an instance that notes can name */
    struct perfdata_buffer buffer;
};

/* Begins PATH.part beside the trace. One that is there already is not overwritten: -EEXIST. 0 or -errno with a line. */
int spool_open(struct spool *, const char *trace, struct trace_error *);

/* The events of the session, the machine, the command line; then the source and the steps so far. */
int spool_header(struct spool *, const struct session *, const char *source, const struct attr_steps *, int argc,
                 char *const *argv, struct trace_error *);

/* Receives the session's bytes. */
struct session_sink spool_sink(struct spool *);

void spool_note(struct spool *, enum perfdata_note, const void *bytes, size_t n);

/* Makes the trace of what was written. 0 or -errno with a line; -EINVAL: nothing in it to take. *samples says what
 * became of them in either case. */
int spool_finish(struct spool *, const char *trace, const struct import_options *, const struct to_trace_options *,
                 struct import_counts *, struct to_trace_counts *samples, struct trace_error *);

/* Closes; `keep` leaves the file, if anything is in it. */
void spool_close(struct spool *, bool keep);

#endif
