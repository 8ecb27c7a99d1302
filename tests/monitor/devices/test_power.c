/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Power-off and reset (ACPI 6.4, 4.8.3.7: the sleep type is in bits 2-4, its enable in bit 5), and the bus.
 */
#include <criterion/criterion.h>

#include "monitor-core/devices/power.h"

static unsigned offs, resets;

static void end(void *context, bool restart)
{
    cr_assert_eq(context, &offs);
    offs += !restart;
    resets += restart;
}

static struct device_host power = {.context = &offs, .end = end};

static void setup(void)
{
    offs = resets = 0;
}

TestSuite(power, .init = setup);

Test(power, off)
{
    for (unsigned value = 0; value < 256; value++)
        if ((value & 0x3c) != 0x34)
            power_write(&power, 0, 1, value);
    cr_assert_eq(offs, 0);
    power_write(&power, 0, 1, 0x34);
    cr_assert_eq(offs, 1);
    power_write(&power, 0, 1, 0xf7);
    cr_assert_eq(offs, 2);
    cr_assert_eq(resets, 0);
}

Test(power, reset)
{
    for (unsigned value = 0; value < 256; value++)
        if (value != 0x42)
            power_write(&power, 2, 1, value);
    cr_assert_eq(resets, 0);
    power_write(&power, 2, 1, 0x42);
    cr_assert_eq(resets, 1);
    cr_assert_eq(offs, 0);
}

/* Whoever waits for a wake-up waits for ever. */
Test(power, status)
{
    struct bus ports = {.n = 0};
    bus_add(&ports, POWER_BASE, POWER_SIZE, &power, NULL, power_write);
    for (unsigned offset = 0; offset < 4; offset++)
        cr_assert_eq(bus_read(&ports, POWER_BASE + offset, 1), 0);
    bus_write(&ports, POWER_BASE + 1, 1, 0xff);
    cr_assert_eq(bus_read(&ports, POWER_BASE, 4), 0);
}

Test(power, wide_accesses)
{
    power_write(&power, 0, 4, 0x00420034);
    cr_assert_eq(offs, 1);
    cr_assert_eq(resets, 0, "nothing happens after the end");
    power_write(&power, 1, 2, 0x4200);
    cr_assert_eq(resets, 1);
}

static struct {
    unsigned reads, writes, size;
    uint64_t offset, value;
} seen;

static uint64_t read_device(void *device, uint64_t offset, unsigned size)
{
    cr_assert_eq(device, &seen);
    seen.reads++;
    seen.offset = offset;
    seen.size = size;
    return UINT64_C(0x1122334455667788);
}

static void write_device(void *device, uint64_t offset, unsigned size, uint64_t value)
{
    cr_assert_eq(device, &seen);
    seen.writes++;
    seen.offset = offset;
    seen.size = size;
    seen.value = value;
}

static struct bus bus;

static void setup_bus(void)
{
    memset(&bus, 0, sizeof bus);
    memset(&seen, 0, sizeof seen);
    bus_add(&bus, 0x3f8, 8, &seen, read_device, write_device);
    bus_add(&bus, 0xd0000000, 0x1000, &seen, read_device, write_device);
    bus_add(&bus, UINT64_MAX - 15, 16, &seen, read_device, write_device);
}

TestSuite(bus, .init = setup_bus);

Test(bus, nothing_is_all_ones)
{
    const struct bus empty = {.n = 0};
    cr_assert_eq(bus_read(&bus, 0x3f7, 1), 0xff);
    cr_assert_eq(bus_read(&bus, 0x400, 2), 0xffff);
    cr_assert_eq(bus_read(&bus, 0, 4), 0xffffffff);
    cr_assert_eq(bus_read(&bus, 0xd0001000, 8), UINT64_MAX);
    cr_assert_eq(bus_read(&empty, 0xd0000000, 1), 0xff);
    bus_write(&bus, 0x3f7, 1, 1);
    cr_assert_eq(seen.reads + seen.writes, 0);
}

Test(bus, a_device_gets_offset_size_and_that_many_bits)
{
    cr_assert_eq(bus_read(&bus, 0x3fd, 1), 0x88);
    cr_assert_eq(seen.offset, 5);
    cr_assert_eq(seen.size, 1);
    cr_assert_eq(bus_read(&bus, 0xd0000ff8, 8), UINT64_C(0x1122334455667788));
    bus_write(&bus, 0xd0000100, 2, UINT64_C(0xffffffffffff1234));
    cr_assert_eq(seen.offset, 0x100);
    cr_assert_eq(seen.value, 0x1234);
}

Test(bus, across_an_end_is_nowhere)
{
    cr_assert_eq(bus_read(&bus, 0x3ff, 2), 0xffff);
    cr_assert_eq(bus_read(&bus, 0x3f7, 2), 0xffff);
    bus_write(&bus, 0xd0000ffd, 4, 1);
    cr_assert_eq(bus_read(&bus, UINT64_MAX, 2), 0xffff);
    cr_assert_eq(seen.reads + seen.writes, 0);
    cr_assert_eq(bus_read(&bus, UINT64_MAX, 1), 0x88);
    cr_assert_eq(seen.offset, 15);
}

Test(bus, too_many)
{
    for (unsigned i = 0; i < 20; i++)
        bus_add(&bus, 0x1000 + i, 1, &seen, read_device, write_device);
    cr_assert_eq(bus.n, 8);
    cr_assert_eq(bus_read(&bus, 0x1004, 1), 0x88);
    cr_assert_eq(bus_read(&bus, 0x1005, 1), 0xff);
}
