/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Frames: bytes as computed by hand and with another CRC-32, everything back as it went in for any cut of the stream,
 * noise skipped, lost frames counted, observations of every size, hostile bodies.
 */
#include "monitor-core/launch/telemetry_reader.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct wire {
    uint8_t bytes[1 << 20];
    size_t n;
};

static struct wire wire;
static struct telemetry encoder;
static struct telemetry_reader reader;

static void put(void *context, const void *bytes, size_t n)
{
    struct wire *w = context;
    cr_assert_leq(w->n + n, sizeof w->bytes);
    memcpy(w->bytes + w->n, bytes, n);
    w->n += n;
}

static void start(void)
{
    wire.n = 0;
    telemetry_init(&encoder, put, &wire);
    telemetry_reader_init(&reader);
}

/* All frames of the wire, fed in cuts of `cut` bytes: answers the number of frames, `last` is the last one's type. */
static unsigned read_all(size_t cut, void (*each)(const struct telemetry_frame *))
{
    unsigned frames = 0;
    for (size_t at = 0; at < wire.n;) {
        struct telemetry_frame frame;
        size_t n = wire.n - at < cut ? wire.n - at : cut;
        size_t took = telemetry_reader_feed(&reader, wire.bytes + at, n, &frame);
        cr_assert_leq(took, n);
        cr_assert(took == n || frame.body);
        at += took;
        if (!frame.body)
            continue;
        frames++;
        if (each)
            each(&frame);
    }
    struct telemetry_frame frame;
    while (telemetry_reader_feed(&reader, NULL, 0, &frame), frame.body) {
        frames++;
        if (each)
            each(&frame);
    }
    return frames;
}

Test(telemetry, bytes_on_the_wire)
{
    start();
    encoder.sequence = 0x1234;
    telemetry_send(&encoder, TELEMETRY_TEXT, "hello", 5);
    /* The last four: zlib.crc32(b"MB\x08\x00\x05\x00\x34\x12hello") of Python. */
    static const uint8_t expected[] = {'M', 'B', 8,   0,   5,    0,    0x34, 0x12, 'h',
                                       'e', 'l', 'l', 'o', 0x78, 0x49, 0xd9, 0x3b};
    cr_assert_eq(wire.n, sizeof expected);
    cr_assert_arr_eq(wire.bytes, expected, sizeof expected);
}

static unsigned seen_sum;

static void sum_lengths(const struct telemetry_frame *f)
{
    seen_sum += (unsigned)f->size;
    for (size_t i = 0; i < f->size; i++)
        cr_assert_eq(((const uint8_t *)f->body)[i], (uint8_t)(f->size * 7 + i * 'M'));
}

static void send_sizes(unsigned from, unsigned to)
{
    for (unsigned size = from; size < to; size++) {
        uint8_t body[TELEMETRY_BODY_MAX];
        for (unsigned i = 0; i < size; i++)
            body[i] = (uint8_t)(size * 7 + i * 'M');
        telemetry_send(&encoder, TELEMETRY_TEXT, body, size);
    }
}

Test(telemetry, any_cut_gives_the_same_frames)
{
    static const size_t cuts[] = {1, 2, 3, 7, 64, 100000};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        start();
        send_sizes(0, 300);
        send_sizes(TELEMETRY_BODY_MAX - 2, TELEMETRY_BODY_MAX + 1);
        seen_sum = 0;
        cr_assert_eq(read_all(cuts[i], sum_lengths), 303);
        cr_assert_eq(seen_sum, 299 * 300 / 2 + 4094 + 4095 + 4096);
        cr_assert_eq(reader.bad_bytes, 0);
        cr_assert_eq(reader.lost_frames, 0);
    }
}

Test(telemetry, noise_is_skipped_and_what_is_lost_is_counted)
{
    start();
    put(&wire, "SeaBIOS (version MB\x08 1.16)\r\nMBM", 32);
    send_sizes(10, 20);
    size_t cut_from = wire.n;
    send_sizes(20, 25);
    wire.n = cut_from + 9; /* five frames lost, one of them half there */
    put(&wire, "M", 1);
    send_sizes(30, 40);
    wire.bytes[wire.n - 3] ^= 1; /* and the last one damaged */
    seen_sum = 0;
    cr_assert_eq(read_all(5, sum_lengths), 10 + 9);
    cr_assert_eq(seen_sum, 145 + 345 - 39);
    cr_assert_eq(reader.frames, 19);
    cr_assert_eq(reader.lost_frames, 5);
    cr_assert_eq(reader.bad_bytes, 32 + 9 + 1 + 39 + 12);
}

Test(telemetry, a_frame_inside_a_damaged_one_is_found)
{
    start();
    telemetry_send(&encoder, TELEMETRY_TEXT, "inside", 6);
    uint8_t outer[100] = {0};
    memcpy(outer + 20, wire.bytes, wire.n);
    wire.n = 0;
    telemetry_send(&encoder, TELEMETRY_TEXT, outer, sizeof outer);
    wire.bytes[9] ^= 0x40;
    cr_assert_eq(read_all(1000, NULL), 1);
}

struct seen {
    uint64_t time;
    uint32_t slot;
    uint8_t node, what;
};
static struct seen sent[20000];
static unsigned nsent, nseen;

static void check_observed(const struct telemetry_frame *f)
{
    cr_assert_eq(f->type, TELEMETRY_OBSERVED);
    struct telemetry_observation o = {0};
    for (size_t at = 0; telemetry_reader_next(f->body, f->size, &at, &o); nseen++) {
        cr_assert_lt(nseen, nsent);
        cr_assert_eq(o.time, sent[nseen].time, "observation %u", nseen);
        cr_assert_eq(o.slot, sent[nseen].slot);
        cr_assert_eq(o.node, sent[nseen].node);
        cr_assert_eq(o.what, sent[nseen].what);
    }
}

Test(telemetry, observations_come_back)
{
    start();
    srand(1);
    static const uint32_t edges[] = {0, UINT32_MAX, 0x7fffffff, 0x80000000, 1, UINT32_MAX - 1};
    uint64_t time = 1000;
    for (nsent = 0; nsent < 20000; nsent++) {
        time += (uint64_t)rand() >> rand() % 31;
        if (nsent == 19999)
            time = UINT64_MAX;
        sent[nsent] = (struct seen){time, nsent < 40 ? edges[(unsigned)rand() % 6] : (uint32_t)rand() >> rand() % 31,
                                    (uint8_t)rand(), (uint8_t)rand()};
        telemetry_observed(&encoder, sent[nsent].time, sent[nsent].slot, sent[nsent].node, sent[nsent].what);
    }
    telemetry_flush(&encoder);
    telemetry_flush(&encoder);
    nseen = 0;
    read_all(100, check_observed);
    cr_assert_eq(nseen, 20000);
    cr_assert_lt(wire.n, 20000 * 12);
}

Test(telemetry, a_step_back_in_time_is_none)
{
    start();
    telemetry_observed(&encoder, 500, 1, 2, 3);
    telemetry_observed(&encoder, 400, 4, 5, 6);
    sent[0] = (struct seen){500, 1, 2, 3};
    sent[1] = (struct seen){500, 4, 5, 6};
    nsent = 2, nseen = 0;
    telemetry_send(&encoder, TELEMETRY_TEXT, "x", 1);
    struct telemetry_frame frame;
    telemetry_reader_feed(&reader, wire.bytes, wire.n, &frame);
    check_observed(&frame);
    cr_assert_eq(nseen, 2);
}

Test(telemetry, hostile_observations_end)
{
    srand(2);
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t body[64];
        size_t size = (size_t)(rand() % 64), at = 0, steps = 0;
        for (size_t i = 0; i < size; i++)
            body[i] = rand() % 3 ? 0xff : (uint8_t)rand();
        struct telemetry_observation o = {0};
        while (telemetry_reader_next(body, size, &at, &o)) {
            cr_assert_leq(at, size);
            cr_assert_lt(steps++, 64);
        }
    }
}

Test(telemetry, random_bytes_never_make_a_frame)
{
    start();
    srand(3);
    for (wire.n = 0; wire.n < sizeof wire.bytes; wire.n++)
        wire.bytes[wire.n] = rand() % 2 ? "MB\1\2\0\0"[rand() % 6] : (uint8_t)rand();
    cr_assert_eq(read_all(4096, NULL), 0);
    cr_assert_eq(reader.bad_bytes + reader.have, sizeof wire.bytes);
}
