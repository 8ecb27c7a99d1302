/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Time from the invariant TSC, whose frequency is measured against the ACPI timer: AMD's CPUID does not tell it.
 */
#include "monitor-core/x86/start.h"

enum { PM_HZ = 3579545, PM_MASK = 0xffffff };

static uint64_t start, scale; /* ns per tick, 32 bits after the point */
static uint16_t timer_port;

/* Both at one moment, as nearly as a few tries allow: an interruption below us between the reads would count. */
static void read_pair(uint32_t (*read)(void), uint64_t *tsc, uint32_t *count)
{
    uint64_t best = UINT64_MAX;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t before = cpu_tsc();
        uint32_t now = read();
        uint64_t took = cpu_tsc() - before;
        if (took >= best)
            continue;
        best = took;
        *tsc = before + took / 2;
        *count = now;
    }
}

uint64_t clock_compare(uint32_t (*read)(void), uint32_t mask, uint32_t least, uint64_t *ticks)
{
    uint64_t from = 0, to = 0, counted;
    uint32_t first = 0, last = 0;
    read_pair(read, &from, &first);
    do {
        read_pair(read, &to, &last);
        counted = (last - first) & mask;
        *ticks = to - from;
    } while (counted < least && *ticks < UINT64_C(1) << 33);
    return counted < least ? 0 : counted;
}

static uint32_t read_timer(void)
{
    return port_in32(timer_port);
}

void clock_start(uint16_t pm_timer)
{
    uint64_t ticks;
    timer_port = pm_timer;
    uint64_t counted = pm_timer ? clock_compare(read_timer, PM_MASK, PM_HZ / 20, &ticks) : 0;
    uint64_t khz = counted ? ticks * PM_HZ / counted / 1000 : 0;
    if (khz < 1000)
        panic("no ACPI timer that counts (port %x): the time stamp counter cannot be measured", pm_timer);
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
