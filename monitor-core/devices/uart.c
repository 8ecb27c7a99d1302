/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/devices/uart.h"

/* Registers by offset; 0 and 1 are the divisor while LCR's top bit is set. */
enum { DATA, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };

enum { IER_RECEIVE = 1, IER_TRANSMIT = 2, IER_BITS = 0x0f };
enum { IIR_NONE = 1, IIR_TRANSMIT = 2, IIR_RECEIVE = 4, IIR_FIFO = 0xc0 };
enum { FCR_ENABLE = 1, FCR_CLEAR_RECEIVE = 2 };
enum { LCR_DIVISOR = 0x80 };
enum { MCR_LOOP = 0x10, MCR_BITS = 0x1f };
enum { LSR_DATA = 1, LSR_EMPTY = 0x60 };
enum { MSR_CONNECTED = 0xb0 };

void uart_init(struct uart *u, const struct device_host *host)
{
    *u = (struct uart){.host = host, .divisor = {1}};
}

static void raise(const struct uart *u)
{
    u->host->interrupt(u->host->context, UART_GSI);
}

/* Recomputes the causes after anything that may have changed them. */
static void update(struct uart *u)
{
    bool empty = u->thre_pending && !u->sending;
    uint8_t causes = (uint8_t)((u->count ? IER_RECEIVE : 0) | (empty ? IER_TRANSMIT : 0));
    causes &= u->reg[IER];
    bool edge = causes && (!u->causes || u->causes & ~causes);
    u->causes = causes;
    if (edge)
        raise(u);
}

static void take(struct uart *u, uint8_t byte)
{
    if (u->count < UART_FIFO)
        u->fifo[(u->head + u->count++) % UART_FIFO] = byte;
}

static uint8_t read_data(struct uart *u)
{
    if (!u->count)
        return 0;
    uint8_t byte = u->fifo[u->head];
    u->head = (u->head + 1) % UART_FIFO;
    u->count--;
    update(u);
    return byte;
}

/* Reading the transmitter's interrupt is what takes note of it; reading that there is nothing is what ends sending. */
static uint8_t read_iir(struct uart *u)
{
    uint8_t fifo = u->reg[IIR_FCR] ? IIR_FIFO : 0;
    if (u->causes & IER_RECEIVE)
        return fifo | IIR_RECEIVE;
    bool empty = u->causes & IER_TRANSMIT;
    if (empty)
        u->thre_pending = false;
    else
        u->sending = false;
    u->bursts = empty ? (uint8_t)(u->bursts + (u->bursts < UART_BURSTS)) : 0;
    update(u);
    return fifo | (empty ? IIR_TRANSMIT : IIR_NONE);
}

/* In loopback DTR, RTS, OUT1 and OUT2 arrive as DSR, CTS, RI and DCD. */
static uint8_t read_msr(const struct uart *u)
{
    unsigned mcr = u->reg[MCR];
    if (!(mcr & MCR_LOOP))
        return MSR_CONNECTED;
    return (uint8_t)((mcr & 1) << 5 | (mcr & 2) << 3 | (mcr & 12) << 4);
}

static bool is_divisor(const struct uart *u, unsigned offset)
{
    return offset < sizeof u->divisor && u->reg[LCR] & LCR_DIVISOR;
}

static uint8_t read_byte(struct uart *u, unsigned offset)
{
    if (is_divisor(u, offset))
        return u->divisor[offset];
    switch (offset) {
    case DATA:
        return read_data(u);
    case IIR_FCR:
        return read_iir(u);
    case LSR:
        return LSR_EMPTY | (u->count ? LSR_DATA : 0);
    case MSR:
        return read_msr(u);
    default:
        return u->reg[offset];
    }
}

/* The byte is gone by the time the guest looks: writing clears the transmitter's interrupt and raises it again. Where
 * that waits for the handler's next look, the edge here is for one that does not look again. */
static void write_data(struct uart *u, uint8_t byte)
{
    bool waits = u->bursts == UART_BURSTS;
    if (u->reg[MCR] & MCR_LOOP)
        take(u, byte);
    else
        u->host->put(u->host->context, byte);
    if (waits && !u->sending && u->reg[IER] & IER_TRANSMIT)
        raise(u);
    u->thre_pending = true;
    u->sending = waits;
    update(u);
}

/* Enabling the transmitter's interrupt while it is empty raises it; drivers start their output with that. */
static void write_ier(struct uart *u, uint8_t value)
{
    if (value & ~u->reg[IER] & IER_TRANSMIT) {
        u->thre_pending = true;
        u->sending = false;
    }
    u->reg[IER] = value & IER_BITS;
    update(u);
}

static void write_fcr(struct uart *u, uint8_t value)
{
    bool switched = (value ^ u->reg[IIR_FCR]) & FCR_ENABLE;
    u->reg[IIR_FCR] = value & FCR_ENABLE;
    if (switched || value & FCR_CLEAR_RECEIVE)
        u->count = 0;
    update(u);
}

/* What is stored at the offsets of LSR and MSR is never read. */
static void write_byte(struct uart *u, unsigned offset, uint8_t value)
{
    if (is_divisor(u, offset))
        u->divisor[offset] = value;
    else if (offset == DATA)
        write_data(u, value);
    else if (offset == IER)
        write_ier(u, value);
    else if (offset == IIR_FCR)
        write_fcr(u, value);
    else
        u->reg[offset] = offset == MCR ? value & MCR_BITS : value;
}

uint64_t uart_read(void *uart, uint64_t offset, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)read_byte(uart, (unsigned)(offset + i) % UART_SIZE) << (8 * i);
    return value;
}

void uart_write(void *uart, uint64_t offset, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        write_byte(uart, (unsigned)(offset + i) % UART_SIZE, (uint8_t)(value >> (8 * i)));
}

/* In loopback the receiver is cut off from the line. */
void uart_feed(struct uart *u, const uint8_t *bytes, uint32_t n)
{
    for (uint32_t i = 0; i < n && !(u->reg[MCR] & MCR_LOOP); i++)
        take(u, bytes[i]);
    update(u);
}
