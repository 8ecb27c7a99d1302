/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NVMe drives (NVM Express base specification 1.4): found on PCI, one admin and one I/O queue pair each, polled. First
 * namespace only, 512-byte or 4096-byte formats. One drive is used by one disk, whose lock serialises.
 */
#ifndef MONITOR_CORE_X86_NVME_H
#define MONITOR_CORE_X86_NVME_H

#include "monitor-core/disk.h"
#include "monitor-core/x86/cpu.h"

enum { NVME_DRIVES = 8 };

/* Finds and starts every controller, in the order of PCI addresses; answers how many there are. Before memory_seal. */
uint32_t nvme_start(struct machine_x86 *);

/* The n-th drive; false when there is none. */
bool nvme_drive(uint32_t n, struct drive *);

#endif
