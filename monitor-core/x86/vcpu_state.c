/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A virtual CPU's architectural state: reset and start, registers, faults.
 */
#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/cpuid.h"
#include "monitor-core/x86/exits.h"
#include "monitor-core/x86/fpu.h"
#include "monitor-core/x86/linear.h"
#include "monitor-core/x86/msr.h"
#include "monitor-core/x86/vm.h"

/* After a reset or an INIT (APM volume 2, table 14-1), but for caches on: an emulated CPU has none, and a guest that
 * starts at a kernel's entry point never turns them on. */
void vcpu_begin(struct vcpu *v)
{
    struct vmcb *c = v->vmcb;
    uint64_t nested_cr3 = c->nested_cr3;
    __builtin_memset(c, 0, sizeof *c);
    svm_control(c);
    exits_intercept(c);
    v->space.generation = 0; /* translations of before are gone */
    c->nested_cr3 = nested_cr3;
    const struct svm_segment data = {.attributes = 0x93, .limit = 0xffff};
    c->es = c->ss = c->ds = c->fs = c->gs = data;
    c->cs = (struct svm_segment){.selector = 0xf000, .attributes = 0x9b, .limit = 0xffff, .base = 0xffff0000};
    c->gdtr.limit = c->idtr.limit = 0xffff;
    c->ldtr = (struct svm_segment){.attributes = 0x82, .limit = 0xffff};
    c->tr = (struct svm_segment){.attributes = 0x8b, .limit = 0xffff};
    c->cr0 = 0x10;
    c->dr6 = 0xffff0ff0;
    c->dr7 = 0x400;
    c->rflags = 2;
    c->rip = 0xfff0;
    c->efer = MSR_EFER_SVME;
    c->pat = UINT64_C(0x0007040600070406);
    v->registers = (struct svm_registers){.rdx = cpuid_guest(v, 1, 0).eax};
    v->iret = UINT64_MAX;
    v->halted = false;
    v->eoi = 0;
    v->eoi_spared = false;
    __atomic_store_n(&v->stuck, false, __ATOMIC_RELEASE);
    lapic_init(&v->lapic, v->index, machine_x86.tsc_khz);
}

void vcpu_reset(struct vcpu *v)
{
    v->clock_gpa = v->tsc_aux = 0;
    v->xcr0 = 1;
    __builtin_memset(v->dr, 0, sizeof v->dr);
    fpu_reset(v->fpu);
    __atomic_store_n(&v->start, VCPU_WAITS, __ATOMIC_RELEASE);
    vcpu_begin(v);
}

void vcpu_start(struct vcpu *v, uint64_t rip, uint64_t rsi, uint64_t cr3, uint64_t gdt)
{
    enum { BOOT_CS = 0x10, BOOT_DS = 0x18, GDT_LIMIT = 0x1f };
    struct vmcb *c = v->vmcb;
    c->cs = (struct svm_segment){.selector = BOOT_CS, .attributes = 0xa9b, .limit = UINT32_MAX};
    c->ds = (struct svm_segment){.selector = BOOT_DS, .attributes = 0xc93, .limit = UINT32_MAX};
    c->es = c->ss = c->ds;
    c->gdtr = (struct svm_segment){.limit = GDT_LIMIT, .base = gdt};
    c->cr0 = UINT64_C(0x80000013); /* PG, ET, MP, PE */
    c->cr4 = 0x20;                 /* PAE */
    c->cr3 = cr3;
    c->efer = MSR_EFER_SVME | MSR_EFER_LME | MSR_EFER_LMA;
    c->rip = rip;
    v->registers.rsi = rsi;
    __atomic_store_n(&v->start, VCPU_RUNS, __ATOMIC_RELEASE);
}

uint64_t *vcpu_register(struct vcpu *v, unsigned number)
{
    struct svm_registers *r = &v->registers;
    uint64_t *const all[16] = {&v->vmcb->rax, &r->rcx, &r->rdx, &r->rbx, &v->vmcb->rsp, &r->rbp, &r->rsi, &r->rdi,
                               &r->r8,        &r->r9,  &r->r10, &r->r11, &r->r12,       &r->r13, &r->r14, &r->r15};
    return all[number & 15];
}

void vcpu_advance(struct vcpu *v, unsigned length)
{
    enum { SINGLE_STEP = 1 << 14 };
    const uint64_t trap = 1 << 8;
    struct vmcb *c = v->vmcb;
    uint64_t next = c->next_rip ? c->next_rip : c->rip + length;
    c->rip = linear_is_64_bit(v) ? next : next & UINT32_MAX;
    c->shadow &= ~UINT64_C(1);
    if (c->rflags & trap) {
        c->dr6 |= SINGLE_STEP;
        vcpu_fault(v, VCPU_DB);
    }
}

void vcpu_fault(struct vcpu *v, unsigned vector)
{
    bool code = vector == VCPU_GP || vector == VCPU_AC;
    v->vmcb->event = svm_event(SVM_EVENT_EXCEPTION, vector) | (code ? SVM_EVENT_ERROR : 0);
}

/* The oldest first. */
static void tell_trail(const struct vcpu *v)
{
    for (uint32_t i = 0; i < VCPU_TRAIL; i++) {
        const struct vcpu_exit *e = &v->trail[(v->left + i) % VCPU_TRAIL];
        if (v->left + i >= VCPU_TRAIL)
            print("VM %s: virtual CPU %u: exit %llx at rip %llx, event %llx", v->vm->config->name, v->index,
                  (unsigned long long)e->code, (unsigned long long)e->rip, (unsigned long long)e->event);
    }
}

void vcpu_crash(struct vcpu *v, const char *what)
{
    const struct vmcb *c = v->vmcb;
    tell_trail(v);
    vm_end(v->vm, VM_CRASHED, "%s at rip %llx, cr3 %llx, error %llx, address %llx", what, (unsigned long long)c->rip,
           (unsigned long long)c->cr3, (unsigned long long)c->exit_info1, (unsigned long long)c->exit_info2);
    v->wish = VCPU_WAITING;
}
