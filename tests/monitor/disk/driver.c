/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/disk/driver.h"

#include <string.h>

static void interrupt(void *context, uint32_t gsi)
{
    struct driver *d = context;
    d->interrupts++;
    if (gsi != VIRTIO_GSI + 3)
        rig_fail(&d->store->rig, "interrupt line %u", gsi);
}

static int read_guest(void *context, uint64_t gpa, void *buffer, size_t size)
{
    struct driver *d = context;
    return pager_read(&d->store->rig.pager, d->vm, 0, gpa, buffer, size);
}

static int write_guest(void *context, uint64_t gpa, const void *buffer, size_t size)
{
    struct driver *d = context;
    int err = pager_write(&d->store->rig.pager, d->vm, 0, gpa, buffer, size);
    if (!err)
        memcpy(d->store->rig.shadow[d->vm] + gpa, buffer, size);
    if (d->rests && gpa == DRIVER_USED + 4) {
        d->rests = false;
        d->flags = 0;
        return write_guest(d, DRIVER_AVAILABLE, &d->flags, sizeof d->flags);
    }
    return err;
}

static node_t node(void *context)
{
    struct driver *d = context;
    return (node_t)(d->vm % d->store->rig.given.nodes);
}

static void again(void *context)
{
    struct driver *d = context;
    d->again = true;
}

void driver_begin(struct driver *d, struct store *s, uint32_t vm)
{
    *d = (struct driver){.store = s, .vm = vm};
    d->host = (struct device_host){
        .context = d, .interrupt = interrupt, .read = read_guest, .write = write_guest, .node = node, .again = again};
    virtio_block_init(&d->block, &d->host, &s->disk, vm, VIRTIO_GSI + 3);
}

uint32_t driver_get(struct driver *d, uint64_t offset)
{
    return (uint32_t)virtio_block_read(&d->block, offset, 4);
}

void driver_set(struct driver *d, uint64_t offset, uint32_t value)
{
    d->store->rig.untouched = d->vm; /* the other guests run meanwhile, this one waits */
    virtio_block_write(&d->block, offset, 4, value);
    d->store->rig.untouched = SPACE_VMS;
}

static void set_address(struct driver *d, uint64_t offset, uint64_t gpa)
{
    driver_set(d, offset, (uint32_t)gpa);
    driver_set(d, offset + 4, (uint32_t)(gpa >> 32));
}

/* Virtio 1.1, 3.1.1. */
uint32_t driver_start(struct driver *d, uint64_t features)
{
    static const uint16_t zero[DRIVER_QUEUE * 4 + 4];
    driver_set(d, 0x70, 0);
    driver_set(d, 0x70, 1);
    driver_set(d, 0x70, 1 | 2);
    for (uint32_t half = 0; half < 2; half++) {
        driver_set(d, 0x24, half);
        driver_set(d, 0x20, (uint32_t)(features >> 32 * half));
    }
    driver_set(d, 0x70, 1 | 2 | 8);
    if (!(driver_get(d, 0x70) & 8))
        return driver_get(d, 0x70);
    driver_put(d, DRIVER_USED, zero, sizeof zero);
    driver_put(d, DRIVER_AVAILABLE, zero, sizeof zero);
    driver_set(d, 0x30, 0);
    driver_set(d, 0x38, DRIVER_QUEUE);
    set_address(d, 0x80, DRIVER_TABLE);
    set_address(d, 0x90, DRIVER_AVAILABLE);
    set_address(d, 0xa0, DRIVER_USED);
    driver_set(d, 0x44, 1);
    driver_set(d, 0x70, 1 | 2 | 8 | 4);
    d->next = d->available = 0;
    d->interrupts = 0;
    return driver_get(d, 0x70);
}

void driver_put(struct driver *d, uint64_t gpa, const void *bytes, size_t size)
{
    d->store->rig.untouched = d->vm;
    if (write_guest(d, gpa, bytes, size))
        rig_fail(&d->store->rig, "the driver's own memory cannot be written");
    d->store->rig.untouched = SPACE_VMS;
}

void driver_take(struct driver *d, uint64_t gpa, void *bytes, size_t size)
{
    d->store->rig.untouched = d->vm;
    if (read_guest(d, gpa, bytes, size))
        rig_fail(&d->store->rig, "the driver's own memory cannot be read");
    d->store->rig.untouched = SPACE_VMS;
}

void driver_descriptor(struct driver *d, uint16_t at, uint64_t gpa, uint32_t size, uint16_t flags, uint16_t next)
{
    unsigned char bytes[16];
    memcpy(bytes, &gpa, 8);
    memcpy(bytes + 8, &size, 4);
    memcpy(bytes + 12, &flags, 2);
    memcpy(bytes + 14, &next, 2);
    driver_put(d, DRIVER_TABLE + at * 16u, bytes, sizeof bytes);
}

void driver_offer(struct driver *d, uint16_t head)
{
    driver_put(d, DRIVER_AVAILABLE + 4 + d->available % DRIVER_QUEUE * 2u, &head, 2);
    d->available++;
    driver_put(d, DRIVER_AVAILABLE, &d->flags, 2);
    driver_put(d, DRIVER_AVAILABLE + 2, &d->available, 2);
}

uint16_t driver_request(struct driver *d, uint32_t type, uint64_t sector, const struct disk_segment *segment,
                        uint32_t n)
{
    uint16_t head = d->next, at = head, write = type == DRIVER_OUT ? 0 : DRIVER_WRITE;
    uint64_t header = DRIVER_HEADERS + head * 64u, words[2] = {type, sector};
    unsigned char nothing = 0xaa;
    driver_put(d, header, words, sizeof words);
    driver_put(d, header + 32, &nothing, 1);
    driver_descriptor(d, at, header, 16, DRIVER_NEXT, (uint16_t)(at + 1));
    for (uint32_t i = 0; i < n; i++) {
        at++;
        driver_descriptor(d, at, segment[i].gpa, (uint32_t)segment[i].size, DRIVER_NEXT | write, (uint16_t)(at + 1));
    }
    at++;
    driver_descriptor(d, at, header + 32, 1, DRIVER_WRITE, 0);
    d->next = (uint16_t)(at + 1);
    driver_offer(d, head);
    return head;
}

void driver_notify(struct driver *d)
{
    do {
        d->again = false;
        d->notified++;
        driver_set(d, 0x50, 0);
    } while (d->again);
}

uint8_t driver_status(struct driver *d, uint16_t head)
{
    uint8_t status;
    driver_take(d, DRIVER_HEADERS + head * 64u + 32, &status, 1);
    return status;
}

uint16_t driver_used(struct driver *d)
{
    uint16_t index;
    driver_take(d, DRIVER_USED + 2, &index, 2);
    return index;
}

void driver_used_entry(struct driver *d, uint16_t at, uint32_t *head, uint32_t *length)
{
    uint32_t entry[2];
    driver_take(d, DRIVER_USED + 4 + at % DRIVER_QUEUE * 8u, entry, sizeof entry);
    *head = entry[0];
    *length = entry[1];
}

uint8_t driver_do(struct driver *d, uint32_t type, uint64_t sector, const struct disk_segment *segment, uint32_t n)
{
    d->next = 0;
    uint16_t head = driver_request(d, type, sector, segment, n);
    driver_notify(d);
    return driver_status(d, head);
}
