/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Time from the invariant TSC. Its frequency is what the CPU or the hypervisor below says (CPUID 0x15, 0x40000010),
 * else it is measured against the ACPI timer, else against channel 2 of the PC's interval timer.
 */
#include "monitor-core/x86/start.h"

enum { PM_HZ = 3579545, PM_MASK = 0xffffff, PIT_HZ = 1193182, PIT_COUNT = 59659 /* 50 ms */ };
enum { PIT_CHANNEL_2 = 0x42, PIT_MODE = 0x43, PIT_GATE = 0x61 };

static uint64_t start, scale; /* ns per tick, 32 bits after the point */

static uint64_t told(void)
{
    struct start_cpuid r;
    if (start_cpuid(0).a >= 0x15) {
        r = start_cpuid(0x15);
        if (r.a && r.b && r.c)
            return (uint64_t)r.c * r.b / r.a / 1000;
    }
    if (start_cpuid(1).c >> 31 && start_cpuid(0x40000000).a >= 0x40000010)
        return start_cpuid(0x40000010).a;
    return 0;
}

/* Both clocks at one moment, as nearly as a few tries allow: an interruption below us between the reads would count. */
static void read_pair(uint16_t port, uint64_t *tsc, uint32_t *timer)
{
    uint64_t best = UINT64_MAX;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t before = cpu_tsc();
        uint32_t t = start_in32(port);
        uint64_t took = cpu_tsc() - before;
        if (took >= best)
            continue;
        best = took;
        *tsc = before + took / 2;
        *timer = t & PM_MASK;
    }
}

static uint64_t by_pm_timer(uint16_t port)
{
    uint64_t from = 0, to = 0;
    uint32_t first = 0, last;
    read_pair(port, &from, &first);
    uint64_t limit = cpu_tsc() + (UINT64_C(1) << 32);
    do
        last = start_in32(port);
    while (((last - first) & PM_MASK) < PM_HZ / 20 && cpu_tsc() < limit);
    read_pair(port, &to, &last);
    uint64_t counted = (last - first) & PM_MASK;
    return counted >= PM_HZ / 20 ? (to - from) * PM_HZ / counted / 1000 : 0;
}

static uint64_t by_pit(void)
{
    start_out8(PIT_GATE, (uint8_t)((start_in8(PIT_GATE) & ~2) | 1));
    start_out8(PIT_MODE, 0xb0); /* channel 2, both bytes, mode 0 */
    start_out8(PIT_CHANNEL_2, PIT_COUNT & 0xff);
    start_out8(PIT_CHANNEL_2, PIT_COUNT >> 8);
    uint64_t from = cpu_tsc(), limit = from + (UINT64_C(1) << 34);
    while (!(start_in8(PIT_GATE) & 0x20) && cpu_tsc() < limit)
        __builtin_ia32_pause();
    uint64_t took = cpu_tsc() - from;
    return took < UINT64_C(1) << 34 ? took * PIT_HZ / PIT_COUNT / 1000 : 0;
}

void clock_start(uint16_t pm_timer)
{
    uint64_t khz = told();
    if (!khz && pm_timer)
        khz = by_pm_timer(pm_timer);
    if (!khz)
        khz = by_pit();
    if (khz < 1000)
        panic("the frequency of the time stamp counter cannot be found: no CPUID leaf, ACPI timer or interval timer");
    machine_x86.tsc_khz = khz;
    scale = (UINT64_C(1000000) << 32) / khz;
    start = cpu_tsc();
}

uint64_t cpu_now(void)
{
    return (uint64_t)((unsigned __int128)(cpu_tsc() - start) * scale >> 32);
}

uint64_t clock_ticks(uint64_t ns)
{
    const uint64_t hour = UINT64_C(3600000000000);
    return (uint64_t)((unsigned __int128)(ns < hour ? ns : hour) * machine_x86.tsc_khz / 1000000);
}

void clock_wait(uint64_t ns)
{
    uint64_t end = cpu_now() + ns;
    while (cpu_now() < end)
        __builtin_ia32_pause();
}
