/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The VM's IOAPIC at 0xfec00000, 24 lines (Intel 82093AA data sheet). Lines are raised as edges; an entry that the
 * guest programs as level-triggered holds its remote-IRR until the end of interrupt (ioapic_end).
 */
#ifndef MONITOR_CORE_DEVICES_IOAPIC_H
#define MONITOR_CORE_DEVICES_IOAPIC_H

#include "monitor-core/devices/bus.h"

#define IOAPIC_BASE UINT64_C(0xfec00000)
enum { IOAPIC_SIZE = 0x1000, IOAPIC_LINES = 24 };

struct ioapic {
    void *context;
    /* An interrupt message for the local APICs: destination as in the entry (8 bits; x2APIC ids below 256). */
    void (*deliver)(void *context, uint32_t destination, bool logical, uint8_t mode, uint8_t vector, bool level);
    uint32_t select, id;
    uint64_t entry[IOAPIC_LINES];
    uint32_t pending; /* edges that came while masked */
};

void ioapic_init(struct ioapic *, void *context, void (*deliver)(void *, uint32_t, bool, uint8_t, uint8_t, bool));
uint64_t ioapic_read(void *ioapic, uint64_t offset, unsigned size);
void ioapic_write(void *ioapic, uint64_t offset, unsigned size, uint64_t value);
void ioapic_raise(struct ioapic *, uint32_t line);
void ioapic_end(struct ioapic *, uint8_t vector);

#endif
