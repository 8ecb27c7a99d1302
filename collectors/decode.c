/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/decode.h"

#include <errno.h>

#include "collectors/decode_private.h"

/* Fields that the kernel appends to its records other than samples (sample_id_all). */
static const uint64_t trailer_bits = ABI_TID | ABI_TIME | ABI_ID | ABI_STREAM_ID | ABI_CPU | ABI_IDENTIFIER;

/* The instance that the record is of; null: the first event, or none. */
static const struct decode_id *instance(const struct decoder *d, const struct cursor *c, int from_front, int from_back)
{
    uint64_t id;
    size_t left = (size_t)(c->end - c->at);
    if (from_front >= 0 && (size_t)from_front + sizeof id <= left)
        memcpy(&id, c->at + from_front, sizeof id);
    else if (from_back > 0 && (size_t)from_back <= left)
        memcpy(&id, c->end - from_back, sizeof id);
    else
        return NULL;
    return decoder_slot(d, id);
}

/* What the record itself lacks, its instance may know. */
static void place(const struct decode_id *slot, struct sample *s)
{
    if (!slot)
        return;
    s->event = slot->event;
    s->id = slot->id;
    if (!(s->has & SAMPLE_CPU) && slot->cpu >= 0) {
        s->cpu = (uint32_t)slot->cpu;
        s->has |= SAMPLE_CPU;
    }
    if (!(s->has & SAMPLE_TASK) && slot->tid > 0) {
        s->pid = s->tid = (uint32_t)slot->tid;
        s->has |= SAMPLE_TASK;
    }
}

static bool by_kernel(uint16_t misc)
{
    unsigned mode = misc & ABI_MISC_MODE;
    return mode == ABI_MISC_KERNEL || mode == ABI_MISC_GUEST_KERNEL;
}

static int sample(const struct decoder *d, struct cursor *c, struct decoded *out, const char **why)
{
    const struct decode_id *slot = instance(d, c, d->id_at, -1);
    if (!d->events || d->mixed) {
        *why = d->events ? "events cannot be told apart: they have no common place of an id" : "no event is known";
        return -ENOENT;
    }
    if (!slot && d->events > 1 && d->id_at >= 0) {
        *why = "a sample of an unknown event";
        return -ENOENT;
    }
    uint32_t event = slot ? slot->event : 0;
    int err = decode_sample(&d->event[event], c, &out->sample, why);
    out->kind = DECODED_SAMPLE;
    out->sample.event = event;
    out->sample.kernel = by_kernel(out->misc);
    place(slot, &out->sample);
    return err;
}

/* Cuts the trailer off the record's end. */
static void trailer(const struct decoder *d, struct cursor *c, struct sample *s)
{
    const struct decode_id *slot = instance(d, c, -1, d->id_back);
    if (!d->events)
        return;
    const struct decode_event *e = &d->event[slot ? slot->event : 0];
    uint64_t type = e->sample_type & trailer_bits;
    size_t length = 8 * (size_t)__builtin_popcountll(type);
    if (!e->sample_id_all || length > (size_t)(c->end - c->at))
        return;
    struct cursor t = {.at = c->end - length, .end = c->end};
    c->end = t.at;
    if (type & ABI_TID) {
        s->pid = cursor_u32(&t);
        s->tid = cursor_u32(&t);
        s->has |= SAMPLE_TASK;
    }
    if (type & ABI_TIME) {
        s->time = cursor_u64(&t);
        s->has |= SAMPLE_TIME;
    }
    if (type & ABI_ID)
        s->id = cursor_u64(&t);
    if (type & ABI_STREAM_ID)
        cursor_u64(&t);
    if (type & ABI_CPU) {
        s->cpu = cursor_u32(&t);
        s->has |= SAMPLE_CPU;
    }
    place(slot, s);
}

/* Text up to its NUL; null when it has none. */
static const char *text(struct cursor *c)
{
    const char *at = (const char *)c->at;
    const void *end = c->at < c->end ? memchr(c->at, 0, (size_t)(c->end - c->at)) : NULL;
    if (!end)
        c->bad = true;
    return end ? at : NULL;
}

static void lost(struct cursor *c, struct decoded *out)
{
    bool samples = out->type == ABI_RECORD_LOST_SAMPLES;
    out->kind = samples ? DECODED_LOST_SAMPLES : DECODED_LOST;
    out->lost.id = samples ? 0 : cursor_u64(c);
    out->lost.n = cursor_u64(c);
    out->lost.by_filter = samples && (out->misc & ABI_MISC_LOST_BY_BPF);
}

static void throttle(struct cursor *c, struct decoded *out)
{
    out->kind = out->type == ABI_RECORD_THROTTLE ? DECODED_THROTTLE : DECODED_UNTHROTTLE;
    out->throttle.time = cursor_u64(c);
    out->throttle.id = cursor_u64(c);
    cursor_u64(c);
}

static void task(struct cursor *c, struct decoded *out)
{
    out->kind = out->type == ABI_RECORD_FORK ? DECODED_FORK : DECODED_EXIT;
    out->fork.pid = cursor_u32(c);
    out->fork.parent = cursor_u32(c);
    out->fork.tid = cursor_u32(c);
    out->fork.parent_tid = cursor_u32(c);
    out->fork.time = cursor_u64(c);
}

static void comm(struct cursor *c, struct decoded *out)
{
    out->kind = DECODED_COMM;
    out->comm.pid = cursor_u32(c);
    out->comm.tid = cursor_u32(c);
    out->comm.name = text(c);
}

static void map(struct cursor *c, struct decoded *out)
{
    out->kind = DECODED_MMAP;
    out->map.pid = cursor_u32(c);
    out->map.tid = cursor_u32(c);
    out->map.start = cursor_u64(c);
    out->map.length = cursor_u64(c);
    out->map.offset = cursor_u64(c);
    if (out->type == ABI_RECORD_MMAP2)
        cursor_skip(c, 24 + 8); /* device and inode, or build id; protection, flags */
    out->map.name = text(c);
}

static void aux(struct cursor *c, struct decoded *out)
{
    out->kind = DECODED_AUX;
    out->aux.offset = cursor_u64(c);
    out->aux.size = cursor_u64(c);
    out->aux.flags = cursor_u64(c);
}

static void switched(struct cursor *c, struct decoded *out)
{
    out->kind = DECODED_SWITCH;
    out->switched.out = out->misc & ABI_MISC_SWITCH_OUT;
    if (out->type == ABI_RECORD_SWITCH_CPU_WIDE) {
        out->switched.pid = cursor_u32(c);
        out->switched.tid = cursor_u32(c);
    }
}

static void itrace(struct cursor *c, struct decoded *out)
{
    out->kind = DECODED_ITRACE_START;
    out->comm.pid = cursor_u32(c);
    out->comm.tid = cursor_u32(c);
}

static void body(struct cursor *c, struct decoded *out)
{
    static void (*const of[])(struct cursor *, struct decoded *) = {
        [ABI_RECORD_MMAP] = map,
        [ABI_RECORD_LOST] = lost,
        [ABI_RECORD_COMM] = comm,
        [ABI_RECORD_EXIT] = task,
        [ABI_RECORD_THROTTLE] = throttle,
        [ABI_RECORD_UNTHROTTLE] = throttle,
        [ABI_RECORD_FORK] = task,
        [ABI_RECORD_MMAP2] = map,
        [ABI_RECORD_AUX] = aux,
        [ABI_RECORD_ITRACE_START] = itrace,
        [ABI_RECORD_LOST_SAMPLES] = lost,
        [ABI_RECORD_SWITCH] = switched,
        [ABI_RECORD_SWITCH_CPU_WIDE] = switched,
    };
    if (out->type < sizeof of / sizeof of[0] && of[out->type])
        of[out->type](c, out);
}

int decode_record(const struct decoder *d, const void *bytes, size_t size, struct decoded *out, const char **why)
{
    struct abi_header header;
    memset(out, 0, sizeof *out);
    out->kind = DECODED_OTHER;
    if (size < sizeof header) {
        *why = "a record is shorter than its header";
        return -EBADMSG;
    }
    memcpy(&header, bytes, sizeof header);
    out->type = header.type;
    out->misc = header.misc;
    struct cursor c = {.at = (const unsigned char *)bytes + sizeof header, .end = (const unsigned char *)bytes + size};
    if (header.type == ABI_RECORD_SAMPLE)
        return sample(d, &c, out, why);
    if (header.type >= ABI_RECORD_USER)
        return 0;
    trailer(d, &c, &out->sample);
    body(&c, out);
    if (!c.bad)
        return 0;
    out->kind = DECODED_OTHER;
    *why = "a record is shorter than its fields";
    return -EBADMSG;
}
