/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/svm.h"

#include "monitor-core/x86/cpuid.h"
#include "monitor-core/x86/msr.h"
#include "monitor-core/x86/shootdown.h"

enum { IOPM_SIZE = 3 * 4096, MSRPM_SIZE = 2 * 4096 };

/* Written by the boot processor before any other CPU runs, read-only afterwards. */
static uint64_t iopm, msrpm; /* physical */

/* Each CPU's own: the identifiers given out since the last flush of all. */
static struct identifiers {
    uint64_t generation;
    uint32_t next, count;
} identifiers[CPU_SLOTS];

/* An MSR that the control block holds, so that the guest may have it to itself (APM volume 2, 15.11: two bits each, a
 * vector of 2 KiB per range). */
static void msr_allow(unsigned char *map, uint32_t msr)
{
    uint32_t offset = msr < 0x2000 ? 0 : 0x800;
    uint32_t bit = (msr & 0x1fff) * 2;
    map[offset + bit / 8] = (unsigned char)(map[offset + bit / 8] & ~(3u << (bit % 8)));
}

static void make_tables(void)
{
    unsigned char *ports = cpu_reserve(0, IOPM_SIZE, "the map of ports");
    unsigned char *msrs = cpu_reserve(0, MSRPM_SIZE, "the map of MSRs");
    __builtin_memset(ports, 0xff, IOPM_SIZE);
    __builtin_memset(msrs, 0xff, MSRPM_SIZE);
    for (uint32_t msr = MSR_SYSENTER_CS; msr <= MSR_SYSENTER_EIP; msr++)
        msr_allow(msrs, msr);
    for (uint32_t msr = MSR_STAR; msr <= MSR_SFMASK; msr++)
        msr_allow(msrs, msr);
    for (uint32_t msr = MSR_FS_BASE; msr <= MSR_KERNEL_GS_BASE; msr++)
        msr_allow(msrs, msr);
    iopm = memory_physical(&machine_x86.memory, ports);
    msrpm = memory_physical(&machine_x86.memory, msrs);
}

static void check_cpu(struct identifiers *own)
{
    enum { SVM = 1 << 2, NESTED = 1 << 0, SVM_DISABLED = 1 << 4, XSAVE = 1 << 26 };
    if (cpuid_host(0x80000000, 0).eax < 0x8000000a || !(cpuid_host(0x80000001, 0).ecx & SVM))
        panic("this CPU has no AMD-V (SVM): use an AMD CPU, or QEMU with -cpu max,+svm");
    struct cpuid svm = cpuid_host(0x8000000a, 0);
    if (!(svm.edx & NESTED))
        panic("this CPU has no nested paging (NPT): use a newer AMD CPU, or QEMU with -cpu max,+svm,+npt");
    if (msr_get(MSR_VM_CR) & SVM_DISABLED)
        panic("AMD-V (SVM) is disabled: enable it in the firmware's settings");
    if (svm.ebx < 2)
        panic("this CPU has no address space identifiers for guests");
    if (!(cpuid_host(1, 0).ecx & XSAVE))
        panic("this CPU has no XSAVE: use a newer AMD CPU, or QEMU with -cpu max,+svm");
    *own = (struct identifiers){.generation = 1, .next = 1, .count = svm.ebx};
}

void svm_cpu_init(void)
{
    struct cpu *cpu = cpu_self();
    check_cpu(&identifiers[cpu->id]);
    if (!iopm)
        make_tables();
    msr_set(MSR_EFER, msr_get(MSR_EFER) | MSR_EFER_SVME);
    msr_set(MSR_VM_HSAVE_PA, cpu->host_save);
    /* Guests are told so (msr.c), and not every firmware has seen to it. */
    if (!(msr_get(MSR_DE_CFG) & MSR_DE_CFG_LFENCE))
        msr_set(MSR_DE_CFG, msr_get(MSR_DE_CFG) | MSR_DE_CFG_LFENCE);
}

void svm_forget(void)
{
    enum { BARRIER = 1 << 12 };
    if (cpuid_host(0x80000008, 0).ebx & BARRIER)
        msr_set(MSR_PREDICTOR, 1);
}

void svm_control(struct vmcb *v)
{
    v->iopm = iopm;
    v->msrpm = msrpm;
    v->interrupt = SVM_V_MASKING;
    v->nested = 1;
}

/* Identifiers are each CPU's own and never used twice between two flushes of all: a flush of what this CPU may hold is
 * a new generation, in which every virtual CPU gets a new identifier, and TLB_CONTROL flushes all at its start. */
static void identify(struct cpu *cpu, struct vmcb *v, struct svm_space *space, bool flush)
{
    enum { FLUSH_NOTHING = 0, FLUSH_ALL = 1 };
    struct identifiers *own = &identifiers[cpu->id];
    bool known = space->cpu == cpu->id && space->generation == own->generation;
    flush = flush || (!known && own->next >= own->count);
    if (flush) {
        own->generation++;
        own->next = 1;
    }
    if (flush || !known)
        *space = (struct svm_space){.cpu = cpu->id, .generation = own->generation, .asid = own->next++};
    v->asid = space->asid;
    v->tlb_control = flush ? FLUSH_ALL : FLUSH_NOTHING;
}

void svm_run(struct vmcb *v, uint64_t vmcb_physical, struct svm_registers *registers, uint64_t host_physical,
             struct svm_space *space)
{
    const uint64_t machine_check = 1 << 6, caches = 3 << 29;
    struct cpu *cpu = cpu_self();
    __asm__ volatile("clgi" : : : "memory");
    /* As the guest enters: without it, one shuts the guest down and is taken for its own fault. */
    v->cr4 |= machine_check;
    v->cr0 &= ~caches; /* CD, NW: of no use to a guest, and slow for whoever shares the core */
    identify(cpu, v, space, shootdown_enter(cpu));
    v->clean = 0;
    v->next_rip = 0;
    svm_switch(vmcb_physical, registers, host_physical);
    if ((uint32_t)v->exit_code == UINT32_MAX) /* it was not entered, so perhaps nothing was flushed */
        __atomic_store_n(&cpu->seen, 0, __ATOMIC_RELEASE);
    shootdown_leave(cpu);
    __asm__ volatile("stgi" : : : "memory");
}
