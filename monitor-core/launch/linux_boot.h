/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Puts a Linux kernel into a VM's memory by the 64-bit boot protocol (Documentation/arch/x86/boot.rst, protocol 2.12 or
 * later, XLF_KERNEL_64): kernel at its preferred address, boot_params, command line, initrd as high as allowed below
 * the PC's hole, e820 map, page tables that map the first 4 GiB one to one, GDT, ACPI RSDP address; and at the BIOS's
 * reset vector what power.h's reset register needs. Portable; writes through struct device_host. Any image with that
 * header and entry works (the tests' own guests carry one).
 */
#ifndef MONITOR_CORE_LAUNCH_LINUX_BOOT_H
#define MONITOR_CORE_LAUNCH_LINUX_BOOT_H

#include "monitor-core/devices/bus.h"

struct linux_boot {
    const unsigned char *kernel, *initrd; /* initrd may be null */
    size_t kernel_size, initrd_size;
    const char *command_line;
    uint64_t memory; /* bytes of the VM, zeroed */
    uint64_t rsdp;   /* guest physical; tables around it are reserved in the e820 map */
    uint64_t rsdp_size;
};

/* Registers of the boot processor. The GDT has 4 entries: 64-bit code at selector 0x10, data at 0x18. */
struct linux_entry {
    uint64_t rip, rsi, cr3, gdt;
};

/* Null: loaded; else why not, a static string (nothing is written then, unless that is what failed). The kernel's file
 * and the initrd are hostile. Memory below 640 KiB is used for the tables; the RSDP lies between that and 1 MiB. */
const char *linux_boot_load(const struct linux_boot *, const struct device_host *, struct linux_entry *);

#endif
