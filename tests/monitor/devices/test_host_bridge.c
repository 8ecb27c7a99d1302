/* SPDX-License-Identifier: BSD-2-Clause
 *
 * PCI configuration space with one host bridge in it.
 */
#include <criterion/criterion.h>

#include "monitor-core/devices/host_bridge.h"

static struct host_bridge bridge;

static uint32_t config(uint32_t address)
{
    host_bridge_write(&bridge, 0, 4, address);
    return (uint32_t)host_bridge_read(&bridge, 4, 4);
}

TestSuite(host_bridge);

/* What Linux does before it believes in mechanism 1. */
Test(host_bridge, is_found)
{
    bridge.address = 0;
    cr_assert_eq(host_bridge_read(&bridge, 0, 4), 0);
    host_bridge_write(&bridge, 3, 1, 1);
    uint64_t before = host_bridge_read(&bridge, 0, 4);
    cr_assert_eq(before, 0, "a byte is no address");
    host_bridge_write(&bridge, 0, 1, 0xff);
    host_bridge_write(&bridge, 0, 2, 0xffff);
    cr_assert_eq(host_bridge_read(&bridge, 0, 4), 0);
    host_bridge_write(&bridge, 0, 4, 0x80000000);
    cr_assert_eq(host_bridge_read(&bridge, 0, 4), 0x80000000);
    host_bridge_write(&bridge, 0, 4, 0x80000008);
    cr_assert_eq(host_bridge_read(&bridge, 6, 2), 0x0600, "class: host bridge");
    host_bridge_write(&bridge, 0, 4, before);
    cr_assert_eq(host_bridge_read(&bridge, 0, 4), before);
}

Test(host_bridge, nothing_else_is)
{
    bridge.address = 0;
    for (uint32_t device = 1; device < 0x10000; device++)
        cr_assert_eq(config(0x80000000 | device << 8), UINT32_MAX, "%x", device);
    cr_assert_eq(config(0x00000000), UINT32_MAX, "not enabled");
    cr_assert_neq(config(0x80000000) & 0xffff, 0xffff);
    for (uint32_t reg = 0x0c; reg < 0x100; reg += 4)
        cr_assert_eq(config(0x80000000 | reg), 0, "no header type, no resources, no capabilities: %x", reg);
}

Test(host_bridge, reserved_bits_and_odd_accesses)
{
    bridge.address = 0;
    config(0xffffffff);
    cr_assert_eq(host_bridge_read(&bridge, 0, 4), 0x80fffffc);
    config(0x80000000);
    host_bridge_write(&bridge, 4, 4, 0x12345678);
    uint32_t identity = config(0x80000000);
    cr_assert_neq(identity, 0x12345678, "read-only");
    cr_assert_eq(host_bridge_read(&bridge, 4, 1) & 0xff, identity & 0xff);
    cr_assert_eq(host_bridge_read(&bridge, 6, 2), identity >> 16);
    cr_assert_eq(host_bridge_read(&bridge, 7, 1), identity >> 24);
    cr_assert_eq(host_bridge_read(&bridge, 6, 4), UINT64_MAX);
    cr_assert_eq(host_bridge_read(&bridge, 7, 2), UINT64_MAX);
}
