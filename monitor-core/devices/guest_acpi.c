/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/devices/guest_acpi.h"

#include "monitor-core/devices/ioapic.h"
#include "monitor-core/devices/power.h"
#include "monitor-core/devices/uart.h"
#include "monitor-core/devices/virtio_block.h"

/* Offsets of the tables in the area. */
enum { RSDP = 0, XSDT = 0x40, FADT = 0x100, MADT = 0x400, DSDT = 0x1000 };
enum { HEADER = 36, RSDP_LENGTH = 36, RSDP_OLD_LENGTH = 20, FADT_LENGTH = 276, MADT_ENTRIES = 44 };
#define LOCAL_APIC UINT64_C(0xfee00000)

/* Writing grows upwards from `at`. */
struct writer {
    unsigned char *bytes;
    uint32_t at;
};

static void put(struct writer *w, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        w->bytes[w->at++] = (unsigned char)(value >> (8 * i));
}

static void text(struct writer *w, const char *s)
{
    while (*s)
        w->bytes[w->at++] = (unsigned char)*s++;
}

static unsigned char checksum(const unsigned char *bytes, uint32_t n)
{
    unsigned sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += bytes[i];
    return (unsigned char)-sum;
}

static struct writer begin(unsigned char *bytes, uint32_t at, const char *signature, unsigned revision)
{
    struct writer w = {bytes, at};
    text(&w, signature);
    put(&w, 4, 0); /* length: end() */
    put(&w, 1, revision);
    put(&w, 1, 0); /* checksum: end() */
    text(&w, "MIRRORGUESTVM ");
    put(&w, 4, 1);
    text(&w, "BALL");
    put(&w, 4, 1);
    return w;
}

static void end(struct writer *w, uint32_t start)
{
    enum { LENGTH = 4, CHECKSUM = 9 };
    struct writer length = {w->bytes, start + LENGTH};
    put(&length, 4, w->at - start);
    w->bytes[start + CHECKSUM] = checksum(w->bytes + start, w->at - start);
}

static void build_rsdp(unsigned char *bytes)
{
    enum { CHECKSUM = 8, EXTENDED_CHECKSUM = 32 };
    struct writer w = {bytes, RSDP};
    text(&w, "RSD PTR ");
    put(&w, 1, 0);
    text(&w, "MIRROR");
    put(&w, 1, 2);
    put(&w, 4, 0); /* no RSDT */
    put(&w, 4, RSDP_LENGTH);
    put(&w, 8, GUEST_ACPI_BASE + XSDT);
    bytes[RSDP + CHECKSUM] = checksum(bytes + RSDP, RSDP_OLD_LENGTH);
    bytes[RSDP + EXTENDED_CHECKSUM] = checksum(bytes + RSDP, RSDP_LENGTH);
}

static void build_xsdt(unsigned char *bytes)
{
    struct writer w = begin(bytes, XSDT, "XSDT", 1);
    put(&w, 8, GUEST_ACPI_BASE + FADT);
    put(&w, 8, GUEST_ACPI_BASE + MADT);
    end(&w, XSDT);
}

/* A generic address: one byte-wide port. */
static void put_port(unsigned char *bytes, uint32_t at, uint64_t port)
{
    enum { PORT_SPACE = 1, BITS = 8, BYTE_ACCESS = 1 };
    struct writer w = {bytes, at};
    put(&w, 1, PORT_SPACE);
    put(&w, 1, BITS);
    put(&w, 1, 0);
    put(&w, 1, BYTE_ACCESS);
    put(&w, 8, port);
}

/* Hardware-reduced: no fixed registers but those of sleep and reset, so all others stay zero; buttons are no fixed
 * hardware either. The boot flags keep drivers from probing for a VGA and a CMOS clock; that there is no keyboard
 * controller and no legacy device is said by flags that are absent. */
static void build_fadt(unsigned char *bytes)
{
    enum { OLD_DSDT = 40, BOOT_ARCH = 109, FLAGS = 112, RESET = 116, RESET_VALUE = 128, X_DSDT = 140 };
    enum { SLEEP_CONTROL = 244, SLEEP_STATUS = 256, C2_LATENCY = 96, C3_LATENCY = 98 };
    enum { NO_VGA = 1 << 2, NO_CMOS_CLOCK = 1 << 5, NO_C2 = 101, NO_C3 = 1001 };
    enum { WBINVD = 1, C1 = 1 << 2, NO_BUTTONS = 3 << 4, NO_RTC_WAKE = 1 << 6, HAS_RESET = 1 << 10, REDUCED = 1 << 20 };
    struct writer w = begin(bytes, FADT, "FACP", 6);
    put(&(struct writer){bytes, FADT + OLD_DSDT}, 4, GUEST_ACPI_BASE + DSDT);
    put(&(struct writer){bytes, FADT + C2_LATENCY}, 2, NO_C2);
    put(&(struct writer){bytes, FADT + C3_LATENCY}, 2, NO_C3);
    put(&(struct writer){bytes, FADT + BOOT_ARCH}, 2, NO_VGA | NO_CMOS_CLOCK);
    put(&(struct writer){bytes, FADT + FLAGS}, 4, WBINVD | C1 | NO_BUTTONS | NO_RTC_WAKE | HAS_RESET | REDUCED);
    put_port(bytes, FADT + RESET, POWER_BASE + POWER_RESET);
    bytes[FADT + RESET_VALUE] = POWER_RESET_VALUE;
    put(&(struct writer){bytes, FADT + X_DSDT}, 8, GUEST_ACPI_BASE + DSDT);
    put_port(bytes, FADT + SLEEP_CONTROL, POWER_BASE + POWER_SLEEP);
    put_port(bytes, FADT + SLEEP_STATUS, POWER_BASE + POWER_STATUS);
    w.at = FADT + FADT_LENGTH;
    end(&w, FADT);
}

static void build_madt(unsigned char *bytes, uint32_t vcpus)
{
    enum { PROCESSOR = 0, PROCESSOR_LENGTH = 8, ENABLED = 1, IO = 1, IO_LENGTH = 12 };
    struct writer w = begin(bytes, MADT, "APIC", 5);
    put(&w, 4, LOCAL_APIC);
    put(&w, 4, 0); /* no 8259s beside it */
    for (uint32_t i = 0; i < vcpus; i++) {
        put(&w, 1, PROCESSOR);
        put(&w, 1, PROCESSOR_LENGTH);
        put(&w, 1, i); /* _UID */
        put(&w, 1, i); /* APIC id */
        put(&w, 4, ENABLED);
    }
    put(&w, 1, IO);
    put(&w, 1, IO_LENGTH);
    put(&w, 2, 0); /* id, reserved */
    put(&w, 4, IOAPIC_BASE);
    put(&w, 4, 0); /* its first interrupt */
    end(&w, MADT);
}

/* AML. Lengths are always in the two-byte form, which reaches 4095 and can be filled in afterwards. */
enum { NAME = 0x08, BYTE = 0x0a, DWORD = 0x0c, STRING = 0x0d, SCOPE = 0x10, BUFFER = 0x11, PACKAGE = 0x12 };
enum { EXTENDED = 0x5b, DEVICE = 0x82, LENGTH_BYTES = 2 };
enum {
    RESOURCE_PORTS = 0x47,
    RESOURCE_IRQ = 0x23,
    RESOURCE_MEMORY = 0x86,
    RESOURCE_INTERRUPT = 0x89,
    RESOURCE_END = 0x79
};

static uint32_t open_length(struct writer *w)
{
    put(w, LENGTH_BYTES, 0);
    return w->at - LENGTH_BYTES;
}

static void close_length(struct writer *w, uint32_t at)
{
    uint32_t n = w->at - at;
    w->bytes[at] = (unsigned char)(0x40 | (n & 15));
    w->bytes[at + 1] = (unsigned char)(n >> 4);
}

static void put_name(struct writer *w, const char *name)
{
    put(w, 1, NAME);
    text(w, name);
}

static void put_byte(struct writer *w, uint32_t value)
{
    put(w, 1, BYTE);
    put(w, 1, value);
}

/* Two letters and two hexadecimal digits. */
static void put_numbered(struct writer *w, const char *letters, uint32_t n)
{
    static const char digits[] = "0123456789ABCDEF";
    text(w, letters);
    put(w, 1, (unsigned char)digits[n >> 4 & 15]);
    put(w, 1, (unsigned char)digits[n & 15]);
}

static uint32_t open_device(struct writer *w, const char *letters, uint32_t n)
{
    put(w, 1, EXTENDED);
    put(w, 1, DEVICE);
    uint32_t at = open_length(w);
    put_numbered(w, letters, n);
    return at;
}

static void put_hid(struct writer *w, const char *hid)
{
    put_name(w, "_HID");
    put(w, 1, STRING);
    text(w, hid);
    put(w, 1, 0);
}

static void put_uid(struct writer *w, uint32_t n)
{
    put_name(w, "_UID");
    put_byte(w, n);
}

/* A buffer of `size` bytes of resources, its end tag included, which the caller writes next. */
static uint32_t open_resources(struct writer *w, uint32_t size)
{
    put_name(w, "_CRS");
    put(w, 1, BUFFER);
    uint32_t at = open_length(w);
    put_byte(w, size);
    return at;
}

static void close_resources(struct writer *w, uint32_t at)
{
    put(w, 1, RESOURCE_END);
    put(w, 1, 0);
    close_length(w, at);
}

static void put_processor(struct writer *w, uint32_t n)
{
    uint32_t device = open_device(w, "CP", n);
    put_hid(w, "ACPI0007");
    put_uid(w, n);
    close_length(w, device);
}

static void put_serial(struct writer *w)
{
    enum { PNP0501 = 0x0105d041, DECODE_16 = 1, EDGE = 1, SIZE = 14 };
    uint32_t device = open_device(w, "CO", 1);
    put_name(w, "_HID");
    put(w, 1, DWORD);
    put(w, 4, PNP0501);
    put_uid(w, 1);
    uint32_t resources = open_resources(w, SIZE);
    put(w, 1, RESOURCE_PORTS);
    put(w, 1, DECODE_16);
    put(w, 2, UART_BASE);
    put(w, 2, UART_BASE);
    put(w, 1, 1);
    put(w, 1, UART_SIZE);
    put(w, 1, RESOURCE_IRQ);
    put(w, 2, 1 << UART_GSI);
    put(w, 1, EDGE);
    close_resources(w, resources);
    close_length(w, device);
}

static void put_disk(struct writer *w, uint32_t n)
{
    enum { WRITABLE = 1, MEMORY_LENGTH = 9, CONSUMER_EDGE = 3, INTERRUPT_LENGTH = 6, SIZE = 23 };
    uint32_t device = open_device(w, "VD", n);
    put_hid(w, "LNRO0005");
    put_uid(w, n);
    uint32_t resources = open_resources(w, SIZE);
    put(w, 1, RESOURCE_MEMORY);
    put(w, 2, MEMORY_LENGTH);
    put(w, 1, WRITABLE);
    put(w, 4, VIRTIO_BASE + n * VIRTIO_STRIDE);
    put(w, 4, VIRTIO_STRIDE);
    put(w, 1, RESOURCE_INTERRUPT);
    put(w, 2, INTERRUPT_LENGTH);
    put(w, 1, CONSUMER_EDGE);
    put(w, 1, 1);
    put(w, 4, VIRTIO_GSI + n);
    close_resources(w, resources);
    close_length(w, device);
}

static void put_sleep(struct writer *w)
{
    enum { ELEMENTS = 4 };
    put_name(w, "_S5_");
    put(w, 1, PACKAGE);
    uint32_t package = open_length(w);
    put(w, 1, ELEMENTS);
    put_byte(w, POWER_S5);
    for (unsigned i = 1; i < ELEMENTS; i++)
        put_byte(w, 0);
    close_length(w, package);
}

static void build_dsdt(unsigned char *bytes, uint32_t vcpus, uint32_t disks)
{
    struct writer w = begin(bytes, DSDT, "DSDT", 2);
    put_sleep(&w);
    put(&w, 1, SCOPE);
    uint32_t scope = open_length(&w);
    text(&w, "_SB_");
    for (uint32_t i = 0; i < vcpus; i++)
        put_processor(&w, i);
    put_serial(&w);
    for (uint32_t i = 0; i < disks; i++)
        put_disk(&w, i);
    close_length(&w, scope);
    end(&w, DSDT);
}

void guest_acpi_build(unsigned char *bytes, uint32_t vcpus, uint32_t disks)
{
    if (vcpus > GUEST_ACPI_VCPUS)
        vcpus = GUEST_ACPI_VCPUS;
    if (disks > GUEST_ACPI_DISKS)
        disks = GUEST_ACPI_DISKS;
    build_rsdp(bytes);
    build_xsdt(bytes);
    build_fadt(bytes);
    build_madt(bytes, vcpus);
    build_dsdt(bytes, vcpus, disks);
}
