/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/exits.h"

#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/cpuid.h"
#include "monitor-core/x86/decode.h"
#include "monitor-core/x86/fpu.h"
#include "monitor-core/x86/linear.h"
#include "monitor-core/x86/msr.h"
#include "monitor-core/x86/vm.h"

static enum exit_kind take_interrupt(struct vcpu *v)
{
    (void)v;
    cpu_take_interrupts();
    return EXIT_INTERRUPT;
}

/* NMI, SMI and INIT: pending still, taken by the CPU as soon as it leaves CLGI. */
static enum exit_kind nothing(struct vcpu *v)
{
    (void)v;
    return EXIT_OTHER;
}

static enum exit_kind open_window(struct vcpu *v)
{
    (void)v;
    return EXIT_WINDOW;
}

/* An exception that a guest could raise without end: back to the guest, unless an event is on its way already, which
 * then brings it about again. */
static enum exit_kind reflect(struct vcpu *v)
{
    enum { ALIGNMENT = 17 };
    unsigned vector = (unsigned)(v->vmcb->exit_code - SVM_EXIT_EXCEPTION);
    if (v->vmcb->event & SVM_EVENT_VALID)
        return EXIT_EXCEPTION;
    if (vector == ALIGNMENT)
        vcpu_fault_code(v, vector, 0);
    else
        vcpu_fault(v, vector);
    return EXIT_EXCEPTION;
}

static enum exit_kind machine_check(struct vcpu *v)
{
    (void)v;
    panic("machine check while a guest ran: the machine's memory or CPU is faulty");
}

static enum exit_kind halt(struct vcpu *v)
{
    vcpu_advance(v, 1);
    v->halted = true;
    v->wish = VCPU_HALTED;
    return EXIT_HALT;
}

static enum exit_kind give_cpuid(struct vcpu *v)
{
    struct cpuid c = cpuid_guest(v, (uint32_t)v->vmcb->rax, (uint32_t)v->registers.rcx);
    v->vmcb->rax = c.eax;
    v->registers.rbx = c.ebx;
    v->registers.rcx = c.ecx;
    v->registers.rdx = c.edx;
    vcpu_advance(v, 2);
    return EXIT_CPUID;
}

static enum exit_kind read_msr(struct vcpu *v)
{
    uint64_t value = 0;
    if (msr_guest_read(v, (uint32_t)v->registers.rcx, &value)) {
        vcpu_fault_code(v, VCPU_GP, 0);
        return EXIT_MSR_READ;
    }
    v->vmcb->rax = (uint32_t)value;
    v->registers.rdx = value >> 32;
    vcpu_advance(v, 2);
    return EXIT_MSR_READ;
}

static enum exit_kind use_msr(struct vcpu *v)
{
    if (!v->vmcb->exit_info1)
        return read_msr(v);
    if (msr_guest_write(v, (uint32_t)v->registers.rcx, vcpu_pair(v->registers.rdx, v->vmcb->rax)))
        vcpu_fault_code(v, VCPU_GP, 0);
    else
        vcpu_advance(v, 2);
    return EXIT_MSR_WRITE;
}

/* The only call there is: none. */
static enum exit_kind hypercall(struct vcpu *v)
{
    enum { NO_SUCH_CALL = -38 };
    v->vmcb->rax = (uint64_t)(int64_t)NO_SUCH_CALL;
    vcpu_advance(v, 3);
    return EXIT_HYPERCALL;
}

static enum exit_kind set_xcr0(struct vcpu *v)
{
    enum { X87 = 1, SSE = 2, AVX = 4 };
    uint64_t value = vcpu_pair(v->registers.rdx, v->vmcb->rax);
    bool sound = (value & X87) && !(value & ~cpuid_xcr0()) && (!(value & AVX) || (value & SSE));
    if (v->vmcb->cpl != 0 || (uint32_t)v->registers.rcx != 0 || !sound) {
        vcpu_fault_code(v, VCPU_GP, 0);
        return EXIT_OTHER;
    }
    fpu_set_xcr0(value);
    vcpu_advance(v, 3);
    return EXIT_OTHER;
}

/* Cache invalidation: what the guest sees is coherent without it. */
static enum exit_kind skip_two(struct vcpu *v)
{
    vcpu_advance(v, 2);
    return EXIT_OTHER;
}

static enum exit_kind undefined(struct vcpu *v)
{
    vcpu_fault(v, VCPU_UD);
    return EXIT_OTHER;
}

static enum exit_kind forbidden(struct vcpu *v)
{
    vcpu_fault_code(v, VCPU_GP, 0);
    return EXIT_OTHER;
}

/* The IRET that ends an NMI's handler is about to run: the next NMI waits at least until the exit after it. */
static enum exit_kind unmask_nmi(struct vcpu *v)
{
    v->nmi_masked = false;
    v->vmcb->intercept[0] &= ~(UINT32_C(1) << (SVM_EXIT_IRET & 31));
    return EXIT_OTHER;
}

/* MOV to CR8, or LOCK MOV to CR0: the register is the last byte's low bits, the fourth one in a REX prefix. */
static enum exit_kind write_cr8(struct vcpu *v)
{
    enum { REX = 0x40, REX_B = 1, ESCAPE = 0x0f, MOV_TO_CR = 0x22 };
    uint8_t bytes[DECODE_MAX];
    size_t n = linear_fetch(v, bytes, sizeof bytes), at = 0;
    while (at < n && bytes[at] != ESCAPE)
        at++;
    if (at + 3 > n || bytes[at + 1] != MOV_TO_CR)
        return EXIT_OTHER; /* the code has changed meanwhile: again */
    bool fourth = linear_mode(v) == 64 && at > 0 && (bytes[at - 1] & 0xf0) == REX && (bytes[at - 1] & REX_B);
    uint64_t value = *vcpu_register(v, (bytes[at + 2] & 7u) | (fourth ? 8u : 0u));
    if (value > 15) {
        vcpu_fault_code(v, VCPU_GP, 0);
        return EXIT_OTHER;
    }
    v->lapic.tpr = (uint32_t)value << 4;
    vcpu_advance(v, (unsigned)at + 3);
    return EXIT_OTHER;
}

static enum exit_kind shutdown(struct vcpu *v)
{
    vcpu_crash(v, "triple fault");
    return EXIT_SHUTDOWN;
}

static enum exit_kind (*const table[SVM_EXIT_CODES])(struct vcpu *) = {
    [SVM_EXIT_WRITE_CR8] = write_cr8,
    [SVM_EXIT_EXCEPTION + 1] = reflect,
    [SVM_EXIT_EXCEPTION + 17] = reflect,
    [SVM_EXIT_EXCEPTION + 18] = machine_check,
    [SVM_EXIT_INTR] = take_interrupt,
    [SVM_EXIT_NMI] = nothing,
    [SVM_EXIT_SMI] = nothing,
    [SVM_EXIT_INIT] = nothing,
    [SVM_EXIT_VINTR] = open_window,
    [SVM_EXIT_RDPMC] = forbidden,
    [SVM_EXIT_CPUID] = give_cpuid,
    [SVM_EXIT_IRET] = unmask_nmi,
    [SVM_EXIT_INVD] = skip_two,
    [SVM_EXIT_HLT] = halt,
    [SVM_EXIT_INVLPGA] = undefined,
    [SVM_EXIT_IOIO] = io_port,
    [SVM_EXIT_MSR] = use_msr,
    [SVM_EXIT_FERR] = nothing,
    [SVM_EXIT_SHUTDOWN] = shutdown,
    [SVM_EXIT_VMRUN] = undefined,
    [SVM_EXIT_VMMCALL] = hypercall,
    [SVM_EXIT_VMLOAD] = undefined,
    [SVM_EXIT_VMSAVE] = undefined,
    [SVM_EXIT_STGI] = undefined,
    [SVM_EXIT_CLGI] = undefined,
    [SVM_EXIT_SKINIT] = undefined,
    [SVM_EXIT_WBINVD] = skip_two,
    [SVM_EXIT_MONITOR] = undefined,
    [SVM_EXIT_MWAIT] = undefined,
    [SVM_EXIT_MWAIT_ARMED] = undefined,
    [SVM_EXIT_XSETBV] = set_xcr0,
    [SVM_EXIT_RDPRU] = undefined,
};

enum exit_kind exits_deal(struct vcpu *v)
{
    uint64_t code = v->vmcb->exit_code;
    if (code == SVM_EXIT_NPF)
        return exits_fault(v);
    if (code < SVM_EXIT_CODES && table[code])
        return table[code](v);
    vcpu_crash(v, code == UINT64_MAX || code == UINT32_MAX ? "invalid control block" : "exit of an unknown kind");
    return EXIT_SHUTDOWN;
}
