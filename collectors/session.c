/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "collectors/perf_abi.h"
#include "collectors/session_private.h"

enum { RELEASE_MS = 2000 };

size_t session_events(const struct session *s)
{
    return s->count + 1;
}

void session_event(const struct session *s, size_t i, struct session_event *out)
{
    const struct encode_event *encoded = i < s->count ? &s->events[i] : NULL;
    *out = (struct session_event){.name = encoded ? encoded->name : "dummy:u",
                                  .encoded = encoded,
                                  .attr = s->attrs[i],
                                  .ids = s->ids[i],
                                  .instances = s->nids[i]};
}

const struct ring *session_ring(const struct session *s)
{
    return s->nrings ? s->rings[0].ring : NULL;
}

struct child *session_child(struct session *s)
{
    return s->whom == SESSION_COMMAND ? &s->child : NULL;
}

uint64_t session_received(const struct session *s)
{
    return s->counts.received;
}

static void control_all(const struct session *s, unsigned long request)
{
    for (size_t i = 0; i < s->nfds; i++) {
        s->ops->control(s->ops->context, s->fds[i].fd, request, 0);
        if (s->fds[i].leader >= 0)
            s->ops->control(s->ops->context, s->fds[i].leader, request, 0);
    }
}

/* Events of a command begin by themselves when it execs, so that our own half of the fork is not recorded. */
int session_start(struct session *s, struct trace_error *error)
{
    if (s->whom != SESSION_COMMAND) {
        control_all(s, PERF_EVENT_IOC_ENABLE);
        return 0;
    }
    int err = child_go(&s->child);
    if (err)
        snprintf(error->text, sizeof error->text, "cannot run %s: %s%s", s->program, strerror(-err),
                 err == -ENOENT ? "; give its path, or install it" : "");
    return err;
}

/* --- counting what passes --- */

/* The 8-byte words of a ring's bytes never lie across the border of the two pieces. */
static const void *at(const struct iovec pieces[2], uint64_t position)
{
    const char *base = position < pieces[0].iov_len ? pieces[0].iov_base : pieces[1].iov_base;
    return base + (position < pieces[0].iov_len ? position : position - pieces[0].iov_len);
}

static void tally_record(struct session_counts *counts, const struct iovec pieces[2], uint64_t position, unsigned type)
{
    if (type == ABI_RECORD_SAMPLE)
        counts->received++;
    else if (type == ABI_RECORD_THROTTLE)
        counts->throttled++;
    else if (type == ABI_RECORD_LOST)
        counts->lost_told += *(const uint64_t *)at(pieces, position + 16);
}

static bool tally(struct session_counts *counts, const struct iovec pieces[2], uint64_t n)
{
    for (uint64_t position = 0; position < n;) {
        const struct abi_header *header = at(pieces, position);
        if (header->size < sizeof *header || header->size % 8 || header->size > n - position ||
            (header->type == ABI_RECORD_LOST && header->size < 24))
            return false;
        tally_record(counts, pieces, position, header->type);
        position += header->size;
    }
    return true;
}

/* --- emptying the rings --- */

static int drain_data(struct session *s, struct session_ring *r, const struct session_sink *sink)
{
    struct iovec pieces[2];
    int64_t n = ring_pieces(r->ring, pieces);
    if (n == 0)
        return 0;
    if (n < 0 || !tally(&s->counts, pieces, (uint64_t)n)) {
        r->corrupt = true;
        s->counts.skipped++;
        return 0;
    }
    int err = sink->bytes(sink->context, r->cpu, pieces);
    if (!err) {
        ring_take(r->ring, (uint64_t)n);
        ring_release(r->ring);
    }
    return err;
}

/* AUX bytes go first: the records that speak of them are in the data area. */
static int drain_aux(struct session_ring *r, const struct session_sink *sink)
{
    struct iovec pieces[2];
    uint64_t position;
    if (!r->aux || !sink->aux)
        return 0;
    int64_t n = ring_aux_pieces(r->ring, pieces, &position);
    if (n <= 0)
        return 0;
    int err = sink->aux(sink->context, r->cpu, pieces, position);
    if (!err) {
        ring_aux_take(r->ring, (uint64_t)n);
        ring_release_aux(r->ring);
    }
    return err;
}

static int drain(struct session *s, const struct session_sink *sink)
{
    int err = 0;
    for (size_t i = 0; !err && i < s->nrings; i++) {
        if (s->rings[i].corrupt)
            continue;
        err = drain_aux(&s->rings[i], sink);
        if (!err)
            err = drain_data(s, &s->rings[i], sink);
    }
    return err ? err : sink->round(sink->context);
}

/* A process that nobody waits for is still there for kill; its descriptor tells. */
static bool process_ended(const struct session *s)
{
    struct pollfd end = {.fd = s->process, .events = POLLIN};
    if (s->process >= 0)
        return poll(&end, 1, 0) == 1;
    return kill(s->pid, 0) && errno == ESRCH;
}

bool session_over(struct session *s)
{
    switch (s->whom) {
    case SESSION_COMMAND:
        return child_ended(&s->child);
    case SESSION_PROCESS:
        return process_ended(s);
    default:
        return false;
    }
}

/* An event whose task has ended is ready for ever: it is no longer asked, and the wait gets short instead, since its
 * ring may still serve the task's children. */
static void wait_for_bytes(struct session *s, int timeout_ms)
{
    bool silent = false;
    for (size_t i = 0; i < s->nrings; i++)
        silent |= s->polls[i].fd < 0;
    int ready = s->ops->poll(s->ops->context, s->polls, s->nrings + 1, silent && timeout_ms > 20 ? 20 : timeout_ms);
    for (size_t i = 0; ready > 0 && i < s->nrings; i++)
        if (s->polls[i].revents & (POLLHUP | POLLERR | POLLNVAL))
            s->polls[i].fd = -1;
}

int session_turn(struct session *s, int timeout_ms, const struct session_sink *sink)
{
    wait_for_bytes(s, timeout_ms);
    bool over = session_over(s);
    int err = drain(s, sink);
    return err ? err : !over;
}

/* --- the end --- */

static void read_counts(struct session *s, const struct session_fd *f)
{
    const struct perf_event_attr *attr = &s->attrs[f->event];
    bool loses = attr->read_format & ABI_READ_LOST;
    uint64_t words[3] = {0}; /* value, id, lost */
    int64_t got = s->ops->read(s->ops->context, f->fd, words, loses ? 24 : 16);
    if (got < 16)
        return;
    s->counts.lost_all += words[2];
    if (f->event == s->count)
        return;
    s->counts.counted += words[0];
    s->counts.lost += words[2];
    if (!attr->freq && attr->sample_period) {
        s->counts.due += words[0] / attr->sample_period;
        s->counts.slack += attr->sample_period > 1;
    }
}

/* An instance's tasks each keep a rest of a period to themselves: with inheritance their number is not known. */
static bool checkable(const struct session *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->attrs[i].freq || !(s->attrs[i].read_format & ABI_READ_LOST) ||
            (s->events[i].flags & (ENCODE_AUX_AREA | ENCODE_MISSES_ONLY)) ||
            (s->attrs[i].inherit && s->attrs[i].sample_period != 1))
            return false;
    return true;
}

int session_stop(struct session *s, const struct session_sink *sink, struct session_counts *counts)
{
    control_all(s, PERF_EVENT_IOC_DISABLE);
    int err = drain(s, sink);
    for (size_t i = 0; i < s->nfds; i++)
        read_counts(s, &s->fds[i]);
    if (!(s->attrs[0].read_format & ABI_READ_LOST))
        s->counts.lost = s->counts.lost_told;
    s->counts.checkable = checkable(s);
    *counts = s->counts;
    return err;
}

bool session_counts_agree(const struct session_counts *c)
{
    uint64_t seen = c->received + c->lost;
    return !c->checkable || (seen <= c->due + c->slack && seen + c->slack >= c->due);
}

void session_free(struct session *s)
{
    for (size_t i = 0; i < s->nrings; i++) {
        if (s->rings[i].aux)
            s->ops->unmap(s->ops->context, s->rings[i].aux, s->rings[i].aux_bytes);
        s->ops->unmap(s->ops->context, s->rings[i].base, s->rings[i].bytes);
        free(s->rings[i].ring);
    }
    for (size_t i = 0; i < s->nfds; i++) {
        s->ops->close(s->ops->context, s->fds[i].fd);
        if (s->fds[i].leader >= 0)
            s->ops->close(s->ops->context, s->fds[i].leader);
    }
    for (size_t i = 0; i <= SESSION_EVENTS; i++)
        free(s->ids[i]);
    if (s->process >= 0)
        close(s->process);
    free(s->tasks);
    free(s->cpus);
    free(s->fds);
    free(s->rings);
    free(s->polls);
    free(s);
}

void session_close(struct session *s)
{
    if (!s)
        return;
    if (s->whom == SESSION_COMMAND)
        child_release(&s->child, SIGTERM, RELEASE_MS);
    session_free(s);
}
