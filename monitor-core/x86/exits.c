/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/exits.h"

#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/cpuid.h"
#include "monitor-core/x86/decode.h"
#include "monitor-core/x86/fpu.h"
#include "monitor-core/x86/linear.h"
#include "monitor-core/x86/msr.h"
#include "monitor-core/x86/vm.h"

/* Whatever it is, it is pending still; an NMI, SMI or INIT was taken as soon as the CPU left CLGI. */
static void take_interrupt(struct vcpu *v)
{
    (void)v;
    cpu_take_interrupts();
}

/* An exception that a guest could raise without end: back to the guest, unless an event is on its way already, which
 * then brings it about again. */
static void reflect(struct vcpu *v)
{
    if (!(v->vmcb->event & SVM_EVENT_VALID))
        vcpu_fault(v, (unsigned)(v->vmcb->exit_code - SVM_EXIT_EXCEPTION));
}

static void machine_check(struct vcpu *v)
{
    (void)v;
    panic("machine check while a guest ran: the machine's memory or CPU is faulty");
}

static void halt(struct vcpu *v)
{
    vcpu_advance(v, 1);
    v->halted = true;
    v->wish = VCPU_HALTED;
}

static void give_cpuid(struct vcpu *v)
{
    struct cpuid c = cpuid_guest(v, (uint32_t)v->vmcb->rax, (uint32_t)v->registers.rcx);
    v->vmcb->rax = c.eax;
    v->registers.rbx = c.ebx;
    v->registers.rcx = c.ecx;
    v->registers.rdx = c.edx;
    vcpu_advance(v, 2);
}

static void use_msr(struct vcpu *v)
{
    uint32_t msr = (uint32_t)v->registers.rcx;
    uint64_t value = vcpu_pair(v->registers.rdx, v->vmcb->rax);
    bool write = v->vmcb->exit_info1;
    if (write ? msr_guest_write(v, msr, value) : msr_guest_read(v, msr, &value)) {
        vcpu_fault(v, VCPU_GP);
        return;
    }
    if (!write) {
        v->vmcb->rax = (uint32_t)value;
        v->registers.rdx = value >> 32;
    }
    vcpu_advance(v, 2);
}

/* IN and OUT (APM volume 2, 15.10.2). Their string forms are forbidden: no driver of what is offered uses them. */
static void use_port(struct vcpu *v)
{
    enum { IN = 1, STRING = 4 };
    uint64_t info = v->vmcb->exit_info1, *rax = &v->vmcb->rax;
    unsigned size = info >> 4 & 7;
    uint64_t mask = (UINT64_C(1) << size * 8) - 1, kept = size == 4 ? 0 : ~mask;
    if (info & STRING) {
        vcpu_fault(v, VCPU_GP);
        return;
    }
    uint64_t value = *rax & mask;
    vm_access(v->vm, &v->vm->ports, (uint16_t)(info >> 16), size, !(info & IN), &value);
    if (info & IN)
        *rax = (*rax & kept) | value;
    vcpu_advance(v, (unsigned)(v->vmcb->exit_info2 - v->vmcb->rip));
}

/* The only call there is: none. */
static void hypercall(struct vcpu *v)
{
    enum { NO_SUCH_CALL = -38 };
    v->vmcb->rax = (uint64_t)(int64_t)NO_SUCH_CALL;
    vcpu_advance(v, 3);
}

static void set_xcr0(struct vcpu *v)
{
    enum { X87 = 1, SSE = 2, AVX = 4 };
    uint64_t value = vcpu_pair(v->registers.rdx, v->vmcb->rax);
    bool sound = (value & X87) && !(value & ~cpuid_xcr0()) && (!(value & AVX) || (value & SSE));
    if (v->vmcb->cpl != 0 || (uint32_t)v->registers.rcx != 0 || !sound) {
        vcpu_fault(v, VCPU_GP);
        return;
    }
    fpu_set_xcr0(value);
    vcpu_advance(v, 3);
}

/* Cache invalidation: what the guest sees is coherent without it. */
static void skip_two(struct vcpu *v)
{
    vcpu_advance(v, 2);
}

static void undefined(struct vcpu *v)
{
    vcpu_fault(v, VCPU_UD);
}

static void forbidden(struct vcpu *v)
{
    vcpu_fault(v, VCPU_GP);
}

/* The IRET that ends an NMI's handler is about to run. */
static void unmask_nmi(struct vcpu *v)
{
    v->iret = v->vmcb->rip;
    v->vmcb->intercept[SVM_EXIT_IRET / 32] &= ~SVM_BIT(SVM_EXIT_IRET);
}

/* MOV to CR8, or LOCK MOV to CR0: the register is the last byte's low bits, the fourth one in a REX prefix. */
static void write_cr8(struct vcpu *v)
{
    enum { REX = 0x40, REX_B = 1, ESCAPE = 0x0f, MOV_TO_CR = 0x22 };
    uint8_t bytes[DECODE_MAX];
    size_t n = linear_fetch(v, bytes, sizeof bytes), at = 0;
    while (at < n && bytes[at] != ESCAPE)
        at++;
    if (at + 3 > n || bytes[at + 1] != MOV_TO_CR)
        return; /* the code has changed meanwhile: again */
    bool fourth = linear_is_64_bit(v) && at > 0 && (bytes[at - 1] & 0xf0) == REX && (bytes[at - 1] & REX_B);
    uint64_t value = *vcpu_register(v, (bytes[at + 2] & 7u) | (fourth ? 8u : 0u));
    if (value > 15) {
        vcpu_fault(v, VCPU_GP);
        return;
    }
    v->lapic.tpr = (uint32_t)value << 4;
    vcpu_advance(v, (unsigned)at + 3);
}

static void shutdown(struct vcpu *v)
{
    vcpu_crash(v, "triple fault");
}

static const struct {
    void (*deal)(struct vcpu *);
    enum exit_kind kind;
} table[SVM_EXIT_CODES] = {
    [SVM_EXIT_WRITE_CR8] = {write_cr8, EXIT_OTHER},
    [SVM_EXIT_EXCEPTION + VCPU_DB] = {reflect, EXIT_EXCEPTION},
    [SVM_EXIT_EXCEPTION + VCPU_AC] = {reflect, EXIT_EXCEPTION},
    [SVM_EXIT_EXCEPTION + VCPU_MC] = {machine_check, EXIT_EXCEPTION},
    [SVM_EXIT_INTR] = {take_interrupt, EXIT_INTERRUPT},
    [SVM_EXIT_NMI... SVM_EXIT_INIT] = {take_interrupt, EXIT_OTHER},
    [SVM_EXIT_RDPMC] = {forbidden, EXIT_OTHER},
    [SVM_EXIT_CPUID] = {give_cpuid, EXIT_CPUID},
    [SVM_EXIT_IRET] = {unmask_nmi, EXIT_OTHER},
    [SVM_EXIT_INVD] = {skip_two, EXIT_OTHER},
    [SVM_EXIT_HLT] = {halt, EXIT_HALT},
    [SVM_EXIT_INVLPGA] = {undefined, EXIT_OTHER},
    [SVM_EXIT_IOIO] = {use_port, EXIT_PORT},
    [SVM_EXIT_MSR] = {use_msr, EXIT_MSR_READ},
    [SVM_EXIT_FERR] = {take_interrupt, EXIT_OTHER},
    [SVM_EXIT_SHUTDOWN] = {shutdown, EXIT_SHUTDOWN},
    [SVM_EXIT_VMRUN] = {undefined, EXIT_OTHER},
    [SVM_EXIT_VMMCALL] = {hypercall, EXIT_HYPERCALL},
    [SVM_EXIT_VMLOAD... SVM_EXIT_SKINIT] = {undefined, EXIT_OTHER},
    [SVM_EXIT_WBINVD] = {skip_two, EXIT_OTHER},
    [SVM_EXIT_MONITOR... SVM_EXIT_MWAIT_ARMED] = {undefined, EXIT_OTHER},
    [SVM_EXIT_XSETBV] = {set_xcr0, EXIT_OTHER},
    [SVM_EXIT_RDPRU] = {undefined, EXIT_OTHER},
};

void exits_intercept(struct vmcb *c)
{
    for (unsigned code = 0; code < SVM_EXIT_CODES; code++)
        if (table[code].deal && code != SVM_EXIT_IRET)
            c->intercept[code / 32] |= SVM_BIT(code);
}

enum exit_kind exits_deal(struct vcpu *v)
{
    uint64_t code = v->vmcb->exit_code;
    v->trail[v->left++ % VCPU_TRAIL] = (struct vcpu_exit){code, v->vmcb->rip, v->vmcb->exit_event};
    if (code == SVM_EXIT_NPF)
        return exits_fault(v);
    if (code < SVM_EXIT_CODES && table[code].deal) {
        table[code].deal(v);
        return code == SVM_EXIT_MSR && v->vmcb->exit_info1 ? EXIT_MSR_WRITE : table[code].kind;
    }
    vcpu_crash(v, code == UINT64_MAX || code == UINT32_MAX ? "invalid control block" : "exit of an unknown kind");
    return EXIT_SHUTDOWN;
}
