/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An image that tries the drives of the machine it runs on and prints what it read for drives.py to judge: transfers of
 * every size, writes, a flush, sectors that are not there, a module as a drive.
 */
#include "monitor-core/x86/module.h"
#include "monitor-core/x86/nvme.h"

enum { EACH = DISK_BLOCK / DISK_SECTOR, FULL = DISK_BATCH * EACH };

static unsigned char *buffer;

static uint64_t digest(uint32_t sectors)
{
    uint64_t d = 1, word;
    for (size_t i = 0; i < (size_t)sectors * DISK_SECTOR; i += sizeof word) {
        __builtin_memcpy(&word, buffer + i, sizeof word);
        d = (d ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    }
    return d;
}

static void read_some(const struct drive *d, const char *name, uint64_t sector, uint32_t count)
{
    __builtin_memset(buffer, 0xcc, FULL * DISK_SECTOR);
    int err = d->transfer(d->context, false, sector, count, buffer);
    print("%s read %lu %u: %u %lx", name, sector, count, (unsigned)-err, err ? 0 : digest(count));
}

static void write_some(const struct drive *d, const char *name, uint64_t sector, uint32_t count)
{
    for (size_t i = 0; i < (size_t)count * DISK_SECTOR; i++)
        buffer[i] = (unsigned char)((sector + i) * 13 >> 2);
    int err = d->transfer(d->context, true, sector, count, buffer);
    print("%s write %lu %u: %u", name, sector, count, (unsigned)-err);
}

static void try_drive(const struct drive *d, const char *name)
{
    print("%s: %lu sectors, %s", name, d->sectors, d->writable ? "writable" : "read-only");
    for (uint32_t blocks = 1; blocks <= DISK_BATCH; blocks += blocks < 4 ? 1 : 7)
        read_some(d, name, blocks * 20 * EACH, blocks * EACH);
    for (uint32_t i = 0; i < 40; i++) /* more than the queue has entries */
        read_some(d, name, i * EACH, EACH);
    read_some(d, name, 0, FULL);
    read_some(d, name, d->sectors / EACH * EACH - EACH, EACH);
    if (d->writable) {
        read_some(d, name, d->sectors / EACH * EACH + EACH, EACH); /* beyond the end */
        write_some(d, name, 1024, FULL);
        write_some(d, name, 4096, EACH);
        write_some(d, name, d->sectors / EACH * EACH, EACH); /* beyond the end, in part or whole */
        print("%s flush: %u", name, (unsigned)-d->flush(d->context));
        read_some(d, name, 1024, FULL);
    }
}

_Noreturn void monitor_main(void)
{
    char name[] = "nvme 0";
    struct drive d;
    buffer = cpu_reserve(0, FULL * DISK_SECTOR, "a buffer");
    uint32_t n = nvme_start(&machine_x86);
    print("%u drives", n);
    for (uint32_t i = 0; i < n; i++) {
        name[5] = (char)('0' + i);
        if (nvme_drive(i, &d))
            try_drive(&d, name);
        else
            print("%s: none", name);
    }
    print("one more: %u, again: %u", nvme_drive(n, &d), nvme_drive(n - 1, &d));
    if (module_drive(machine_x86.nmodules ? machine_x86.module[0].name : "none", &d))
        try_drive(&d, "module");
    print("no such module: %u", module_drive("nowhere", &d));
    nvme_stop();
    machine_off();
}
