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
    VCPU_HALTED, /* wait for an interrupt or its timer's deadline */
    VCPU_WAITING /* before its start-up interrupt, or its VM has ended or is being reset */
};

/* INIT and start-up, posted from any CPU, carried out by the one that runs the target. */
enum {
    VCPU_RUNS = 0x100,  /* has had its start-up interrupt */
    VCPU_WAITS = 0x200, /* for that */
    VCPU_INIT = 0x400   /* and an INIT is to be carried out first */
};

/* An exit as it was, for the report on a VM that crashes. */
enum { VCPU_TRAIL = 16 };
struct vcpu_exit {
    uint64_t code, rip, event; /* event: whose delivery it broke off */
};

struct vcpu {
    struct vmcb *vmcb;
    uint64_t vmcb_physical;
    struct svm_registers registers; /* what VMRUN does not switch */
    struct vm *vm;
    uint32_t index, number; /* within the VM; in the whole machine (task of its events) */
    uint32_t cpu;           /* where it runs */
    uint32_t start;         /* atomic: VCPU_RUNS ...; or the vector of a start-up interrupt, with VCPU_INIT or not */
    bool halted;            /* since its HLT no interrupt that it takes has come */
    bool stuck;             /* atomic: halted with interrupts off; only an NMI or INIT ends that */
    uint64_t iret;          /* where the IRET was that ended an NMI's handler; until it has run, no other NMI */
    struct lapic lapic;     /* pending interrupts are posted from any CPU (atomic) */
    struct svm_space space; /* its address space identifier */
    uint64_t host_physical; /* the CPU's own state while it is taken up */
    uint64_t clock_gpa;     /* kvm-clock page, | 1: on */
    uint64_t eoi;           /* MSR_KVM_EOI_EN: address of the word | 1: on */
    bool eoi_spared;        /* its bit is set, as far as is known (kvmeoi.h) */
    uint64_t xcr0, tsc_aux, dr[4];
    unsigned char *fpu; /* XSAVE area */
    enum vcpu_wish wish;
    uint64_t exits[EXIT_KINDS];
    uint64_t guest_ns, monitor_ns;
    struct vcpu_exit trail[VCPU_TRAIL]; /* the latest; the next one goes to left % VCPU_TRAIL */
    uint32_t left;
};

/* Bytes of the physically contiguous, 4096-byte aligned, zeroed block that a virtual CPU needs beside its struct. */
size_t vcpu_block(void);
void vcpu_init(struct vcpu *, struct vm *, uint32_t index, uint32_t number, void *block, uint64_t block_physical);

/* The state after power-on, after INIT (FPU, debug registers, TSC_AUX stay), and as a kernel's 64-bit entry point finds
 * it (launch/linux_boot.h). */
void vcpu_reset(struct vcpu *);
void vcpu_begin(struct vcpu *);
void vcpu_start(struct vcpu *, uint64_t rip, uint64_t rsi, uint64_t cr3, uint64_t gdt);

/* Runs the guest until the next exit and deals with that. On the physical CPU that owns it. */
enum vcpu_wish vcpu_run(struct vcpu *);

/* State that VMRUN leaves alone (FPU, XCR0, debug registers and the like): taken up and put away when the scheduler
 * switches. */
void vcpu_take_up(struct vcpu *);
void vcpu_put_away(struct vcpu *);

/* Once per physical CPU; the first call is the boot processor's, before memory_seal (svm.h). */
void vcpu_cpu_init(void);

/* From any CPU: called out of its guest, or picked where it halted. */
void vcpu_wake(struct vcpu *);

/* A message (lapic.h) to a VM's virtual CPUs, from one of them or (null) from the IOAPIC; each that is meant is woken.
 */
void vcpu_send(struct vm *, const struct vcpu *from, uint64_t message);

/* For what deals with an exit. */

/* The instruction is done: RIP goes on by `length`, or to where the CPU says the next one is. */
void vcpu_advance(struct vcpu *, unsigned length);
/* The guest gets an exception at its next entry, with an error code of 0 where it has one. */
enum { VCPU_DB = 1, VCPU_UD = 6, VCPU_GP = 13, VCPU_AC = 17, VCPU_MC = 18 };
void vcpu_fault(struct vcpu *, unsigned vector);
/* Ends the VM with what happened, RIP, CR3 and the exit's information, and tells the latest exits. */
void vcpu_crash(struct vcpu *, const char *what);
/* A general register by its number in instructions: 0 RAX, 1 RCX, 2 RDX, 3 RBX, 4 RSP, 5 RBP, 6 RSI, 7 RDI, 8 R8 ... */
uint64_t *vcpu_register(struct vcpu *, unsigned number);
static inline uint64_t vcpu_pair(uint64_t high, uint64_t low)
{
    return high << 32 | (low & UINT32_MAX);
}

#endif
