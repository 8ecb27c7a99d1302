/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "collectors/host_facts.h"
#include "collectors/spool.h"

enum { IDS_PER_RECORD = 8000 }; /* a record has less than 64 KiB */

static int fail(struct trace_error *error, int err, const char *path, const char *what)
{
    snprintf(error->text, sizeof error->text, "%s: %s", path, what ? what : strerror(-err));
    return err;
}

/* A recorder holds a lock on its spool for as long as it lives. */
static const char *why_there(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    bool busy = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    return busy ? "another recording is writing there; wait for it, or name another file"
                : "is there already, from a recording that did not end; import it, or remove it";
}

int spool_open(struct spool *s, const char *trace, struct trace_error *error)
{
    *s = (struct spool){.fd = -1};
    if (asprintf(&s->path, "%s.part", trace) < 0) {
        s->path = NULL;
        return fail(error, -ENOMEM, trace, NULL);
    }
    s->fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (s->fd >= 0) {
        flock(s->fd, LOCK_EX | LOCK_NB); /* where locks do not work, the name alone keeps others out */
        return 0;
    }
    int err = -errno;
    fail(error, err, s->path, err == -EEXIST ? why_there(s->path) : NULL);
    free(s->path);
    s->path = NULL;
    return err;
}

static int flush(struct spool *s)
{
    s->bytes += s->buffer.n;
    return perfdata_flush(&s->buffer, s->fd);
}

static void write_event(struct spool *s, const struct session_event *event)
{
    for (size_t done = 0; done < event->instances; done += IDS_PER_RECORD) {
        size_t left = event->instances - done;
        perfdata_attr(&s->buffer, &event->attr, event->ids + done, left < IDS_PER_RECORD ? left : IDS_PER_RECORD);
        perfdata_name(&s->buffer, event->ids[done], event->name);
    }
}

/* SPE: what its packets mean differs between processors; the facts tell which one it is. */
static void write_auxtrace(struct spool *s, const struct session *session)
{
    struct session_event event;
    for (size_t i = 0; i < session_events(session); i++) {
        session_event(session, i, &event);
        if (event.encoded && event.encoded->flags & ENCODE_AUX_AREA) {
            perfdata_auxtrace_info(&s->buffer, event.attr.type);
            return;
        }
    }
}

static void write_steps(struct spool *s, const char *text)
{
    while (*text) {
        char line[COLLECT_STEP];
        size_t n = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)n, text);
        spool_note(s, NOTE_STEP, line, strlen(line) + 1);
        text += n + (text[n] == '\n');
    }
}

int spool_header(struct spool *s, const struct session *session, const char *source, const struct attr_steps *steps,
                 int argc, char *const *argv, struct trace_error *error)
{
    struct session_event event = {0};
    struct ring_clock clock;
    perfdata_begin(&s->buffer);
    for (size_t i = 0; i < session_events(session); i++) {
        session_event(session, i, &event);
        write_event(s, &event);
        if (event.instances && !s->note_id)
            s->note_id = event.ids[0];
    }
    write_auxtrace(s, session);
    host_facts(&s->buffer, "/sys");
    perfdata_command(&s->buffer, argc, argv);
    if (session_ring(session) && !ring_clock(session_ring(session), &clock))
        perfdata_time_conv(&s->buffer, &clock);
    spool_note(s, NOTE_SOURCE, source, strlen(source) + 1);
    write_steps(s, steps->text);
    int err = flush(s);
    return err ? fail(error, err, s->path, NULL) : 0;
}

void spool_note(struct spool *s, enum perfdata_note note, const void *bytes, size_t n)
{
    perfdata_note(&s->buffer, s->note_id, note, bytes, n);
}

/* --- what the rings hold --- */

static int write_pieces(struct spool *s, const struct iovec pieces[2])
{
    int err = flush(s);
    for (int i = 0; !err && i < 2; i++) {
        const char *bytes = pieces[i].iov_base;
        for (size_t done = 0; !err && done < pieces[i].iov_len;) {
            ssize_t n = write(s->fd, bytes + done, pieces[i].iov_len - done);
            if (n < 0 && errno != EINTR)
                err = -errno;
            done += n > 0 ? (size_t)n : 0;
            s->bytes += n > 0 ? (size_t)n : 0;
        }
    }
    return err;
}

static int take_bytes(void *context, unsigned cpu, const struct iovec pieces[2])
{
    (void)cpu;
    return write_pieces(context, pieces);
}

static int take_aux(void *context, unsigned cpu, const struct iovec pieces[2], uint64_t position)
{
    struct spool *s = context;
    perfdata_auxtrace(&s->buffer, pieces[0].iov_len + pieces[1].iov_len, position, cpu, cpu, UINT32_MAX);
    return write_pieces(s, pieces);
}

static int end_round(void *context)
{
    struct spool *s = context;
    perfdata_round(&s->buffer);
    return flush(s);
}

struct session_sink spool_sink(struct spool *s)
{
    return (struct session_sink){.context = s, .bytes = take_bytes, .aux = take_aux, .round = end_round};
}

/* --- the trace --- */

int spool_finish(struct spool *s, const char *trace, const struct import_options *options,
                 const struct to_trace_options *how, struct import_counts *counts, struct to_trace_counts *samples,
                 struct trace_error *error)
{
    struct readers readers = {.options = *how};
    struct import_options o = *options;
    int err = flush(s);
    if (err)
        return fail(error, err, s->path, NULL);
    o.readers = readers_list;
    o.reader_context = &readers;
    err = import_run(s->path, trace, &o, counts, NULL, NULL, NULL, error);
    *samples = readers.counts;
    return err;
}

void spool_close(struct spool *s, bool keep)
{
    if (s->fd >= 0)
        close(s->fd);
    if (s->path && (!keep || !s->bytes))
        unlink(s->path);
    perfdata_buffer_free(&s->buffer);
    free(s->path);
    *s = (struct spool){.fd = -1};
}
