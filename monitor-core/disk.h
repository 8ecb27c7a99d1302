/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Copy-on-write disks (Disco, SOSP'97 section 4.3): several VMs share one image; a block of 4 KiB that is in memory is
 * not read again; a page-aligned read of a whole block maps the block's page read-only into the VM (pager_show), any
 * other read copies; a VM's write to a shared disk makes a private block of that VM in memory, the image never changes.
 * A persistent disk has one VM, its writes go through to the drive, and the next read reads them back from there. With
 * mode = private each VM caches the image for itself: nothing is shared, for comparison.
 *
 * Index: one pmap/radix per disk; the key's upper bits say whose version of the block it is (everybody's, or what one
 * VM wrote). When no shared page, frame or table of the index is left, blocks that no VM shows are let go (clean ones
 * only: what a VM wrote to a shared disk exists nowhere else). Without any room a read still works, uncached.
 */
#ifndef MONITOR_CORE_DISK_H
#define MONITOR_CORE_DISK_H

#include "monitor-core/config.h"
#include "monitor-core/lock.h"
#include "monitor-core/pager.h"
#include "pmap/radix.h"

enum { DISK_SECTOR = 512, DISK_BLOCK = 4096, DISK_BATCH = 32 };
enum { DISK_EIO = -5 };

/* Where a disk's sectors are: a drive or a module in memory. Synchronous. Buffers are 4096-byte aligned monitor memory,
 * contiguous in the direct map, of at most DISK_BATCH blocks; transfers start at a multiple of 8 sectors and have a
 * multiple of 8 sectors, unless the drive ends before. */
struct drive {
    void *context;
    uint64_t sectors; /* of 512 bytes */
    bool writable;
    /* Into the buffer, or (write) from it. 0 or a negative ERR_ (-5: EIO). */
    int (*transfer)(void *context, bool write, uint64_t sector, uint32_t count, void *buffer);
    int (*flush)(void *context);
};

struct disk {
    struct lock lock;
    const struct config_disk *config;
    struct drive drive;
    struct pager *pager;
    struct radix radix;
    void *tables;          /* of the radix */
    unsigned char *buffer; /* DISK_BATCH blocks: the window's, on their way to or from the drive or guest memory */
    uint64_t window;       /* the first of the blocks that a request is at; without one, beyond all blocks */
    uint64_t hand;         /* where the search for a block to let go goes on */
    /* Totals since disk_init, in blocks but for drive_reads (commands); private_blocks: held now. */
    uint64_t drive_reads, drive_blocks, hits, maps, copies, private_blocks, let_go;
};

/* Blocks that may be in memory at most, for a disk of so many sectors that `vms` VMs use: all versions of all. */
uint64_t disk_blocks(const struct config_disk *, uint64_t sectors, uint32_t vms);

/* Bytes of the 4096-byte aligned, zeroed block, contiguous in the direct map. `shared`: as for pager_init; what is in
 * memory at a time bounds the index, not the disk's size. */
size_t disk_size(const struct config_disk *, uint64_t sectors, uint32_t shared, uint32_t vms);
void disk_init(struct disk *, const struct config_disk *, const struct drive *, struct pager *, uint32_t shared,
               uint32_t vms, void *memory);

/* Guest memory that a request reads into or writes from; any size, any alignment. */
struct disk_segment {
    uint64_t gpa, size;
};

/* A request of a VM on a CPU of `node`, from `sector` on; the segments' sizes add up to whole sectors. 0; ERR_INVAL:
 * beyond the end, half a sector, or no guest memory there; DISK_EIO: the drive failed or is read-only; ERR_NOMEM. After
 * an error any part of the request may have been done. */
int disk_access(struct disk *, bool write, uint32_t vm, node_t node, uint64_t sector, const struct disk_segment *,
                uint32_t n);
int disk_flush(struct disk *);

/* Can writes succeed? (A shared disk always takes them; a persistent one when its drive does.) */
bool disk_writable(const struct disk *);

/* The VM is gone for good (not: starts again): its own blocks of a shared disk are forgotten, a persistent disk is
 * flushed (a VM that crashed did not do it, and the machine may go off next). As disk_flush. */
int disk_forget(struct disk *, uint32_t vm);

/* Lets go of up to so many blocks that no VM shows; answers how many. For whoever finds the machine out of frames; no
 * lock of the pager may be held. */
uint32_t disk_shrink(struct disk *, uint32_t blocks);

/* Blocks in memory now. */
static inline uint64_t disk_resident(const struct disk *d)
{
    return d->radix.entries;
}

#endif
