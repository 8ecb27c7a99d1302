/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The ACPI tables that a guest finds (ACPI 6.4): RSDP, XSDT, hardware-reduced FADT (sleep control, sleep status and
 * reset registers of power.h), MADT (local APICs, the IOAPIC, no 8259), DSDT with \_S5, the serial port and one
 * LNRO0005 device per disk. The AML is fixed bytes with the numbers put in, read by iasl in the tests.
 */
#ifndef MONITOR_CORE_LAUNCH_GUEST_ACPI_H
#define MONITOR_CORE_LAUNCH_GUEST_ACPI_H

#include "policy/numa.h"

#define GUEST_ACPI_BASE UINT64_C(0xe0000)
enum { GUEST_ACPI_SIZE = 0x4000, GUEST_ACPI_VCPUS = 64, GUEST_ACPI_DISKS = 8 };

/* Fills GUEST_ACPI_SIZE zeroed bytes that will lie at GUEST_ACPI_BASE; the RSDP is at its start. At most so many
 * virtual CPUs (APIC id = _UID = index) and disks as named above are described. */
void guest_acpi_build(unsigned char *bytes, uint32_t vcpus, uint32_t disks);

#endif
