/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A virtio block device over virtio-mmio version 2 (Virtual I/O Device specification 1.1, sections 2.6, 4.2 and 5.2):
 * one split queue; features VERSION_1, FLUSH, BLK_SIZE (512), TOPOLOGY (4 KiB, so that guests align their transfers and
 * the pages can be mapped), SIZE_MAX, SEG_MAX, RO where the disk cannot be written. The driver is hostile: rings
 * anywhere, chains that loop, lengths of any size; what breaks the ring's rules sets DEVICE_NEEDS_RESET and ends there,
 * what is wrong with one request ends as that request's IOERR.
 *
 * A notification works off what is available when it comes, with one interrupt at the end; after VIRTIO_WORK bytes it
 * is told to come again for the rest, so that one guest's full ring keeps no CPU from the others. The device never asks
 * the driver to leave out notifications, so what comes later has its own.
 */
#ifndef MONITOR_CORE_DEVICES_VIRTIO_BLOCK_H
#define MONITOR_CORE_DEVICES_VIRTIO_BLOCK_H

#include "monitor-core/devices/bus.h"
#include "monitor-core/disk.h"

#define VIRTIO_BASE UINT64_C(0xd0000000)
enum { VIRTIO_STRIDE = 0x1000, VIRTIO_GSI = 5, VIRTIO_QUEUE_MAX = 256, VIRTIO_SEGMENTS = 126, VIRTIO_SIZE_MAX = 65536 };
enum { VIRTIO_WORK = 1 << 20 };

struct virtio_block {
    const struct device_host *host;
    struct disk *disk;
    uint32_t vm; /* who asks the disk */
    uint32_t gsi;
    uint32_t status, features_select, driver_select, interrupt_status, queue_select;
    uint32_t driver_features[2];
    uint32_t queue[0x100 / 4]; /* its size and addresses: the registers as written, by offset / 4 */
    bool ready;
    uint16_t seen; /* next available entry to look at */
    uint16_t done; /* next used entry to fill */
};

/* A VM that starts again may have its device initialised again. */
void virtio_block_init(struct virtio_block *, const struct device_host *, struct disk *, uint32_t vm, uint32_t gsi);
uint64_t virtio_block_read(void *block, uint64_t offset, unsigned size);
void virtio_block_write(void *block, uint64_t offset, unsigned size, uint64_t value);

#endif
