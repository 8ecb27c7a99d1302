/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/fpu.h"

#include "monitor-core/x86/cpuid.h"

static uint64_t all_of_cpu(void)
{
    struct cpuid c = cpuid_host(0xd, 0);
    return (uint64_t)c.edx << 32 | c.eax;
}

size_t fpu_size(void)
{
    return (cpuid_host(0xd, 0).ecx + 63u) & ~(size_t)63;
}

void fpu_reset(unsigned char *area)
{
    enum { MXCSR = 24 };
    __builtin_memset(area, 0, fpu_size());
    /* An all-zero XSTATE_BV does for the rest; MXCSR is loaded from memory in any case. */
    area[MXCSR] = 0x80;
    area[MXCSR + 1] = 0x1f;
}

void fpu_set_xcr0(uint64_t value)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

uint64_t fpu_xcr0(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

void fpu_load(const unsigned char *area, uint64_t guest)
{
    /* CPUs before Zen 2 restore the address of the last x87 instruction only beside an exception that is pending: what
     * another guest left of it is overwritten first. */
    static const uint32_t zero;
    __asm__ volatile("fnclex; emms; fildl %0" : : "m"(zero));
    fpu_set_xcr0(all_of_cpu());
    __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(UINT32_MAX), "d"(UINT32_MAX) : "memory");
    fpu_set_xcr0(guest);
}

uint64_t fpu_save(unsigned char *area)
{
    uint64_t guest = fpu_xcr0();
    fpu_set_xcr0(all_of_cpu());
    __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(UINT32_MAX), "d"(UINT32_MAX) : "memory");
    return guest;
}
