/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/module.h"

#include "monitor-core/x86/cpu.h"

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

const struct module *module_find(const char *name)
{
    for (uint32_t i = 0; i < machine_x86.nmodules; i++)
        if (same(machine_x86.module[i].name, name))
            return &machine_x86.module[i];
    return NULL;
}

static int read_module(void *context, bool write, uint64_t sector, uint32_t count, void *buffer)
{
    const unsigned char *image = context;
    (void)write; /* never: it is read-only */
    __builtin_memcpy(buffer, image + sector * DISK_SECTOR, (size_t)count * DISK_SECTOR);
    return 0;
}

bool module_drive(const char *name, struct drive *drive)
{
    const struct module *m = module_find(name);
    if (!m)
        return false;
    *drive = (struct drive){memory_at(&machine_x86.memory, m->start), m->size / DISK_SECTOR, false, read_module, NULL};
    return true;
}
