/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The IOAPIC against the 82093AA data sheet; bits are written out as there.
 */
#include <criterion/criterion.h>

#include "monitor-core/devices/ioapic.h"

static struct ioapic ioapic;
static struct {
    unsigned n;
    uint32_t destination;
    bool logical, level;
    uint8_t mode, vector;
} sent;

static void deliver(void *context, uint64_t message)
{
    cr_assert_eq(context, &sent);
    cr_assert_eq(message & UINT64_C(0xffff7000), 0, "bits that no message has");
    sent.n++;
    sent.destination = (uint32_t)(message >> 32);
    sent.logical = message >> 11 & 1;
    sent.mode = message >> 8 & 7;
    sent.vector = message & 255;
    sent.level = message >> 15 & 1;
}

static const struct device_host host = {.context = &sent, .deliver = deliver};

static void setup(void)
{
    memset(&sent, 0, sizeof sent);
    ioapic_init(&ioapic, &host);
}

TestSuite(ioapic, .init = setup);

static uint32_t get(uint32_t reg)
{
    ioapic_write(&ioapic, 0x00, 4, reg);
    return (uint32_t)ioapic_read(&ioapic, 0x10, 4);
}

static void set(uint32_t reg, uint32_t value)
{
    ioapic_write(&ioapic, 0x00, 4, reg);
    ioapic_write(&ioapic, 0x10, 4, value);
}

static void route(unsigned line, uint32_t high, uint32_t low)
{
    set(0x11 + 2 * line, high);
    set(0x10 + 2 * line, low);
}

Test(ioapic, after_reset)
{
    cr_assert_eq(get(0), 0);
    cr_assert_eq(get(1), 0x00170011);
    cr_assert_eq(get(2), 0);
    for (unsigned line = 0; line < 24; line++) {
        cr_assert_eq(get(0x10 + 2 * line), 0x00010000);
        cr_assert_eq(get(0x11 + 2 * line), 0);
    }
    cr_assert_eq(get(0x40), 0);
    cr_assert_eq(get(0xff), 0);
    cr_assert_eq(ioapic_read(&ioapic, 0x00, 4), 0xff);
}

Test(ioapic, identity)
{
    set(0, 0xffffffff);
    cr_assert_eq(get(0), 0x0f000000);
    cr_assert_eq(get(2), 0x0f000000);
    set(1, 0xffffffff);
    cr_assert_eq(get(1), 0x00170011);
}

Test(ioapic, edge)
{
    route(4, 0x03000000, 0x00000031);
    ioapic_raise(&ioapic, 4);
    cr_assert_eq(sent.n, 1);
    cr_assert_eq(sent.destination, 3);
    cr_assert_eq(sent.vector, 0x31);
    cr_assert_eq(sent.mode, 0);
    cr_assert(!sent.logical && !sent.level);
    ioapic_raise(&ioapic, 4);
    cr_assert_eq(sent.n, 2, "an edge waits for nobody");
    cr_assert_eq(get(0x18), 0x00000031);
    ioapic_raise(&ioapic, 5);
    ioapic_raise(&ioapic, 24);
    ioapic_raise(&ioapic, UINT32_MAX);
    cr_assert_eq(sent.n, 2);
}

Test(ioapic, an_edge_that_came_while_masked_is_kept)
{
    route(4, 0, 0x00010031);
    ioapic_raise(&ioapic, 4);
    ioapic_raise(&ioapic, 4);
    cr_assert_eq(sent.n, 0);
    set(0x18, 0x00000031);
    cr_assert_eq(sent.n, 1);
    set(0x18, 0x00010031);
    set(0x18, 0x00000031);
    cr_assert_eq(sent.n, 1, "once");
}

Test(ioapic, only_what_can_be_written_is)
{
    route(7, 0xffffffff, 0xffffffff);
    cr_assert_eq(get(0x1e), 0x0001afff, "delivery status and remote IRR are read-only");
    cr_assert_eq(get(0x1f), 0xff000000);
}

Test(ioapic, level)
{
    route(9, 0, 0x00008045);
    ioapic_raise(&ioapic, 9);
    cr_assert_eq(sent.n, 1);
    cr_assert(sent.level);
    cr_assert_eq(get(0x22), 0x0000c045, "remote IRR");
    ioapic_raise(&ioapic, 9);
    cr_assert_eq(sent.n, 1, "in service");
    ioapic_end(&ioapic, 0x46);
    cr_assert_eq(sent.n, 1);
    ioapic_end(&ioapic, 0x45);
    cr_assert_eq(sent.n, 2, "what came meanwhile");
    cr_assert_eq(get(0x22), 0x0000c045);
    ioapic_end(&ioapic, 0x45);
    cr_assert_eq(get(0x22), 0x00008045);
    cr_assert_eq(sent.n, 2);
    ioapic_end(&ioapic, 0x45);
    cr_assert_eq(sent.n, 2);
}

/* Mask and make it an edge, then write the entry back: how drivers end an interrupt by hand. */
Test(ioapic, rewriting_as_edge_ends_a_level_interrupt)
{
    route(9, 0, 0x00008045);
    ioapic_raise(&ioapic, 9);
    set(0x22, 0x00008045);
    cr_assert_eq(get(0x22), 0x0000c045, "a rewrite as level keeps it");
    ioapic_raise(&ioapic, 9);
    set(0x22, 0x00010045);
    cr_assert_eq(get(0x22), 0x00010045);
    set(0x22, 0x00008045);
    cr_assert_eq(sent.n, 2);
}

Test(ioapic, delivery_modes)
{
    route(1, 0x0f000000, 0x00000950);
    ioapic_raise(&ioapic, 1);
    cr_assert_eq(sent.n, 1);
    cr_assert_eq(sent.mode, 1, "lowest priority");
    cr_assert(sent.logical);
    cr_assert_eq(sent.destination, 0x0f);
    route(1, 0, 0x00008400);
    ioapic_raise(&ioapic, 1);
    cr_assert_eq(sent.n, 2);
    cr_assert_eq(sent.mode, 4);
    cr_assert(!sent.level, "an NMI is always an edge");
    cr_assert_eq(get(0x12), 0x00008400);
    /* SMI, reserved, INIT, reserved, ExtINT; and vectors that no local APIC takes */
    static const uint32_t none[] = {0x250, 0x350, 0x550, 0x650, 0x750, 0x000, 0x00f, 0x10f};
    for (unsigned i = 0; i < 8; i++) {
        route(1, 0, none[i]);
        ioapic_raise(&ioapic, 1);
        cr_assert_eq(sent.n, 2);
    }
    route(1, 0, 0x010);
    cr_assert_eq(sent.n, 2, "what could not be delivered is gone");
}

Test(ioapic, only_whole_registers)
{
    ioapic_write(&ioapic, 0x00, 4, 1);
    ioapic_write(&ioapic, 0x00, 1, 0);
    cr_assert_eq(ioapic_read(&ioapic, 0x00, 4), 1);
    cr_assert_eq(ioapic_read(&ioapic, 0x10, 2), 0);
    cr_assert_eq(ioapic_read(&ioapic, 0x10, 8), 0x00170011);
    cr_assert_eq(ioapic_read(&ioapic, 0x14, 4), 0);
    ioapic_write(&ioapic, 0x40, 4, 0x45);
    cr_assert_eq(sent.n, 0);
}
