/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/module_drive.h"

static int read_module(void *context, uint64_t sector, uint32_t count, void *buffer)
{
    const unsigned char *image = context;
    __builtin_memcpy(buffer, image + sector * DISK_SECTOR, (size_t)count * DISK_SECTOR);
    return 0;
}

static int write_module(void *context, uint64_t sector, uint32_t count, const void *buffer)
{
    (void)context, (void)sector, (void)count, (void)buffer;
    return DISK_EIO;
}

static int flush_module(void *context)
{
    (void)context;
    return 0;
}

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

bool module_drive(struct machine_x86 *m, const char *name, struct drive *drive)
{
    for (uint32_t i = 0; i < m->nmodules; i++) {
        if (!same(m->module[i].name, name))
            continue;
        *drive = (struct drive){.context = memory_at(&m->memory, m->module[i].start),
                                .sectors = m->module[i].size / DISK_SECTOR,
                                .read = read_module,
                                .write = write_module,
                                .flush = flush_module};
        return true;
    }
    return false;
}
