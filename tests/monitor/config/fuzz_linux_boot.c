/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "monitor-core/launch/linux_boot.h"
#include "tests/monitor/devices/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Byte 0: the VM's memory in 256 KiB, byte 1: the initrd's size in 64 KiB; the rest is the kernel's file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char initrd[255 << 16];
    struct fake fake;
    struct linux_entry entry;
    if (size < 2)
        return 0;
    fake_init(&fake, (uint64_t)data[0] << 18);
    struct linux_boot boot = {.kernel = data + 2,
                              .kernel_size = size - 2,
                              .initrd = initrd,
                              .initrd_size = (size_t)data[1] << 16,
                              .command_line = "x",
                              .memory = fake.size,
                              .rsdp = 0xe0000,
                              .rsdp_size = 0x4000};
    const char *why = linux_boot_load(&boot, &fake.host, &entry);
    if (!why && entry.rip + 1 > fake.size)
        abort();
    if (why && fake.writes)
        abort(); /* it said no after it had begun, although all of the memory was there */
    fake_free(&fake);
    return 0;
}
