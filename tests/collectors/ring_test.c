/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The ring reader against a kernel of our own making: a memfd that looks like a perf mapping and a thread that writes
 * into it as kernel/events/ring_buffer.c does, honouring the tail and telling its losses.
 */
#include "collectors/ring.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "collectors/decode.h"
#include "tests/collectors/sample_writer.h"

enum { PAGE = 4096, DATA_HEAD = 1024, DATA_TAIL = 1032, DATA_OFFSET = 1040, DATA_SIZE = 1048 };
enum { AUX_HEAD = 1056, AUX_TAIL = 1064, AUX_OFFSET = 1072, AUX_SIZE = 1080 };

/* The producer's side. */
struct kernel {
    unsigned char *base;
    size_t data, aux; /* bytes; aux 0: none */
    uint64_t head, lost, told;
    unsigned records; /* to write */
    bool throttles;   /* every 50th record is THROTTLE or UNTHROTTLE in turn */
    bool drop;        /* when full: drop and count (as the kernel), else wait */
    unsigned slow_us; /* the consumer's pause */
};

static void put_word(struct kernel *k, size_t at, uint64_t value)
{
    memcpy(k->base + at, &value, sizeof value);
}

static struct kernel kernel_new(size_t data, size_t aux)
{
    struct kernel k = {.data = data, .aux = aux};
    int fd = memfd_create("ring", 0);
    cr_assert_eq(ftruncate(fd, (off_t)(PAGE + data + aux)), 0);
    k.base = mmap(NULL, PAGE + data + aux, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cr_assert_neq(k.base, MAP_FAILED);
    close(fd);
    put_word(&k, DATA_OFFSET, PAGE);
    put_word(&k, DATA_SIZE, data);
    put_word(&k, AUX_OFFSET, PAGE + data);
    put_word(&k, AUX_SIZE, aux);
    return k;
}

static void kernel_free(struct kernel *k)
{
    munmap(k->base, PAGE + k->data + k->aux);
}

static uint64_t room(const struct kernel *k)
{
    return k->data - (k->head - __atomic_load_n((uint64_t *)(void *)(k->base + DATA_TAIL), __ATOMIC_ACQUIRE));
}

/* Copies with the wrap, then publishes. */
static void write_record(struct kernel *k, const unsigned char *record, size_t n)
{
    for (size_t i = 0; i < n; i++)
        k->base[PAGE + ((k->head + i) & (k->data - 1))] = record[i];
    k->head += n;
    __atomic_store_n((uint64_t *)(void *)(k->base + DATA_HEAD), k->head, __ATOMIC_RELEASE);
}

static const struct writer_event event = {.sample_type = 0x1f | 0x80 | 0x8000 | 0x20, .read_format = 4};

/* A sample whose time is its number and whose length varies. */
static size_t numbered(unsigned i, unsigned char *record)
{
    struct writer_values v = {.time = i + 1, .addr = 0x1000 * (i + 1), .source = 0x10468100442, .chain = i % 57};
    return writer_sample(&event, &v, record);
}

static bool tell_loss(struct kernel *k)
{
    unsigned char record[256];
    uint64_t body[2] = {0, k->lost - k->told};
    struct writer_values v = {0};
    size_t n = writer_record(&event, &v, 2, 0, body, sizeof body, record);
    if (room(k) < n)
        return false;
    write_record(k, record, n);
    k->told = k->lost;
    return true;
}

/* The kernel stops an event that interrupts too often, and says so. */
static size_t throttle(unsigned i, unsigned char *record)
{
    uint64_t body[3] = {i, 0, 0};
    struct writer_values v = {.time = i};
    return writer_record(&event, &v, i % 2 ? 6 : 5, 0, body, sizeof body, record);
}

static void *produce(void *context)
{
    struct kernel *k = context;
    unsigned char record[4096];
    for (unsigned i = 0; i < k->records; i++) {
        size_t n = k->throttles && i % 50 == 49 ? throttle(i / 50, record) : numbered(i, record);
        while (!k->drop && room(k) < n)
            sched_yield();
        if (k->drop && (room(k) < n + 64 || (k->lost > k->told && !tell_loss(k)) || room(k) < n))
            k->lost++;
        else
            write_record(k, record, n);
    }
    return NULL;
}

/* What the consumer saw. */
struct seen {
    uint64_t samples, lost, last, throttles;
    unsigned wraps;
};

static void take(const struct decoder *d, const void *bytes, size_t n, struct seen *seen)
{
    struct decoded out;
    const char *why = "";
    cr_assert_eq(decode_record(d, bytes, n, &out, &why), 0, "%s", why);
    if (out.kind == DECODED_LOST)
        seen->lost += out.lost.n;
    if (out.kind == DECODED_THROTTLE || out.kind == DECODED_UNTHROTTLE)
        cr_assert_eq(out.throttle.time, seen->throttles++);
    if (out.kind != DECODED_SAMPLE)
        return;
    cr_assert_gt(out.sample.time, seen->last);
    cr_assert_eq(out.sample.va, 0x1000 * out.sample.time);
    seen->last = out.sample.time;
    seen->samples++;
}

static struct seen play(struct kernel *k)
{
    struct seen seen = {0};
    struct ring *ring = calloc(1, sizeof *ring);
    unsigned char attr[136];
    struct decoder *d = decoder_new();
    pthread_t thread;
    const void *bytes;
    size_t n;
    writer_attr(&event, attr);
    cr_assert_eq(decoder_add(d, attr, sizeof attr, NULL, 0), 0);
    cr_assert_eq(ring_init(ring, k->base, PAGE + k->data), 0);
    pthread_create(&thread, NULL, produce, k);
    for (bool joined = false, drained = false; !drained;) {
        int got = ring_next(ring, &bytes, &n);
        cr_assert_geq(got, 0);
        drained = joined && !got; /* joined before this look */
        if (got) {
            take(d, bytes, n, &seen);
            if (bytes == ring->joined)
                seen.wraps++;
            ring_release(ring);
            if (k->slow_us)
                usleep(k->slow_us);
        } else if (!joined) {
            joined = pthread_tryjoin_np(thread, NULL) == 0;
            sched_yield();
        }
    }
    decoder_free(d);
    free(ring);
    return seen;
}

Test(ring, every_record_through_a_small_ring, .timeout = 30)
{
    struct kernel k = kernel_new(8192, 0);
    k.records = 5000;
    k.throttles = true;
    struct seen seen = play(&k);
    cr_expect_eq(seen.samples, 4900);
    cr_expect_eq(seen.throttles, 100);
    cr_expect_gt(seen.wraps, 20, "%u", seen.wraps);
    kernel_free(&k);
}

Test(ring, slow_consumer_loses_and_is_told, .timeout = 30)
{
    struct kernel k = kernel_new(4096, 0);
    k.records = 3000;
    k.drop = true;
    k.slow_us = 50;
    struct seen seen = play(&k);
    cr_expect_gt(k.lost, 0);
    cr_expect_eq(seen.samples + k.lost, 3000);
    cr_expect_eq(seen.lost, k.told, "what was told is what the records say");
    kernel_free(&k);
}

/* The positions begin near 2^64: their difference counts, not their size. */
Test(ring, pieces)
{
    struct kernel k = kernel_new(4096, 0);
    struct ring *ring = calloc(1, sizeof *ring);
    unsigned char record[4096], copy[8192];
    struct iovec pieces[2];
    size_t n = 0;
    k.head = 4096 - 64;
    put_word(&k, DATA_TAIL, k.head);
    put_word(&k, DATA_HEAD, k.head);
    cr_assert_eq(ring_init(ring, k.base, PAGE + 4096), 0);
    cr_assert_eq(ring_pieces(ring, pieces), 0);
    for (unsigned i = 0; i < 3; i++) {
        size_t size = numbered(i, record);
        write_record(&k, record, size);
        memcpy(copy + n, record, size);
        n += size;
    }
    cr_assert_eq(ring_pieces(ring, pieces), (int64_t)n);
    cr_expect_eq(pieces[0].iov_len, 64);
    cr_expect_eq(pieces[0].iov_len + pieces[1].iov_len, n);
    cr_expect_arr_eq(pieces[0].iov_base, copy, 64);
    cr_expect_arr_eq(pieces[1].iov_base, copy + 64, n - 64);
    ring_take(ring, n);
    ring_release(ring);
    cr_expect_eq(room(&k), 4096);
    free(ring);
    kernel_free(&k);
}

Test(ring, aux_area)
{
    struct kernel k = kernel_new(4096, 8192);
    struct ring *ring = calloc(1, sizeof *ring);
    struct iovec pieces[2];
    uint64_t position;
    cr_assert_eq(ring_init(ring, k.base, PAGE + 4096), 0);
    cr_assert_eq(ring_aux_pieces(ring, pieces, &position), 0, "no area yet");
    cr_assert_eq(ring_init_aux(ring, k.base + PAGE + 4096, 8192), 0);
    put_word(&k, AUX_HEAD, 8000);
    cr_assert_eq(ring_aux_pieces(ring, pieces, &position), 8000);
    cr_expect_eq(position, 0);
    ring_aux_take(ring, 8000);
    ring_release_aux(ring);
    put_word(&k, AUX_HEAD, 9000);
    cr_assert_eq(ring_aux_pieces(ring, pieces, &position), 1000);
    cr_expect_eq(position, 8000);
    cr_expect_eq(pieces[0].iov_len, 192);
    cr_expect_eq(pieces[1].iov_len, 808);
    cr_expect_eq(pieces[1].iov_base, (void *)(k.base + PAGE + 4096));
    put_word(&k, AUX_HEAD, 8000 + 8193);
    cr_expect_eq(ring_aux_pieces(ring, pieces, &position), -EBADMSG, "the area holds less than that");
    free(ring);
    kernel_free(&k);
}

static int header_with(size_t at, uint64_t value)
{
    struct kernel k = kernel_new(4096, 8192);
    struct ring *ring = calloc(1, sizeof *ring);
    put_word(&k, at, value);
    int err = ring_init(ring, k.base, PAGE + 4096);
    if (!err)
        err = ring_init_aux(ring, k.base + PAGE + 4096, 8192);
    free(ring);
    kernel_free(&k);
    return err;
}

Test(ring, corrupt_headers)
{
    cr_expect_eq(header_with(2000, 0), 0, "nothing of ours is there");
    cr_expect_eq(header_with(DATA_SIZE, 8192), -EINVAL, "larger than the mapping");
    cr_expect_eq(header_with(DATA_SIZE, 3000), -EINVAL, "no power of two");
    cr_expect_eq(header_with(DATA_SIZE, UINT64_C(1) << 63), -EINVAL);
    cr_expect_eq(header_with(DATA_SIZE, 0), -EINVAL);
    cr_expect_eq(header_with(DATA_OFFSET, 8192), -EINVAL);
    cr_expect_eq(header_with(DATA_OFFSET, 0), -EINVAL);
    cr_expect_eq(header_with(DATA_OFFSET, UINT64_MAX - 7), -EINVAL);
    cr_expect_eq(header_with(AUX_SIZE, 16384), -EINVAL);
    cr_expect_eq(header_with(AUX_SIZE, 5000), -EINVAL);
}

/* One record of the given header; then what ring_next says. */
static int record_with(uint16_t size, uint64_t published)
{
    struct kernel k = kernel_new(4096, 0);
    struct ring *ring = calloc(1, sizeof *ring);
    const void *bytes;
    size_t n;
    cr_assert_eq(ring_init(ring, k.base, PAGE + 4096), 0);
    struct abi_header h = {.type = 9, .size = size};
    memcpy(k.base + PAGE, &h, sizeof h);
    put_word(&k, DATA_HEAD, published);
    int got = ring_next(ring, &bytes, &n);
    free(ring);
    kernel_free(&k);
    return got;
}

Test(ring, corrupt_records)
{
    cr_expect_eq(record_with(64, 64), 1);
    cr_expect_eq(record_with(64, 0), 0);
    cr_expect_eq(record_with(0, 64), -EBADMSG, "would never end");
    cr_expect_eq(record_with(4, 64), -EBADMSG);
    cr_expect_eq(record_with(20, 64), -EBADMSG, "no multiple of 8");
    cr_expect_eq(record_with(72, 64), -EBADMSG, "beyond the head");
    cr_expect_eq(record_with(64, 4), -EBADMSG, "half a header");
    cr_expect_eq(record_with(64, 5000), -EBADMSG, "more than the ring holds");
}

Test(ring, head_that_runs_backwards)
{
    struct kernel k = kernel_new(4096, 0);
    struct ring *ring = calloc(1, sizeof *ring);
    struct iovec pieces[2];
    cr_assert_eq(ring_init(ring, k.base, PAGE + 4096), 0);
    put_word(&k, DATA_HEAD, 640);
    cr_assert_eq(ring_pieces(ring, pieces), 640);
    put_word(&k, DATA_HEAD, 320);
    cr_expect_eq(ring_pieces(ring, pieces), -EBADMSG);
    free(ring);
    kernel_free(&k);
}

/* Whoever reads headers out of the pieces would read past the mapping. */
Test(ring, positions_between_words)
{
    static const uint64_t tail_and_head[][2] = {{0, 68}, {4, 72}, {4092, 4100}};
    for (size_t i = 0; i < sizeof tail_and_head / sizeof *tail_and_head; i++) {
        struct kernel k = kernel_new(4096, 0);
        struct ring *ring = malloc(sizeof *ring);
        struct iovec pieces[2];
        put_word(&k, DATA_TAIL, tail_and_head[i][0]);
        cr_assert_eq(ring_init(ring, k.base, PAGE + k.data), 0);
        put_word(&k, DATA_HEAD, tail_and_head[i][1]);
        cr_expect_eq(ring_pieces(ring, pieces), -EBADMSG, "%zu", i);
        free(ring);
        kernel_free(&k);
    }
}

Test(ring, clock)
{
    struct kernel k = kernel_new(4096, 0);
    struct ring *ring = calloc(1, sizeof *ring);
    struct ring_clock c;
    cr_assert_eq(ring_init(ring, k.base, PAGE + 4096), 0);
    cr_expect_eq(ring_clock(ring, &c), -ENOTSUP);
    put_word(&k, 40, 1 << 4); /* cap_user_time_zero */
    put_word(&k, 48, UINT64_C(10) << 16 | UINT64_C(2048) << 32);
    put_word(&k, 64, 777);
    cr_assert_eq(ring_clock(ring, &c), 0);
    cr_expect_eq(ring_clock_ns(&c, 100), 777 + 200);
    free(ring);
    kernel_free(&k);
}

/* A recording of a real machine, where it is at hand, played through 64 KiB: its producer writes whole records as they
 * stand in the file. */
struct recording {
    struct kernel k;
    unsigned char *bytes;
    uint64_t at, size; /* of the data section */
};

static void *play_recording(void *context)
{
    struct recording *r = context;
    uint16_t n;
    for (uint64_t at = r->at; at + 8 <= r->at + r->size; at += n) {
        memcpy(&n, r->bytes + at + 6, sizeof n);
        while (room(&r->k) < n)
            sched_yield();
        write_record(&r->k, r->bytes + at, n);
    }
    return NULL;
}

/* The file's header: size of an attribute at 16, attributes at 24, data at 40 (place, size). */
static bool load_recording(struct recording *r, struct decoder *d)
{
    uint64_t attr_size, attr_at;
    FILE *file = fopen("../shared/data/perf.data.weight_struct", "rb");
    if (!file)
        return false;
    r->bytes = malloc(2 << 20);
    size_t n = fread(r->bytes, 1, 2 << 20, file);
    fclose(file);
    memcpy(&attr_size, r->bytes + 16, 8);
    memcpy(&attr_at, r->bytes + 24, 8);
    memcpy(&r->at, r->bytes + 40, 8);
    memcpy(&r->size, r->bytes + 48, 8);
    return n >= r->at + r->size && decoder_add(d, r->bytes + attr_at, (size_t)attr_size - 16, NULL, 0) == 0;
}

Test(ring, a_recording, .timeout = 60)
{
    struct recording r = {.k = kernel_new(65536, 0)};
    struct ring *ring = calloc(1, sizeof *ring);
    struct decoder *d = decoder_new();
    unsigned records = 0, samples = 0, wraps = 0;
    pthread_t thread;
    const void *bytes;
    size_t n;
    if (!load_recording(&r, d))
        cr_skip_test("the recording is not here");
    cr_assert_eq(ring_init(ring, r.k.base, PAGE + 65536), 0);
    pthread_create(&thread, NULL, play_recording, &r);
    for (bool joined = false, drained = false; !drained;) {
        struct decoded out = {0};
        const char *why;
        int got = ring_next(ring, &bytes, &n);
        cr_assert_geq(got, 0);
        drained = joined && !got;
        if (!got) {
            joined = joined || pthread_tryjoin_np(thread, NULL) == 0;
            sched_yield();
            continue;
        }
        if (decode_record(d, bytes, n, &out, &why) == 0)
            samples += out.kind == DECODED_SAMPLE;
        records += out.type < ABI_RECORD_USER;
        wraps += bytes == ring->joined;
        ring_release(ring);
    }
    cr_expect_eq(records, 12932, "%u of the kernel", records);
    cr_expect_eq(samples, 14, "%u", samples);
    cr_expect_gt(wraps, 5, "%u", wraps);
    decoder_free(d);
    free(ring);
    free(r.bytes);
    kernel_free(&r.k);
}
