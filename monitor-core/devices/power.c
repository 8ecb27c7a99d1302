/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/devices/power.h"

enum { SLEEP_ENABLE = 0x20, SLEEP_TYPE_SHIFT = 2, SLEEP_TYPE_MASK = 7, STATUS_WAKE = 0x80 };
enum { KEYBOARD_RESET = 0xfe, CF9_RESET_CPU = 4 };

void power_init(struct power *p, void *context, void (*off)(void *), void (*reset)(void *))
{
    *p = (struct power){.context = context, .off = off, .reset = reset};
}

/* Only the status register reads as anything: the others can only be written. */
uint64_t power_read(void *power, uint64_t offset, unsigned size)
{
    const struct power *p = power;
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        if (offset + i == POWER_STATUS)
            value |= (uint64_t)p->status << (8 * i);
    return value;
}

/* True: the VM stops here, whatever else is in the same access. */
static bool write_byte(struct power *p, uint64_t offset, uint8_t value)
{
    if (offset == POWER_STATUS)
        p->status &= (uint8_t) ~(value & STATUS_WAKE);
    if (offset == POWER_SLEEP && value & SLEEP_ENABLE && (value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == POWER_S5) {
        p->off(p->context);
        return true;
    }
    if (offset == POWER_RESET && value == POWER_RESET_VALUE) {
        p->reset(p->context);
        return true;
    }
    return false;
}

void power_write(void *power, uint64_t offset, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        if (write_byte(power, offset + i, (uint8_t)(value >> (8 * i))))
            return;
}

uint64_t power_keyboard_read(void *power, uint64_t offset, unsigned size)
{
    (void)power, (void)offset, (void)size;
    return 0;
}

void power_keyboard_write(void *power, uint64_t offset, unsigned size, uint64_t value)
{
    struct power *p = power;
    (void)size;
    if (offset == 0 && (uint8_t)value == KEYBOARD_RESET)
        p->reset(p->context);
}

void power_cf9_write(void *power, uint64_t offset, unsigned size, uint64_t value)
{
    struct power *p = power;
    (void)size;
    if (offset == 0 && value & CF9_RESET_CPU)
        p->reset(p->context);
}
