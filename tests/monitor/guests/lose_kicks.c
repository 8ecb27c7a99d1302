/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A machine that loses interrupts between its CPUs: the first eight, by which all of them begin, and every 16th never
 * arrive, as an emulated CPU may lose one now and then. Nobody may wait for it long. Linked with --wrap=cpu_kick.
 */
#include "monitor-core/x86/cpu.h"

void __real_cpu_kick(uint32_t cpu);
void __wrap_cpu_kick(uint32_t cpu);

void __wrap_cpu_kick(uint32_t cpu)
{
    enum { FIRST = 8, EVERY = 16 };
    static uint32_t sent;
    uint32_t n = __atomic_add_fetch(&sent, 1, __ATOMIC_RELAXED);
    if (n > FIRST && n % EVERY)
        __real_cpu_kick(cpu);
}
