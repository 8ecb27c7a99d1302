/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/disk.h"

/* A key of the index: whose version of the block, then the block. What may be let go lies below what may not. */
enum { BLOCK_BITS = 34, EVERYBODY = 0, CACHE_OF = 1, WRITTEN_BY = 1 + SPACE_VMS, EACH = DISK_BLOCK / DISK_SECTOR };
#define BLOCKS (UINT64_C(1) << BLOCK_BITS)
#define WRITTEN (WRITTEN_BY * BLOCKS)

/* Entries that one search for something to let go looks at: it must end soon when the VMs show everything. */
enum { SEARCH = 4096 };

/* A request on its way: the next byte is `at` on the disk and `taken` bytes into the first segment that is left. */
struct request {
    struct disk *disk;
    bool write;
    uint32_t vm;
    node_t node;
    const struct disk_segment *segment;
    uint64_t taken, at, end;
    struct pager_showing pending[DISK_BATCH]; /* to be mapped */
    uint32_t npending;
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t blocks_in(uint64_t sectors)
{
    return least(sectors / EACH + (sectors % EACH != 0), BLOCKS);
}

/* Versions of a block that there can be: what is on the drive, and what each VM wrote; with mode = private each VM has
 * its own of the former as well. */
uint64_t disk_blocks(const struct config_disk *config, uint64_t sectors, uint32_t vms)
{
    uint64_t versions = config->persistent ? 1 : config->private_cache ? 2 * (uint64_t)vms : 1 + (uint64_t)vms;
    return versions * blocks_in(sectors);
}

/* Enough tables for every block of every version; but where the disk is far larger than what can be in memory, one
 * table for 64 pages: blocks come in runs, and when the tables run out blocks are let go. */
static uint32_t tables_for(const struct config_disk *config, uint64_t sectors, uint32_t shared, uint32_t vms)
{
    uint64_t versions = disk_blocks(config, 1, vms), blocks = blocks_in(sectors), dense = 0;
    for (unsigned level = 1; level < RADIX_LEVELS; level++)
        dense += (blocks >> RADIX_BITS * level) + 1;
    return (uint32_t)(1 + least(versions * dense, shared / 64 + versions * RADIX_LEVELS + 64));
}

size_t disk_size(const struct config_disk *config, uint64_t sectors, uint32_t shared, uint32_t vms)
{
    size_t tables = radix_size(tables_for(config, sectors, shared, vms));
    return (tables + DISK_BLOCK - 1) / DISK_BLOCK * DISK_BLOCK + DISK_BATCH * (size_t)DISK_BLOCK;
}

void disk_init(struct disk *d, const struct config_disk *config, const struct drive *drive, struct pager *pager,
               uint32_t shared, uint32_t vms, void *memory)
{
    *d = (struct disk){.config = config, .drive = *drive, .pager = pager, .window = BLOCKS, .buffer = memory};
    d->drive.sectors = least(drive->sectors, BLOCKS * EACH);
    d->tables = d->buffer + (size_t)DISK_BATCH * DISK_BLOCK;
    radix_init(&d->radix, tables_for(config, d->drive.sectors, shared, vms));
}

bool disk_writable(const struct disk *d)
{
    return !d->config->persistent || d->drive.writable;
}

static uint64_t key_of(uint32_t version, uint64_t block)
{
    return (uint64_t)version << BLOCK_BITS | block;
}

/* The block as it is on the drive. */
static uint64_t clean_key(const struct disk *d, uint32_t vm, uint64_t block)
{
    return key_of(d->config->private_cache ? CACHE_OF + vm : EVERYBODY, block);
}

/* The block as the VM sees it. */
static page_t find(const struct disk *d, uint32_t vm, uint64_t block)
{
    page_t page = radix_lookup(&d->radix, d->tables, key_of(WRITTEN_BY + vm, block));
    return page != PAGE_NONE ? page : radix_lookup(&d->radix, d->tables, clean_key(d, vm, block));
}

static void drop(struct disk *d, uint64_t key)
{
    page_t page = radix_remove(&d->radix, d->tables, key);
    if (page == PAGE_NONE)
        return;
    pager_release(d->pager, page);
    d->private_blocks -= key >= WRITTEN;
}

/* Never blocks of the window: the request may be about to map them. */
static uint32_t let_go(struct disk *d, uint32_t wanted)
{
    uint32_t gone = 0, turns = 0;
    for (uint32_t looked = 0; looked < SEARCH && gone < wanted && turns < 2; looked++) {
        page_t page = radix_next(&d->radix, d->tables, &d->hand);
        uint64_t key = d->hand++;
        if (page == PAGE_NONE || key >= WRITTEN) {
            turns++;
            d->hand = 0;
        } else if (key % BLOCKS - d->window >= DISK_BATCH && !pager_users(d->pager, page)) {
            drop(d, key);
            gone++;
        }
    }
    d->let_go += gone;
    return gone;
}

/* Is there something to try again with? */
static bool found_room(struct disk *d, int err)
{
    return err == ERR_NOMEM && let_go(d, DISK_BATCH);
}

/* Where the byte at that place of the disk is in the buffer, while the window is there. */
static unsigned char *buffered(const struct disk *d, uint64_t at)
{
    return d->buffer + (at - d->window * DISK_BLOCK);
}

/* A version of a block of the window, as it is in the buffer, into the index in place of an older one: guests that were
 * shown that keep it. The new page comes first, so that nothing is lost when there is no room. */
static int keep(struct disk *d, node_t node, uint64_t key)
{
    page_t page;
    int err = ERR_NOMEM;
    do {
        page = pager_share(d->pager, node, buffered(d, key % BLOCKS * DISK_BLOCK));
        if (page == PAGE_NONE)
            continue;
        drop(d, key);
        err = radix_insert(&d->radix, d->tables, key, page);
        if (err)
            pager_release(d->pager, page);
    } while (found_room(d, err));
    d->private_blocks += !err && key >= WRITTEN;
    return err;
}

/* Sectors of so many blocks from there on that the drive has: its last block may be short. */
static uint32_t sectors_of(const struct disk *d, uint64_t block, uint64_t blocks)
{
    return (uint32_t)least(blocks * EACH, d->drive.sectors - block * EACH);
}

/* Blocks of the window from the drive into the buffer. */
static int read_drive(struct disk *d, uint64_t block, uint64_t blocks)
{
    unsigned char *to = buffered(d, block * DISK_BLOCK);
    uint32_t sectors = sectors_of(d, block, blocks);
    int err = d->drive.transfer(d->drive.context, false, block * EACH, sectors, to);
    if (err)
        return err;
    size_t have = (size_t)sectors * DISK_SECTOR;
    __builtin_memset(to + have, 0, blocks * DISK_BLOCK - have);
    d->drive_reads++;
    d->drive_blocks += blocks;
    return 0;
}

/* What is pending is mapped with one shootdown: at a batch's end, and before anything that could write to those pages.
 */
static int show_pending(struct request *r)
{
    uint32_t n = r->npending;
    if (!n)
        return 0;
    r->npending = 0;
    int err = pager_show(r->disk->pager, r->vm, r->node, r->pending, n);
    r->disk->maps += err ? 0 : n;
    return err;
}

/* A run that is not in memory: into the buffer, and as far as there is room into the index. */
static int load(struct request *r, uint64_t block, uint64_t end)
{
    int err = read_drive(r->disk, block, end - block);
    for (bool room = true; !err && room && block < end; block++)
        room = !keep(r->disk, r->node, clean_key(r->disk, r->vm, block));
    return err;
}

/* Before these blocks of the window are read: each is in memory, or in the buffer. */
static int fetch(struct request *r, uint64_t block, uint64_t end)
{
    int err = 0;
    for (uint64_t from = block; !err && block < end; from = block) {
        while (block < end && find(r->disk, r->vm, block) == PAGE_NONE)
            block++;
        if (block > from) {
            err = load(r, from, block);
        } else {
            r->disk->hits++;
            block++;
        }
    }
    return err;
}

/* Before a part of a block of the window is written: its bytes as the VM sees them into the buffer. */
static int fetch_part(struct request *r, uint64_t block)
{
    struct disk *d = r->disk;
    page_t page = find(d, r->vm, block);
    if (page == PAGE_NONE)
        return read_drive(d, block, 1);
    pager_shared_read(d->pager, r->node, page, buffered(d, block * DISK_BLOCK), 0, DISK_BLOCK);
    return 0;
}

static int fetch_edges(struct request *r, uint64_t to)
{
    uint64_t first = r->at / DISK_BLOCK, last = to / DISK_BLOCK;
    bool begins = r->at % DISK_BLOCK, ends = to % DISK_BLOCK;
    int err = begins ? fetch_part(r, first) : 0;
    return !err && ends && !(begins && first == last) ? fetch_part(r, last) : err;
}

static int begin(struct request *r, uint64_t sector, uint32_t n)
{
    const struct disk *d = r->disk;
    if (sector > d->drive.sectors)
        return ERR_INVAL;
    uint64_t room = (d->drive.sectors - sector) * DISK_SECTOR, total = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (r->segment[i].size > room - total)
            return ERR_INVAL;
        total += r->segment[i].size;
    }
    if (total % DISK_SECTOR)
        return ERR_INVAL;
    r->at = sector * DISK_SECTOR;
    r->end = r->at + total;
    return 0;
}

/* The next piece of the request, within one segment and one block. */
static struct disk_segment take(struct request *r)
{
    while (r->taken == r->segment->size) {
        r->segment++;
        r->taken = 0;
    }
    uint64_t size = least(r->segment->size - r->taken, DISK_BLOCK - r->at % DISK_BLOCK);
    struct disk_segment piece = {r->segment->gpa + r->taken, size};
    r->taken += size;
    r->at += size;
    return piece;
}

/* A whole page is mapped; what is less is copied from the page, or from the buffer where there was no room for one. */
static int transfer_piece(struct request *r)
{
    struct disk *d = r->disk;
    uint64_t at = r->at;
    unsigned char *bytes = buffered(d, at);
    struct disk_segment guest = take(r);
    if (r->write)
        return pager_read(d->pager, r->vm, r->node, guest.gpa, bytes, guest.size);
    page_t page = find(d, r->vm, at / DISK_BLOCK);
    if (page != PAGE_NONE && guest.size == DISK_BLOCK && guest.gpa % DISK_BLOCK == 0) {
        r->pending[r->npending++] = (struct pager_showing){guest.gpa, page};
        return 0;
    }
    int err = show_pending(r);
    if (err)
        return err;
    d->copies++;
    if (page != PAGE_NONE)
        pager_shared_read(d->pager, r->node, page, bytes, at % DISK_BLOCK, guest.size);
    return pager_write(d->pager, r->vm, r->node, guest.gpa, bytes, guest.size);
}

/* Blocks of the window as they are in the buffer. What of a persistent disk is cached goes first: a drive that fails
 * may hold either. */
static int store(struct request *r, uint64_t block, uint64_t end)
{
    struct disk *d = r->disk;
    bool through = d->config->persistent;
    int err = 0;
    for (uint64_t i = block; !err && i < end; i++) {
        if (through)
            drop(d, clean_key(d, r->vm, i));
        else
            err = keep(d, r->node, key_of(WRITTEN_BY + r->vm, i));
    }
    if (!through)
        return err;
    return d->drive.transfer(d->drive.context, true, block * EACH, sectors_of(d, block, end - block), d->buffer);
}

/* As much of the request as the window covers. */
static int batch(struct request *r)
{
    uint64_t first = r->at / DISK_BLOCK, to = least(r->end, (first + DISK_BATCH) * DISK_BLOCK);
    uint64_t end = (to + DISK_BLOCK - 1) / DISK_BLOCK;
    r->disk->window = first;
    int err = r->write ? fetch_edges(r, to) : fetch(r, first, end);
    while (!err && r->at < to)
        err = transfer_piece(r);
    if (err)
        return err;
    return r->write ? store(r, first, end) : show_pending(r);
}

int disk_access(struct disk *d, bool write, uint32_t vm, node_t node, uint64_t sector,
                const struct disk_segment *segment, uint32_t n)
{
    struct request r = {.disk = d, .write = write, .vm = vm, .node = node, .segment = segment};
    int err = write && !disk_writable(d) ? DISK_EIO : begin(&r, sector, n);
    lock_take(&d->lock);
    while (!err && r.at < r.end) {
        struct request next = r;
        err = batch(&next);
        if (!err)
            r = next;
        else if (found_room(d, err))
            err = 0;
    }
    d->window = BLOCKS;
    lock_give(&d->lock);
    return err;
}

int disk_flush(struct disk *d)
{
    if (!d->config->persistent || !d->drive.writable)
        return 0;
    lock_take(&d->lock);
    int err = d->drive.flush(d->drive.context);
    lock_give(&d->lock);
    return err;
}

/* Everything of one version. */
static void forget(struct disk *d, uint32_t version)
{
    uint64_t key = key_of(version, 0);
    while (radix_next(&d->radix, d->tables, &key) != PAGE_NONE && key < key_of(version + 1, 0))
        drop(d, key++);
}

int disk_forget(struct disk *d, uint32_t vm)
{
    lock_take(&d->lock);
    forget(d, WRITTEN_BY + vm);
    forget(d, CACHE_OF + vm);
    lock_give(&d->lock);
    return disk_flush(d);
}

uint32_t disk_shrink(struct disk *d, uint32_t blocks)
{
    lock_take(&d->lock);
    uint32_t gone = let_go(d, blocks);
    lock_give(&d->lock);
    return gone;
}
