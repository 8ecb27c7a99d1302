/* SPDX-License-Identifier: BSD-2-Clause
 *
 * PCI configuration mechanism 1 at ports 0xcf8..0xcff (PCI local bus specification 3.0, 3.2.2.3.2) with nothing behind
 * it but a host bridge at 00:00.0. There is no PCI in a VM; but a kernel that finds no configuration space calls that
 * fatal, and goes on without a word when there is one with only this in it.
 */
#ifndef MONITOR_CORE_DEVICES_HOST_BRIDGE_H
#define MONITOR_CORE_DEVICES_HOST_BRIDGE_H

#include "monitor-core/devices/bus.h"

enum { HOST_BRIDGE_BASE = 0xcf8, HOST_BRIDGE_SIZE = 8 };

struct host_bridge {
    uint32_t address; /* as the guest wrote it; 0 at first */
};

uint64_t host_bridge_read(void *bridge, uint64_t offset, unsigned size);
void host_bridge_write(void *bridge, uint64_t offset, unsigned size, uint64_t value);

#endif
