/* SPDX-License-Identifier: BSD-2-Clause
 *
 * I/O ports: port_out8(port, value), port_in8(port), and the same of 16 and 32 bits.
 */
#ifndef MONITOR_CORE_X86_PORT_H
#define MONITOR_CORE_X86_PORT_H

#include <stdint.h>

#define PORT_OF(bits)                                                      \
    static inline void port_out##bits(uint16_t port, uint##bits##_t value) \
    {                                                                      \
        __asm__ volatile("out %0, %1" : : "a"(value), "Nd"(port));         \
    }                                                                      \
    static inline uint##bits##_t port_in##bits(uint16_t port)              \
    {                                                                      \
        uint##bits##_t value;                                              \
        __asm__ volatile("in %1, %0" : "=a"(value) : "Nd"(port));          \
        return value;                                                      \
    }
PORT_OF(8)
PORT_OF(16)
PORT_OF(32)
#undef PORT_OF

#endif
