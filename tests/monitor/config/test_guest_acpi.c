/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The guest's ACPI tables, walked from the RSDP as firmware's users do. What the AML says is read by ACPICA's compiler
 * in acpi_test.py, which takes the tables that this program writes when it is asked to.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "monitor-core/launch/guest_acpi.h"
#include "tests/monitor/devices/fake.h"

static unsigned char area[GUEST_ACPI_SIZE];

static void build(unsigned vcpus, unsigned disks)
{
    memset(area, 0, sizeof area);
    guest_acpi_build(area, vcpus, disks);
}

static unsigned sum(const unsigned char *bytes, size_t n)
{
    unsigned total = 0;
    for (size_t i = 0; i < n; i++)
        total += bytes[i];
    return total & 255;
}

/* The table at that guest physical address, whose signature, length and checksum are right. */
static const unsigned char *table(uint64_t address, const char *signature)
{
    cr_assert(address >= 0xe0000 && address < 0xe4000 - 36, "%s at %#lx", signature, address);
    const unsigned char *t = area + (address - 0xe0000);
    uint64_t length = fake_get(t + 4, 4);
    cr_assert_arr_eq(t, signature, 4);
    cr_assert(length >= 36 && length <= 0xe4000 - address, "%s: %lu bytes", signature, length);
    cr_assert_eq(sum(t, length), 0, "%s", signature);
    cr_assert_arr_eq(t + 10, "MIRROR", 6);
    return t;
}

static const unsigned char *xsdt(unsigned entry, const char *signature)
{
    const unsigned char *t = table(fake_get(area + 24, 8), "XSDT");
    cr_assert_eq(fake_get(t + 4, 4), 36 + 2 * 8);
    return table(fake_get(t + 36 + 8 * entry, 8), signature);
}

Test(guest_acpi, root)
{
    build(2, 1);
    cr_assert_arr_eq(area, "RSD PTR ", 8);
    cr_assert_eq(sum(area, 20), 0);
    cr_assert_eq(sum(area, 36), 0);
    cr_assert_eq(area[15], 2);
    cr_assert_eq(fake_get(area + 20, 4), 36);
    cr_assert_eq(fake_get(area + 16, 4), 0, "no RSDT");
}

static void is_byte_port(const unsigned char *generic, uint64_t port)
{
    cr_assert_eq(generic[0], 1, "I/O space");
    cr_assert_eq(generic[1], 8);
    cr_assert_eq(generic[2], 0);
    cr_assert_eq(generic[3], 1, "byte access");
    cr_assert_eq(fake_get(generic + 4, 8), port);
}

Test(guest_acpi, hardware_reduced_fadt)
{
    build(2, 1);
    const unsigned char *t = xsdt(0, "FACP");
    cr_assert_eq(fake_get(t + 4, 4), 276);
    cr_assert_eq(t[8], 6);
    uint64_t flags = fake_get(t + 112, 4);
    cr_assert(flags >> 20 & 1, "HW_REDUCED_ACPI");
    cr_assert(flags >> 10 & 1, "RESET_REG_SUP");
    cr_assert_eq(flags >> 4 & 3, 3, "no fixed buttons");
    cr_assert_eq(fake_get(t + 109, 2), 0x24, "no VGA, no CMOS clock; no legacy devices, no 8042");
    is_byte_port(t + 116, 0x602);
    cr_assert_eq(t[128], 0x42);
    is_byte_port(t + 244, 0x600);
    is_byte_port(t + 256, 0x601);
    table(fake_get(t + 140, 8), "DSDT");
    cr_assert_eq(fake_get(t + 40, 4), fake_get(t + 140, 8));
    for (unsigned i = 56; i < 95; i++)
        cr_assert_eq(t[i], 0, "no fixed register blocks: byte %u", i);
    for (unsigned i = 148; i < 244; i++)
        cr_assert_eq(t[i], 0, "no fixed register blocks: byte %u", i);
}

Test(guest_acpi, madt)
{
    static const unsigned counts[] = {1, 2, 16, 64};
    for (unsigned k = 0; k < 4; k++) {
        build(counts[k], 0);
        const unsigned char *t = xsdt(1, "APIC"), *end = t + fake_get(t + 4, 4), *entry = t + 44;
        cr_assert_eq(fake_get(t + 36, 4), 0xfee00000);
        cr_assert_eq(fake_get(t + 40, 4), 0, "no 8259");
        for (unsigned i = 0; i < counts[k]; i++, entry += 8) {
            cr_assert_eq(fake_get(entry, 2), 0x0800);
            cr_assert_eq(entry[2], i);
            cr_assert_eq(entry[3], i);
            cr_assert_eq(fake_get(entry + 4, 4), 1);
        }
        cr_assert_eq(fake_get(entry, 2), 0x0c01);
        cr_assert_eq(fake_get(entry + 4, 4), 0xfec00000);
        cr_assert_eq(fake_get(entry + 8, 4), 0);
        cr_assert_eq(entry + 12, end);
    }
}

Test(guest_acpi, any_number_stays_in_the_area)
{
    static const unsigned counts[] = {0, 1, 64, 65, 4096, UINT32_MAX};
    static unsigned char guarded[GUEST_ACPI_SIZE + 4096];
    for (unsigned i = 0; i < 6; i++) {
        memset(guarded, 0, GUEST_ACPI_SIZE);
        memset(guarded + GUEST_ACPI_SIZE, 0xcc, 4096);
        guest_acpi_build(guarded, counts[i], counts[i]);
        for (unsigned k = 0; k < 4096; k++)
            cr_assert_eq(guarded[GUEST_ACPI_SIZE + k], 0xcc);
        memcpy(area, guarded, sizeof area);
        table(fake_get(xsdt(0, "FACP") + 140, 8), "DSDT");
        xsdt(1, "APIC");
    }
}

/* Not a test by itself: DUMP=folder VCPUS=n DISKS=n writes the tables there. */
Test(guest_acpi, dump)
{
    const char *folder = getenv("DUMP");
    if (!folder)
        cr_skip_test("DUMP names no folder");
    build((unsigned)atoi(getenv("VCPUS")), (unsigned)atoi(getenv("DISKS")));
    const unsigned char *fadt = xsdt(0, "FACP");
    const struct {
        const char *name;
        const unsigned char *table;
    } tables[] = {{"xsdt", table(fake_get(area + 24, 8), "XSDT")},
                  {"facp", fadt},
                  {"apic", xsdt(1, "APIC")},
                  {"dsdt", table(fake_get(fadt + 140, 8), "DSDT")}};
    for (unsigned i = 0; i < 4; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s.aml", folder, tables[i].name);
        FILE *f = fopen(path, "wb");
        cr_assert(f, "%s", path);
        fwrite(tables[i].table, 1, fake_get(tables[i].table + 4, 4), f);
        fclose(f);
    }
}
