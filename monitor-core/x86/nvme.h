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

/* Finds and starts every controller, in the order of PCI addresses, by which they are numbered; answers how many there
 * are, those that do not start included. Before memory_seal. */
uint32_t nvme_start(struct machine_x86 *);

/* Hands out the n-th drive, once; false when there is none, it did not start, or somebody has it. */
bool nvme_drive(uint32_t n, struct drive *);

/* Tells every drive that the power goes (section 7.6.2), and waits as long as for its start. Commands fail then. */
void nvme_stop(void);

#endif
