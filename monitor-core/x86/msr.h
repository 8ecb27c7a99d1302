/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Model-specific registers: the CPU's own, and those that a virtual CPU has.
 */
#ifndef MONITOR_CORE_X86_MSR_H
#define MONITOR_CORE_X86_MSR_H

#include "policy/numa.h"

enum msr {
    MSR_TSC = 0x10,
    MSR_APIC_BASE = 0x1b,
    MSR_PREDICTOR = 0x49, /* PRED_CMD */
    MSR_PATCH_LEVEL = 0x8b,
    MSR_SYSENTER_CS = 0x174,
    MSR_SYSENTER_EIP = 0x176,
    MSR_DEBUGCTL = 0x1d9,
    MSR_PAT = 0x277,
    MSR_TSC_DEADLINE = 0x6e0,
    MSR_X2APIC = 0x800,
    MSR_X2APIC_LAST = 0x83f,
};
#define MSR_KVM_WALL_CLOCK UINT32_C(0x4b564d00)
#define MSR_KVM_SYSTEM_TIME UINT32_C(0x4b564d01)
#define MSR_KVM_EOI UINT32_C(0x4b564d04)
#define MSR_EFER UINT32_C(0xc0000080)
#define MSR_STAR UINT32_C(0xc0000081)
#define MSR_SFMASK UINT32_C(0xc0000084)
#define MSR_FS_BASE UINT32_C(0xc0000100)
#define MSR_GS_BASE UINT32_C(0xc0000101)
#define MSR_KERNEL_GS_BASE UINT32_C(0xc0000102)
#define MSR_TSC_AUX UINT32_C(0xc0000103)
#define MSR_HWCR UINT32_C(0xc0010015)
#define MSR_NB_CFG UINT32_C(0xc001001f)
#define MSR_INTERRUPT_PENDING UINT32_C(0xc0010055)
#define MSR_VM_CR UINT32_C(0xc0010114)
#define MSR_VM_HSAVE_PA UINT32_C(0xc0010117)
#define MSR_DE_CFG UINT32_C(0xc0011029)

#define MSR_DE_CFG_LFENCE UINT64_C(2) /* LFENCE serialises */
#define MSR_EFER_SCE UINT64_C(0x001)
#define MSR_EFER_LME UINT64_C(0x100)
#define MSR_EFER_LMA UINT64_C(0x400)
#define MSR_EFER_NXE UINT64_C(0x800)
#define MSR_EFER_SVME UINT64_C(0x1000)

struct vcpu;

static inline uint64_t msr_get(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void msr_set(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(msr) : "memory");
}

/* What a virtual CPU reads and writes. 0, or ERR_INVAL: the guest gets #GP. */
int msr_guest_read(struct vcpu *, uint32_t msr, uint64_t *value);
int msr_guest_write(struct vcpu *, uint32_t msr, uint64_t value);

#endif
