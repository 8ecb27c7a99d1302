/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/devices/bus.h"

static void add(struct bus_device *list, uint32_t *n, const struct bus_device *device)
{
    if (*n < BUS_DEVICES)
        list[(*n)++] = *device;
}

void bus_add_port(struct bus *bus, const struct bus_device *device)
{
    add(bus->port, &bus->nports, device);
}

void bus_add_memory(struct bus *bus, const struct bus_device *device)
{
    add(bus->memory, &bus->nmemory, device);
}

static uint64_t ones(unsigned size)
{
    return size < 8 ? ((uint64_t)1 << (size * 8)) - 1 : UINT64_MAX;
}

/* The device that the whole access falls into; null: none. Written so that no sum can wrap. */
static const struct bus_device *find(const struct bus_device *list, uint32_t n, uint64_t address, unsigned size)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct bus_device *d = &list[i];
        if (address >= d->base && address - d->base < d->size && size <= d->size - (address - d->base))
            return d;
    }
    return NULL;
}

uint64_t bus_read(const struct bus_device *list, uint32_t n, uint64_t address, unsigned size)
{
    const struct bus_device *d = find(list, n, address, size);
    if (!d || !d->read)
        return ones(size);
    return d->read(d->device, address - d->base, size) & ones(size);
}

void bus_write(const struct bus_device *list, uint32_t n, uint64_t address, unsigned size, uint64_t value)
{
    const struct bus_device *d = find(list, n, address, size);
    if (d && d->write)
        d->write(d->device, address - d->base, size, value & ones(size));
}
