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
    void (*again)(void *context);  /* the write in hand is to be made once more: it was too much for one go */
    void (*deliver)(void *context, uint64_t message); /* of the IOAPIC to the local APICs (lapic.h) */
    void (*put)(void *context, uint8_t byte);         /* to the console */
    void (*end)(void *context, bool restart);         /* the VM powers off, or starts again */
};

enum { BUS_DEVICES = 8 };

/* Either the ports or the memory of a VM. */
struct bus {
    struct bus_device {
        uint64_t base, size;                                            /* of its range */
        void *device;                                                   /* handed to the two functions */
        uint64_t (*read)(void *device, uint64_t offset, unsigned size); /* null: it reads as 0 */
        void (*write)(void *device, uint64_t offset, unsigned size, uint64_t value);
    } device[BUS_DEVICES];
    uint32_t n;
};

/* What does not fit into BUS_DEVICES is not added. The offsets and values that a device gets lie within its range and
 * the access's size. */
void bus_add(struct bus *, uint64_t base, uint64_t size, void *device, uint64_t (*read)(void *, uint64_t, unsigned),
             void (*write)(void *, uint64_t, unsigned, uint64_t));

/* All ones (of that size) and nothing, where no device is; an access that crosses a device's end is nowhere. */
uint64_t bus_read(const struct bus *, uint64_t address, unsigned size);
void bus_write(const struct bus *, uint64_t address, unsigned size, uint64_t value);

#endif
