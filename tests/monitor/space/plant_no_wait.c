/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A planted fault: a shootdown interrupts nobody and waits for nobody. A CPU that is in a guest goes on with the old
 * translations until it leaves it for another reason.
 */
#include "monitor-core/x86/shootdown.h"

void __real_shootdown(uint32_t vms);
void __wrap_shootdown(uint32_t vms);

void __wrap_shootdown(uint32_t vms)
{
    (void)vms;
    __real_shootdown(0);
}
