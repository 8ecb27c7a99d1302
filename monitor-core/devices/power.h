/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Power-off and reset of a VM: the sleep control, sleep status and reset registers of hardware-reduced ACPI (ACPI 6.4,
 * 4.8.3.7 and 4.8.3.6), at four ports of our choosing that the guest's FADT names. There is no other way: no keyboard
 * controller, no reset control at 0xcf9. A VM never sleeps, so the status is 0 always.
 */
#ifndef MONITOR_CORE_DEVICES_POWER_H
#define MONITOR_CORE_DEVICES_POWER_H

#include "monitor-core/devices/bus.h"

enum {
    POWER_BASE = 0x600,
    POWER_SIZE = 4,
    POWER_SLEEP = 0,
    POWER_STATUS = 1,
    POWER_RESET = 2,
    POWER_S5 = 5,
    POWER_RESET_VALUE = 0x42
};

/* The device has no state: it is the VM's struct device_host, and reads as 0. */
void power_write(void *host, uint64_t offset, unsigned size, uint64_t value);

#endif
