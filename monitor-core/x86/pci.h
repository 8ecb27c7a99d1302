/* SPDX-License-Identifier: BSD-2-Clause
 *
 * PCI configuration space through the ports 0xcf8 and 0xcfc (PCI local bus specification 3.0, section 3.2.2.3.2), which
 * every x86-64 machine with PCI Express has kept; the first 256 bytes are all that is needed here. Boot processor only.
 */
#ifndef MONITOR_CORE_X86_PCI_H
#define MONITOR_CORE_X86_PCI_H

#include "policy/numa.h"

/* A function: bus << 16 | device << 11 | function << 8. */
#define PCI_NONE UINT32_MAX

enum { PCI_COMMAND = 0x04, PCI_CLASS = 0x08, PCI_BAR0 = 0x10 };
enum { PCI_COMMAND_MEMORY = 2, PCI_COMMAND_MASTER = 4, PCI_COMMAND_NO_INTX = 0x400 };

/* The first function at or above `from` with that class code (24 bits: class, subclass, interface); PCI_NONE. A walk
 * over all: start at 0, go on at what was answered + 0x100. */
uint32_t pci_find(uint32_t from, uint32_t class_code);

uint32_t pci_read(uint32_t function, uint32_t offset); /* offset: a multiple of 4 */
void pci_write(uint32_t function, uint32_t offset, uint32_t value);

/* Physical address of the memory that base address register 0 names, as the firmware set it; 0: none. */
uint64_t pci_memory(uint32_t function);

#endif
