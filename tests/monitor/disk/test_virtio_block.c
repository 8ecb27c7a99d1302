/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The virtio block device by a driver that keeps to the specification (Virtio 1.1, sections 2.6, 4.2.2, 5.2), by one
 * that does not, and by random requests of several VMs.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/monitor/disk/driver.h"
#include "tests/monitor/stir.h"

enum { PAGES = 128, OK = 0, IOERR = 1, UNSUPPORTED = 2, NEEDS_RESET = 64, RUNNING = 15 };
#define VERSION_1 (UINT64_C(1) << 32)

struct bench {
    struct store store;
    struct driver driver[2];
};

static void begin(struct bench *b, const struct policy_class *policy, uint32_t shared, uint64_t sectors,
                  enum store_mode mode)
{
    struct rig_config c = {.policy = policy, .nodes = 2, .nvms = 2, .shared = shared, .around = 1, .frames = 1024};
    c.pages[0] = c.pages[1] = PAGES;
    store_begin(&b->store, &c, sectors, mode);
    for (uint32_t vm = 0; vm < 2; vm++)
        driver_begin(&b->driver[vm], &b->store, vm);
}

static struct driver *begin_one(struct bench *b, enum store_mode mode)
{
    begin(b, policy_find("first_touch"), 300, 1024, mode);
    cr_assert_eq(driver_start(&b->driver[0], VERSION_1), RUNNING);
    return &b->driver[0];
}

static void end(struct bench *b)
{
    cr_assert_eq(b->store.rig.wrong, 0, "%s", b->store.rig.first);
    store_end(&b->store);
}

Test(virtio_block, registers)
{
    struct bench b;
    begin(&b, policy_find("first_touch"), 300, 1024, STORE_SHARED);
    struct driver *d = &b.driver[0];
    cr_assert_eq(driver_get(d, 0x00), 0x74726976); /* "virt" */
    cr_assert_eq(driver_get(d, 0x04), 2);
    cr_assert_eq(driver_get(d, 0x08), 2);
    cr_assert_eq(driver_get(d, 0x34), 256);
    cr_assert_eq(driver_get(d, 0xfc), 0);
    driver_set(d, 0x14, 0);
    cr_assert_eq(driver_get(d, 0x10), 1 << 1 | 1 << 2 | 1 << 6 | 1 << 9 | 1 << 10);
    driver_set(d, 0x14, 1);
    cr_assert_eq(driver_get(d, 0x10), 1);
    driver_set(d, 0x14, 2);
    cr_assert_eq(driver_get(d, 0x10), 0);
    driver_set(d, 0x30, 1); /* there is no second queue */
    cr_assert_eq(driver_get(d, 0x34), 0);
    driver_set(d, 0x44, 1);
    cr_assert_eq(driver_get(d, 0x44), 0);
    cr_assert_eq(driver_get(d, 0xb0), UINT32_MAX); /* no shared memory */
    cr_assert_eq(driver_get(d, 0xbc), UINT32_MAX);
    cr_assert_eq(virtio_block_read(&d->block, 0, 2), 0);
    cr_assert_eq(virtio_block_read(&d->block, 1, 4), 0);
    end(&b);
}

Test(virtio_block, configuration_space)
{
    struct bench b;
    begin(&b, policy_find("first_touch"), 300, 1021, STORE_SHARED);
    struct virtio_block *v = &b.driver[0].block;
    cr_assert_eq(virtio_block_read(v, 0x100, 8), 1021);
    cr_assert_eq(virtio_block_read(v, 0x100, 4), 1021);
    cr_assert_eq(virtio_block_read(v, 0x104, 4), 0);
    cr_assert_eq(virtio_block_read(v, 0x101, 1), 1021 >> 8);
    cr_assert_eq(virtio_block_read(v, 0x108, 4), 65536); /* size_max */
    cr_assert_eq(virtio_block_read(v, 0x10c, 4), 126);   /* seg_max */
    cr_assert_eq(virtio_block_read(v, 0x114, 4), 512);   /* blk_size */
    cr_assert_eq(virtio_block_read(v, 0x118, 1), 3);     /* physical block: 2^3 of these */
    cr_assert_eq(virtio_block_read(v, 0x11a, 2), 8);     /* min_io_size */
    cr_assert_eq(virtio_block_read(v, 0x120, 4), 0);
    cr_assert_eq(virtio_block_read(v, 0xfff, 8), 0);
    cr_assert_eq(virtio_block_read(v, 0x11e, 8), 0); /* crosses the end */
    end(&b);
}

Test(virtio_block, handshake)
{
    struct bench b;
    begin(&b, policy_find("first_touch"), 300, 1024, STORE_PERSISTENT);
    struct driver *d = &b.driver[0];
    cr_assert_eq(driver_start(d, VERSION_1 | 1 << 9), RUNNING);
    cr_assert_eq(driver_start(d, 1 << 9), 3, "a driver without VERSION_1 was accepted");
    cr_assert_eq(driver_start(d, VERSION_1 | 1 << 29), 3, "a feature that was not offered was accepted");
    cr_assert_eq(driver_start(d, VERSION_1 | 1 << 5), 3, "RO was accepted, though the disk can be written");
    b.store.disk.drive.writable = false;
    cr_assert_eq(driver_start(d, VERSION_1 | 1 << 5), RUNNING);
    driver_set(d, 0x24, 0);
    driver_set(d, 0x20, 1 << 9); /* negotiated: stays */
    cr_assert(d->block.chosen[0] == 1 << 5 && d->block.chosen[1] == 1);
    driver_set(d, 0x38, 128); /* ready: its size stays */
    cr_assert_eq(d->block.reg.word[0x38 / 4], DRIVER_QUEUE);
    driver_set(d, 0x70, 0);
    cr_assert_eq(driver_get(d, 0x70), 0);
    cr_assert_eq(driver_get(d, 0x44), 0);
    for (uint32_t size = 0; size < 600; size += size < 4 ? 3 : 100) { /* 0, 3, 6, 106 .. 506: none is a power of two */
        driver_set(d, 0x38, size);
        driver_set(d, 0x44, 1);
        cr_assert_eq(driver_get(d, 0x44), 0);
    }
    driver_set(d, 0x38, 512); /* more than the maximum */
    driver_set(d, 0x44, 1);
    cr_assert_eq(driver_get(d, 0x44), 0);
    end(&b);
}

Test(virtio_block, a_batch_gives_one_interrupt)
{
    struct bench b;
    struct driver *d = begin_one(&b, STORE_SHARED);
    struct disk_segment page = {rig_gpa(10), 4096}, two[2] = {{rig_gpa(11), 4096}, {rig_gpa(20), 512}};
    uint32_t head, length;
    uint16_t first = driver_request(d, DRIVER_IN, 16, &page, 1);
    uint16_t second = driver_request(d, DRIVER_IN, 80, two, 2);
    uint16_t third = driver_request(d, DRIVER_FLUSH, 0, NULL, 0);
    driver_notify(d);
    cr_assert_eq(d->interrupts, 1);
    cr_assert_eq(driver_get(d, 0x60), 1);
    driver_set(d, 0x64, 1);
    cr_assert_eq(driver_get(d, 0x60), 0);
    cr_assert_eq(driver_used(d), 3);
    driver_used_entry(d, 0, &head, &length);
    cr_assert(head == first && length == 4097);
    driver_used_entry(d, 1, &head, &length);
    cr_assert(head == second && length == 4096 + 512 + 1);
    driver_used_entry(d, 2, &head, &length);
    cr_assert(head == third && length == 1);
    cr_assert(driver_status(d, first) == OK && driver_status(d, second) == OK && driver_status(d, third) == OK);
    cr_assert(store_same(&b.store, 0, rig_gpa(10), 16, 4096));
    cr_assert(store_same(&b.store, 0, rig_gpa(11), 80, 4096));
    cr_assert(store_same(&b.store, 0, rig_gpa(20), 88, 512));
    cr_assert_eq(b.store.disk.maps, 2);
    driver_notify(d); /* nothing new */
    cr_assert_eq(d->interrupts, 1);
    d->flags = 1; /* the driver polls */
    cr_assert_eq(driver_do(d, DRIVER_FLUSH, 0, NULL, 0), OK);
    cr_assert_eq(d->interrupts, 1);
    end(&b);
}

/* The flag is looked at after the index is written: a driver that looked for entries before that gets its interrupt. */
Test(virtio_block, a_driver_that_stops_polling_meanwhile)
{
    struct bench b;
    struct driver *d = begin_one(&b, STORE_SHARED);
    struct disk_segment page = {rig_gpa(10), 4096};
    d->flags = 1;
    d->rests = true;
    driver_request(d, DRIVER_IN, 16, &page, 1);
    driver_notify(d);
    cr_assert_eq(driver_used(d), 1);
    cr_assert_eq(d->interrupts, 1);
    end(&b);
}

Test(virtio_block, requests_that_end_as_their_own_error)
{
    struct bench b;
    struct driver *d = begin_one(&b, STORE_PERSISTENT);
    struct disk_segment page = {rig_gpa(10), 4096}, odd = {rig_gpa(11), 20}, outside = {rig_gpa(PAGES), 4096};
    struct disk_segment large = {rig_gpa(0), 126 * 65536 + 512};
    for (uint32_t type = 2; type < 16; type++)
        cr_assert_eq(driver_do(d, type, 0, &page, 1), type == DRIVER_FLUSH ? OK : UNSUPPORTED);
    b.store.flushes = 0;
    cr_assert_eq(driver_do(d, DRIVER_IN, 1017, &page, 1), IOERR);
    cr_assert_eq(driver_do(d, DRIVER_OUT, UINT64_MAX, &page, 1), IOERR);
    cr_assert_eq(driver_do(d, DRIVER_IN, 0, &odd, 1), IOERR);
    cr_assert_eq(driver_do(d, DRIVER_IN, 0, &outside, 1), IOERR);
    cr_assert_eq(driver_do(d, DRIVER_OUT, 0, &outside, 1), IOERR);
    cr_assert_eq(driver_do(d, DRIVER_OUT, 0, &large, 1), IOERR);
    b.store.fail_in = 1;
    cr_assert_eq(driver_do(d, DRIVER_IN, 800, &page, 1), IOERR);
    cr_assert_eq(driver_do(d, DRIVER_FLUSH, 0, NULL, 0), OK);
    cr_assert_eq(b.store.flushes, 1);
    cr_assert_eq(driver_get(d, 0x70), RUNNING);
    end(&b);
}

Test(virtio_block, segments_may_be_cut_anywhere)
{
    struct bench b;
    struct driver *d = begin_one(&b, STORE_SHARED);
    uint64_t words[2] = {DRIVER_OUT, 7};
    unsigned char out[16 + 512], in[512 + 1], status;
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (unsigned char)(i * 7);
    memcpy(out, words, 16);
    driver_put(d, rig_gpa(5) - 100, out, sizeof out); /* header and data in one piece, over a page's end */
    driver_descriptor(d, 0, rig_gpa(5) - 100, sizeof out, DRIVER_NEXT, 1);
    driver_descriptor(d, 1, rig_gpa(8), 1, DRIVER_WRITE, 0);
    driver_offer(d, 0);
    words[0] = DRIVER_IN;
    driver_put(d, rig_gpa(20), words, 16);
    driver_descriptor(d, 2, rig_gpa(20), 3, DRIVER_NEXT, 3); /* the header in three, one of them empty */
    driver_descriptor(d, 3, rig_gpa(20) + 3, 0, DRIVER_NEXT, 4);
    driver_descriptor(d, 4, rig_gpa(20) + 3, 13, DRIVER_NEXT, 5);
    driver_descriptor(d, 5, rig_gpa(30) + 1, 100, DRIVER_NEXT | DRIVER_WRITE, 6);
    driver_descriptor(d, 6, rig_gpa(31) + 1, 413, DRIVER_NEXT | DRIVER_WRITE, 7); /* data and the status */
    driver_descriptor(d, 7, rig_gpa(32) + 1, 0, DRIVER_WRITE, 0);
    driver_offer(d, 2);
    driver_notify(d);
    cr_assert_eq(driver_used(d), 2);
    driver_take(d, rig_gpa(8), &status, 1);
    cr_assert_eq(status, OK);
    driver_take(d, rig_gpa(30) + 1, in, 100);
    driver_take(d, rig_gpa(31) + 1, in + 100, 413);
    cr_assert_eq(in[512], OK);
    cr_assert_eq(memcmp(in, out + 16, 512), 0);
    memcpy(b.store.seen[0] + 7 * 512, out + 16, 512);
    memcpy(b.store.rig.shadow[0] + rig_gpa(30) + 1, in, 100);
    memcpy(b.store.rig.shadow[0] + rig_gpa(31) + 1, in + 100, 413);
    store_check(&b.store, 50);
    end(&b);
}

/* 126 segments of 65536 bytes, however they are cut. */
Test(virtio_block, a_request_has_a_bound)
{
    struct bench b;
    struct disk_segment segment[32];
    begin(&b, policy_find("first_touch"), 300, 20000, STORE_PERSISTENT);
    struct driver *d = &b.driver[0];
    cr_assert_eq(driver_start(d, VERSION_1), RUNNING);
    for (uint32_t i = 0; i < 32; i++)
        segment[i] = (struct disk_segment){rig_gpa(0), 64 * 4096};
    for (uint32_t type = DRIVER_IN; type <= DRIVER_OUT; type++) {
        cr_assert_eq(driver_do(d, type, 0, segment, 32), IOERR);
        segment[31].size = 126 * 65536 - 31 * 64 * 4096;
        cr_assert_eq(driver_do(d, type, 0, segment, 32), OK);
        segment[31].size += 512;
        cr_assert_eq(driver_do(d, type, 0, segment, 32), IOERR);
        segment[31].size = 64 * 4096;
    }
    end(&b);
}

/* What the driver does wrong, on a queue that was just started. */
static void do_wrong(struct driver *d, int what)
{
    uint16_t jump = DRIVER_QUEUE + 1;
    uint64_t words[2] = {DRIVER_IN, 0};
    driver_put(d, DRIVER_HEADERS, words, sizeof words);
    driver_descriptor(d, 0, DRIVER_HEADERS, 16, DRIVER_NEXT, 1);
    driver_descriptor(d, 1, rig_gpa(10), 512, DRIVER_NEXT | DRIVER_WRITE, 2);
    driver_descriptor(d, 2, DRIVER_HEADERS + 32, 1, DRIVER_WRITE, 0);
    if (what == 0)
        driver_descriptor(d, 1, rig_gpa(10), 512, DRIVER_NEXT | DRIVER_WRITE, 1); /* a loop */
    else if (what == 1) { /* a good descriptor, but behind the table's end */
        driver_descriptor(d, 1, rig_gpa(10), 512, DRIVER_NEXT | DRIVER_WRITE, DRIVER_QUEUE);
        driver_descriptor(d, DRIVER_QUEUE, DRIVER_HEADERS + 32, 1, DRIVER_WRITE, 0);
    } else if (what == 2)
        driver_descriptor(d, 0, DRIVER_HEADERS, 16, DRIVER_INDIRECT, 1);
    else if (what == 3)
        driver_descriptor(d, 2, DRIVER_HEADERS + 32, 1, 0, 0); /* readable after writable */
    else if (what == 4)
        driver_descriptor(d, 0, DRIVER_HEADERS, 15, DRIVER_NEXT, 1); /* half a header */
    else if (what == 5)
        driver_descriptor(d, 0, DRIVER_HEADERS, 16, 0, 1); /* no room for the status */
    else if (what == 6)
        driver_descriptor(d, 0, rig_gpa(PAGES) - 8, 16, DRIVER_NEXT, 1);
    else if (what == 7)
        driver_descriptor(d, 2, UINT64_MAX, 1, DRIVER_WRITE, 0);
    driver_offer(d, what == 8 ? DRIVER_QUEUE : 0);
    if (what == 9)
        driver_put(d, DRIVER_AVAILABLE + 2, &jump, 2);
    if (what == 10)
        d->block.reg.word[0x90 / 4] = (uint32_t)rig_gpa(PAGES);
    if (what == 11)
        d->block.reg.word[0xa4 / 4] = UINT32_MAX;
    if (what == 12)
        d->block.reg.word[0x80 / 4] = (uint32_t)rig_gpa(PAGES) - 8;
}

Test(virtio_block, a_driver_that_breaks_the_rules_has_to_reset)
{
    struct bench b;
    struct driver *d = begin_one(&b, STORE_SHARED);
    for (int what = 0; what <= 12; what++) {
        cr_assert_eq(driver_start(d, VERSION_1), RUNNING);
        do_wrong(d, what);
        driver_notify(d);
        cr_assert_eq(driver_get(d, 0x70), RUNNING | NEEDS_RESET, "wrong %d passed", what);
        cr_assert(driver_get(d, 0x60) & 2, "wrong %d: no interrupt for it", what);
        uint32_t interrupts = d->interrupts;
        driver_notify(d); /* is not listened to any more */
        cr_assert_eq(d->interrupts, interrupts);
        driver_set(d, 0x70, RUNNING);
        cr_assert(driver_get(d, 0x70) & NEEDS_RESET);
    }
    cr_assert_eq(driver_start(d, VERSION_1), RUNNING);
    cr_assert_eq(driver_do(d, DRIVER_FLUSH, 0, NULL, 0), OK);
    end(&b);
}

/* Until the driver says that it knows of a cache, what is written is on the drive when the request ends. */
Test(virtio_block, a_driver_without_flush_needs_none)
{
    struct bench b;
    struct driver *d = begin_one(&b, STORE_PERSISTENT);
    struct disk_segment page = {rig_gpa(10), 4096};
    cr_assert_eq(driver_do(d, DRIVER_OUT, 16, &page, 1), OK);
    cr_assert_eq(b.store.flushes, 1);
    cr_assert_eq(driver_do(d, DRIVER_IN, 16, &page, 1), OK);
    cr_assert_eq(b.store.flushes, 1);
    cr_assert_eq(driver_start(d, VERSION_1 | 1 << 9), RUNNING);
    cr_assert_eq(driver_do(d, DRIVER_OUT, 16, &page, 1), OK);
    cr_assert_eq(b.store.flushes, 1);
    end(&b);
}

/* 1 MiB of data at a time, or one flush: the rest of a full ring waits for the next go of the same notification. */
Test(virtio_block, a_full_ring_is_worked_off_in_several_goes)
{
    struct bench b;
    begin(&b, policy_find("first_touch"), 300, 20000, STORE_SHARED);
    struct driver *d = &b.driver[0];
    struct disk_segment much = {rig_gpa(0), 60 * 4096}; /* 15 requests are 900 pages */
    cr_assert_eq(driver_start(d, VERSION_1), RUNNING);
    for (int i = 0; i < 15; i++)
        driver_request(d, DRIVER_IN, 0, &much, 1);
    driver_notify(d);
    cr_assert_eq(driver_used(d), 15);
    cr_assert_eq(d->notified, 3, "five requests are the first to be more than 256 pages");
    cr_assert_eq(d->interrupts, 3);
    d->next = 0;
    d->notified = 0;
    for (int i = 0; i < 4; i++)
        driver_request(d, DRIVER_FLUSH, 0, NULL, 0);
    driver_notify(d);
    cr_assert_eq(driver_used(d), 19);
    cr_assert_eq(d->notified, 4);
    for (uint32_t page = 0; page < 60; page++)
        cr_assert(store_same(&b.store, 0, rig_gpa(page), page * 8, 4096));
    end(&b);
}

/* Every write but those that a driver may make (4.2.2): the selectors, its features, the queue while it is not ready,
 * the notification, the acknowledgement and the status. */
static void write_the_rest(struct driver *d, bool ready)
{
    static const uint16_t writable[] = {0x14, 0x20, 0x24, 0x30, 0x44, 0x50, 0x64, 0x70};
    const union virtio_registers before = d->block.reg;
    for (uint64_t at = 0; at < VIRTIO_STRIDE; at++) {
        bool may = !ready && (at == 0x38 || (at % 4 == 0 && at >= 0x80 && at < 0xb0));
        for (size_t i = 0; i < sizeof writable / sizeof *writable; i++)
            may |= at == writable[i];
        for (unsigned size = 1; size <= 8; size++)
            if (size != 4 || !may)
                virtio_block_write(&d->block, at, size, UINT64_MAX / 3);
        cr_assert_eq(memcmp(&before, &d->block.reg, sizeof before), 0, "a write at %lx changed something", at);
    }
}

Test(virtio_block, what_is_not_the_drivers_stays)
{
    struct bench b;
    struct driver *d = begin_one(&b, STORE_SHARED);
    write_the_rest(d, true);
    driver_set(d, 0x44, 0);
    write_the_rest(d, false);
    driver_set(d, 0x70, RUNNING | NEEDS_RESET);
    cr_assert_eq(driver_get(d, 0x70), RUNNING, "only the device asks for a reset");
    end(&b);
}

Test(virtio_block, a_queue_begins_anew)
{
    static const uint16_t zero[DRIVER_QUEUE * 4 + 4];
    struct bench b;
    struct driver *d = begin_one(&b, STORE_SHARED);
    cr_assert_eq(driver_do(d, DRIVER_FLUSH, 0, NULL, 0), OK);
    driver_set(d, 0x44, 0);
    uint32_t interrupts = d->interrupts;
    driver_notify(d); /* there is no queue */
    cr_assert_eq(d->interrupts, interrupts);
    cr_assert_eq(driver_get(d, 0x70), RUNNING);
    driver_set(d, 0x30, 1); /* nor a second one */
    driver_set(d, 0x38, 7);
    driver_set(d, 0x80, 7);
    driver_set(d, 0x30, 0);
    driver_put(d, DRIVER_USED, zero, sizeof zero);
    driver_put(d, DRIVER_AVAILABLE, zero, sizeof zero);
    driver_set(d, 0x44, 1);
    cr_assert_eq(driver_get(d, 0x44), 1);
    d->available = 0;
    cr_assert_eq(driver_do(d, DRIVER_FLUSH, 0, NULL, 0), OK);
    cr_assert_eq(driver_used(d), 1);
    cr_assert_eq(driver_get(d, 0x70), RUNNING);
    driver_set(d, 0x70, 0);
    driver_set(d, 0x70, RUNNING & ~8u); /* before any queue was set up */
    driver_notify(d);
    cr_assert_eq(driver_get(d, 0x70), RUNNING & ~8u);
    end(&b);
}

/* The good request of a batch is answered though the one behind it breaks the rules. */
Test(virtio_block, what_was_done_before_the_breach_is_told)
{
    struct bench b;
    struct driver *d = begin_one(&b, STORE_SHARED);
    driver_request(d, DRIVER_FLUSH, 0, NULL, 0);
    driver_offer(d, 63); /* a descriptor of zeroes */
    driver_notify(d);
    cr_assert_eq(driver_used(d), 1);
    cr_assert_eq(driver_get(d, 0x60), 3);
    cr_assert_eq(d->interrupts, 2);
    end(&b);
}

/* Random segments in pages 10 .. 69. */
static uint32_t segments(uint64_t *seed, struct disk_segment *segment, uint64_t sectors, uint64_t *sector)
{
    uint32_t n = 1 + fixture_below(seed, 5), page = 10 + fixture_below(seed, 20), total = 0;
    bool pages = fixture_below(seed, 3);
    for (uint32_t i = 0; i < n; i++, page += 8) {
        uint64_t size = pages ? (1 + fixture_below(seed, 4)) * 4096 : 512 * (1 + fixture_below(seed, 24));
        segment[i] = (struct disk_segment){rig_gpa(page) + (pages ? 0 : fixture_below(seed, 4096)), size};
        total += (uint32_t)(size / 512);
    }
    *sector = fixture_below(seed, (uint32_t)sectors - total) / 8 * 8;
    return n;
}

static void random_request(struct bench *b, struct driver *d, uint64_t *seed)
{
    struct store *s = &b->store;
    struct disk_segment segment[5];
    uint64_t sector;
    uint32_t n = segments(seed, segment, s->sectors, &sector);
    bool write = fixture_below(seed, 3) == 0;
    if (write)
        for (uint32_t i = 0; i < n; i++)
            store_dirty(s, d->vm, segment[i].gpa, segment[i].size, fixture_below(seed, 1000));
    unsigned char *disk = s->seen[d->vm] + sector * 512;
    d->next = (uint16_t)fixture_below(seed, 32);
    uint16_t head = driver_request(d, write ? DRIVER_OUT : DRIVER_IN, sector, segment, n);
    s->rig.untouched = d->vm;
    virtio_block_write(&d->block, 0x50, 4, 0);
    for (uint32_t i = 0; i < n; disk += segment[i++].size) {
        unsigned char *memory = s->rig.shadow[d->vm] + segment[i].gpa;
        memcpy(write ? disk : memory, write ? memory : disk, segment[i].size);
    }
    s->rig.untouched = SPACE_VMS;
    cr_assert_eq(driver_status(d, head), OK);
    cr_assert_eq(driver_used(d), d->available);
}

static void random_life(uint64_t seed, enum store_mode mode)
{
    struct bench b;
    begin(&b, &policy_stir, 700, 1024, mode);
    uint32_t vms = mode == STORE_PERSISTENT ? 1 : 2;
    for (uint32_t vm = 0; vm < vms; vm++)
        cr_assert_eq(driver_start(&b.driver[vm], VERSION_1), RUNNING);
    for (int i = 0; i < 600; i++) {
        random_request(&b, &b.driver[fixture_below(&seed, vms)], &seed);
        pager_run(&b.store.rig.pager, b.store.rig.now += 500000);
        rig_access(&b.store.rig, fixture_below(&seed, RIG_CPUS), fixture_below(&seed, 2), fixture_below(&seed, 70), 5,
                   true, seed);
        cr_assert_eq(b.store.rig.wrong, 0, "%s", b.store.rig.first);
    }
    store_check(&b.store, 80);
    end(&b);
}

Test(virtio_block, random_requests)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        random_life(seed, STORE_SHARED);
        random_life(seed, STORE_PERSISTENT);
    }
}
