/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/telemetry.h"

enum { HEAD = 8, TAIL = 4, OBSERVATION_MAX = 10 + 5 + 2 };

_Static_assert(HEAD + TAIL == TELEMETRY_OVERHEAD, "length of a frame");
_Static_assert(sizeof(struct telemetry_hello) == 1440, "no padding");
_Static_assert(sizeof(struct telemetry_node) == 288, "no padding");
_Static_assert(sizeof(struct telemetry_vm) == 320, "no padding");
_Static_assert(sizeof(struct telemetry_vcpu) == 296, "no padding");
_Static_assert(sizeof(struct telemetry_engine) == 16 + sizeof(struct engine_stats) + 80, "no padding");
_Static_assert(sizeof(struct telemetry_disk) == 104, "no padding");
_Static_assert(sizeof(struct telemetry_end) == 256, "no padding");

static uint32_t crc32(uint32_t crc, const uint8_t *bytes, size_t n)
{
    static const uint32_t nibble[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc = nibble[(crc ^ bytes[i]) & 15] ^ crc >> 4;
        crc = nibble[(crc ^ (uint32_t)(bytes[i] >> 4)) & 15] ^ crc >> 4;
    }
    return ~crc;
}

static void emit(struct telemetry *t, enum telemetry_type type, const uint8_t *body, size_t size)
{
    uint8_t head[HEAD] = {'M',
                          'B',
                          (uint8_t)type,
                          0,
                          (uint8_t)size,
                          (uint8_t)(size >> 8),
                          (uint8_t)t->sequence,
                          (uint8_t)(t->sequence >> 8)};
    uint32_t crc = crc32(crc32(0, head, HEAD), body, size);
    uint8_t tail[TAIL] = {(uint8_t)crc, (uint8_t)(crc >> 8), (uint8_t)(crc >> 16), (uint8_t)(crc >> 24)};
    t->sequence++;
    t->put(t->context, head, HEAD);
    t->put(t->context, body, size);
    t->put(t->context, tail, TAIL);
}

void telemetry_init(struct telemetry *t, void (*put)(void *, const void *, size_t), void *context)
{
    __builtin_memset(t, 0, sizeof *t);
    t->put = put;
    t->context = context;
}

void telemetry_flush(struct telemetry *t)
{
    uint32_t used = t->used;
    t->used = 0;
    if (used)
        emit(t, TELEMETRY_OBSERVED, t->body, used);
}

void telemetry_send(struct telemetry *t, enum telemetry_type type, const void *body, size_t size)
{
    if (size > TELEMETRY_BODY_MAX)
        size = TELEMETRY_BODY_MAX;
    telemetry_flush(t);
    emit(t, type, body, size);
}

static void put_varint(struct telemetry *t, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        t->body[t->used++] = (uint8_t)(value | 0x80);
    t->body[t->used++] = (uint8_t)value;
}

static uint64_t load64(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

void telemetry_observed(struct telemetry *t, uint64_t time, uint32_t slot, node_t node, uint8_t what)
{
    if (t->used + OBSERVATION_MAX > TELEMETRY_BODY_MAX)
        telemetry_flush(t);
    if (t->used == 0) {
        for (unsigned i = 0; i < 8; i++)
            t->body[t->used++] = (uint8_t)(time >> 8 * i);
        t->last_time = time;
        t->last_slot = 0;
    }
    /* CPUs take their time before they queue for the lock: one that waited may report an earlier one. */
    if (time < t->last_time)
        time = t->last_time;
    uint32_t difference = slot - t->last_slot;
    put_varint(t, time - t->last_time);
    put_varint(t, difference << 1 ^ (0u - (difference >> 31)));
    t->body[t->used++] = node;
    t->body[t->used++] = what;
    t->last_time = time;
    t->last_slot = slot;
}

static bool get_varint(const uint8_t *body, size_t size, size_t *at, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && *at < size; shift += 7) {
        uint8_t byte = body[(*at)++];
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

bool telemetry_next(const void *body, size_t size, size_t *at, struct telemetry_observation *o)
{
    const uint8_t *bytes = body;
    if (*at == 0) {
        if (size < 8)
            return false;
        o->time = load64(bytes);
        o->slot = 0;
        *at = 8;
    }
    uint64_t later, zigzag;
    if (!get_varint(bytes, size, at, &later) || !get_varint(bytes, size, at, &zigzag))
        return false;
    if (zigzag > UINT32_MAX || size - *at < 2 || o->time + later < o->time)
        return false;
    o->time += later;
    o->slot += (uint32_t)zigzag >> 1 ^ (0u - ((uint32_t)zigzag & 1));
    o->node = bytes[(*at)++];
    o->what = bytes[(*at)++];
    return true;
}

void telemetry_reader_init(struct telemetry_reader *r)
{
    __builtin_memset(r, 0, sizeof *r);
    r->expected = -1;
}

static void shift_out(struct telemetry_reader *r, uint32_t n)
{
    r->have -= n;
    __builtin_memmove(r->frame, r->frame + n, r->have);
}

/* What lies first is no frame: on to where the next could start. */
static void skip(struct telemetry_reader *r)
{
    uint32_t n = 1;
    while (n < r->have && r->frame[n] != 'M')
        n++;
    r->bad_bytes += n;
    shift_out(r, n);
}

static uint32_t body_size(const struct telemetry_reader *r)
{
    return (uint32_t)r->frame[4] | (uint32_t)r->frame[5] << 8;
}

static bool head_good(const struct telemetry_reader *r)
{
    const uint8_t *f = r->frame;
    return f[0] == 'M' && f[1] == 'B' && f[2] >= TELEMETRY_HELLO && f[2] <= TELEMETRY_END && f[3] == 0 &&
           body_size(r) <= TELEMETRY_BODY_MAX;
}

static bool body_good(const struct telemetry_reader *r)
{
    uint32_t end = HEAD + body_size(r);
    const uint8_t *f = r->frame + end;
    uint32_t crc = (uint32_t)f[0] | (uint32_t)f[1] << 8 | (uint32_t)f[2] << 16 | (uint32_t)f[3] << 24;
    return crc == crc32(0, r->frame, end);
}

static void hand_out(struct telemetry_reader *r, struct telemetry_frame *frame)
{
    uint16_t sequence = (uint16_t)(r->frame[6] | r->frame[7] << 8);
    if (r->expected >= 0)
        r->lost_frames += (uint16_t)(sequence - r->expected);
    r->expected = (uint16_t)(sequence + 1);
    r->frames++;
    r->handed = TELEMETRY_OVERHEAD + body_size(r);
    *frame = (struct telemetry_frame){(enum telemetry_type)r->frame[2], r->frame + HEAD, body_size(r)};
}

size_t telemetry_feed(struct telemetry_reader *r, const uint8_t *bytes, size_t n, struct telemetry_frame *frame)
{
    size_t took = 0;
    __builtin_memset(frame, 0, sizeof *frame);
    shift_out(r, r->handed);
    r->handed = 0;
    for (;;) {
        bool head = r->have >= HEAD;
        if (head && !head_good(r)) {
            skip(r);
            continue;
        }
        uint32_t want = head ? TELEMETRY_OVERHEAD + body_size(r) : HEAD;
        if (r->have < want) {
            size_t some = want - r->have < n - took ? want - r->have : n - took;
            if (some == 0)
                return took;
            __builtin_memcpy(r->frame + r->have, bytes + took, some);
            r->have += (uint32_t)some;
            took += some;
            continue;
        }
        if (!head)
            continue;
        if (body_good(r)) {
            hand_out(r, frame);
            return took;
        }
        skip(r);
    }
}
