/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/svm.h"

#include "monitor-core/x86/cpuid.h"
#include "monitor-core/x86/msr.h"
#include "monitor-core/x86/shootdown.h"

enum { IOPM_SIZE = 3 * 4096, MSRPM_SIZE = 2 * 4096 };

/* Written by the boot processor before any other CPU runs, read-only afterwards. */
static uint64_t iopm, msrpm; /* physical */
static bool next_rip;

/* Each CPU's own: the identifiers given out since the last flush of all. */
static struct identifiers {
    uint64_t generation;
    uint32_t next, count;
} identifiers[CPUS_MAX];

#define BIT(code) (UINT32_C(1) << ((code)&31))

static const uint32_t always[2] = {
    BIT(SVM_EXIT_INTR) | BIT(SVM_EXIT_NMI) | BIT(SVM_EXIT_SMI) | BIT(SVM_EXIT_INIT) | BIT(SVM_EXIT_VINTR) |
        BIT(SVM_EXIT_RDPMC) | BIT(SVM_EXIT_CPUID) | BIT(SVM_EXIT_INVD) | BIT(SVM_EXIT_HLT) | BIT(SVM_EXIT_INVLPGA) |
        BIT(SVM_EXIT_IOIO) | BIT(SVM_EXIT_MSR) | BIT(SVM_EXIT_FERR) | BIT(SVM_EXIT_SHUTDOWN),
    BIT(SVM_EXIT_VMRUN) | BIT(SVM_EXIT_VMMCALL) | BIT(SVM_EXIT_VMLOAD) | BIT(SVM_EXIT_VMSAVE) | BIT(SVM_EXIT_STGI) |
        BIT(SVM_EXIT_CLGI) | BIT(SVM_EXIT_SKINIT) | BIT(SVM_EXIT_WBINVD) | BIT(SVM_EXIT_MONITOR) | BIT(SVM_EXIT_MWAIT) |
        BIT(SVM_EXIT_MWAIT_ARMED) | BIT(SVM_EXIT_XSETBV) | BIT(SVM_EXIT_RDPRU),
};

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
    unsigned char *ports = memory_reserve(&machine_x86.memory, 0, IOPM_SIZE, 4096);
    unsigned char *msrs = memory_reserve(&machine_x86.memory, 0, MSRPM_SIZE, 4096);
    if (!ports || !msrs)
        panic("no memory for the intercept tables");
    __builtin_memset(ports, 0xff, IOPM_SIZE);
    __builtin_memset(msrs, 0xff, MSRPM_SIZE);
    for (uint32_t msr = MSR_SYSENTER_CS; msr <= MSR_SYSENTER_EIP; msr++)
        msr_allow(msrs, msr);
    for (uint32_t msr = MSR_STAR; msr <= MSR_SFMASK; msr++)
        msr_allow(msrs, msr);
    for (uint32_t msr = MSR_FS_BASE; msr <= MSR_KERNEL_GS_BASE; msr++)
        msr_allow(msrs, msr);
    iopm = (uint64_t)(ports - machine_x86.memory.base);
    msrpm = (uint64_t)(msrs - machine_x86.memory.base);
    for (uint32_t i = 0; i < machine_x86.cpus; i++) {
        struct cpu *cpu = machine_x86.cpu[i];
        unsigned char *area = cpu->host_save ? NULL : memory_reserve(&machine_x86.memory, cpu->node, 4096, 4096);
        if (area)
            cpu->host_save = (uint64_t)(area - machine_x86.memory.base);
    }
}

static void check_cpu(struct identifiers *own)
{
    enum { SVM = 1u << 2, NESTED = 1u << 0, NEXT_RIP = 1u << 3, SVM_DISABLED = 1 << 4 };
    if (cpuid_host(0x80000000, 0).eax < 0x8000000a || !(cpuid_host(0x80000001, 0).ecx & SVM))
        panic("this CPU has no AMD-V (SVM): use an AMD CPU, or QEMU with -cpu max,+svm");
    struct cpuid svm = cpuid_host(0x8000000a, 0);
    if (!(svm.edx & NESTED))
        panic("this CPU has no nested paging (NPT): use a newer AMD CPU, or QEMU with -cpu max,+svm,+npt");
    if (msr_get(MSR_VM_CR) & SVM_DISABLED)
        panic("AMD-V (SVM) is disabled: enable it in the firmware's settings");
    if (svm.ebx < 2)
        panic("this CPU has no address space identifiers for guests");
    next_rip = svm.edx & NEXT_RIP;
    *own = (struct identifiers){.generation = 1, .next = 1, .count = svm.ebx};
}

void svm_cpu_init(void)
{
    struct cpu *cpu = cpu_self();
    check_cpu(&identifiers[cpu->id]);
    if (!iopm)
        make_tables();
    if (!cpu->host_save)
        panic("CPU %u has no SVM save area", cpu->id);
    msr_set(MSR_EFER, msr_get(MSR_EFER) | MSR_EFER_SVME);
    msr_set(MSR_VM_HSAVE_PA, cpu->host_save);
}

bool svm_gives_next_rip(void)
{
    return next_rip;
}

void svm_control(struct vmcb *v)
{
    /* #DB and #AC: a guest could otherwise keep the CPU busy in the delivery of either, without end. #MC is ours. */
    v->intercept_exceptions = 1u << 1 | 1u << 17 | 1u << 18;
    /* The task priority is the local APIC's, and CR8 written with a virtual interrupt pending ends QEMU 7.2. */
    v->intercept_cr_write = 1u << 8;
    v->intercept[0] = always[0];
    v->intercept[1] = always[1];
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
    struct cpu *cpu = cpu_self();
    __asm__ volatile("clgi" : : : "memory");
    identify(cpu, v, space, shootdown_enter(cpu));
    v->clean = 0;
    svm_switch(vmcb_physical, registers, host_physical);
    shootdown_leave(cpu);
    __asm__ volatile("stgi" : : : "memory");
}
