/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Copy-on-write disks by hand-made cases: what is read once, mapped, copied, private, let go; then random requests of
 * several VMs against flat copies, with little room.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/monitor/disk/store.h"
#include "tests/monitor/stir.h"

enum { PAGES = 128, VMS = 2 };

static struct rig_config shape(uint32_t shared)
{
    struct rig_config c = {
        .policy = policy_find("first_touch"), .nodes = 2, .nvms = VMS, .shared = shared, .around = 1};
    for (uint32_t vm = 0; vm < SPACE_VMS; vm++)
        c.pages[vm] = PAGES;
    c.frames = 1024;
    return c;
}

static void begin(struct store *s, uint32_t shared, uint64_t sectors, enum store_mode mode)
{
    struct rig_config c = shape(shared);
    store_begin(s, &c, sectors, mode);
}

static void end(struct store *s)
{
    rig_check(&s->rig);
    cr_assert_eq(s->rig.wrong, 0, "%s", s->rig.first);
    store_end(s);
}

static int read_blocks(struct store *s, uint32_t vm, uint64_t block, uint32_t n, uint32_t page)
{
    return store_read(s, vm, block * 8, &(struct disk_segment){rig_gpa(page), (uint64_t)n * DISK_BLOCK}, 1);
}

static int write_blocks(struct store *s, uint32_t vm, uint64_t block, uint32_t n, uint32_t page)
{
    return store_write(s, vm, block * 8, &(struct disk_segment){rig_gpa(page), (uint64_t)n * DISK_BLOCK}, 1);
}

static uint64_t frames_used(struct store *s)
{
    uint64_t used = 0;
    for (uint32_t n = 0; n < s->rig.given.nodes; n++)
        used += s->rig.pager.frames[n] - s->rig.pager.engine.free[n];
    return used;
}

Test(disk, two_vms_hold_a_block_once)
{
    struct store s;
    begin(&s, 256, 1024, STORE_SHARED);
    cr_assert_eq(read_blocks(&s, 0, 0, 100, 10), 0);
    cr_assert_eq(s.disk.drive_blocks, 100);
    cr_assert_eq(s.reads, 4); /* 32 + 32 + 32 + 4 */
    cr_assert_eq(frames_used(&s), 100);
    cr_assert_eq(read_blocks(&s, 1, 0, 100, 20), 0);
    cr_assert_eq(s.disk.drive_blocks, 100);
    cr_assert_eq(s.disk.hits, 100);
    cr_assert_eq(s.disk.maps, 200);
    cr_assert_eq(s.disk.copies, 0);
    cr_assert_eq(frames_used(&s), 100);
    cr_assert_eq(disk_resident(&s.disk), 100);
    cr_assert(store_same(&s, 0, rig_gpa(10), 0, 100 * DISK_BLOCK));
    cr_assert(store_same(&s, 1, rig_gpa(20), 0, 100 * DISK_BLOCK));
    end(&s);
}

Test(disk, private_mode_holds_a_block_per_vm)
{
    struct store s;
    begin(&s, 300, 1024, STORE_PRIVATE);
    cr_assert_eq(read_blocks(&s, 0, 0, 100, 10), 0);
    cr_assert_eq(read_blocks(&s, 1, 0, 100, 20), 0);
    cr_assert_eq(s.disk.drive_blocks, 200);
    cr_assert_eq(s.disk.hits, 0);
    cr_assert_eq(frames_used(&s), 200);
    store_dirty(&s, 0, rig_gpa(1), DISK_BLOCK, 5);
    cr_assert_eq(write_blocks(&s, 0, 3, 1, 1), 0);
    store_check(&s, 2);
    disk_forget(&s.disk, 0);
    cr_assert_eq(disk_resident(&s.disk), 128); /* all that the other VM has read */
    end(&s);
}

Test(disk, a_run_ends_where_a_block_is_in_memory)
{
    struct store s;
    begin(&s, 256, 1024, STORE_SHARED);
    cr_assert_eq(read_blocks(&s, 0, 10, 1, 0), 0);
    cr_assert_eq(s.reads, 1);
    cr_assert_eq(read_blocks(&s, 0, 8, 8, 8), 0); /* 8, 9 | 10 is there | 11 .. 15 */
    cr_assert_eq(s.reads, 3);
    cr_assert_eq(s.disk.drive_blocks, 8);
    cr_assert_eq(s.disk.hits, 1);
    /* Segments of single pages, strewn: still one command. */
    struct disk_segment strewn[3] = {{rig_gpa(40), 4096}, {rig_gpa(30), 4096}, {rig_gpa(50), 4096}};
    cr_assert_eq(store_read(&s, 1, 100 * 8, strewn, 3), 0);
    cr_assert_eq(s.reads, 4);
    cr_assert(store_same(&s, 1, rig_gpa(30), 101 * 8, 4096));
    /* A page that is mapped, then overwritten in part by the same request. */
    struct disk_segment again[2] = {{rig_gpa(60), 4096}, {rig_gpa(60) + 100, 512}};
    cr_assert_eq(store_read(&s, 1, 100 * 8, again, 2), 0);
    end(&s);
}

Test(disk, a_write_to_a_shared_disk_is_its_writers_own)
{
    struct store s;
    unsigned char before[DISK_BLOCK], now[DISK_BLOCK];
    begin(&s, 64, 1024, STORE_SHARED);
    cr_assert_eq(read_blocks(&s, 0, 5, 1, 10), 0);
    cr_assert_eq(read_blocks(&s, 1, 5, 1, 10), 0);
    memcpy(before, s.rig.shadow[0] + rig_gpa(10), DISK_BLOCK);
    store_dirty(&s, 0, rig_gpa(20), DISK_BLOCK, 1);
    cr_assert_eq(write_blocks(&s, 0, 5, 1, 20), 0);
    cr_assert_eq(s.disk.private_blocks, 1);
    cr_assert_eq(s.writes, 0);
    pager_read(&s.rig.pager, 0, 0, rig_gpa(10), now, DISK_BLOCK);
    cr_assert_eq(memcmp(before, now, DISK_BLOCK), 0, "what was read before the write changed in memory");
    cr_assert_eq(read_blocks(&s, 0, 5, 1, 30), 0);
    cr_assert_eq(memcmp(s.rig.shadow[0] + rig_gpa(30), s.rig.shadow[0] + rig_gpa(20), DISK_BLOCK), 0);
    cr_assert_eq(read_blocks(&s, 1, 5, 1, 30), 0);
    cr_assert_eq(memcmp(s.rig.shadow[1] + rig_gpa(30), before, DISK_BLOCK), 0);
    /* Own versions are mapped too, and survive the guest's writing to the page they were mapped at. */
    rig_access(&s.rig, 0, 0, 30, 7, true, 99);
    cr_assert_eq(read_blocks(&s, 0, 5, 1, 31), 0);
    cr_assert_eq(memcmp(s.rig.shadow[0] + rig_gpa(31), s.rig.shadow[0] + rig_gpa(20), DISK_BLOCK), 0);
    /* The VM starts again: the image as it is on the drive. */
    disk_forget(&s.disk, 0);
    cr_assert_eq(s.disk.private_blocks, 0);
    memcpy(s.seen[0], s.image, s.sectors * DISK_SECTOR);
    store_check(&s, 50);
    end(&s);
}

Test(disk, a_persistent_disk_is_written_through)
{
    struct store s;
    unsigned char before[DISK_BLOCK], now[DISK_BLOCK];
    begin(&s, 64, 1021, STORE_PERSISTENT);
    cr_assert_eq(read_blocks(&s, 0, 5, 1, 10), 0);
    memcpy(before, s.rig.shadow[0] + rig_gpa(10), DISK_BLOCK);
    store_dirty(&s, 0, rig_gpa(20), 40 * DISK_BLOCK, 1);
    cr_assert_eq(write_blocks(&s, 0, 4, 40, 20), 0);
    cr_assert_eq(s.writes, 2);
    cr_assert_eq(s.disk.private_blocks, 0);
    pager_read(&s.rig.pager, 0, 0, rig_gpa(10), now, DISK_BLOCK);
    cr_assert_eq(memcmp(before, now, DISK_BLOCK), 0, "what was read before the write changed in memory");
    /* Sectors 11 .. 30: two blocks only in part; odd segments; the last block is short. */
    struct disk_segment odd[3] = {{rig_gpa(70) + 3, 100}, {rig_gpa(71) + 11, 20 * DISK_SECTOR - 101}, {rig_gpa(80), 1}};
    store_dirty(&s, 0, rig_gpa(70), 11 * DISK_BLOCK, 3);
    cr_assert_eq(store_write(&s, 0, 11, odd, 3), 0);
    cr_assert_eq(store_write(&s, 0, 1018, &(struct disk_segment){rig_gpa(73), 3 * DISK_SECTOR}, 1), 0);
    cr_assert_eq(store_write(&s, 0, 800, &(struct disk_segment){rig_gpa(73), 3 * DISK_SECTOR}, 1), 0);
    cr_assert_eq(disk_flush(&s.disk), 0);
    cr_assert_eq(s.flushes, 1);
    cr_assert_eq(disk_forget(&s.disk, 0), 0); /* it ended and had not flushed */
    cr_assert_eq(s.flushes, 2);
    s.disk.drive.writable = false; /* a module: it has no flush */
    cr_assert_eq(disk_flush(&s.disk), 0);
    cr_assert_eq(s.flushes, 2);
    store_check(&s, 90);
    end(&s);
}

Test(disk, odd_pieces_are_copied)
{
    struct store s;
    begin(&s, 64, 1021, STORE_SHARED);
    cr_assert_eq(store_read(&s, 0, 3, &(struct disk_segment){rig_gpa(1), DISK_BLOCK}, 1), 0);       /* not a block */
    cr_assert_eq(store_read(&s, 0, 8, &(struct disk_segment){rig_gpa(3) + 16, DISK_BLOCK}, 1), 0);  /* not a page */
    cr_assert_eq(store_read(&s, 0, 16, &(struct disk_segment){rig_gpa(5), 7 * DISK_SECTOR}, 1), 0); /* too little */
    cr_assert_eq(store_read(&s, 0, 1016, &(struct disk_segment){rig_gpa(6), 5 * DISK_SECTOR}, 1), 0);
    cr_assert_eq(s.disk.maps, 0);
    cr_assert_eq(s.disk.copies, 5);
    struct disk_segment cut[4] = {{rig_gpa(7), 1}, {rig_gpa(8), 0}, {rig_gpa(9) + 1, 510}, {rig_gpa(7) + 1, 1}};
    cr_assert_eq(store_read(&s, 0, 1, cut, 4), 0);
    store_dirty(&s, 0, rig_gpa(7), 3 * DISK_BLOCK, 17);
    cr_assert_eq(store_write(&s, 0, 9, cut, 4), 0);
    store_check(&s, 20);
    end(&s);
}

Test(disk, what_is_out_of_range_is_refused)
{
    struct store s;
    begin(&s, 64, 1021, STORE_SHARED);
    struct disk_segment block = {rig_gpa(0), DISK_BLOCK}, half = {rig_gpa(0), 300};
    struct disk_segment nowhere = {rig_gpa(PAGES) - 512, DISK_BLOCK}, far = {UINT64_MAX - 100, DISK_BLOCK};
    struct disk_segment much[2] = {{0, DISK_SECTOR}, {0, UINT64_MAX}};
    for (int write = 0; write < 2; write++) {
        int (*act)(struct store *, uint32_t, uint64_t, const struct disk_segment *, uint32_t) =
            write ? store_write : store_read;
        cr_assert_eq(act(&s, 0, 1016, &block, 1), ERR_INVAL);
        cr_assert_eq(act(&s, 0, UINT64_MAX, &block, 1), ERR_INVAL);
        cr_assert_eq(act(&s, 0, 1022, &block, 0), ERR_INVAL);
        cr_assert_eq(act(&s, 0, 1021, &block, 0), 0);
        cr_assert_eq(act(&s, 0, 0, &half, 1), ERR_INVAL);
        cr_assert_eq(act(&s, 0, 0, &nowhere, 1), ERR_INVAL);
        cr_assert_eq(act(&s, 0, 0, &far, 1), ERR_INVAL);
        cr_assert_eq(disk_access(&s.disk, false, 0, 0, 0, much, 2), ERR_INVAL);
    }
    cr_assert_eq(s.disk.private_blocks, 0);
    end(&s);
}

Test(disk, a_failing_drive_leaves_nothing_behind)
{
    struct store s;
    begin(&s, 64, 1024, STORE_PERSISTENT);
    s.fail_in = 1;
    cr_assert_eq(read_blocks(&s, 0, 5, 4, 10), DISK_EIO);
    cr_assert_eq(disk_resident(&s.disk), 0);
    cr_assert_eq(read_blocks(&s, 0, 5, 4, 10), 0);
    store_dirty(&s, 0, rig_gpa(20), 4 * DISK_BLOCK, 1);
    s.fail_in = 1;
    cr_assert_eq(write_blocks(&s, 0, 5, 4, 20), DISK_EIO);
    cr_assert_eq(disk_resident(&s.disk), 0, "blocks are kept that the drive may hold otherwise");
    store_check(&s, 50);
    s.disk.drive.writable = false;
    cr_assert(!disk_writable(&s.disk));
    cr_assert_eq(disk_access(&s.disk, true, 0, 0, 0, &(struct disk_segment){0, DISK_BLOCK}, 1), DISK_EIO);
    end(&s);
}

Test(disk, clean_blocks_that_nobody_shows_are_let_go)
{
    struct store s;
    begin(&s, 40, 1024, STORE_SHARED);
    cr_assert_eq(read_blocks(&s, 0, 0, 20, 0), 0); /* shown: stay */
    for (uint64_t block = 20; block < 128; block++)
        cr_assert_eq(read_blocks(&s, 0, block, 1, 100), 0); /* each takes the page of the one before */
    cr_assert_eq(s.disk.maps, 128);
    cr_assert_leq(disk_resident(&s.disk), 40);
    cr_assert_geq(s.disk.let_go, 128 - 40);
    uint64_t blocks = s.disk.drive_blocks;
    cr_assert_eq(read_blocks(&s, 1, 0, 20, 0), 0);
    cr_assert_eq(s.disk.drive_blocks, blocks, "a block that was shown was let go");
    store_check(&s, 110);
    end(&s);
}

Test(disk, without_room_reads_are_copied_and_writes_fail)
{
    struct store s;
    begin(&s, 16, 1024, STORE_SHARED);
    store_dirty(&s, 0, rig_gpa(0), 16 * DISK_BLOCK, 1);
    cr_assert_eq(write_blocks(&s, 0, 0, 16, 0), 0); /* dirty: nothing of it can be let go */
    cr_assert_eq(s.disk.private_blocks, 16);
    cr_assert_eq(read_blocks(&s, 1, 0, 64, 20), 0);
    cr_assert_eq(s.disk.maps, 0);
    cr_assert_eq(s.disk.copies, 64);
    cr_assert_eq(s.reads, 2, "uncached runs are read once per request");
    store_dirty(&s, 1, rig_gpa(0), DISK_BLOCK, 9);
    cr_assert_eq(write_blocks(&s, 1, 3, 1, 0), ERR_NOMEM);
    cr_assert_eq(write_blocks(&s, 0, 3, 1, 1), ERR_NOMEM); /* the new version comes before the old one goes */
    store_check(&s, 100);
    disk_forget(&s.disk, 0);
    memcpy(s.seen[0], s.image, s.sectors * DISK_SECTOR);
    cr_assert_eq(write_blocks(&s, 1, 3, 1, 0), 0);
    store_check(&s, 100);
    end(&s);
}

Test(disk, shrink_gives_frames_back)
{
    struct store s;
    begin(&s, 64, 1024, STORE_SHARED);
    cr_assert_eq(read_blocks(&s, 0, 0, 32, 0), 0);
    cr_assert_eq(store_read(&s, 0, 8 * 32, &(struct disk_segment){rig_gpa(40) + 512, 10 * DISK_BLOCK}, 1), 0);
    uint64_t used = frames_used(&s);
    cr_assert_eq(disk_shrink(&s.disk, 4), 4);
    cr_assert_eq(frames_used(&s), used - 4);
    cr_assert_eq(disk_shrink(&s.disk, 100), 6);
    cr_assert_eq(disk_resident(&s.disk), 32);
    cr_assert_eq(disk_shrink(&s.disk, 100), 0);
    end(&s);
}

Test(disk, guests_get_the_frames_of_what_nobody_shows)
{
    struct store s;
    struct rig_config c = shape(300);
    c.frames = 80;
    store_begin(&s, &c, 2048, STORE_SHARED);
    /* Copied to one page, until the cache has taken every frame. */
    for (uint64_t block = 0; frames_used(&s) < s.rig.pager.frames[0] + s.rig.pager.frames[1]; block++)
        cr_assert_eq(store_read(&s, 0, block * 8, &(struct disk_segment){rig_gpa(0) + 8, DISK_BLOCK}, 1), 0);
    cr_assert_gt(disk_resident(&s.disk), 100);
    cr_assert_eq(s.disk.let_go, 0);
    for (uint32_t page = 10; page < 60; page++) { /* pages that were never touched */
        cr_assert_eq(store_read(&s, 0, 9, &(struct disk_segment){rig_gpa(page), 512}, 1), 0);
        cr_assert_eq(store_write(&s, 1, page, &(struct disk_segment){rig_gpa(page), 512}, 1), 0);
    }
    cr_assert_gt(s.disk.let_go, 0);
    store_check(&s, 70);
    end(&s);
}

/* The image once and what each of three VMs wrote; or each VM's own of both; or what the drive holds. */
Test(disk, blocks_that_there_can_be)
{
    const struct config_disk shared = {.name = "a"}, own = {.private_cache = true}, kept = {.persistent = true};
    cr_assert_eq(disk_blocks(&shared, 801, 3), 101 * 4);
    cr_assert_eq(disk_blocks(&own, 801, 3), 101 * 6);
    cr_assert_eq(disk_blocks(&kept, 801, 1), 101);
    cr_assert_eq(disk_blocks(&shared, 801, 0), 101);
}

Test(disk, a_huge_disk_needs_little_memory)
{
    uint64_t tib = UINT64_C(1) << 31;
    const struct config_disk shared = {.name = "large"};
    cr_assert_lt(disk_size(&shared, tib, 131072, 4), 16u << 20);
    cr_assert_lt(disk_size(&shared, UINT64_MAX, 1024, 16), 2u << 20);
    cr_assert_lt(disk_size(&shared, 1 << 21, 131072, 2), 8u << 20); /* 1 GiB, everything could be in memory */
    /* Blocks far apart, each wanting tables of its own: more than there are. */
    struct store s;
    begin(&s, 1024, 8, STORE_SHARED);
    unsigned char *small = s.disk_block;
    struct drive drive = s.disk.drive;
    uint32_t tables = 1024 / 64 + 2 * RADIX_LEVELS + 64 + 1;
    drive.sectors = tib;
    s.disk_block = aligned_alloc(DISK_BLOCK, disk_size(&shared, tib, 1024, 1));
    memset(s.disk_block, 0, disk_size(&shared, tib, 1024, 1));
    disk_init(&s.disk, &s.config, &drive, &s.rig.pager, 1024, 1, s.disk_block);
    cr_assert_eq(s.disk.radix.tables, tables);
    s.disk.drive.context = &s;
    s.sectors = tib;
    unsigned char *image = s.image;
    for (uint32_t i = 1; i < 3 * tables; i++) {
        uint64_t sector = (uint64_t)i << 18;
        s.image = image - sector * DISK_SECTOR; /* every block of this drive holds the same */
        struct disk_segment to = {rig_gpa(1), DISK_BLOCK};
        cr_assert_eq(disk_access(&s.disk, false, 0, 0, sector, &to, 1), 0);
    }
    s.image = image;
    cr_assert_gt(s.disk.let_go, tables);
    memcpy(s.rig.shadow[0] + rig_gpa(1), image, DISK_BLOCK);
    s.sectors = 8;
    free(small);
    end(&s);
}

struct random_run {
    struct store s;
    uint64_t seed;
    uint64_t failures;
};

static uint32_t below(struct random_run *r, uint32_t n)
{
    return fixture_below(&r->seed, n);
}

/* Segments that add up to whole sectors: mostly pages, sometimes anything. They lie apart in pages 0 .. 99. */
static uint32_t segments(struct random_run *r, struct disk_segment *segment, uint64_t *sector)
{
    uint32_t n = 1 + below(r, 6), page = below(r, 8), total = 0;
    bool pages = below(r, 4) != 0;
    for (uint32_t i = 0; i < n; i++, page += 4) {
        uint64_t size = pages ? (1 + below(r, 3)) * DISK_BLOCK : below(r, 3 * DISK_BLOCK);
        uint64_t offset = pages ? 0 : below(r, DISK_BLOCK);
        segment[i] = (struct disk_segment){rig_gpa(page) + offset, size};
        total += (uint32_t)size;
    }
    segment[n - 1].size += (DISK_SECTOR - total % DISK_SECTOR) % DISK_SECTOR;
    total = (total + DISK_SECTOR - 1) / DISK_SECTOR;
    *sector = below(r, (uint32_t)r->s.sectors - total + 1);
    if (pages && *sector >= 8)
        *sector -= *sector % 8;
    return n;
}

static void random_step(struct random_run *r)
{
    struct store *s = &r->s;
    struct disk_segment segment[6];
    uint64_t sector;
    uint32_t vm = below(r, s->rig.given.nvms), what = below(r, 100), n = segments(r, segment, &sector);
    int err = 0;
    if (what < 45)
        err = store_read(s, vm, sector, segment, n);
    else if (what < 60)
        err = store_write(s, vm, sector, segment, n);
    else if (what < 70)
        store_dirty(s, vm, segment[0].gpa, segment[0].size, below(r, 1000));
    else if (what < 95)
        err = rig_access(&s->rig, below(r, RIG_CPUS), vm, below(r, 100), below(r, 512), below(r, 2), r->seed);
    else if (what < 97)
        pager_run(&s->rig.pager, s->rig.now += 3000000);
    else if (what < 98)
        disk_shrink(&s->disk, below(r, 10));
    else if (below(r, 4) == 0 && !s->config.persistent) {
        disk_forget(&s->disk, vm);
        memcpy(s->seen[vm], s->image, s->sectors * DISK_SECTOR);
    }
    r->failures += err == ERR_NOMEM;
    cr_assert(err == 0 || err == ERR_NOMEM, "error %d", err);
    cr_assert_eq(s->rig.wrong, 0, "%s", s->rig.first);
}

static uint64_t random_life(uint64_t seed, enum store_mode mode, uint32_t shared, const struct policy_class *policy)
{
    struct random_run r = {.seed = seed};
    struct rig_config c = shape(shared);
    c.policy = policy;
    c.nvms = mode == STORE_PERSISTENT ? 1 : 3;
    store_begin(&r.s, &c, 1021, mode);
    for (int i = 0; i < 2000; i++) {
        random_step(&r);
        if (i % 1000 == 999)
            store_check(&r.s, 120);
    }
    end(&r.s);
    return r.failures;
}

Test(disk, random_requests_of_three_vms)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        cr_assert_eq(random_life(seed, STORE_SHARED, 600, policy_find("first_touch")), 0);
        cr_assert_eq(random_life(seed, STORE_PERSISTENT, 600, policy_find("first_touch")), 0);
        cr_assert_eq(random_life(seed, STORE_PRIVATE, 1000, &policy_stir), 0);
        cr_assert_gt(random_life(seed, STORE_SHARED, 200, &policy_stir), 0);
        random_life(seed, STORE_PERSISTENT, 30, &policy_stir);
    }
}
