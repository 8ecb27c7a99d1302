/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/devices/bus.h"

void bus_add(struct bus *bus, uint64_t base, uint64_t size, void *device, uint64_t (*read)(void *, uint64_t, unsigned),
             void (*write)(void *, uint64_t, unsigned, uint64_t))
{
    if (bus->n < BUS_DEVICES)
        bus->device[bus->n++] = (struct bus_device){base, size, device, read, write};
}

static uint64_t ones(unsigned size)
{
    return size < 8 ? ((uint64_t)1 << (size * 8)) - 1 : UINT64_MAX;
}

/* The device that the whole access falls into; null: none. Written so that no sum can wrap. */
static const struct bus_device *find(const struct bus *bus, uint64_t address, unsigned size)
{
    for (uint32_t i = 0; i < bus->n; i++) {
        const struct bus_device *d = &bus->device[i];
        if (address >= d->base && address - d->base < d->size && size <= d->size - (address - d->base))
            return d;
    }
    return NULL;
}

uint64_t bus_read(const struct bus *bus, uint64_t address, unsigned size)
{
    const struct bus_device *d = find(bus, address, size);
    return ones(size) & (!d ? UINT64_MAX : d->read ? d->read(d->device, address - d->base, size) : 0);
}

void bus_write(const struct bus *bus, uint64_t address, unsigned size, uint64_t value)
{
    const struct bus_device *d = find(bus, address, size);
    if (d)
        d->write(d->device, address - d->base, size, value & ones(size));
}
