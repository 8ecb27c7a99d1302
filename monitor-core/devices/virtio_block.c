/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/devices/virtio_block.h"

/* Registers (4.2.2). */
enum {
    REG_MAGIC = 0x00,
    REG_VERSION = 0x04,
    REG_DEVICE = 0x08,
    REG_VENDOR = 0x0c,
    REG_FEATURES = 0x10,
    REG_FEATURES_SELECT = 0x14,
    REG_DRIVER_FEATURES = 0x20,
    REG_DRIVER_SELECT = 0x24,
    REG_QUEUE_SELECT = 0x30,
    REG_QUEUE_MAX = 0x34,
    REG_QUEUE_SIZE = 0x38,
    REG_QUEUE_READY = 0x44,
    REG_NOTIFY = 0x50,
    REG_INTERRUPT_STATUS = 0x60,
    REG_INTERRUPT_ACK = 0x64,
    REG_STATUS = 0x70,
    REG_DESCRIPTORS = 0x80, /* each of the three: low half, then high half */
    REG_AVAILABLE = 0x90,
    REG_USED = 0xa0,
    REG_SHARED_LENGTH = 0xb0,
    REG_SHARED_BASE_HIGH = 0xbc,
    REG_GENERATION = 0xfc,
    REG_CONFIG = 0x100
};

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
    uint32_t readable, n;
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
}

static void reset(struct virtio_block *b)
{
    virtio_block_init(b, b->host, b->disk, b->vm, b->gsi);
}

static void interrupt(struct virtio_block *b, uint32_t why)
{
    b->interrupt_status |= why;
    b->host->interrupt(b->host->context, b->gsi);
}

static void broken(struct virtio_block *b)
{
    b->status |= NEEDS_RESET;
    if (b->status & DRIVER_OK)
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

static uint32_t queue_size(const struct virtio_block *b)
{
    return b->queue[REG_QUEUE_SIZE / 4];
}

static uint64_t queue_address(const struct virtio_block *b, uint32_t reg)
{
    return (uint64_t)b->queue[reg / 4 + 1] << 32 | b->queue[reg / 4];
}

/* False: the chain breaks the rules. Its length is bounded, so a loop is found by its length. */
static bool chain_read(struct virtio_block *b, uint16_t head, struct chain *c)
{
    struct descriptor d = {.flags = DESCRIPTOR_NEXT, .next = head};
    bool writable = false;
    c->n = c->readable = 0;
    while (d.flags & DESCRIPTOR_NEXT) {
        if (d.next >= queue_size(b) || c->n == sizeof c->segment / sizeof *c->segment)
            return false;
        if (!from_guest(b, queue_address(b, REG_DESCRIPTORS) + (uint64_t)d.next * sizeof d, &d, sizeof d))
            return false;
        if ((d.flags & DESCRIPTOR_INDIRECT) || (writable && !(d.flags & DESCRIPTOR_WRITE)))
            return false;
        writable = d.flags & DESCRIPTOR_WRITE;
        c->readable += !writable;
        c->segment[c->n++] = (struct disk_segment){d.address, d.length};
    }
    return true;
}

/* Takes the first `size` readable bytes of the chain. */
static bool chain_take(struct virtio_block *b, struct chain *c, void *to, size_t size)
{
    unsigned char *bytes = to;
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
            *gpa = s->gpa + --s->size;
            return true;
        }
    }
    return false;
}

static uint64_t bytes_in(const struct disk_segment *s, uint32_t n)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < n; i++)
        bytes += s[i].size;
    return bytes;
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
    uint64_t bytes = bytes_in(s, n);
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
    if (h->type == REQUEST_FLUSH || (!err && !in && !(b->driver_features[0] & FEATURE_FLUSH)))
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
    uint64_t slot = b->done % queue_size(b);
    if (!to_guest(b, status_gpa, &status, sizeof status) ||
        !to_guest(b, queue_address(b, REG_USED) + 4 + slot * sizeof used, used, sizeof used))
        return false;
    b->done++;
    return true;
}

/* The used index is written after the entries it covers. */
static void notify(struct virtio_block *b)
{
    uint64_t ring = queue_address(b, REG_AVAILABLE), work = 0;
    uint16_t available[2], head, before = b->done; /* flags, index */
    bool good = from_guest(b, ring, available, sizeof available);
    good = good && (uint16_t)(available[1] - b->seen) <= queue_size(b);
    for (; good && b->seen != available[1] && work < VIRTIO_WORK; b->seen++) {
        uint64_t slot = b->seen % queue_size(b);
        good = from_guest(b, ring + 4 + slot * sizeof head, &head, sizeof head) && serve(b, head, &work);
    }
    if (b->done != before) {
        good = to_guest(b, queue_address(b, REG_USED) + 2, &b->done, sizeof b->done) && good;
        if (!(available[0] & NO_INTERRUPT))
            interrupt(b, INTERRUPT_USED);
    }
    if (!good)
        broken(b);
    else if (b->seen != available[1])
        b->host->again(b->host->context);
}

static void queue_write(struct virtio_block *b, uint64_t offset, uint32_t value)
{
    uint32_t size = queue_size(b);
    if (b->queue_select)
        return;
    if (offset == REG_QUEUE_READY) {
        b->ready = (value & 1) && size && size <= VIRTIO_QUEUE_MAX && !(size & (size - 1));
        b->seen = b->done = 0;
    } else if (!b->ready) {
        b->queue[offset / 4] = value;
    }
}

/* A bit once set stays until a reset (2.1.1); FEATURES_OK stays unset when the driver's choice does not do. */
static void status_write(struct virtio_block *b, uint32_t value)
{
    if (!value) {
        reset(b);
        return;
    }
    uint64_t chosen = (uint64_t)b->driver_features[1] << 32 | b->driver_features[0];
    if (!(b->status & FEATURES_OK) && (chosen & ~features(b) || !(chosen & FEATURE_VERSION_1)))
        value &= ~(uint32_t)FEATURES_OK;
    b->status |= value & 0xff & ~(uint32_t)NEEDS_RESET;
}

void virtio_block_write(void *block, uint64_t offset, unsigned size, uint64_t value)
{
    struct virtio_block *b = block;
    if (size != 4 || offset % 4 || offset >= REG_CONFIG)
        return;
    uint32_t v = (uint32_t)value;
    switch (offset) {
    case REG_FEATURES_SELECT:
        b->features_select = v;
        break;
    case REG_DRIVER_SELECT:
        b->driver_select = v;
        break;
    case REG_DRIVER_FEATURES:
        if (b->driver_select < 2 && !(b->status & FEATURES_OK))
            b->driver_features[b->driver_select] = v;
        break;
    case REG_QUEUE_SELECT:
        b->queue_select = v;
        break;
    case REG_NOTIFY:
        if (v == 0 && b->ready && (b->status & (DRIVER_OK | NEEDS_RESET)) == DRIVER_OK)
            notify(b);
        break;
    case REG_INTERRUPT_ACK:
        b->interrupt_status &= ~v;
        break;
    case REG_STATUS:
        status_write(b, v);
        break;
    default:
        queue_write(b, offset, v);
    }
}

/* struct virtio_blk_config (5.2.4), up to and with the topology. It never changes: generation 0. */
static uint64_t config_read(const struct virtio_block *b, uint64_t offset, unsigned size)
{
    struct {
        uint64_t capacity;
        uint32_t size_max, seg_max, geometry, blk_size;
        uint8_t physical_exponent, alignment;
        uint16_t minimum;
        uint32_t optimum, rest;
    } config = {.capacity = b->disk->drive.sectors,
                .size_max = VIRTIO_SIZE_MAX,
                .seg_max = VIRTIO_SEGMENTS,
                .blk_size = DISK_SECTOR,
                .physical_exponent = 3,
                .minimum = DISK_BLOCK / DISK_SECTOR};
    uint64_t value = 0;
    if (size <= sizeof config && offset <= sizeof config - size)
        __builtin_memcpy(&value, (const unsigned char *)&config + offset, size < sizeof value ? size : sizeof value);
    return value;
}

uint64_t virtio_block_read(void *block, uint64_t offset, unsigned size)
{
    struct virtio_block *b = block;
    if (offset >= REG_CONFIG)
        return config_read(b, offset - REG_CONFIG, size);
    if (size != 4 || offset % 4)
        return 0;
    switch (offset) {
    case REG_MAGIC:
        return 0x74726976;
    case REG_VERSION:
    case REG_DEVICE:
        return 2;
    case REG_VENDOR:
        return 0x4d424c4c;
    case REG_FEATURES:
        return b->features_select < 2 ? (uint32_t)(features(b) >> 32 * b->features_select) : 0;
    case REG_QUEUE_MAX:
        return b->queue_select ? 0 : VIRTIO_QUEUE_MAX;
    case REG_QUEUE_READY:
        return !b->queue_select && b->ready;
    case REG_INTERRUPT_STATUS:
        return b->interrupt_status;
    case REG_STATUS:
        return b->status;
    default: /* no shared memory: its length and base read as all ones (4.2.2) */
        return offset >= REG_SHARED_LENGTH && offset <= REG_SHARED_BASE_HIGH ? UINT32_MAX : 0;
    }
}
