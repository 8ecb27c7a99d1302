/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A 16550A at ports 0x3f8..0x3ff, GSI 4 (National Semiconductor PC16550D data sheet): FIFOs, THRE and receive
 * interrupts, loopback. Output goes out at once through `put`, so the transmitter is always empty; input comes through
 * uart_feed. There is no line to fail: no break, parity, framing or overrun errors, and the modem's lines never change
 * (carrier, data set and clear-to-send are on), so of the causes of interrupts only two exist. A wide access is so many
 * accesses of a byte, as on the ISA bus.
 *
 * An interrupt is an edge: raised when a first cause appears, and again when one cause goes and another stays, so that
 * a handler that serves one cause at a time misses none. A handler that loops until there is nothing more is told so
 * after UART_BURSTS rounds of output, as if sending took time, and interrupted again: else it would go on as long as
 * others write, with all interrupts off.
 */
#ifndef MONITOR_CORE_DEVICES_UART_H
#define MONITOR_CORE_DEVICES_UART_H

#include "monitor-core/devices/bus.h"

enum { UART_BASE = 0x3f8, UART_SIZE = 8, UART_GSI = 4, UART_FIFO = 256, UART_BURSTS = 8 };

struct uart {
    const struct device_host *host;
    uint8_t reg[UART_SIZE]; /* as written, by offset: IER, FCR, LCR, MCR, SCR */
    uint8_t divisor[2];
    bool thre_pending; /* the transmitter-empty interrupt has not been taken note of */
    uint8_t bursts;    /* how often in a row it has been, up to UART_BURSTS */
    bool sending;      /* too often, and then written: it is shown as pending only after the next look */
    uint8_t causes;    /* enabled causes at the last look, as bits of IER; not 0: the interrupt line is high */
    uint8_t fifo[UART_FIFO];
    uint32_t head, count;
};

void uart_init(struct uart *, const struct device_host *);
uint64_t uart_read(void *uart, uint64_t offset, unsigned size);
void uart_write(void *uart, uint64_t offset, unsigned size, uint64_t value);

/* Bytes from the line. As much as there is room for; the rest is lost. */
void uart_feed(struct uart *, const uint8_t *bytes, uint32_t n);

#endif
