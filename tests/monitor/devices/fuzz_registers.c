/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "monitor-core/devices/ioapic.h"
#include "monitor-core/devices/power.h"
#include "monitor-core/devices/uart.h"
#include "tests/monitor/devices/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(void *context, uint8_t byte)
{
    (void)context, (void)byte;
}

static void end(void *context, bool restart)
{
    (void)context, (void)restart;
}

static void deliver(void *context, uint64_t message)
{
    unsigned mode = message >> 8 & 7, vector = message & 255;
    bool level = message >> 15 & 1;
    (void)context;
    if (message >> 40 || message & UINT64_C(0xffff7000) || (mode != 0 && mode != 1 && mode != 4) ||
        (mode != 4 && vector < 16) || (mode == 4 && level))
        abort();
}

static struct uart uart;
static struct ioapic ioapic;

/* The serial port's interrupt goes through the IOAPIC, as in a VM. */
static void raise(void *context, uint32_t gsi)
{
    (void)context;
    ioapic_raise(&ioapic, gsi);
}

static void check(void)
{
    if (uart.count > UART_FIFO || uart.head >= UART_FIFO || uart.causes & ~uart.reg[1] || uart.reg[1] > 15)
        abort();
    for (unsigned i = 0; i < IOAPIC_LINES; i++)
        if (ioapic.entry[i] & UINT64_C(0x00fffffffffe1000) || (ioapic.entry[i] >> 14 & 3) == 1)
            abort(); /* reserved bits; remote IRR of an edge */
}

/* 12 bytes per step: what, size, offset, value. */
static void step(const struct bus *ports, const struct bus *memory, const uint8_t *d)
{
    unsigned width = 1u << (d[1] & 3);
    uint64_t value = fake_get(d + 4, 8);
    switch (d[0] % 6) {
    case 0:
        bus_write(ports, (d[2] & 1 ? POWER_BASE : UART_BASE) + d[3] % 10, width & 7, value);
        break;
    case 1:
        bus_read(ports, (d[2] & 1 ? POWER_BASE : UART_BASE) + d[3] % 10, width & 7);
        break;
    case 2:
        bus_write(memory, IOAPIC_BASE + (d[3] & 0x3f), width, value);
        break;
    case 3:
        bus_read(memory, IOAPIC_BASE + (d[3] & 0x3f), width);
        break;
    case 4:
        uart_feed(&uart, d + 4, d[3] % 9);
        break;
    default:
        ioapic_raise(&ioapic, d[3]);
        ioapic_end(&ioapic, d[4]);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct device_host host = {.interrupt = raise, .deliver = deliver, .put = put, .end = end};
    struct bus ports = {.n = 0}, memory = {.n = 0};
    uart_init(&uart, &host);
    ioapic_init(&ioapic, &host);
    bus_add(&ports, UART_BASE, UART_SIZE, &uart, uart_read, uart_write);
    bus_add(&ports, POWER_BASE, POWER_SIZE, &host, NULL, power_write);
    bus_add(&memory, IOAPIC_BASE, IOAPIC_SIZE, &ioapic, ioapic_read, ioapic_write);
    for (; size >= 12; size -= 12, data += 12) {
        step(&ports, &memory, data);
        check();
    }
    return 0;
}
