/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/plugin/yield.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>

enum { CPUS_MAX = 64 };

static struct {
    void *(*get_cpu)(int index);
    void (*exit_cpu)(void *cpu);
    void *cpu[CPUS_MAX];
} qemu;

int yield_find(char *error, unsigned long size)
{
    *(void **)&qemu.get_cpu = dlsym(RTLD_DEFAULT, "qemu_get_cpu");
    *(void **)&qemu.exit_cpu = dlsym(RTLD_DEFAULT, "cpu_exit");
    if (qemu.get_cpu && qemu.exit_cpu)
        return 0;
    snprintf(error, size, "this QEMU is built without modules and lets no plugin end a turn: record with --host-time");
    return -ENOTSUP;
}

void yield_turn(unsigned index)
{
    if (!qemu.cpu[index])
        qemu.cpu[index] = qemu.get_cpu((int)index);
    qemu.exit_cpu(qemu.cpu[index]);
}
