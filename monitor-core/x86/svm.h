/* SPDX-License-Identifier: BSD-2-Clause
 *
 * AMD-V: the control block (AMD64 APM volume 2, appendix B) and the world switch (x86/svm_switch.S). Nothing here knows
 * what an exit means (exits.h); it enters a guest with an address space identifier of its own, flushed when it has to
 * be.
 */
#ifndef MONITOR_CORE_X86_SVM_H
#define MONITOR_CORE_X86_SVM_H

#include "policy/numa.h"

struct svm_segment {
    uint16_t selector;
    uint16_t attributes; /* type, S, DPL, P in bits 7:0; AVL, L, D, G in bits 11:8 */
    uint32_t limit;
    uint64_t base;
};

struct vmcb {
    uint32_t intercept[6]; /* a bit per exit code */
    uint8_t reserved_018[0x03c - 0x018];
    uint16_t pause_threshold, pause_count;
    uint64_t iopm, msrpm, tsc_offset;
    uint32_t asid;
    uint8_t tlb_control;
    uint8_t reserved_05d[3];
    uint64_t interrupt; /* SVM_V_ */
    uint64_t shadow;    /* bit 0: in an interrupt shadow */
    uint64_t exit_code, exit_info1, exit_info2, exit_event;
    uint64_t nested; /* bit 0: nested paging on */
    uint8_t reserved_098[0x0a8 - 0x098];
    uint64_t event;      /* SVM_EVENT_ */
    uint64_t nested_cr3; /* physical */
    uint64_t lbr;
    uint32_t clean, reserved_0c4;
    uint64_t next_rip; /* behind an intercepted instruction, from CPUs that know */
    uint8_t reserved_0d0[0x400 - 0x0d0];
    /* The guest's state. */
    struct svm_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
    uint8_t reserved_4a0[0x4cb - 0x4a0];
    uint8_t cpl;
    uint32_t reserved_4cc;
    uint64_t efer;
    uint8_t reserved_4d8[0x548 - 0x4d8];
    uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
    uint8_t reserved_580[0x5d8 - 0x580];
    uint64_t rsp;
    uint8_t reserved_5e0[0x5f8 - 0x5e0];
    uint64_t rax, star, lstar, cstar, sfmask, kernel_gs_base, sysenter_cs, sysenter_esp, sysenter_eip, cr2;
    uint8_t reserved_648[0x668 - 0x648];
    uint64_t pat, debugctl;
    uint8_t reserved_678[0x1000 - 0x678];
};
_Static_assert(offsetof(struct vmcb, iopm) == 0x040 && offsetof(struct vmcb, exit_code) == 0x070 &&
                   offsetof(struct vmcb, event) == 0x0a8 && offsetof(struct vmcb, next_rip) == 0x0c8,
               "control area");
_Static_assert(offsetof(struct vmcb, es) == 0x400 && offsetof(struct vmcb, efer) == 0x4d0 &&
                   offsetof(struct vmcb, rip) == 0x578 && offsetof(struct vmcb, rax) == 0x5f8 &&
                   offsetof(struct vmcb, pat) == 0x668 && sizeof(struct vmcb) == 4096,
               "state save area");

/* Exit codes (APM volume 2, appendix C); in vmcb.intercept, SVM_BIT of word code / 32. */
#define SVM_BIT(code) (UINT32_C(1) << ((code) % 32))
enum svm_exit {
    SVM_EXIT_WRITE_CR8 = 0x18,
    SVM_EXIT_EXCEPTION = 0x40, /* + vector */
    SVM_EXIT_INTR = 0x60,
    SVM_EXIT_NMI,
    SVM_EXIT_INIT = 0x63,
    SVM_EXIT_RDPMC = 0x6f,
    SVM_EXIT_CPUID = 0x72,
    SVM_EXIT_IRET = 0x74,
    SVM_EXIT_INVD = 0x76,
    SVM_EXIT_HLT = 0x78,
    SVM_EXIT_INVLPGA = 0x7a,
    SVM_EXIT_IOIO = 0x7b,
    SVM_EXIT_MSR = 0x7c,
    SVM_EXIT_FERR = 0x7e,
    SVM_EXIT_SHUTDOWN = 0x7f,
    SVM_EXIT_VMRUN = 0x80,
    SVM_EXIT_VMMCALL,
    SVM_EXIT_VMLOAD,
    SVM_EXIT_SKINIT = 0x86,
    SVM_EXIT_WBINVD = 0x89,
    SVM_EXIT_MONITOR,
    SVM_EXIT_MWAIT_ARMED = 0x8c,
    SVM_EXIT_XSETBV,
    SVM_EXIT_RDPRU,
    SVM_EXIT_CODES,
    SVM_EXIT_NPF = 0x400,
};

/* vmcb.interrupt (offset 0x60). */
#define SVM_V_IRQ (UINT64_C(1) << 8)
#define SVM_V_PRIORITY 16
#define SVM_V_MASKING (UINT64_C(1) << 24)
#define SVM_V_VECTOR 32

/* vmcb.event and vmcb.exit_event: vector, type, error code in bits 63:32. */
#define SVM_EVENT_VALID (UINT64_C(1) << 31)
#define SVM_EVENT_ERROR (UINT64_C(1) << 11)
enum svm_event { SVM_EVENT_INTERRUPT = 0, SVM_EVENT_NMI = 2, SVM_EVENT_EXCEPTION = 3, SVM_EVENT_SOFTWARE = 4 };

static inline uint64_t svm_event(enum svm_event type, unsigned vector)
{
    return SVM_EVENT_VALID | (uint64_t)type << 8 | vector;
}

/* vmcb.exit_info1 of a nested fault. */
#define SVM_NPF_WRITE (UINT64_C(1) << 1)
#define SVM_NPF_FETCH (UINT64_C(1) << 4)
#define SVM_NPF_TABLE (UINT64_C(1) << 33) /* while walking the guest's page tables: counts as a write */

/* General registers that VMRUN does not switch, in the order of svm_switch.S; RAX and RSP are in the control block. */
struct svm_registers {
    uint64_t rbx, rcx, rdx, rsi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rdi;
};

/* Which address space identifier a virtual CPU has, and where. Zeroed: none. */
struct svm_space {
    uint64_t generation;
    uint32_t cpu, asid;
};

/* Once per physical CPU: turns SVM on. The first call (boot processor, before memory_seal) makes the permission maps.
 * Panics with the reason where the CPU cannot. */
void svm_cpu_init(void);

/* Before another VM's guest: what branches were predicted by is nothing to it (IBPB, where the CPU has it). */
void svm_forget(void);

/* The permission maps of ports and MSRs, nested paging; the rest of the control block is zero. */
void svm_control(struct vmcb *);

/* Enters the guest and comes back at its next exit. `host_physical`: the page that svm_save_host filled on this CPU. */
void svm_run(struct vmcb *, uint64_t vmcb_physical, struct svm_registers *, uint64_t host_physical, struct svm_space *);

/* The part of the CPU's own state that VMLOAD brings back. */
static inline void svm_save_host(uint64_t host_physical)
{
    __asm__ volatile("vmsave %0" : : "a"(host_physical) : "memory");
}

/* x86/svm_switch.S: interrupts held off by CLGI before and after. */
void svm_switch(uint64_t vmcb_physical, struct svm_registers *, uint64_t host_physical);

#endif
