/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A driver of the virtio block device, as a guest would have it: rings in the guest's memory, registers by 4-byte
 * accesses. It can be told to do wrong.
 */
#ifndef TESTS_MONITOR_DISK_DRIVER_H
#define TESTS_MONITOR_DISK_DRIVER_H

#include "monitor-core/devices/virtio_block.h"
#include "tests/monitor/disk/store.h"

enum { DRIVER_QUEUE = 64, DRIVER_PAGE = 100 }; /* its rings and headers: guest pages from there on, four */
enum { DRIVER_NEXT = 1, DRIVER_WRITE = 2, DRIVER_INDIRECT = 4 };
enum { DRIVER_IN = 0, DRIVER_OUT = 1, DRIVER_FLUSH = 4 };
#define DRIVER_TABLE rig_gpa(DRIVER_PAGE)
#define DRIVER_AVAILABLE rig_gpa(DRIVER_PAGE + 1)
#define DRIVER_USED rig_gpa(DRIVER_PAGE + 2)
#define DRIVER_HEADERS rig_gpa(DRIVER_PAGE + 3) /* 64 bytes for each head: header at 0, status at 32 */

struct driver {
    struct store *store;
    uint32_t vm;
    struct device_host host;
    struct virtio_block block;
    uint16_t next;      /* free descriptors from here on; a test that needs more than the table takes it again */
    uint16_t available; /* index of the available ring */
    uint16_t flags;     /* of the available ring */
    uint32_t interrupts;
    uint32_t notified; /* writes of the last notifications, with those made again */
    bool again;
    bool rests; /* once an entry is in the used ring it wants interrupts: it has seen none and stopped polling */
};

void driver_begin(struct driver *, struct store *, uint32_t vm);

/* Reset, features, queue, DRIVER_OK: the status afterwards. */
uint32_t driver_start(struct driver *, uint64_t features);

uint32_t driver_get(struct driver *, uint64_t offset);
void driver_set(struct driver *, uint64_t offset, uint32_t value);

/* Guest memory; the rig's shadow follows. */
void driver_put(struct driver *, uint64_t gpa, const void *bytes, size_t size);
void driver_take(struct driver *, uint64_t gpa, void *bytes, size_t size);

/* A descriptor at a place in the table. */
void driver_descriptor(struct driver *, uint16_t at, uint64_t gpa, uint32_t size, uint16_t flags, uint16_t next);

/* Builds a request in the usual shape (header, segments, status) and makes it available; answers its head. */
uint16_t driver_request(struct driver *, uint32_t type, uint64_t sector, const struct disk_segment *, uint32_t n);
void driver_offer(struct driver *, uint16_t head);
void driver_notify(struct driver *);

uint8_t driver_status(struct driver *, uint16_t head);
uint16_t driver_used(struct driver *); /* index of the used ring */
void driver_used_entry(struct driver *, uint16_t at, uint32_t *head, uint32_t *length);

/* One request from offer to status; all descriptors are free afterwards. */
uint8_t driver_do(struct driver *, uint32_t type, uint64_t sector, const struct disk_segment *, uint32_t n);

#endif
