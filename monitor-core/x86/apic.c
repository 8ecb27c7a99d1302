/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The local APIC (AMD64 APM volume 2, chapter 16): x2APIC mode where the CPU has it or is in it, else its page of
 * registers. The timer counts down again and again until it is set anew: an emulated CPU may lose an interrupt that
 * comes at the moment of a VMRUN, and a guest that does not exit by itself would never be interrupted again.
 */
#include "monitor-core/x86/start.h"

enum { BASE_X2 = 1 << 10, BASE_ON = 1 << 11 };
enum {
    ID = 0x20,
    TASK_PRIORITY = 0x80,
    END = 0xb0,
    SPURIOUS = 0xf0,
    COMMAND = 0x300,
    COMMAND_HIGH = 0x310,
    LVT_TIMER = 0x320,
    LVT_LINT0 = 0x350,
    LVT_ERROR = 0x370,
    COUNT = 0x380,
    CURRENT = 0x390,
    DIVIDE = 0x3e0
};
enum { COMMAND_BUSY = 1 << 12, LVT_MASKED = 1 << 16, LVT_PERIODIC = 1 << 17, DIVIDE_BY_1 = 0xb };
/* The timer fires no sooner and no more often. */
enum { LEAST_NS = 10000 };
enum { COMMAND_NMI = 0x400 | 1 << 14 };

static bool x2;
static volatile unsigned char *page;
static uint64_t timer_khz;

static uint32_t get(unsigned reg)
{
    return x2 ? (uint32_t)msr_get(MSR_X2APIC + reg / 16) : *(volatile uint32_t *)(page + reg);
}

static void set(unsigned reg, uint32_t value)
{
    if (x2)
        msr_set(MSR_X2APIC + reg / 16, value);
    else
        *(volatile uint32_t *)(page + reg) = value;
}

/* Without registers: before their page is mapped. */
uint32_t apic_id(void)
{
    if (cpuid_host(0, 0).eax >= 0xb && cpuid_host(0xb, 0).ebx & 0xffff)
        return cpuid_host(0xb, 0).edx;
    return cpuid_host(1, 0).ebx >> 24;
}

void apic_map(void)
{
    uint64_t base = msr_get(MSR_APIC_BASE);
    x2 = base & BASE_X2 || cpuid_host(1, 0).ecx & 1u << 21;
    if (!x2)
        page = cpu_map_device(base & UINT64_C(0x000ffffffffff000), MEMORY_FRAME);
}

void apic_cpu(void)
{
    uint64_t base = msr_get(MSR_APIC_BASE);
    msr_set(MSR_APIC_BASE, base | BASE_ON);
    if (x2)
        msr_set(MSR_APIC_BASE, base | BASE_ON | BASE_X2);
    set(SPURIOUS, 0x100 | APIC_SPURIOUS); /* first: until it is on, an APIC keeps its local vectors masked */
    set(TASK_PRIORITY, 0);
    set(LVT_ERROR, LVT_MASKED);
    set(LVT_LINT0, LVT_MASKED); /* a BIOS leaves the old interrupt controller there */
    set(LVT_TIMER, LVT_PERIODIC | APIC_TIMER);
    set(DIVIDE, DIVIDE_BY_1);
}

static uint32_t counted_down(void)
{
    return UINT32_MAX - get(CURRENT);
}

void apic_calibrate(void)
{
    uint64_t ticks;
    set(LVT_TIMER, LVT_MASKED | APIC_TIMER);
    set(COUNT, UINT32_MAX);
    timer_khz = clock_compare(counted_down, UINT32_MAX, 1 << 21, &ticks) * machine_x86.tsc_khz / ticks;
    set(COUNT, 0);
    set(LVT_TIMER, LVT_PERIODIC | APIC_TIMER);
    if (!timer_khz)
        panic("the local APIC's timer does not count; enable it in the firmware");
}

void apic_end(void)
{
    set(END, 0);
}

void apic_send(uint32_t apic_id, uint32_t command)
{
    if (x2) {
        /* An MSR write to the APIC waits for no store before it. */
        __asm__ volatile("mfence" : : : "memory");
        msr_set(MSR_X2APIC + COMMAND / 16, (uint64_t)apic_id << 32 | command);
        return;
    }
    while (get(COMMAND) & COMMAND_BUSY)
        __builtin_ia32_pause();
    set(COMMAND_HIGH, apic_id << 24);
    set(COMMAND, command);
}

/* Only those that have come this far: in the firmware's hands an NMI ends the machine before a word is out. */
void apic_stop_others(void)
{
    uint32_t self = apic_id();
    for (uint32_t i = 0; i < CPU_SLOTS && (x2 || page); i++) {
        const struct cpu *c = machine_x86.cpu[i];
        if (c && __atomic_load_n(&c->up, __ATOMIC_ACQUIRE) && c->apic_id != self)
            apic_send(c->apic_id, COMMAND_NMI);
    }
}

void cpu_kick(uint32_t cpu)
{
    apic_send(machine_x86.cpu[cpu]->apic_id, 1 << 14 | APIC_KICK);
}

void cpu_timer(uint64_t deadline)
{
    struct cpu *c = cpu_self();
    if (c->timer == deadline)
        return;
    c->timer = deadline;
    uint64_t now = cpu_now(), most = UINT32_MAX * UINT64_C(1000000) / timer_khz;
    uint64_t ns = deadline > now + LEAST_NS ? deadline - now : LEAST_NS;
    if (deadline == UINT64_MAX)
        set(COUNT, 0);
    else
        set(COUNT, ns < most ? (uint32_t)(ns * timer_khz / 1000000) + 1 : UINT32_MAX);
}
