/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/start.h"

enum { DATA = 0, ENABLE = 1, FIFO = 2, LINE = 3, MODEM = 4, STATUS = 5 };
enum { STATUS_RECEIVED = 1, STATUS_ROOM = 0x20, STATUS_EMPTY = 0x40, FIFO_BYTES = 16 };

static const uint16_t port_base[2] = {0x3f8, 0x2f8};

void serial_start(void)
{
    for (unsigned i = 0; i < 2; i++) {
        uint16_t base = port_base[i];
        port_out8((uint16_t)(base + ENABLE), 0);
        port_out8((uint16_t)(base + LINE), 0x80); /* the next two are the divisor */
        port_out8((uint16_t)(base + DATA), 1);    /* 115200 baud */
        port_out8((uint16_t)(base + ENABLE), 0);
        port_out8((uint16_t)(base + LINE), 3); /* 8 bits, no parity, 1 stop bit */
        port_out8((uint16_t)(base + FIFO), 0xc7);
        port_out8((uint16_t)(base + MODEM), 3);
    }
}

/* A port that is not there reads all ones: it has room for ever. One that nobody reads is waited for once, for about
 * half a minute (a read takes a microsecond), and then loses what it gets until it has room again. */
static void wait_for(unsigned port, uint8_t bit)
{
    static bool unread[2];
    uint32_t patience = unread[port] ? 1 : 1 << 25;
    while (!(port_in8((uint16_t)(port_base[port] + STATUS)) & bit) && --patience)
        __builtin_ia32_pause();
    unread[port] = !patience;
}

void serial_put(unsigned port, const void *bytes, size_t n)
{
    const unsigned char *next = bytes;
    uint16_t base = port_base[port & 1];
    for (size_t i = 0; i < n; i++) {
        if (i % FIFO_BYTES == 0)
            wait_for(port & 1, STATUS_ROOM);
        port_out8((uint16_t)(base + DATA), next[i]);
    }
}

int serial_get(unsigned port)
{
    uint16_t base = port_base[port & 1];
    uint8_t status = port_in8((uint16_t)(base + STATUS));
    if (status == 0xff || !(status & STATUS_RECEIVED))
        return -1;
    return port_in8((uint16_t)(base + DATA));
}

void serial_drain(void)
{
    wait_for(0, STATUS_EMPTY);
    wait_for(1, STATUS_EMPTY);
}
