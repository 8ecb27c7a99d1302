/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A virtual CPU: AMD-V control block, registers, local APIC, and the loop that runs it (AMD64 APM volume 2, chapters 15
 * and 16). Used by one physical CPU at a time, the one that the scheduler gave it to; what others may touch says so.
 */
#ifndef MONITOR_CORE_X86_VCPU_H
#define MONITOR_CORE_X86_VCPU_H

#include "monitor-core/devices/lapic.h"
#include "monitor-core/exits.h"
#include "monitor-core/x86/svm.h"

struct vm;

enum vcpu_wish {
    VCPU_AGAIN,  /* may run on; the slice may be over */
    VCPU_HALTED, /* wait for an interrupt or vcpu_deadline() */
    VCPU_WAITING /* before its start-up interrupt, or its VM has ended or is being reset */
};

/* A virtual CPU's general registers by their numbers in instructions: 0 RAX ... 4 RSP ... 15 R15. */
enum { VCPU_RAX, VCPU_RCX, VCPU_RDX, VCPU_RBX, VCPU_RSP, VCPU_RBP, VCPU_RSI, VCPU_RDI };

struct vcpu {
    struct vmcb *vmcb;
    uint64_t vmcb_physical;
    struct svm_registers registers; /* what VMRUN does not switch */
    struct vm *vm;
    uint32_t index, number; /* within the VM; in the whole machine (task of its events) */
    uint32_t cpu;           /* where it runs */
    bool started;           /* has had its start-up interrupt; other CPUs read and set it under the VM's lock */
    bool init;              /* an INIT came; under the VM's lock */
    int16_t start_vector;   /* of a start-up interrupt that came, or -1; under the VM's lock */
    bool halted;            /* since its HLT no interrupt that it takes has come */
    bool stuck;             /* atomic: halted with interrupts off; only an NMI or INIT ends that */
    bool nmi_masked;        /* from an NMI to the next IRET */
    struct lapic lapic;     /* pending interrupts are posted from any CPU (atomic) */
    struct svm_space space; /* its address space identifier */
    uint64_t host_physical; /* the CPU's own state while it is taken up */
    uint64_t clock_gpa;     /* kvm-clock page, | 1: on */
    uint64_t xcr0, tsc_aux, dr[4];
    unsigned char *fpu; /* XSAVE area */
    enum vcpu_wish wish;
    uint64_t exits[EXIT_KINDS];
    uint64_t guest_ns, monitor_ns;
};

/* Bytes of the physically contiguous, 4096-byte aligned, zeroed block that a virtual CPU needs beside its struct. */
size_t vcpu_block(void);
void vcpu_init(struct vcpu *, struct vm *, uint32_t index, uint32_t number, void *block, uint64_t block_physical);

/* Reset state; or the state in which a kernel's 64-bit entry point starts (boot.h). */
void vcpu_reset(struct vcpu *);
void vcpu_start(struct vcpu *, uint64_t rip, uint64_t rsi, uint64_t cr3, uint64_t gdt);
void vcpu_begin(struct vcpu *);                    /* INIT: FPU, debug registers, TSC_AUX stay */
void vcpu_start_up(struct vcpu *, uint8_t vector); /* SIPI */

/* Runs the guest until the next exit and deals with that. On the physical CPU that owns it. */
enum vcpu_wish vcpu_run(struct vcpu *);

/* State that VMRUN leaves alone (FPU, XCR0, debug registers and the like): taken up and put away when the scheduler
 * switches. */
void vcpu_take_up(struct vcpu *);
void vcpu_put_away(struct vcpu *);

/* When its APIC timer is due (ns as cpu_now); UINT64_MAX: never. */
uint64_t vcpu_deadline(const struct vcpu *);
/* Fires the timer if due. */
void vcpu_expire(struct vcpu *, uint64_t now);

/* Once per physical CPU: SVM on, host save area, intercept tables. The first call is the boot processor's, before
 * memory_seal. Panics with a clear line where the CPU cannot. */
void vcpu_cpu_init(void);

/* An interrupt or an NMI from any CPU: posted, and the virtual CPU woken or called out of its guest. */
void vcpu_post(struct vcpu *, uint8_t vector, bool level);
void vcpu_post_nmi(struct vcpu *);

/* An interprocessor interrupt as `from` sent it. */
void vcpu_send(struct vcpu *from, const struct lapic_ipi *);

/* For what deals with an exit. */

/* RIP goes on: by `length`, or to where the CPU says the next instruction is. */
void vcpu_advance(struct vcpu *, unsigned length);
/* The guest gets an exception at its next entry, instead of going on. */
enum { VCPU_UD = 6, VCPU_GP = 13, VCPU_PF = 14 };
void vcpu_fault(struct vcpu *, unsigned vector);
void vcpu_fault_code(struct vcpu *, unsigned vector, uint32_t code);
/* Ends the VM with what happened, RIP, CR3 and the exit's information. */
void vcpu_crash(struct vcpu *, const char *what);
uint64_t *vcpu_register(struct vcpu *, unsigned number);
static inline uint64_t vcpu_pair(uint64_t high, uint64_t low)
{
    return high << 32 | (low & UINT32_MAX);
}

#endif
