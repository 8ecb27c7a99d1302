/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/msr.h"

#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/kvmclock.h"
#include "monitor-core/x86/kvmeoi.h"
#include "monitor-core/x86/vm.h"

#define CR0_PG UINT64_C(0x80000000)

static bool is_apic(uint32_t msr)
{
    return (msr >= MSR_X2APIC && msr <= MSR_X2APIC_LAST) || msr == MSR_TSC_DEADLINE;
}

static uint64_t apic_base(const struct vcpu *v)
{
    enum { BOOT = 0x100, X2APIC = 0x400, ON = 0x800 };
    return UINT64_C(0xfee00000) | ON | X2APIC | (v->index == 0 ? BOOT : 0);
}

int msr_guest_read(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    enum { TSC_COUNTS_AT_P0 = 1 << 24 };
    if (is_apic(msr))
        return lapic_read(&v->lapic, msr, cpu_now(), value);
    *value = 0;
    switch (msr) {
    case MSR_TSC:
        *value = cpu_tsc();
        break;
    case MSR_APIC_BASE:
        *value = apic_base(v);
        break;
    case MSR_PAT:
        *value = v->vmcb->pat;
        break;
    case MSR_EFER:
        *value = v->vmcb->efer & ~MSR_EFER_SVME;
        break;
    case MSR_TSC_AUX:
        *value = v->tsc_aux;
        break;
    case MSR_KVM_SYSTEM_TIME:
        *value = v->clock_gpa;
        break;
    case MSR_KVM_EOI:
        *value = v->eoi;
        break;
    case MSR_HWCR:
        *value = TSC_COUNTS_AT_P0;
        break;
    case MSR_DE_CFG:
        *value = MSR_DE_CFG_LFENCE;
        break;
    case 0x17: /* PLATFORM_ID, Intel's */
    case MSR_PATCH_LEVEL:
    case MSR_DEBUGCTL:
    case MSR_KVM_WALL_CLOCK:
    case MSR_NB_CFG:
    case MSR_INTERRUPT_PENDING: /* C1E off */
        break;
    default:
        return ERR_INVAL;
    }
    return 0;
}

static int write_apic(struct vcpu *v, uint32_t msr, uint64_t value)
{
    uint64_t message;
    int ended;
    /* In this order: whatever comes in between, a deadline is never early. */
    uint64_t tsc = cpu_tsc(), now = cpu_now();
    int err = lapic_write(&v->lapic, msr, value, now, tsc, &message, &ended);
    if (err)
        return err;
    if (ended >= 0)
        vm_end_of_interrupt(v->vm, (uint8_t)ended);
    if (message)
        vcpu_send(v->vm, v, message);
    return 0;
}

static int write_pat(struct vcpu *v, uint64_t value)
{
    for (unsigned i = 0; i < 64; i += 8) {
        uint64_t type = value >> i & 0xff;
        if (type > 7 || type == 2 || type == 3)
            return ERR_INVAL;
    }
    v->vmcb->pat = value;
    v->space.generation = 0; /* translations hold types */
    return 0;
}

/* SVME is the monitor's, LMA the CPU's. */
static int write_efer(struct vcpu *v, uint64_t value)
{
    const uint64_t own = MSR_EFER_SCE | MSR_EFER_LME | MSR_EFER_NXE, before = v->vmcb->efer;
    if (value & ~(own | MSR_EFER_LMA))
        return ERR_INVAL;
    if ((v->vmcb->cr0 & CR0_PG) && ((value ^ before) & MSR_EFER_LME))
        return ERR_INVAL;
    v->vmcb->efer = (value & own) | (before & MSR_EFER_LMA) | MSR_EFER_SVME;
    v->space.generation = 0; /* translations hold no-execute bits */
    return 0;
}

int msr_guest_write(struct vcpu *v, uint32_t msr, uint64_t value)
{
    if (is_apic(msr))
        return write_apic(v, msr, value);
    switch (msr) {
    case MSR_APIC_BASE:
        return value == apic_base(v) ? 0 : ERR_INVAL;
    case MSR_PAT:
        return write_pat(v, value);
    case MSR_EFER:
        return write_efer(v, value);
    case MSR_TSC_AUX:
        if (value >> 32)
            return ERR_INVAL;
        v->tsc_aux = value;
        msr_set(MSR_TSC_AUX, value);
        return 0;
    case MSR_KVM_SYSTEM_TIME:
        return kvmclock_system_time(v, value);
    case MSR_KVM_WALL_CLOCK:
        return kvmclock_wall_clock(v, value);
    case MSR_KVM_EOI:
        return kvmeoi_set(v, value);
    case MSR_HWCR:
    case MSR_DEBUGCTL: /* nothing of them is offered */
    case MSR_DE_CFG:
    case MSR_PATCH_LEVEL:
    case MSR_NB_CFG:
        return 0;
    default:
        return ERR_INVAL;
    }
}
