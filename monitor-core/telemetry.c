/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/telemetry.h"

enum { HEAD = TELEMETRY_HEAD, TAIL = 4, OBSERVATION_MAX = 10 + 5 + 2 };

_Static_assert(HEAD + TAIL == TELEMETRY_OVERHEAD, "length of a frame");
_Static_assert(sizeof(struct telemetry_hello) == 1440, "no padding");
_Static_assert(sizeof(struct telemetry_node) == 288, "no padding");
_Static_assert(sizeof(struct telemetry_vm) == 320, "no padding");
_Static_assert(sizeof(struct telemetry_vcpu) == 296, "no padding");
_Static_assert(sizeof(struct telemetry_engine) == 16 + sizeof(struct engine_stats) + 80, "no padding");
_Static_assert(sizeof(struct telemetry_disk) == 104, "no padding");
_Static_assert(sizeof(struct telemetry_end) == 256, "no padding");

uint32_t telemetry_crc(uint32_t crc, const uint8_t *bytes, size_t n)
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
    uint16_t head[HEAD / 2] = {'M' | 'B' << 8, (uint16_t)type, (uint16_t)size, t->sequence++};
    uint32_t crc = telemetry_crc(telemetry_crc(0, (const uint8_t *)head, HEAD), body, size);
    t->put(t->context, head, HEAD);
    t->put(t->context, body, size);
    t->put(t->context, &crc, TAIL);
}

void telemetry_init(struct telemetry *t, void (*put)(void *, const void *, size_t), void *context)
{
    *t = (struct telemetry){.put = put, .context = context};
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

void telemetry_observed(struct telemetry *t, uint64_t time, uint32_t slot, node_t node, uint8_t what)
{
    if (t->used + OBSERVATION_MAX > TELEMETRY_BODY_MAX)
        telemetry_flush(t);
    if (t->used == 0) {
        __builtin_memcpy(t->body, &time, sizeof time);
        t->used = sizeof time;
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
