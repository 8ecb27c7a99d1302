/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/live_feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collectors/perf_abi.h"

uint64_t live_feed_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool wanted(const struct live_feed *f, const struct sample *s)
{
    unsigned needed = SAMPLE_VA | SAMPLE_CPU | SAMPLE_TASK | SAMPLE_TIME;
    if ((s->has & needed) != needed || s->pid != f->pid || s->op == OP_PREFETCH)
        return false;
    return !f->memory || sample_level_miss((enum sample_level)s->level) != MISS_NO;
}

static int keep(struct live_feed *f, const struct sample *s)
{
    if (!wanted(f, s)) {
        f->others++;
        return 0;
    }
    if (f->n == LIVE_FEED_MOST) {
        f->over++;
        return 0;
    }
    if (f->n == f->room) {
        size_t room = f->room ? 2 * f->room : 1024;
        struct sample *more = realloc(f->samples, room * sizeof *more);
        if (!more)
            return -ENOMEM;
        f->samples = more;
        f->room = room;
    }
    f->samples[f->n++] = *s;
    return 0;
}

static int take_record(struct live_feed *f, const void *record, size_t size)
{
    struct decoded d;
    const char *why;
    if (decode_record(f->decoder, record, size, &d, &why)) {
        f->strange++;
        return 0;
    }
    if (d.kind == DECODED_LOST || d.kind == DECODED_LOST_SAMPLES)
        f->lost += d.lost.n;
    return d.kind == DECODED_SAMPLE ? keep(f, &d.sample) : 0;
}

/* Whole records, of which one may lie across the border of the pieces. */
static int take_bytes(void *context, unsigned cpu, const struct iovec pieces[2])
{
    struct live_feed *f = context;
    unsigned char joined[DECODE_RECORD_MAX];
    size_t first = pieces[0].iov_len, total = first + pieces[1].iov_len;
    int err = 0;
    (void)cpu;
    for (size_t at = 0; !err && at + sizeof(struct abi_header) <= total;) {
        const unsigned char *base = at < first ? pieces[0].iov_base : pieces[1].iov_base;
        const unsigned char *record = at < first ? base + at : base + (at - first);
        struct abi_header header;
        memcpy(&header, record, sizeof header);
        if (header.size < sizeof header || header.size > total - at)
            return 0;
        if (at < first && header.size > first - at) {
            memcpy(joined, record, first - at);
            memcpy(joined + (first - at), pieces[1].iov_base, header.size - (first - at));
            record = joined;
        }
        err = take_record(f, record, header.size);
        at += header.size;
    }
    return err;
}

static int by_time(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    return (x->time > y->time) - (x->time < y->time);
}

/* Misses that the sample stands for. The period of load latency, IBS and SPE counts loads, operations or cycles. */
static uint32_t weight_of(const struct live_feed *f, const struct sample *s)
{
    if (!(s->has & SAMPLE_PERIOD) || !s->period || !to_trace_counts_misses(decoder_event(f->decoder, s->event)))
        return 1;
    return s->period > UINT16_MAX ? UINT16_MAX : (uint32_t)s->period;
}

static int hand_on(struct live_feed *f, const struct sample *s, uint64_t now)
{
    uint64_t time = s->time + (uint64_t)f->offset;
    struct live_access access = {.time = time > now ? now : time,
                                 .address = s->va,
                                 .weight = weight_of(f, s),
                                 .cpu = (uint16_t)s->cpu,
                                 .task = (uint16_t)numbers_of(&f->tasks, s->tid),
                                 .write = s->op == OP_WRITE};
    return live_access(f->live, &access);
}

static int finish_round(void *context)
{
    struct live_feed *f = context;
    uint64_t now = live_feed_now();
    size_t i = 0;
    int err = 0;
    if (f->n)
        qsort(f->samples, f->n, sizeof *f->samples, by_time);
    /* Recordings may run on a clock of their own: their latest moment is now. */
    if (f->n && !f->offset_known) {
        f->offset = (int64_t)(now - f->samples[f->n - 1].time);
        f->offset_known = true;
    }
    for (; !err && i < f->n; i++)
        err = hand_on(f, &f->samples[i], now);
    f->n = 0;
    live_advance(f->live, now);
    return err;
}

static int add_event(struct live_feed *f, const struct session *session, size_t i)
{
    struct session_event e;
    session_event(session, i, &e);
    int index = decoder_add(f->decoder, &e.attr, sizeof e.attr, e.ids, e.instances);
    if (index < 0)
        return index;
    struct decode_event *event = decoder_event(f->decoder, (uint32_t)index);
    if (strstr(e.name, "page_fault_user"))
        event->kind = DECODE_FAULT_TRACE;
    else if (!strncmp(e.name, "ibs_op", 6))
        event->kind = DECODE_IBS_OP;
    f->offset_known |= event->use_clockid && event->clockid == CLOCK_MONOTONIC;
    return 0;
}

int live_feed_begin(struct live_feed *f, struct live *live, const struct session *session, uint32_t pid, bool memory)
{
    *f = (struct live_feed){.live = live, .pid = pid, .memory = memory, .decoder = decoder_new()};
    int err = f->decoder ? 0 : -ENOMEM;
    for (size_t i = 0; !err && i < session_events(session); i++)
        err = add_event(f, session, i);
    if (err)
        live_feed_end(f);
    return err;
}

void live_feed_end(struct live_feed *f)
{
    decoder_free(f->decoder);
    numbers_free(&f->tasks);
    free(f->samples);
    *f = (struct live_feed){0};
}

struct session_sink live_feed_sink(struct live_feed *f)
{
    return (struct session_sink){.context = f, .bytes = take_bytes, .round = finish_round};
}
