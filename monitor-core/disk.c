/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/disk.h"

/* A key of the index: whose version of the block, then the block. What may be let go lies below what may not. */
enum { BLOCK_BITS = 34, EVERYBODY = 0, CACHE_OF = 1, WRITTEN_BY = 1 + SPACE_VMS, EACH = DISK_BLOCK / DISK_SECTOR };
#define WRITTEN ((uint64_t)WRITTEN_BY << BLOCK_BITS)

/* Entries that one search for something to let go looks at: it must end soon when the VMs show everything. */
enum { SEARCH = 4096 };

/* A request on its way: the next byte is `at` on the disk and `taken` bytes into the first segment that is left. */
struct request {
    struct disk *disk;
    uint32_t vm;
    node_t node;
    const struct disk_segment *segment;
    uint64_t taken, at, end;
    uint64_t counted;                         /* blocks below were read for this request, or counted as hits */
    struct pager_showing pending[DISK_BATCH]; /* to be mapped */
    uint32_t npending;
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t blocks_in(uint64_t sectors)
{
    return least(sectors / EACH + (sectors % EACH != 0), UINT64_C(1) << BLOCK_BITS);
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
    return (tables + DISK_BLOCK - 1) / DISK_BLOCK * DISK_BLOCK + (DISK_BATCH + 1) * (size_t)DISK_BLOCK;
}

void disk_init(struct disk *d, const struct config_disk *config, const struct drive *drive, struct pager *pager,
               uint32_t shared, uint32_t vms, void *memory)
{
    *d = (struct disk){.config = config, .drive = *drive, .pager = pager, .buffer = memory};
    d->drive.sectors = least(drive->sectors, (UINT64_C(1) << BLOCK_BITS) * EACH);
    d->bounce = d->buffer + (size_t)DISK_BATCH * DISK_BLOCK;
    d->tables = d->bounce + DISK_BLOCK;
    radix_init(&d->radix, tables_for(config, d->drive.sectors, shared, vms));
}

bool disk_writable(const struct disk *d)
{
    return !d->config->persistent || d->drive.write;
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

static page_t find(const struct disk *d, uint32_t vm, uint64_t block)
{
    page_t page = PAGE_NONE;
    if (d->private_blocks)
        page = radix_lookup(&d->radix, d->tables, key_of(WRITTEN_BY + vm, block));
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

static uint32_t let_go(struct disk *d, uint32_t wanted)
{
    uint32_t gone = 0, turns = 0;
    for (uint32_t looked = 0; looked < SEARCH && gone < wanted && turns < 2; looked++) {
        page_t page = radix_next(&d->radix, d->tables, &d->hand);
        if (page == PAGE_NONE || d->hand >= WRITTEN) {
            turns++;
            d->hand = 0;
            continue;
        }
        if (!pager_users(d->pager, page)) {
            drop(d, d->hand);
            gone++;
        }
        d->hand++;
    }
    d->let_go += gone;
    return gone;
}

/* Is there something to try again with? */
static bool found_room(struct disk *d, int err)
{
    return err == ERR_NOMEM && let_go(d, DISK_BATCH);
}

/* A version's bytes in the index, in place of older ones: guests that were shown those keep them. The new page comes
 * first, so that nothing is lost when there is no room. */
static int keep(struct disk *d, node_t node, uint64_t key, const void *bytes)
{
    page_t page;
    int err;
    do
        page = pager_share(d->pager, node, bytes);
    while (page == PAGE_NONE && found_room(d, ERR_NOMEM));
    if (page == PAGE_NONE)
        return ERR_NOMEM;
    drop(d, key);
    do
        err = radix_insert(&d->radix, d->tables, key, page);
    while (found_room(d, err));
    if (err)
        pager_release(d->pager, page);
    d->private_blocks += !err && key >= WRITTEN;
    return err;
}

/* Sectors of so many blocks from there on that the drive has: its last block may be short. */
static uint32_t sectors_of(const struct disk *d, uint64_t block, uint32_t blocks)
{
    return (uint32_t)least((uint64_t)blocks * EACH, d->drive.sectors - block * EACH);
}

static int read_drive(struct disk *d, uint64_t block, uint32_t blocks, unsigned char *to)
{
    uint32_t sectors = sectors_of(d, block, blocks);
    int err = d->drive.read(d->drive.context, block * EACH, sectors, to);
    if (err)
        return err;
    size_t have = (size_t)sectors * DISK_SECTOR;
    __builtin_memset(to + have, 0, (size_t)blocks * DISK_BLOCK - have);
    d->drive_reads++;
    d->drive_blocks += blocks;
    return 0;
}

/* What is pending is mapped with one shootdown: when there is a batch of it, at the request's end, and before anything
 * that could let go of those blocks or write to those pages. */
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

/* The blocks of the request from `block` on that are not in memory, up to the first that is: into the buffer, and as
 * far as there is room into the index. */
static int load(struct request *r, uint64_t block)
{
    struct disk *d = r->disk;
    uint64_t left = (r->end + DISK_BLOCK - 1) / DISK_BLOCK - block;
    uint32_t n = 1;
    while (n < least(left, DISK_BATCH) && find(d, r->vm, block + n) == PAGE_NONE)
        n++;
    int err = show_pending(r);
    d->buffered_n = 0;
    if (!err)
        err = read_drive(d, block, n, d->buffer);
    if (err)
        return err;
    d->buffered = block;
    d->buffered_n = n;
    r->counted = block + n;
    for (uint32_t i = 0; i < n; i++) {
        if (keep(d, r->node, clean_key(d, r->vm, block + i), d->buffer + (size_t)i * DISK_BLOCK))
            break;
    }
    return 0;
}

static bool in_buffer(const struct disk *d, uint64_t block)
{
    return block >= d->buffered && block - d->buffered < d->buffered_n;
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
    r->counted = 0;
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

/* Guest memory that was never touched takes a frame. */
static int to_guest(struct request *r, struct disk_segment to, const unsigned char *bytes)
{
    int err;
    do
        err = pager_write(r->disk->pager, r->vm, r->node, to.gpa, bytes, to.size);
    while (found_room(r->disk, err));
    return err;
}

static int from_guest(struct request *r, struct disk_segment from, unsigned char *bytes)
{
    int err;
    do
        err = pager_read(r->disk->pager, r->vm, r->node, from.gpa, bytes, from.size);
    while (found_room(r->disk, err));
    return err;
}

/* From the page, or where there was no room for one from the buffer. */
static int copy_out(struct request *r, page_t page, uint64_t at, struct disk_segment to)
{
    struct disk *d = r->disk;
    int err = show_pending(r);
    if (err)
        return err;
    d->copies++;
    if (page == PAGE_NONE)
        return to_guest(r, to, d->buffer + (at - d->buffered * DISK_BLOCK));
    pager_shared_read(d->pager, r->node, page, d->bounce, at % DISK_BLOCK, to.size);
    return to_guest(r, to, d->bounce);
}

static int read_piece(struct request *r)
{
    struct disk *d = r->disk;
    uint64_t at = r->at, block = at / DISK_BLOCK;
    page_t page = find(d, r->vm, block);
    if (page == PAGE_NONE && !in_buffer(d, block)) {
        int err = load(r, block);
        if (err)
            return err;
        page = find(d, r->vm, block);
    }
    if (block >= r->counted) {
        d->hits++;
        r->counted = block + 1;
    }
    struct disk_segment to = take(r);
    if (page == PAGE_NONE || to.size < DISK_BLOCK || to.gpa % DISK_BLOCK)
        return copy_out(r, page, at, to);
    r->pending[r->npending++] = (struct pager_showing){to.gpa, page};
    return r->npending < DISK_BATCH ? 0 : show_pending(r);
}

/* The block as the VM sees it now, before a part of it is written. */
static int current(struct request *r, uint64_t block, unsigned char *to)
{
    struct disk *d = r->disk;
    page_t page = find(d, r->vm, block);
    if (page != PAGE_NONE) {
        pager_shared_read(d->pager, r->node, page, to, 0, DISK_BLOCK);
        return 0;
    }
    int err = read_drive(d, block, 1, to);
    if (!err)
        (void)keep(d, r->node, clean_key(d, r->vm, block), to); /* without room it is read again by the next */
    return err;
}

/* Whole blocks from `at` to `to` on the disk into the buffer: what the request writes, over what was there. */
static int gather(struct request *r, uint64_t to)
{
    struct disk *d = r->disk;
    uint64_t base = r->at - r->at % DISK_BLOCK, last = (to - 1) / DISK_BLOCK;
    int err = 0;
    if (r->at % DISK_BLOCK)
        err = current(r, base / DISK_BLOCK, d->buffer);
    if (!err && to % DISK_BLOCK && (last > base / DISK_BLOCK || r->at == base))
        err = current(r, last, d->buffer + (last * DISK_BLOCK - base));
    while (!err && r->at < to) {
        unsigned char *into = d->buffer + (r->at - base);
        err = from_guest(r, take(r), into);
    }
    return err;
}

/* A block that is cached is replaced once the drive has it; when the drive failed, nobody knows what it holds. */
static int write_through(struct request *r, uint64_t block, uint32_t n)
{
    struct disk *d = r->disk;
    int err = d->drive.write(d->drive.context, block * EACH, sectors_of(d, block, n), d->buffer);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t key = clean_key(d, r->vm, block + i);
        bool cached = radix_lookup(&d->radix, d->tables, key) != PAGE_NONE;
        if (cached && (err || keep(d, r->node, key, d->buffer + (size_t)i * DISK_BLOCK)))
            drop(d, key);
    }
    return err;
}

static int write_own(struct request *r, uint64_t block, uint32_t n)
{
    int err = 0;
    for (uint32_t i = 0; !err && i < n; i++)
        err = keep(r->disk, r->node, key_of(WRITTEN_BY + r->vm, block + i), r->disk->buffer + (size_t)i * DISK_BLOCK);
    return err;
}

static int write_batch(struct request *r)
{
    uint64_t first = r->at / DISK_BLOCK, to = least(r->end, (first + DISK_BATCH) * DISK_BLOCK);
    uint32_t n = (uint32_t)((to + DISK_BLOCK - 1) / DISK_BLOCK - first);
    int err = gather(r, to);
    if (err)
        return err;
    return r->disk->config->persistent ? write_through(r, first, n) : write_own(r, first, n);
}

static int serve(struct request *r, uint64_t sector, uint32_t n, int (*some)(struct request *))
{
    struct disk *d = r->disk;
    lock_take(&d->lock);
    d->buffered_n = 0;
    int err = begin(r, sector, n);
    while (!err && r->at < r->end)
        err = some(r);
    if (!err)
        err = show_pending(r);
    lock_give(&d->lock);
    return err;
}

int disk_read(struct disk *d, uint32_t vm, node_t node, uint64_t sector, const struct disk_segment *segment, uint32_t n)
{
    return serve(&(struct request){.disk = d, .vm = vm, .node = node, .segment = segment}, sector, n, read_piece);
}

int disk_write(struct disk *d, uint32_t vm, node_t node, uint64_t sector, const struct disk_segment *segment,
               uint32_t n)
{
    if (!disk_writable(d))
        return DISK_EIO;
    return serve(&(struct request){.disk = d, .vm = vm, .node = node, .segment = segment}, sector, n, write_batch);
}

int disk_flush(struct disk *d)
{
    if (!d->config->persistent || !d->drive.write)
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
