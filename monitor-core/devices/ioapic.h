/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The VM's IOAPIC at 0xfec00000, 24 lines (Intel 82093AA data sheet). Lines are raised as edges; an entry that the
 * guest programs as level-triggered holds its remote-IRR until the end of interrupt (ioapic_end). Its messages name
 * destinations by eight bits: x2APIC ids below 256.
 */
#ifndef MONITOR_CORE_DEVICES_IOAPIC_H
#define MONITOR_CORE_DEVICES_IOAPIC_H

#include "monitor-core/devices/bus.h"

#define IOAPIC_BASE UINT64_C(0xfec00000)
enum { IOAPIC_SIZE = 0x1000, IOAPIC_LINES = 24 };

struct ioapic {
    const struct device_host *host;
    uint32_t select, id;
    uint64_t entry[IOAPIC_LINES];
    uint32_t pending; /* edges that came while masked */
};

void ioapic_init(struct ioapic *, const struct device_host *);
uint64_t ioapic_read(void *ioapic, uint64_t offset, unsigned size);
void ioapic_write(void *ioapic, uint64_t offset, unsigned size, uint64_t value);
void ioapic_raise(struct ioapic *, uint32_t line);
void ioapic_end(struct ioapic *, uint8_t vector);

#endif
