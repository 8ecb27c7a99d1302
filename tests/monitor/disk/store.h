/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the tests of disks share: VMs on the rig of tests/monitor/space, one disk on a drive of plain memory that checks
 * how it is used, and for each VM a flat copy of the disk as that VM must see it.
 */
#ifndef TESTS_MONITOR_DISK_STORE_H
#define TESTS_MONITOR_DISK_STORE_H

#include "monitor-core/disk.h"
#include "tests/monitor/space/rig.h"

enum store_mode { STORE_SHARED, STORE_PERSISTENT, STORE_PRIVATE };

struct store {
    struct rig rig;
    struct config_disk config;
    struct disk disk;
    void *disk_block;
    uint64_t sectors;
    unsigned char *image;           /* the drive's bytes */
    unsigned char *seen[SPACE_VMS]; /* the disk as each VM must see it; when persistent, one for all */
    uint64_t reads, writes, flushes;
    uint64_t fail_in; /* the drive's n-th command from now on fails; 0: none does */
    bool writable;    /* of the drive */
};

void store_begin(struct store *, const struct rig_config *, uint64_t sectors, enum store_mode);
void store_end(struct store *);

/* The bytes with which the image begins: no two sectors alike. */
void store_fill(unsigned char *bytes, uint64_t sector, uint64_t count);

/* A request; afterwards the rig's shadow of guest memory, or the VM's flat disk, is what it must be. After an error it
 * is what was found, which must be old or new bytes. What the disk answered. */
int store_read(struct store *, uint32_t vm, uint64_t sector, const struct disk_segment *, uint32_t n);
int store_write(struct store *, uint32_t vm, uint64_t sector, const struct disk_segment *, uint32_t n);

/* The guest fills memory with bytes that depend on `salt`. */
void store_dirty(struct store *, uint32_t vm, uint64_t gpa, uint64_t size, uint64_t salt);

/* Reads the whole disk as each VM through its pages `page` and `page` + 1, and checks the rig. */
void store_check(struct store *, uint32_t page);

/* Bytes of the VM's memory as it sees them, against the disk's from a sector on. */
bool store_same(struct store *, uint32_t vm, uint64_t gpa, uint64_t sector, uint64_t size);

#endif
