/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Copy-on-write disks (Disco, SOSP'97 section 4.3): several VMs share one image; a block of 4 KiB that is in memory is
 * not read again; a page-aligned read of a whole block maps the block's page read-only into the VM (pager_show), any
 * other read copies; a VM's write to a shared disk makes a private block of that VM in memory, the image never changes.
 * A persistent disk has one VM, its writes go through to the drive.
 *
 * Index: one pmap/radix per disk, block -> shared page, and one per (disk, VM), block -> the VM's own version. When no
 * shared page or frame is left, blocks that no VM shows are let go (clean ones only).
 */
#ifndef MONITOR_CORE_DISK_H
#define MONITOR_CORE_DISK_H

#include "monitor-core/config.h"
#include "monitor-core/lock.h"
#include "monitor-core/pager.h"
#include "pmap/radix.h"

enum { DISK_SECTOR = 512, DISK_BLOCK = 4096, DISK_BATCH = 32 };

/* Where a disk's sectors are: a drive or a module in memory. Synchronous; buffers are plain monitor memory. */
struct drive {
    void *context;
    uint64_t sectors;
    bool writable;
    int (*read)(void *context, uint64_t sector, uint32_t count, void *buffer); /* 0 or a negative ERR_ (-5: EIO) */
    int (*write)(void *context, uint64_t sector, uint32_t count, const void *buffer);
    int (*flush)(void *context);
};

struct disk_index {
    struct radix radix;
    void *memory;
};

struct disk {
    struct lock lock;
    const struct config_disk *config;
    struct drive drive;
    struct pager *pager;
    struct disk_index blocks;         /* the image as it is on the drive */
    struct disk_index own[SPACE_VMS]; /* what each VM wrote */
    unsigned char *buffer;            /* DISK_BATCH blocks, for drive reads */
    uint64_t hand;                    /* where the search for a block to let go goes on */
    uint64_t drive_reads, drive_blocks, hits, maps, copies, private_blocks, let_go;
};

/* Bytes of the 4096-byte aligned, zeroed block for a disk of so many sectors that `vms` VMs use. */
size_t disk_size(uint64_t sectors, uint32_t vms);
void disk_init(struct disk *, const struct config_disk *, const struct drive *, struct pager *, uint32_t vms,
               void *memory);

/* One segment of a request of a VM on a CPU of `node`, to or from guest memory; any sector-aligned size. 0; ERR_INVAL:
 * beyond the end, or no guest memory there; -5: the drive failed; ERR_NOMEM. *mapped: pages mapped instead of copied,
 * added to. */
int disk_read(struct disk *, uint32_t vm, node_t node, uint64_t sector, uint64_t gpa, uint64_t size, uint64_t *mapped);
int disk_write(struct disk *, uint32_t vm, node_t node, uint64_t sector, uint64_t gpa, uint64_t size);
int disk_flush(struct disk *);

/* The VM is gone or starts again: its own blocks of a shared disk are forgotten. */
void disk_forget(struct disk *, uint32_t vm);

#endif
