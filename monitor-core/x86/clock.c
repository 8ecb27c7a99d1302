/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Time from the invariant TSC, whose frequency is measured against the ACPI timer: AMD's CPUID does not tell it.
 */
#include "monitor-core/x86/start.h"

enum { PM_HZ = 3579545, PM_MASK = 0xffffff };

static uint64_t start, scale; /* ns per tick, 32 bits after the point */

/* Both clocks at one moment, as nearly as a few tries allow: an interruption below us between the reads would count. */
static void read_pair(uint16_t port, uint64_t *tsc, uint32_t *timer)
{
    uint64_t best = UINT64_MAX;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t before = cpu_tsc();
        uint32_t t = port_in32(port);
        uint64_t took = cpu_tsc() - before;
        if (took >= best)
            continue;
        best = took;
        *tsc = before + took / 2;
        *timer = t;
    }
}

void clock_start(uint16_t pm_timer)
{
    uint64_t from = 0, to = 0, counted;
    uint32_t first = 0, last = 0;
    if (!pm_timer)
        panic("the firmware names no ACPI timer to measure the time stamp counter by");
    read_pair(pm_timer, &from, &first);
    do {
        read_pair(pm_timer, &to, &last);
        counted = (last - first) & PM_MASK;
    } while (counted < PM_HZ / 20 && to - from < UINT64_C(1) << 33);
    uint64_t khz = counted ? (to - from) * PM_HZ / counted / 1000 : 0;
    if (counted < PM_HZ / 20 || khz < 1000)
        panic("the ACPI timer at port %x does not count; the time stamp counter cannot be measured", pm_timer);
    machine_x86.tsc_khz = khz;
    scale = (UINT64_C(1000000) << 32) / khz;
    start = cpu_tsc();
}

uint64_t cpu_now(void)
{
    return (uint64_t)((unsigned __int128)(cpu_tsc() - start) * scale >> 32);
}

void clock_wait(uint64_t ns)
{
    uint64_t end = cpu_now() + ns;
    while (cpu_now() < end)
        __builtin_ia32_pause();
}
