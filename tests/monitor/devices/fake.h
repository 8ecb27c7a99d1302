/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A monitor for devices under test: memory with the PC's hole, and a count of edges per line.
 */
#ifndef TESTS_MONITOR_DEVICES_FAKE_H
#define TESTS_MONITOR_DEVICES_FAKE_H

#include "monitor-core/devices/bus.h"

enum { FAKE_LINES = 32 };

struct fake {
    struct device_host host;
    unsigned char *ram; /* guest physical 0 on */
    uint64_t size;
    unsigned edges[FAKE_LINES];
    unsigned long writes; /* how often memory was written */
};

/* `size` bytes of zeroed memory (none: 0), to be freed by fake_free. host points to itself as context. */
void fake_init(struct fake *, uint64_t size);
void fake_free(struct fake *);

/* Little-endian. */
uint64_t fake_get(const unsigned char *bytes, unsigned size);
void fake_put(unsigned char *bytes, unsigned size, uint64_t value);

#endif
