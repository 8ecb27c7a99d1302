/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Power off (ACPI 6.4, 4.8.3 and 7.4.2).
 */
#include "monitor-core/x86/start.h"

enum { SCI_ENABLED = 1, SLEEP_ENABLE = 1 << 13, SLEEP_TYPE = 10 };

static struct acpi_power power;

void off_remember(const struct acpi_power *p)
{
    power = *p;
}

/* The sleep registers are the operating system's only once the firmware has given them over. */
static void leave_legacy_mode(void)
{
    if (port_in16(power.pm1a) & SCI_ENABLED || !power.command || !power.enable)
        return;
    port_out8(power.command, power.enable);
    for (unsigned i = 0; i < 1000000 && !(port_in16(power.pm1a) & SCI_ENABLED); i++)
        __builtin_ia32_pause();
}

static uint16_t sleep_word(uint16_t port, uint8_t type)
{
    return (uint16_t)((port_in16(port) & ~(7 << SLEEP_TYPE)) | (type & 7) << SLEEP_TYPE | SLEEP_ENABLE);
}

void machine_off(void)
{
    serial_drain();
    if (power.possible) {
        leave_legacy_mode();
        port_out16(power.pm1a, sleep_word(power.pm1a, power.type_a));
        if (power.pm1b)
            port_out16(power.pm1b, sleep_word(power.pm1b, power.type_b));
    }
    panic_halt();
}
