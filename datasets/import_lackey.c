/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The text of "valgrind --tool=lackey --trace-mem=yes": one line per access, no time and no thread. It is a stream of
 * accesses, not of misses, and the trace says so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/import_private.h"

/* 1 a record, 0 a line of Valgrind's own, -EINVAL anything else. */
static int parse(const char *line, struct trace_record *r)
{
    if (!*line || !strncmp(line, "==", 2) || !strncmp(line, "--", 2))
        return 0;
    char kind = line[0] == ' ' ? line[1] : line[0];
    if (!kind || !strchr(line[0] == ' ' ? "LSM" : "I", kind))
        return -EINVAL;
    const char *number = line + (kind == 'I' ? 1 : 2);
    number += strspn(number, " ");
    char *end;
    errno = 0;
    if (!*number || !strchr("0123456789abcdefABCDEF", *number))
        return -EINVAL;
    r->address = strtoull(number, &end, 16);
    if (errno || *end != ',' || strspn(end + 1, "0123456789") != strlen(end + 1) || !end[1])
        return -EINVAL;
    /* A modify reads and then writes one place: as a miss it is one write. */
    r->flags = kind == 'I' ? TRACE_FETCH : kind == 'L' ? TRACE_READ : TRACE_WRITE;
    return 1;
}

static int start(struct import_sink *sink, struct trace_error *error)
{
    struct trace_meta meta = {.page_size = 4096, .line_size = 64, .period = 1, .cpus = 1, .labels = TRACE_ALL_ACCESSES};
    memset(meta.cpu_node, NODE_NONE, sizeof meta.cpu_node);
    strcpy(meta.source, "lackey");
    snprintf(meta.event, sizeof meta.event,
             "every memory access, not misses; one CPU; %llu ns per access by assumption",
             (unsigned long long)sink->options->step_ns);
    return import_start(sink, &meta, false, error);
}

int import_lackey(struct import_input *in, struct import_sink *sink, struct trace_error *error)
{
    struct trace_record record = {.weight = 1, .node = NODE_NONE};
    struct trace_error why;
    uint64_t step = sink->options->step_ns;
    char *line;
    int got = 0, err = start(sink, error);
    while (!err && !sink->full && (got = import_input_line(in, &line, error)) > 0) {
        int kind = parse(line, &record);
        if (kind < 0) {
            err = trace_fail(error, EINVAL, "%s:%llu: '%.40s' is no line of lackey (I, L, S or M with address,size)",
                             import_input_path(in), (unsigned long long)import_input_line_number(in), line);
        } else if (kind > 0) {
            record.time = sink->counts->read * step;
            if (import_put(sink, &record, &why))
                err = trace_fail(error, EINVAL, "%s:%llu: %s", import_input_path(in),
                                 (unsigned long long)import_input_line_number(in), why.text);
        }
        if (!err)
            err = import_pulse(sink, in, error);
    }
    return err ? err : got < 0 ? got : 0;
}
