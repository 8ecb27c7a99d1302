/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/devices/power.h"

enum { SLEEP_ENABLE = 0x20, SLEEP_TYPE_SHIFT = 2, SLEEP_TYPE_MASK = 7 };

uint64_t power_read(void *power, uint64_t offset, unsigned size)
{
    (void)power, (void)offset, (void)size;
    return 0;
}

/* The VM stops at the first byte that says so, whatever else is in the same access. */
void power_write(void *power, uint64_t offset, unsigned size, uint64_t value)
{
    const struct power *p = power;
    for (const uint64_t end = offset + size; offset < end; offset++, value >>= 8) {
        bool s5 = (value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == POWER_S5;
        if (offset == POWER_SLEEP && value & SLEEP_ENABLE && s5) {
            p->off(p->context);
            return;
        }
        if (offset == POWER_RESET && (uint8_t)value == POWER_RESET_VALUE) {
            p->reset(p->context);
            return;
        }
    }
}
