/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/launch/guest_acpi.h"

#include "monitor-core/devices/ioapic.h"
#include "monitor-core/devices/power.h"
#include "monitor-core/devices/virtio_block.h"

/* Offsets of the tables in the area, and of what follows a table's header. */
enum { RSDP = 0, XSDT = 0x40, FADT = 0x100, MADT = 0x400, DSDT = 0x1000, HEADER = 36 };
enum { RSDP_LENGTH = 36, RSDP_OLD_LENGTH = 20, XSDT_LENGTH = HEADER + 16, FADT_LENGTH = 276, MADT_ENTRIES = 44 };

/* A generic address begins with this: one port, a byte wide. */
#define BYTE_PORT UINT64_C(0x01000801)

enum { NO_C2 = 101, NO_C3 = 1001, NO_VGA = 1 << 2, NO_CMOS_CLOCK = 1 << 5 };
enum { WBINVD = 1, C1 = 1 << 2, NO_BUTTONS = 3 << 4, NO_RTC_WAKE = 1 << 6, HAS_RESET = 1 << 10, REDUCED = 1 << 20 };

/* What is the same in every VM. The FADT is hardware-reduced: no fixed registers but those of sleep and reset, so all
 * others stay zero; buttons are no fixed hardware either. The boot flags keep drivers from probing for a VGA and a CMOS
 * clock; that there is no keyboard controller and no legacy device is said by flags that are absent, as is the MADT's
 * for 8259s. */
static const struct {
    uint16_t at;
    uint8_t size;
    uint64_t value;
} fields[] = {{RSDP + 15, 1, 2}, /* revision */
              {RSDP + 20, 4, RSDP_LENGTH},
              {RSDP + 24, 8, GUEST_ACPI_BASE + XSDT},
              {XSDT + HEADER, 8, GUEST_ACPI_BASE + FADT},
              {XSDT + HEADER + 8, 8, GUEST_ACPI_BASE + MADT},
              {FADT + 40, 4, GUEST_ACPI_BASE + DSDT},
              {FADT + 96, 2, NO_C2},
              {FADT + 98, 2, NO_C3},
              {FADT + 109, 2, NO_VGA | NO_CMOS_CLOCK},
              {FADT + 112, 4, WBINVD | C1 | NO_BUTTONS | NO_RTC_WAKE | HAS_RESET | REDUCED},
              {FADT + 116, 4, BYTE_PORT}, /* reset register */
              {FADT + 120, 8, POWER_BASE + POWER_RESET},
              {FADT + 128, 1, POWER_RESET_VALUE},
              {FADT + 140, 8, GUEST_ACPI_BASE + DSDT},
              {FADT + 244, 4, BYTE_PORT}, /* sleep control */
              {FADT + 248, 8, POWER_BASE + POWER_SLEEP},
              {FADT + 256, 4, BYTE_PORT}, /* sleep status */
              {FADT + 260, 8, POWER_BASE + POWER_STATUS},
              {MADT + HEADER, 4, 0xfee00000}}; /* local APIC */

/* AML, each package behind its length. Processors and disks have their number's digits and their _UID in the same
 * places. */
enum { AML_DIGITS = 5, AML_UID = 28, AML_DISK_BASE = 42, AML_DISK_GSI = 55 };

/* Name (_S5, Package () {5, 0, 0, 0}) */
static const char sleep[] = "\x08_S5_\x12\x0a\x04\x0a\x05\x0a\0\x0a\0\x0a";

/* Scope (_SB), its length in two bytes */
static const char scope[] = "\x10\0\0_SB_";
enum { SCOPE_LENGTH = 1 };

/* Device (CPnn) {Name (_HID, "ACPI0007") Name (_UID, nn)} */
static const char processor[] = "\x5b\x82\x1b"
                                "CP00\x08_HID\x0d"
                                "ACPI0007\0\x08_UID\x0a";

/* Device (CO01) {Name (_HID, EisaId ("PNP0501")) Name (_UID, 1) Name (_CRS, ResourceTemplate () {
 * IO (Decode16, 0x3f8, 0x3f8, 1, 8) IRQ (Edge) {4}})} */
static const char serial[] = "\x5b\x82\x2d"
                             "CO01\x08_HID\x0c\x41\xd0\x05\x01\x08_UID\x0a\x01\x08_CRS\x11\x11\x0a\x0e"
                             "\x47\x01\xf8\x03\xf8\x03\x01\x08\x23\x10\0\x01\x79";

/* Device (VDnn) {Name (_HID, "LNRO0005") Name (_UID, nn) Name (_CRS, ResourceTemplate () {
 * Memory32Fixed (ReadWrite, base, 0x1000) Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) {gsi}})} */
static const char disk[] = "\x5b\x82\x3b"
                           "VD00\x08_HID\x0dLNRO0005\0\x08_UID\x0a\0\x08_CRS\x11\x1a\x0a\x17"
                           "\x86\x09\0\x01\0\0\0\0\0\x10\0\0\x89\x06\0\x03\x01\0\0\0\0\x79";

static void put(unsigned char *at, unsigned size, uint64_t value)
{
    __builtin_memcpy(at, &value, size);
}

static unsigned char checksum(const unsigned char *bytes, uint32_t n)
{
    unsigned sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += bytes[i];
    return (unsigned char)-sum;
}

/* The header around what is there. */
static void finish(unsigned char *table, const char *signature, unsigned char revision, uint32_t length)
{
    __builtin_memcpy(table, signature, 4);
    put(table + 4, 4, length);
    table[8] = revision;
    __builtin_memcpy(table + 10, "MIRRORGUESTVM \x01\0\0\0BALL\x01", 23);
    table[9] = checksum(table, length);
}

static uint32_t fill_madt(unsigned char *madt, uint32_t vcpus)
{
    unsigned char *at = madt + MADT_ENTRIES;
    for (uint32_t i = 0; i < vcpus; i++, at += 8)
        put(at, 8, 0x0000000100000800 | i << 16 | i << 24); /* a processor: _UID, APIC id, enabled */
    put(at, 8, IOAPIC_BASE << 32 | 0x0c01);                 /* the IOAPIC, its first interrupt 0 */
    return (uint32_t)(at + 12 - madt);
}

/* The literal's closing zero is part of it. Answers its place. */
static unsigned char *add(unsigned char **end, const char *aml, size_t size)
{
    unsigned char *at = *end;
    __builtin_memcpy(at, aml, size);
    *end += size;
    return at;
}

static unsigned char *add_numbered(unsigned char **end, const char *aml, size_t size, uint32_t n)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char *at = add(end, aml, size);
    at[AML_DIGITS] = (unsigned char)digits[n >> 4];
    at[AML_DIGITS + 1] = (unsigned char)digits[n & 15];
    at[AML_UID] = (unsigned char)n;
    return at;
}

static uint32_t fill_dsdt(unsigned char *dsdt, uint32_t vcpus, uint32_t disks)
{
    unsigned char *end = dsdt + HEADER;
    add(&end, sleep, sizeof sleep);
    unsigned char *length = add(&end, scope, sizeof scope - 1) + SCOPE_LENGTH;
    for (uint32_t i = 0; i < vcpus; i++)
        add_numbered(&end, processor, sizeof processor, i);
    add(&end, serial, sizeof serial);
    for (uint32_t i = 0; i < disks; i++) {
        unsigned char *at = add_numbered(&end, disk, sizeof disk, i);
        put(at + AML_DISK_BASE, 4, VIRTIO_BASE + i * VIRTIO_STRIDE);
        put(at + AML_DISK_GSI, 4, VIRTIO_GSI + i);
    }
    uint32_t n = (uint32_t)(end - length);
    put(length, 2, 0x40 | (n & 15) | n >> 4 << 8);
    return (uint32_t)(end - dsdt);
}

void guest_acpi_build(unsigned char *bytes, uint32_t vcpus, uint32_t disks)
{
    if (vcpus > GUEST_ACPI_VCPUS)
        vcpus = GUEST_ACPI_VCPUS;
    if (disks > GUEST_ACPI_DISKS)
        disks = GUEST_ACPI_DISKS;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        put(bytes + fields[i].at, fields[i].size, fields[i].value);
    finish(bytes + XSDT, "XSDT", 1, XSDT_LENGTH);
    finish(bytes + FADT, "FACP", 6, FADT_LENGTH);
    finish(bytes + MADT, "APIC", 5, fill_madt(bytes + MADT, vcpus));
    finish(bytes + DSDT, "DSDT", 2, fill_dsdt(bytes + DSDT, vcpus, disks));
    __builtin_memcpy(bytes + RSDP, "RSD PTR \0MIRROR", 15);
    bytes[RSDP + 8] = checksum(bytes + RSDP, RSDP_OLD_LENGTH);
    bytes[RSDP + 32] = checksum(bytes + RSDP, RSDP_LENGTH);
}
