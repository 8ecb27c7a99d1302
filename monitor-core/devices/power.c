/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/devices/power.h"

enum { SLEEP_ENABLE = 0x20, SLEEP_TYPE_SHIFT = 2, SLEEP_TYPE_MASK = 7 };

/* The VM stops at the first byte that says so, whatever else is in the same access. */
void power_write(void *host, uint64_t offset, unsigned size, uint64_t value)
{
    const struct device_host *h = host;
    bool off = false, reset = false;
    for (const uint64_t end = offset + size; offset < end && !off && !reset; offset++, value >>= 8) {
        bool s5 = (value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == POWER_S5;
        off = offset == POWER_SLEEP && value & SLEEP_ENABLE && s5;
        reset = offset == POWER_RESET && (uint8_t)value == POWER_RESET_VALUE;
    }
    if (off || reset)
        h->end(h->context, reset);
}
