/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Power-off and reset (ACPI 6.4, 4.8.3.7: the sleep type is in bits 2-4, its enable in bit 5), and the bus.
 */
#include <criterion/criterion.h>

#include "monitor-core/devices/power.h"

static struct power power;
static unsigned offs, resets;

static void off(void *context)
{
    cr_assert_eq(context, &power);
    offs++;
}

static void reset(void *context)
{
    cr_assert_eq(context, &power);
    resets++;
}

static void setup(void)
{
    offs = resets = 0;
    power_init(&power, &power, off, reset);
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

Test(power, status)
{
    cr_assert_eq(power_read(&power, 0, 4), 0);
    power.status = 0x80;
    cr_assert_eq(power_read(&power, 0, 4), 0x8000);
    cr_assert_eq(power_read(&power, 1, 1), 0x80);
    power_write(&power, 1, 1, 0x7f);
    cr_assert_eq(power_read(&power, 1, 1), 0x80);
    power_write(&power, 1, 1, 0x80);
    cr_assert_eq(power_read(&power, 1, 1), 0, "written away");
}

Test(power, wide_accesses)
{
    power_write(&power, 0, 4, 0x00420034);
    cr_assert_eq(offs, 1);
    cr_assert_eq(resets, 0, "nothing happens after the end");
    power_write(&power, 1, 2, 0x4200);
    cr_assert_eq(resets, 1);
}

Test(power, old_ways_to_reset)
{
    power_keyboard_write(&power, 0, 1, 0xd1);
    cr_assert_eq(resets, 0);
    power_keyboard_write(&power, 0, 1, 0xfe);
    cr_assert_eq(resets, 1);
    cr_assert_eq(power_keyboard_read(&power, 0, 1), 0, "its input buffer is empty");
    power_cf9_write(&power, 0, 1, 0x02);
    cr_assert_eq(resets, 1);
    power_cf9_write(&power, 0, 1, 0x06);
    cr_assert_eq(resets, 2);
    power_cf9_write(&power, 0, 1, 0x0e);
    cr_assert_eq(resets, 3);
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
    bus_add_port(&bus, &(struct bus_device){0x3f8, 8, &seen, read_device, write_device});
    bus_add_memory(&bus, &(struct bus_device){0xd0000000, 0x1000, &seen, read_device, write_device});
    bus_add_memory(&bus, &(struct bus_device){UINT64_MAX - 15, 16, &seen, read_device, write_device});
}

TestSuite(bus, .init = setup_bus);

Test(bus, nothing_is_all_ones)
{
    cr_assert_eq(bus_read(bus.port, bus.nports, 0x3f7, 1), 0xff);
    cr_assert_eq(bus_read(bus.port, bus.nports, 0x400, 2), 0xffff);
    cr_assert_eq(bus_read(bus.memory, bus.nmemory, 0, 4), 0xffffffff);
    cr_assert_eq(bus_read(bus.memory, bus.nmemory, 0xd0001000, 8), UINT64_MAX);
    cr_assert_eq(bus_read(bus.memory, 0, 0xd0000000, 1), 0xff);
    bus_write(bus.port, bus.nports, 0x3f7, 1, 1);
    cr_assert_eq(seen.reads + seen.writes, 0);
}

Test(bus, a_device_gets_offset_size_and_that_many_bits)
{
    cr_assert_eq(bus_read(bus.port, bus.nports, 0x3fd, 1), 0x88);
    cr_assert_eq(seen.offset, 5);
    cr_assert_eq(seen.size, 1);
    cr_assert_eq(bus_read(bus.memory, bus.nmemory, 0xd0000ff8, 8), UINT64_C(0x1122334455667788));
    bus_write(bus.memory, bus.nmemory, 0xd0000100, 2, UINT64_C(0xffffffffffff1234));
    cr_assert_eq(seen.offset, 0x100);
    cr_assert_eq(seen.value, 0x1234);
}

Test(bus, across_an_end_is_nowhere)
{
    cr_assert_eq(bus_read(bus.port, bus.nports, 0x3ff, 2), 0xffff);
    cr_assert_eq(bus_read(bus.port, bus.nports, 0x3f7, 2), 0xffff);
    bus_write(bus.memory, bus.nmemory, 0xd0000ffd, 4, 1);
    cr_assert_eq(bus_read(bus.memory, bus.nmemory, UINT64_MAX, 2), 0xffff);
    cr_assert_eq(seen.reads + seen.writes, 0);
    cr_assert_eq(bus_read(bus.memory, bus.nmemory, UINT64_MAX, 1), 0x88);
    cr_assert_eq(seen.offset, 15);
}

Test(bus, half_a_device_and_too_many)
{
    bus_add_port(&bus, &(struct bus_device){0xcf9, 1, &seen, NULL, NULL});
    cr_assert_eq(bus_read(bus.port, bus.nports, 0xcf9, 1), 0xff);
    bus_write(bus.port, bus.nports, 0xcf9, 1, 6);
    for (unsigned i = 0; i < 20; i++)
        bus_add_port(&bus, &(struct bus_device){0x1000 + i, 1, &seen, read_device, write_device});
    cr_assert_eq(bus.nports, 16);
    cr_assert_eq(bus.nmemory, 2);
    cr_assert_eq(bus_read(bus.port, bus.nports, 0x100d, 1), 0x88);
    cr_assert_eq(bus_read(bus.port, bus.nports, 0x100e, 1), 0xff);
}
