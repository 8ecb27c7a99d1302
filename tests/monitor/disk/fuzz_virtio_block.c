/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Any driver: registers written and read, guest memory (rings, descriptors, headers) overwritten, notifications, in the
 * order that the input says. The queue is set up soundly first, so that the rings are reached. Afterwards no frame is
 * missing, the image is as it was, and the other VM's memory as well.
 *
 * The input: commands of a byte and what follows. 0x00..0x3f: write a register (index, value); 0x40..0x7f: read one;
 * 0x80..0xbf: put up to 63 bytes into the rings' pages; 0xc0..0xdf: a request that is sound but for one number;
 * 0xe0..0xef: notify; 0xf0..: reset and start again.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/monitor/disk/driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAGES = 112, SECTORS = 300 };

struct input {
    const uint8_t *data;
    size_t size;
};

static uint64_t number(struct input *in, size_t bytes)
{
    uint64_t value = 0;
    size_t n = bytes < in->size ? bytes : in->size;
    memcpy(&value, in->data, n);
    in->data += n;
    in->size -= n;
    return value;
}

static void put(struct driver *d, struct input *in, size_t n)
{
    uint64_t at = DRIVER_TABLE + number(in, 2) % (4 * RIG_PAGE);
    n = n < in->size ? n : in->size;
    pager_write(&d->store->rig.pager, d->vm, 0, at, in->data, n);
    in->data += n;
    in->size -= n;
}

static void request(struct driver *d, struct input *in)
{
    struct disk_segment segment[2] = {{rig_gpa(1), 4096}, {rig_gpa(2), 512}};
    uint64_t sector = number(in, 1), *odd[4] = {&segment[0].gpa, &segment[0].size, &segment[1].gpa, &sector};
    uint64_t which = number(in, 1), value = number(in, 8);
    if (which < 4)
        *odd[which] = value;
    d->next = (uint16_t)(which % 48);
    driver_request(d, (uint32_t)(which >> 6), sector, segment, 2);
}

static void step(struct driver *d, struct input *in)
{
    uint64_t command = number(in, 1);
    if (command < 0x40)
        virtio_block_write(&d->block, number(in, 1) * (command & 1 ? 1 : 4), 1u << (command >> 1 & 3), number(in, 8));
    else if (command < 0x80)
        virtio_block_read(&d->block, number(in, 2) % 4096, 1u << (command & 3));
    else if (command < 0xc0)
        put(d, in, command & 0x3f);
    else if (command < 0xe0)
        request(d, in);
    else if (command < 0xf0)
        driver_notify(d);
    else
        driver_start(d, UINT64_C(1) << 32);
}

static void check(struct store *s)
{
    static const unsigned char zero[RIG_PAGE];
    unsigned char *expected = malloc(SECTORS * DISK_SECTOR), other[RIG_PAGE];
    store_fill(expected, 0, SECTORS);
    if (memcmp(expected, s->image, SECTORS * DISK_SECTOR))
        abort(); /* the image of a shared disk was written */
    free(expected);
    for (uint32_t page = 0; page < 4; page++)
        if (pager_read(&s->rig.pager, 1, 0, rig_gpa(page), other, RIG_PAGE) || memcmp(other, zero, RIG_PAGE))
            abort(); /* another VM's memory was written */
    disk_forget(&s->disk, 0);
    pager_empty(&s->rig.pager, 0);
    pager_empty(&s->rig.pager, 1);
    disk_shrink(&s->disk, UINT32_MAX);
    for (uint32_t n = 0; n < s->rig.given.nodes; n++)
        if (s->rig.pager.engine.free[n] != s->rig.pager.frames[n])
            abort(); /* a frame is missing */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store s;
    struct driver d;
    struct input in = {data, size};
    struct rig_config c = {.policy = policy_find("first_touch"), .nodes = 2, .nvms = 2, .shared = 40, .around = 1};
    c.pages[0] = c.pages[1] = PAGES;
    c.frames = 200;
    store_begin(&s, &c, SECTORS, STORE_SHARED);
    driver_begin(&d, &s, 0);
    driver_start(&d, UINT64_C(1) << 32);
    for (int steps = 0; in.size && steps < 200; steps++)
        step(&d, &in);
    check(&s);
    store_end(&s);
    return 0;
}
