/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A 16550A at ports 0x3f8..0x3ff, GSI 4 (National Semiconductor PC16550D data sheet): FIFOs, THRE and receive
 * interrupts, loopback. Output goes out at once through `put`; input comes through uart_feed.
 */
#ifndef MONITOR_CORE_DEVICES_UART_H
#define MONITOR_CORE_DEVICES_UART_H

#include "monitor-core/devices/bus.h"

enum { UART_BASE = 0x3f8, UART_SIZE = 8, UART_GSI = 4, UART_FIFO = 64 };

struct uart {
    const struct device_host *host;
    void (*put)(void *context, uint8_t byte);
    void *put_context;
    uint8_t ier, lcr, mcr, scr, fcr, dll, dlm;
    bool thre_pending; /* the transmitter-empty interrupt has not been taken note of */
    bool line;         /* the interrupt line's level */
    uint8_t fifo[UART_FIFO];
    uint32_t head, count;
    uint64_t lost; /* bytes of input that found no room */
};

void uart_init(struct uart *, const struct device_host *, void (*put)(void *, uint8_t), void *context);
uint64_t uart_read(void *uart, uint64_t offset, unsigned size);
void uart_write(void *uart, uint64_t offset, unsigned size, uint64_t value);
void uart_feed(struct uart *, const uint8_t *bytes, uint32_t n); /* as much as there is room for; the rest is lost */

#endif
