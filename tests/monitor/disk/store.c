/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/disk/store.h"

#include <stdlib.h>
#include <string.h>

void store_fill(unsigned char *bytes, uint64_t sector, uint64_t count)
{
    for (uint64_t i = 0; i < count * DISK_SECTOR; i += 8) {
        uint64_t word = (sector * DISK_SECTOR + i + 1) * UINT64_C(0x9e3779b97f4a7c15);
        memcpy(bytes + i, &word, 8);
    }
}

/* What the contract of struct drive promises to a drive; and no lock of the pager is held while a drive works. */
static int command(struct store *s, uint64_t sector, uint64_t count, const void *buffer)
{
    bool ends = sector + count == s->sectors;
    if (sector % 8 || (count % 8 && !ends) || !count || count > DISK_BATCH * 8 || sector + count > s->sectors)
        rig_fail(&s->rig, "drive: sectors %llu + %llu", (unsigned long long)sector, (unsigned long long)count);
    if ((uintptr_t)buffer % DISK_BLOCK)
        rig_fail(&s->rig, "drive: a buffer that is not aligned");
    if (s->rig.pager.lock.taken)
        rig_fail(&s->rig, "drive: the pager's lock is held");
    return s->fail_in && --s->fail_in == 0 ? DISK_EIO : 0;
}

static int transfer(void *context, bool write, uint64_t sector, uint32_t count, void *buffer)
{
    struct store *s = context;
    size_t size = (size_t)count * DISK_SECTOR;
    s->reads += !write;
    s->writes += write;
    int err = command(s, sector, count, buffer);
    if (!write)
        memset(buffer, 0xee, size);
    if (!err)
        memcpy(write ? s->image + sector * DISK_SECTOR : buffer, write ? buffer : s->image + sector * DISK_SECTOR,
               size);
    return err;
}

static int flush_image(void *context)
{
    struct store *s = context;
    s->flushes++;
    return 0;
}

void store_begin(struct store *s, const struct rig_config *given, uint64_t sectors, enum store_mode mode)
{
    memset(s, 0, sizeof *s);
    if (rig_begin(&s->rig, given))
        abort();
    s->sectors = sectors;
    s->config = (struct config_disk){
        .name = "root", .persistent = mode == STORE_PERSISTENT, .private_cache = mode == STORE_PRIVATE};
    s->writable = mode == STORE_PERSISTENT;
    s->image = malloc(sectors * DISK_SECTOR);
    store_fill(s->image, 0, sectors);
    for (uint32_t vm = 0; vm < given->nvms; vm++) {
        bool same = vm && mode == STORE_PERSISTENT;
        s->seen[vm] = same ? s->seen[0] : malloc(sectors * DISK_SECTOR);
        memcpy(s->seen[vm], s->image, sectors * DISK_SECTOR);
    }
    struct drive drive = {s, sectors, s->writable, transfer, flush_image};
    size_t size = disk_size(&s->config, sectors, given->shared, given->nvms);
    s->disk_block = aligned_alloc(DISK_BLOCK, size);
    memset(s->disk_block, 0, size);
    disk_init(&s->disk, &s->config, &drive, &s->rig.pager, given->shared, given->nvms, s->disk_block);
}

void store_end(struct store *s)
{
    for (uint32_t vm = 0; vm < s->rig.given.nvms; vm++)
        if (!vm || s->seen[vm] != s->seen[0])
            free(s->seen[vm]);
    free(s->image);
    free(s->disk_block);
    rig_end(&s->rig);
}

static node_t node_of(const struct store *s, uint32_t vm)
{
    return (node_t)(vm % s->rig.given.nodes);
}

/* Guest memory as it is now becomes the shadow; a page that was never touched reads as zeroes. */
static void adopt(struct store *s, uint32_t vm, struct disk_segment g)
{
    uint64_t memory = (uint64_t)s->rig.given.pages[vm] * RIG_PAGE;
    if (g.gpa < memory && g.size <= memory - g.gpa)
        pager_read(&s->rig.pager, vm, node_of(s, vm), g.gpa, s->rig.shadow[vm] + g.gpa, g.size);
}

int store_read(struct store *s, uint32_t vm, uint64_t sector, const struct disk_segment *segment, uint32_t n)
{
    s->rig.untouched = vm; /* no guest looks at a buffer that is being read into */
    int err = disk_access(&s->disk, false, vm, node_of(s, vm), sector, segment, n);
    uint64_t at = sector * DISK_SECTOR;
    for (uint32_t i = 0; i < n; at += segment[i++].size) {
        if (err)
            adopt(s, vm, segment[i]);
        else
            memcpy(s->rig.shadow[vm] + segment[i].gpa, s->seen[vm] + at, segment[i].size);
    }
    s->rig.untouched = SPACE_VMS;
    return err;
}

/* One byte of the disk after a write that failed: old, or new. */
static void found_byte(struct store *s, uint32_t vm, uint64_t at, unsigned char new, unsigned char now)
{
    if (now != s->seen[vm][at] && now != new)
        rig_fail(&s->rig, "vm %u: byte %llu is neither old nor new", vm, (unsigned long long)at);
    s->seen[vm][at] = now;
}

/* Reads the sectors of a failed write again, by a second disk on the same blocks' index: through the VM's last page. */
static void after_failure(struct store *s, uint32_t vm, uint64_t sector, const struct disk_segment *segment, uint32_t n)
{
    uint64_t at = sector * DISK_SECTOR, scratch = ((uint64_t)s->rig.given.pages[vm] - 1) * RIG_PAGE;
    for (uint32_t i = 0; i < n; i++) {
        for (uint64_t b = 0; b < segment[i].size; b++, at++) {
            struct disk_segment one = {scratch, DISK_SECTOR};
            if (at >= s->sectors * DISK_SECTOR)
                return;
            if (at % DISK_SECTOR == 0 && disk_access(&s->disk, false, vm, node_of(s, vm), at / DISK_SECTOR, &one, 1))
                return;
            adopt(s, vm, one);
            found_byte(s, vm, at, s->rig.shadow[vm][segment[i].gpa + b], s->rig.shadow[vm][scratch + at % DISK_SECTOR]);
        }
    }
}

int store_write(struct store *s, uint32_t vm, uint64_t sector, const struct disk_segment *segment, uint32_t n)
{
    s->rig.untouched = vm;
    int err = disk_access(&s->disk, true, vm, node_of(s, vm), sector, segment, n);
    uint64_t at = sector * DISK_SECTOR;
    if (err == ERR_NOMEM)
        after_failure(s, vm, sector, segment, n);
    for (uint32_t i = 0; !err && i < n; at += segment[i++].size) {
        if (s->config.persistent && memcmp(s->image + at, s->rig.shadow[vm] + segment[i].gpa, segment[i].size))
            rig_fail(&s->rig, "the drive did not get what was written at %llu", (unsigned long long)at);
        memcpy(s->seen[vm] + at, s->rig.shadow[vm] + segment[i].gpa, segment[i].size);
    }
    s->rig.untouched = SPACE_VMS;
    return err;
}

void store_dirty(struct store *s, uint32_t vm, uint64_t gpa, uint64_t size, uint64_t salt)
{
    unsigned char *shadow = s->rig.shadow[vm] + gpa;
    for (uint64_t i = 0; i < size; i++)
        shadow[i] = (unsigned char)((salt + i) * 151 >> 3);
    s->rig.untouched = vm;
    if (pager_write(&s->rig.pager, vm, node_of(s, vm), gpa, shadow, size))
        rig_fail(&s->rig, "guest memory cannot be written");
    s->rig.untouched = SPACE_VMS;
}

bool store_same(struct store *s, uint32_t vm, uint64_t gpa, uint64_t sector, uint64_t size)
{
    unsigned char *bytes = malloc(size);
    bool same = !pager_read(&s->rig.pager, vm, node_of(s, vm), gpa, bytes, size) &&
                !memcmp(bytes, s->seen[vm] + sector * DISK_SECTOR, size);
    free(bytes);
    return same;
}

void store_check(struct store *s, uint32_t page)
{
    for (uint32_t vm = 0; vm < s->rig.given.nvms; vm++) {
        for (uint64_t sector = 0; sector < s->sectors; sector += 8) {
            uint64_t left = s->sectors - sector, size = (left < 8 ? left : 8) * DISK_SECTOR;
            struct disk_segment to = {rig_gpa(page) + (sector % 16 ? 8 : 0), size};
            if (store_read(s, vm, sector, &to, 1) || !store_same(s, vm, to.gpa, sector, size))
                rig_fail(&s->rig, "vm %u sees other bytes from sector %llu on", vm, (unsigned long long)sector);
        }
    }
    if (s->config.persistent && memcmp(s->image, s->seen[0], s->sectors * DISK_SECTOR))
        rig_fail(&s->rig, "the drive holds other bytes than were written");
    rig_check(&s->rig);
}
