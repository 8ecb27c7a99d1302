/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/guests/fuzz.h"

enum { VIRTIO = 0xd0000000, IOAPIC = 0xfec00000 };

/* Any but those that end or reset the VM (0x64, 0x600..0x603, 0xcf9). */
static uint16_t any_port(void)
{
    static const uint16_t known[] = {0x20, 0x21,  0x40,  0x43,  0x60,  0x61,  0x70,   0x71,  0x80,
                                     0xa0, 0x3f8, 0x402, 0xcf8, 0xcfc, 0x604, 0xb004, 0x2f8, 0x3fd};
    for (;;) {
        uint16_t port = (uint16_t)(fuzz_below(2) ? known[fuzz_below(sizeof known / 2)] + fuzz_below(4) : fuzz_odd());
        if ((port < 0x5fd || port > 0x603) && (port < 0x61 || port > 0x64) && (port < 0xcf6 || port > 0xcf9))
            return port;
    }
}

void fuzz_port(void)
{
    uint16_t port = any_port();
    uint32_t value = (uint32_t)fuzz_odd();
    switch (fuzz_below(6)) {
    case 0:
        __asm__ volatile("inb %1, %b0" : "+a"(value) : "d"(port));
        break;
    case 1:
        __asm__ volatile("inw %1, %w0" : "+a"(value) : "d"(port));
        break;
    case 2:
        __asm__ volatile("inl %1, %0" : "+a"(value) : "d"(port));
        break;
    case 3:
        __asm__ volatile("outb %b0, %1" : : "a"(value), "d"(port));
        break;
    case 4:
        __asm__ volatile("outw %w0, %1" : : "a"(value), "d"(port));
        break;
    default:
        __asm__ volatile("outl %0, %1" : : "a"(value), "d"(port));
    }
}

/* Where the bytes go to or come from may be no memory. */
void fuzz_string_port(void)
{
    uint16_t port = any_port();
    volatile void *at = fuzz_window((unsigned)fuzz_below(511), fuzz_address());
    uint64_t count = fuzz_below(3) ? fuzz_below(20) : fuzz_below(4096);
    if (port >= 0x3f0 && port < 0x400)
        count = 1;
    switch (fuzz_below(5)) {
    case 0:
        __asm__ volatile("rep insb" : "+D"(at), "+c"(count) : "d"(port) : "memory");
        break;
    case 1:
        __asm__ volatile("rep insl" : "+D"(at), "+c"(count) : "d"(port) : "memory");
        break;
    case 2:
        __asm__ volatile("rep outsb" : "+S"(at), "+c"(count) : "d"(port) : "memory");
        break;
    case 3:
        __asm__ volatile("std\n\trep outsw\n\tcld" : "+S"(at), "+c"(count) : "d"(port) : "memory");
        break;
    default:
        __asm__ volatile("insw" : "+D"(at) : "d"(port) : "memory");
    }
}

/* The moves that drivers use, at any address. */
void fuzz_mmio(void)
{
    uint64_t value = fuzz_odd(), gpa = fuzz_below(3) ? fuzz_address() : VIRTIO + fuzz_below(0x4000);
    volatile void *at = fuzz_window((unsigned)fuzz_below(511), gpa & ~(fuzz_below(4) ? UINT64_C(7) : 0));
    switch (fuzz_below(12)) {
    case 0:
        __asm__ volatile("movb (%1), %b0" : "=r"(value) : "r"(at));
        break;
    case 1:
        __asm__ volatile("movw (%1), %w0" : "=r"(value) : "r"(at));
        break;
    case 2:
        __asm__ volatile("movl (%1), %k0" : "=r"(value) : "r"(at));
        break;
    case 3:
        __asm__ volatile("movq (%1), %0" : "=r"(value) : "r"(at));
        break;
    case 4:
        __asm__ volatile("movb %b0, (%1)" : : "r"(value), "r"(at) : "memory");
        break;
    case 5:
        __asm__ volatile("movw %w0, (%1)" : : "r"(value), "r"(at) : "memory");
        break;
    case 6:
        __asm__ volatile("movl %k0, (%1)" : : "r"(value), "r"(at) : "memory");
        break;
    case 7:
        __asm__ volatile("movq %0, (%1)" : : "r"(value), "r"(at) : "memory");
        break;
    case 8:
        __asm__ volatile("movzbl (%1), %k0" : "=r"(value) : "r"(at));
        break;
    case 9:
        __asm__ volatile("movzwl (%1), %k0" : "=r"(value) : "r"(at));
        break;
    case 10:
        __asm__ volatile("movl $0x12345678, (%0)" : : "r"(at) : "memory");
        break;
    default:
        __asm__ volatile("movl 8(%1, %2, 4), %k0" : "=r"(value) : "r"(at), "r"(fuzz_below(8)));
    }
}

static void write32(uint64_t gpa, uint32_t value)
{
    *(volatile uint32_t *)fuzz_window(511, gpa) = value;
}

static uint32_t read32(uint64_t gpa)
{
    return *(volatile uint32_t *)fuzz_window(511, gpa);
}

void fuzz_ioapic(void)
{
    write32(IOAPIC, (uint32_t)fuzz_below(80));
    if (fuzz_below(3))
        write32(IOAPIC + 0x10, (uint32_t)fuzz_odd());
    else
        read32(IOAPIC + 0x10);
    write32(IOAPIC + (uint32_t)fuzz_below(0x1000 / 4) * 4, (uint32_t)fuzz_odd());
    __asm__ volatile("sti\n\tnop\n\tnop\n\tcli");
}

void fuzz_serial(void)
{
    for (int i = 0; i < 8; i++) {
        uint16_t at = (uint16_t)(1 + fuzz_below(7));
        if (fuzz_below(2))
            fuzz_in((uint16_t)(0x3f8 + at));
        else
            fuzz_out((uint16_t)(0x3f8 + at), (uint8_t)fuzz_random());
    }
    __asm__ volatile("sti\n\tnop\n\tnop\n\tcli");
}

/* Registers in no order that makes sense. */
void fuzz_virtio(void)
{
    uint64_t base = VIRTIO + fuzz_below(2) * 0x1000;
    for (int i = 0; i < 6; i++) {
        uint64_t at = base + (fuzz_below(8) ? fuzz_below(0x110 / 4) * 4 : fuzz_below(0x1000));
        if (fuzz_below(2))
            write32(at & ~UINT64_C(3), (uint32_t)fuzz_odd());
        else
            read32(at & ~UINT64_C(3));
    }
}

enum {
    QUEUE = 16,
    R_DEVICE_FEATURES_SELECT = 0x14,
    R_DRIVER_FEATURES = 0x20,
    R_DRIVER_FEATURES_SELECT = 0x24,
    R_QUEUE_SELECT = 0x30,
    R_QUEUE_SIZE = 0x38,
    R_QUEUE_READY = 0x44,
    R_NOTIFY = 0x50,
    R_STATUS = 0x70,
    R_DESCRIPTORS = 0x80,
    R_AVAILABLE = 0x90,
    R_USED = 0xa0
};

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

static uint64_t ring_place(uint64_t usual)
{
    return fuzz_below(8) ? usual : fuzz_address();
}

/* Chains that loop, lengths that lie, buffers in devices and beyond the end. */
static void fill_queue(uint64_t base)
{
    volatile struct descriptor *d = (volatile struct descriptor *)base;
    volatile uint16_t *available = (volatile uint16_t *)(base + 0x1000);
    volatile uint32_t *header = (volatile uint32_t *)(base + 0x3000);
    for (unsigned i = 0; i < QUEUE; i++) {
        d[i].address = fuzz_below(3) ? base + 0x3000 + fuzz_below(0x4000) : fuzz_address();
        d[i].length = (uint32_t)(fuzz_below(3) ? 512 * fuzz_below(16) : fuzz_odd());
        d[i].flags = (uint16_t)(fuzz_below(3) ? fuzz_below(4) : fuzz_odd());
        d[i].next = (uint16_t)(fuzz_below(4) ? (i + 1) % QUEUE : fuzz_odd());
        available[2 + i] = (uint16_t)(fuzz_below(8) ? i : fuzz_odd());
    }
    if (fuzz_below(2)) { /* one that begins as it should */
        d[0].address = base + 0x3000;
        d[0].length = 16;
        d[0].flags = 1;
        d[0].next = 1;
        header[0] = (uint32_t)fuzz_below(12);
        header[2] = (uint32_t)fuzz_below(1 << 16);
        header[3] = fuzz_below(4) ? 0 : (uint32_t)fuzz_odd();
    }
    available[0] = 0;
    available[1] = (uint16_t)(available[1] + (fuzz_below(4) ? fuzz_below(QUEUE) : fuzz_odd()));
}

void fuzz_ring(void)
{
    uint64_t base = FUZZ_SCRATCH + fuzz_below(64) * 0x10000, device = VIRTIO + fuzz_below(2) * 0x1000;
    uint64_t place[3] = {ring_place(base), ring_place(base + 0x1000), ring_place(base + 0x2000)};
    fill_queue(base);
    write32(device + R_STATUS, 0);
    write32(device + R_STATUS, 3);
    write32(device + R_DEVICE_FEATURES_SELECT, 1);
    write32(device + R_DRIVER_FEATURES_SELECT, 1);
    write32(device + R_DRIVER_FEATURES, 1);
    write32(device + R_STATUS, 11);
    write32(device + R_QUEUE_SELECT, (uint32_t)(fuzz_below(8) ? 0 : fuzz_odd()));
    write32(device + R_QUEUE_SIZE, (uint32_t)(fuzz_below(8) ? QUEUE : fuzz_odd()));
    for (unsigned i = 0; i < 3; i++) {
        uint64_t at = device + (i == 0 ? R_DESCRIPTORS : i == 1 ? R_AVAILABLE : R_USED);
        write32(at, (uint32_t)place[i]);
        write32(at + 4, (uint32_t)(place[i] >> 32));
    }
    write32(device + R_QUEUE_READY, 1);
    write32(device + R_STATUS, 15);
    write32(device + R_NOTIFY, (uint32_t)(fuzz_below(8) ? 0 : fuzz_odd()));
    if (fuzz_below(2))
        write32(device + R_NOTIFY, 0);
}
