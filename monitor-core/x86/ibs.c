/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/ibs.h"

#include "monitor-core/x86/cpuid.h"
#include "monitor-core/x86/msr.h"
#include "monitor-core/x86/start.h"
#include "monitor-core/x86/vm.h"

#define OP_CTL UINT32_C(0xc0011033)
#define OP_DATA3 UINT32_C(0xc0011037)
#define DC_PHYS_AD UINT32_C(0xc0011039)
#define IBS_CTL UINT32_C(0xc001103a)
#define X2APIC_EXTENDED_LVT UINT32_C(0x850)

enum { OP_ENABLE = 1 << 17, OP_VALID = 1 << 18, OP_COUNT_OPS = 1 << 19 };

/* IBS_OP_CTL while it counts, the same on every CPU; 0: there is no IBS. */
static uint64_t armed;

static bool is_present(void)
{
    enum { IBS = 1 << 10, OP_SAMPLING = 1 << 2, X2APIC_ON = 1 << 10, LVT_VALID = 1 << 8 };
    if (cpuid_host(0x80000000, 0).eax < 0x8000001b || !(cpuid_host(0x80000001, 0).ecx & IBS))
        return false;
    return (cpuid_host(0x8000001b, 0).eax & OP_SAMPLING) && (msr_get(MSR_APIC_BASE) & X2APIC_ON) &&
           (msr_get(IBS_CTL) & LVT_VALID);
}

void ibs_cpu_init(void)
{
    enum { OP_COUNTING = 1 << 4, LVT_OFFSET = 15 };
    if (!is_present())
        return;
    armed = IBS_COUNT | OP_ENABLE | (cpuid_host(0x8000001b, 0).eax & OP_COUNTING ? OP_COUNT_OPS : 0);
    msr_set(X2APIC_EXTENDED_LVT + (msr_get(IBS_CTL) & LVT_OFFSET), APIC_KICK);
    msr_set(OP_CTL, armed);
}

void ibs_take(bool guest)
{
    struct ibs_sample sample;
    if (!armed || !(msr_get(OP_CTL) & OP_VALID))
        return;
    bool good = guest && ibs_decode(msr_get(OP_DATA3), msr_get(DC_PHYS_AD), &sample);
    msr_set(OP_CTL, armed);
    page_t page = good ? metal_page(&monitor.metal, sample.physical) : PAGE_NONE;
    if (page != PAGE_NONE)
        pager_sampled(&monitor.pager, page, cpu_self()->node, sample.write, IBS_LOG2_WEIGHT, cpu_now());
}
