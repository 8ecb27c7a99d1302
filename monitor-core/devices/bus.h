/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a VM's devices are, in ports and in memory that is not RAM. A device is a struct of its own and two functions;
 * it raises interrupts and reaches guest memory through struct device_host, so it can be tested without a CPU. All
 * calls under the VM's device lock. A guest is hostile: any size 1, 2, 4 (ports), 1..8 (memory), any offset, any value.
 */
#ifndef MONITOR_CORE_DEVICES_BUS_H
#define MONITOR_CORE_DEVICES_BUS_H

#include "policy/numa.h"

/* What devices ask of the monitor. */
struct device_host {
    void *context;
    void (*interrupt)(void *context, uint32_t gsi);                      /* an edge on that line */
    int (*read)(void *context, uint64_t gpa, void *buffer, size_t size); /* guest memory; 0 or a negative ERR_ */
    int (*write)(void *context, uint64_t gpa, const void *buffer, size_t size);
    node_t (*node)(void *context); /* of the CPU that makes the access in hand */
};

struct bus_device {
    uint64_t base, size; /* of its range */
    void *device;        /* handed to the two functions; either may be null: reads all ones, takes nothing */
    uint64_t (*read)(void *device, uint64_t offset, unsigned size);
    void (*write)(void *device, uint64_t offset, unsigned size, uint64_t value);
};

enum { BUS_DEVICES = 16 };

struct bus {
    struct bus_device port[BUS_DEVICES], memory[BUS_DEVICES];
    uint32_t nports, nmemory;
};

/* What does not fit into BUS_DEVICES is not added. The offsets and values that a device gets lie within its range and
 * the access's size. */
void bus_add_port(struct bus *, const struct bus_device *);
void bus_add_memory(struct bus *, const struct bus_device *);

/* All ones (of that size) and nothing, where no device is; an access that crosses a device's end is nowhere. */
uint64_t bus_read(const struct bus_device *, uint32_t n, uint64_t address, unsigned size);
void bus_write(const struct bus_device *, uint32_t n, uint64_t address, unsigned size, uint64_t value);

#endif
