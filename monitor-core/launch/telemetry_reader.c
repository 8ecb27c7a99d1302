/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/launch/telemetry_reader.h"

static uint64_t load64(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
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

bool telemetry_reader_next(const void *body, size_t size, size_t *at, struct telemetry_observation *o)
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
    uint32_t end = TELEMETRY_HEAD + body_size(r);
    const uint8_t *f = r->frame + end;
    uint32_t crc = (uint32_t)f[0] | (uint32_t)f[1] << 8 | (uint32_t)f[2] << 16 | (uint32_t)f[3] << 24;
    return crc == telemetry_crc(0, r->frame, end);
}

static void hand_out(struct telemetry_reader *r, struct telemetry_frame *frame)
{
    uint16_t sequence = (uint16_t)(r->frame[6] | r->frame[7] << 8);
    if (r->expected >= 0)
        r->lost_frames += (uint16_t)(sequence - r->expected);
    r->expected = (uint16_t)(sequence + 1);
    r->frames++;
    r->handed = TELEMETRY_OVERHEAD + body_size(r);
    *frame = (struct telemetry_frame){(enum telemetry_type)r->frame[2], r->frame + TELEMETRY_HEAD, body_size(r)};
}

size_t telemetry_reader_feed(struct telemetry_reader *r, const uint8_t *bytes, size_t n, struct telemetry_frame *frame)
{
    size_t took = 0;
    __builtin_memset(frame, 0, sizeof *frame);
    shift_out(r, r->handed);
    r->handed = 0;
    for (;;) {
        bool head = r->have >= TELEMETRY_HEAD;
        if (head && !head_good(r)) {
            skip(r);
            continue;
        }
        uint32_t want = head ? TELEMETRY_OVERHEAD + body_size(r) : TELEMETRY_HEAD;
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
