/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/devices/virtio_block.h"

#define OFFSET(name) offsetof(union virtio_registers, name)

/* Device status (2.1). */
enum { FEATURES_OK = 8, DRIVER_OK = 4, NEEDS_RESET = 64 };
enum { INTERRUPT_USED = 1, INTERRUPT_CONFIG = 2 };

#define BIT(n) (UINT64_C(1) << (n))
#define FEATURE_SIZE_MAX BIT(1)
#define FEATURE_SEG_MAX BIT(2)
#define FEATURE_RO BIT(5)
#define FEATURE_BLK_SIZE BIT(6)
#define FEATURE_FLUSH BIT(9)
#define FEATURE_TOPOLOGY BIT(10)
#define FEATURE_VERSION_1 BIT(32)

enum { DESCRIPTOR_NEXT = 1, DESCRIPTOR_WRITE = 2, DESCRIPTOR_INDIRECT = 4, NO_INTERRUPT = 1 };
enum { REQUEST_IN = 0, REQUEST_OUT = 1, REQUEST_FLUSH = 4 };
enum { STATUS_OK = 0, STATUS_IOERR = 1, STATUS_UNSUPPORTED = 2 };

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

struct header {
    uint32_t type, reserved;
    uint64_t sector;
};

/* A chain: what the device may read, then what it may write. Requests may be cut into segments anywhere (2.6.4.2). */
struct chain {
    struct disk_segment segment[VIRTIO_SEGMENTS + 2];
    uint32_t readable, n; /* segments: of the former, and all */
    uint64_t bytes[2];    /* of either */
};

static uint64_t features(const struct virtio_block *b)
{
    uint64_t all = FEATURE_SIZE_MAX | FEATURE_SEG_MAX | FEATURE_BLK_SIZE | FEATURE_FLUSH | FEATURE_TOPOLOGY;
    return all | FEATURE_VERSION_1 | (disk_writable(b->disk) ? 0 : FEATURE_RO);
}

void virtio_block_init(struct virtio_block *b, const struct device_host *host, struct disk *disk, uint32_t vm,
                       uint32_t gsi)
{
    *b = (struct virtio_block){.host = host, .disk = disk, .vm = vm, .gsi = gsi};
    b->reg = (union virtio_registers){.magic = 0x74726976,
                                      .version = 2,
                                      .device = 2,
                                      .vendor = 0x4d424c4c,
                                      .features = (uint32_t)features(b),
                                      .queue_max = VIRTIO_QUEUE_MAX,
                                      .shared_length = UINT64_MAX, /* there is none */
                                      .shared_base = UINT64_MAX,
                                      .capacity = disk->drive.sectors,
                                      .size_max = VIRTIO_SIZE_MAX,
                                      .seg_max = VIRTIO_SEGMENTS,
                                      .block_size = DISK_SECTOR,
                                      .physical_exponent = 3,
                                      .minimum = DISK_BLOCK / DISK_SECTOR};
}

static void interrupt(struct virtio_block *b, uint32_t why)
{
    b->reg.interrupt_status |= why;
    b->host->interrupt(b->host->context, b->gsi);
}

static void broken(struct virtio_block *b)
{
    b->reg.status |= NEEDS_RESET;
    if (b->reg.status & DRIVER_OK)
        interrupt(b, INTERRUPT_CONFIG);
}

static bool from_guest(struct virtio_block *b, uint64_t gpa, void *to, size_t size)
{
    return b->host->read(b->host->context, gpa, to, size) == 0;
}

static bool to_guest(struct virtio_block *b, uint64_t gpa, const void *from, size_t size)
{
    return b->host->write(b->host->context, gpa, from, size) == 0;
}

/* False: the chain breaks the rules. Its length is bounded, so a loop is found by its length. */
static bool chain_read(struct virtio_block *b, uint16_t head, struct chain *c)
{
    struct descriptor d = {.flags = DESCRIPTOR_NEXT, .next = head};
    bool writable = false;
    c->n = c->readable = 0;
    c->bytes[false] = c->bytes[true] = 0;
    while (d.flags & DESCRIPTOR_NEXT) {
        if (d.next >= b->reg.queue_size || c->n == sizeof c->segment / sizeof *c->segment)
            return false;
        if (!from_guest(b, b->reg.descriptors + (uint64_t)d.next * sizeof d, &d, sizeof d))
            return false;
        if ((d.flags & DESCRIPTOR_INDIRECT) || (writable && !(d.flags & DESCRIPTOR_WRITE)))
            return false;
        writable = d.flags & DESCRIPTOR_WRITE;
        c->readable += !writable;
        c->bytes[writable] += d.length;
        c->segment[c->n++] = (struct disk_segment){d.address, d.length};
    }
    return true;
}

/* Takes the first `size` readable bytes of the chain. */
static bool chain_take(struct virtio_block *b, struct chain *c, void *to, size_t size)
{
    unsigned char *bytes = to;
    c->bytes[false] -= size;
    for (uint32_t i = 0; i < c->readable && size; i++) {
        struct disk_segment *s = &c->segment[i];
        size_t part = s->size < size ? (size_t)s->size : size;
        if (!from_guest(b, s->gpa, bytes, part))
            return false;
        s->gpa += part;
        s->size -= part;
        bytes += part;
        size -= part;
    }
    return size == 0;
}

/* Cuts the last writable byte off, which is for the status: its address in *gpa. */
static bool chain_cut(struct chain *c, uint64_t *gpa)
{
    for (uint32_t i = c->n; i > c->readable; i--) {
        struct disk_segment *s = &c->segment[i - 1];
        if (s->size) {
            c->bytes[true]--;
            *gpa = s->gpa + --s->size;
            return true;
        }
    }
    return false;
}

/* In *written the bytes that were put into guest memory; *work: what it cost, added to. The bound on one request keeps
 * a driver from holding a disk that others share. */
static uint8_t request(struct virtio_block *b, const struct header *h, const struct chain *c, uint32_t *written,
                       uint64_t *work)
{
    bool in = h->type == REQUEST_IN;
    const struct disk_segment *s = in ? c->segment + c->readable : c->segment;
    uint32_t n = in ? c->n - c->readable : c->readable;
    node_t node = b->host->node(b->host->context);
    uint64_t bytes = c->bytes[in];
    int err = 0;
    if (h->type == REQUEST_FLUSH)
        bytes = VIRTIO_WORK;
    else if (h->type > REQUEST_OUT)
        return STATUS_UNSUPPORTED;
    else if (bytes > (uint64_t)VIRTIO_SEGMENTS * VIRTIO_SIZE_MAX)
        return STATUS_IOERR;
    else
        err = disk_access(b->disk, !in, b->vm, node, h->sector, s, n);
    *work += bytes;
    /* A driver that does not know of the drive's cache has none (5.2.6.2). */
    if (h->type == REQUEST_FLUSH || (!err && !in && !(b->chosen[0] & FEATURE_FLUSH)))
        err = disk_flush(b->disk);
    *written = in && !err ? (uint32_t)bytes : 0;
    return err ? STATUS_IOERR : STATUS_OK;
}

/* One chain from its head to its used entry. */
static bool serve(struct virtio_block *b, uint16_t head, uint64_t *work)
{
    struct chain c;
    struct header h;
    uint64_t status_gpa;
    uint32_t used[2] = {head, 0};
    if (!chain_read(b, head, &c) || !chain_take(b, &c, &h, sizeof h) || !chain_cut(&c, &status_gpa))
        return false;
    uint8_t status = request(b, &h, &c, &used[1], work);
    used[1] += sizeof status;
    uint64_t slot = b->done % b->reg.queue_size;
    if (!to_guest(b, status_gpa, &status, sizeof status) ||
        !to_guest(b, b->reg.used + 4 + slot * sizeof used, used, sizeof used))
        return false;
    b->done++;
    return true;
}

/* The used index is written after the entries it covers, and the flag read after that: a driver that has found nothing
 * and rests by then has asked for an interrupt (2.6.7.2). */
static void notify(struct virtio_block *b)
{
    uint64_t ring = b->reg.available, work = 0;
    uint16_t available[2], head, before = b->done; /* flags, index */
    bool good = from_guest(b, ring, available, sizeof available);
    good = good && (uint16_t)(available[1] - b->seen) <= b->reg.queue_size;
    for (; good && b->seen != available[1] && work < VIRTIO_WORK; b->seen++) {
        uint64_t slot = b->seen % b->reg.queue_size;
        good = from_guest(b, ring + 4 + slot * sizeof head, &head, sizeof head) && serve(b, head, &work);
    }
    if (b->done != before) {
        good = to_guest(b, b->reg.used + 2, &b->done, sizeof b->done) && good;
        good = from_guest(b, ring, available, sizeof available[0]) && good;
        if (!(available[0] & NO_INTERRUPT))
            interrupt(b, INTERRUPT_USED);
    }
    if (!good)
        broken(b);
    else if (b->seen != available[1])
        b->host->again(b->host->context);
}

/* What there is only of the one queue. Its size and addresses stay as they are while it is ready. */
static void queue_write(struct virtio_block *b, uint64_t offset, uint32_t value)
{
    union virtio_registers *r = &b->reg;
    if (r->queue_select)
        return;
    if (offset == OFFSET(queue_ready)) {
        uint32_t size = r->queue_size;
        r->queue_ready = (value & 1) && size && size <= VIRTIO_QUEUE_MAX && !(size & (size - 1));
        b->seen = b->done = 0;
    } else if (!r->queue_ready) {
        r->word[offset / 4] = value;
    }
}

/* A bit once set stays until a reset (2.1.1); FEATURES_OK stays unset when the driver's choice does not do. */
static void status_write(struct virtio_block *b, uint32_t value)
{
    if (!value) {
        virtio_block_init(b, b->host, b->disk, b->vm, b->gsi);
        return;
    }
    uint64_t chosen = (uint64_t)b->chosen[1] << 32 | b->chosen[0];
    if (!(b->reg.status & FEATURES_OK) && (chosen & ~features(b) || !(chosen & FEATURE_VERSION_1)))
        value &= ~(uint32_t)FEATURES_OK;
    b->reg.status |= value & 0xff & ~(uint32_t)NEEDS_RESET;
}

void virtio_block_write(void *block, uint64_t offset, unsigned size, uint64_t value)
{
    struct virtio_block *b = block;
    union virtio_registers *r = &b->reg;
    uint32_t v = (uint32_t)value;
    if (size != 4 || offset % 4)
        return;
    switch (offset) {
    case OFFSET(features_select):
        r->features = v < 2 ? (uint32_t)(features(b) >> 32 * v) : 0;
        break;
    case OFFSET(driver_features):
        if (r->driver_select < 2 && !(r->status & FEATURES_OK))
            b->chosen[r->driver_select] = v;
        break;
    case OFFSET(driver_select):
    case OFFSET(queue_select):
        r->word[offset / 4] = v;
        break;
    case OFFSET(notify):
        if (v == 0 && r->queue_ready && (r->status & (DRIVER_OK | NEEDS_RESET)) == DRIVER_OK)
            notify(b);
        break;
    case OFFSET(interrupt_ack):
        r->interrupt_status &= ~v;
        break;
    case OFFSET(status):
        status_write(b, v);
        break;
    default:
        if (offset == OFFSET(queue_size) || offset == OFFSET(queue_ready) ||
            (offset >= OFFSET(descriptors) && offset < OFFSET(shared_length)))
            queue_write(b, offset, v);
    }
}

/* The configuration never changes: generation 0. */
uint64_t virtio_block_read(void *block, uint64_t offset, unsigned size)
{
    const struct virtio_block *b = block;
    bool one_register = size == 4 && offset % 4 == 0,
         of_queue = offset == OFFSET(queue_max) || offset == OFFSET(queue_ready);
    uint64_t value = 0;
    if ((of_queue && b->reg.queue_select) || (offset < OFFSET(capacity) && !one_register))
        return 0;
    if (size <= sizeof value && offset <= sizeof b->reg - size)
        __builtin_memcpy(&value, (const unsigned char *)&b->reg + offset, size);
    return value;
}
