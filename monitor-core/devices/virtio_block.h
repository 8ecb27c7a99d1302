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

/* Sections 4.2.2 and, from the capacity on, 5.2.4. */
union virtio_registers {
    struct {
        uint32_t magic, version, device, vendor;
        uint32_t features, features_select, none_18[2];
        uint32_t driver_features, driver_select, none_28[2];
        uint32_t queue_select, queue_max, queue_size, none_3c[2], queue_ready, none_48[2];
        uint32_t notify, none_54[3];
        uint32_t interrupt_status, interrupt_ack, none_68[2];
        uint32_t status, none_74[3];
        uint64_t descriptors, none_88, available, none_98, used, none_a8; /* written by halves */
        uint64_t shared_length, shared_base;
        uint32_t none_c0[15], generation;
        uint64_t capacity;
        uint32_t size_max, seg_max, geometry, block_size;
        uint8_t physical_exponent, alignment;
        uint16_t minimum;
        uint32_t optimum;
    };
    uint32_t word[0x120 / 4]; /* by offset / 4 */
};

struct virtio_block {
    const struct device_host *host;
    struct disk *disk;
    uint32_t vm; /* who asks the disk */
    uint32_t gsi;
    union virtio_registers reg; /* as they read, and what was written to the others */
    uint32_t chosen[2];         /* the driver's features */
    uint16_t seen;              /* next available entry to look at */
    uint16_t done;              /* next used entry to fill */
};

/* A VM that starts again may have its device initialised again. */
void virtio_block_init(struct virtio_block *, const struct device_host *, struct disk *, uint32_t vm, uint32_t gsi);
uint64_t virtio_block_read(void *block, uint64_t offset, unsigned size);
void virtio_block_write(void *block, uint64_t offset, unsigned size, uint64_t value);

#endif
