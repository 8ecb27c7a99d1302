/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/devices/host_bridge.h"

enum { DATA = 4, REG_IDENTITY = 0x00, REG_CLASS = 0x08 };
#define ADDRESS_ENABLE UINT32_C(0x80000000)
#define ADDRESS_WRITABLE UINT32_C(0x80fffffc) /* enable, bus, device, function, register */
#define ADDRESS_DEVICE UINT32_C(0x00ffff00)

#define IDENTITY UINT32_C(0x00081b36) /* of emulated machines' generic host bridge */
#define CLASS UINT32_C(0x06000000)    /* bridge, host */

static uint32_t read_register(const struct host_bridge *b)
{
    uint32_t reg = b->address & 0xfc;
    if (!(b->address & ADDRESS_ENABLE) || b->address & ADDRESS_DEVICE)
        return UINT32_MAX;
    return reg == REG_IDENTITY ? IDENTITY : reg == REG_CLASS ? CLASS : 0;
}

/* Any part of either register; what is wider than its rest reads as ones. */
uint64_t host_bridge_read(void *bridge, uint64_t offset, unsigned size)
{
    const struct host_bridge *b = bridge;
    uint32_t value = offset < DATA ? b->address : read_register(b);
    unsigned shift = (unsigned)(offset % DATA) * 8;
    return size + offset % DATA <= DATA ? value >> shift : UINT64_MAX;
}

/* Only a whole address is an address: smaller accesses there belong to the machine's other ports. */
void host_bridge_write(void *bridge, uint64_t offset, unsigned size, uint64_t value)
{
    struct host_bridge *b = bridge;
    if (offset == 0 && size == DATA)
        b->address = (uint32_t)value & ADDRESS_WRITABLE;
}
